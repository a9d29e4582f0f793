"""Inspections, what was found to look alike, and the guidance that was written."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Double, Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import NEVER_REUSE_IDS, double, json_list, json_object, long_text, moment, reference, row_id


class Inspection(SQLModel, table=True):
    """One inspected part and everything that was known at the time."""

    __tablename__: ClassVar[str] = "inspections"
    __table_args__ = (
        CheckConstraint("verdict IN ('ok', 'review', 'reject')", name="verdict"),
        CheckConstraint("final_verdict IN ('ok', 'review', 'reject')", name="final_verdict"),
        CheckConstraint("action_status IN ('none', 'open', 'done')", name="action_status"),
        CheckConstraint("source IN ('upload', 'camera', 'sample', 'batch', 'cli')", name="source"),
        Index("ix_inspections_product_time", "product_id", "created_at"),
        Index("ix_inspections_verdict_time", "final_verdict", "created_at"),
        Index("ix_inspections_action_time", "action_status", "created_at"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    created_at: datetime = moment(index=True)
    created_by: int | None = reference("users.id", optional=True)
    source: str = Field(max_length=16)
    batch_job_id: int | None = reference("deployment_logs.id", optional=True)
    original_name: str = Field(max_length=255)
    image_key: str = Field(max_length=255)
    thumbnail_key: str = Field(max_length=255)
    heat_map_key: str = Field(max_length=255)
    image_sha256: str = Field(max_length=64, index=True)
    width_px: int
    height_px: int
    image_notes: list[str] = json_list()
    score: float = double()
    review_at: float = double()
    reject_at: float = double()
    memory_bank_version_id: int = reference("model_versions.id", index=False)
    threshold_setting_id: int = reference("threshold_settings.id", index=False)
    normal_index_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    defect_index_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    preprocessing: dict[str, Any] = json_object()
    regions: list[dict[str, Any]] = json_list()
    # Deliberately without foreign key: a curated image may be deleted later, what was shown then stays known by name.
    nearest_image_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    nearest_image_name: str = Field(default="", max_length=190)
    verdict: str = Field(max_length=16)
    final_verdict: str = Field(max_length=16)
    override_reason: str = long_text()
    overridden_at: datetime | None = moment(optional=True)
    overridden_by: int | None = reference("users.id", optional=True, index=False)
    suggested_defect_type_id: int | None = reference("defect_types.id", optional=True, index=False)
    suggestion_confidence: float | None = Field(default=None, sa_type=Double, nullable=True)
    final_defect_type_id: int | None = reference("defect_types.id", optional=True)
    confirmed_at: datetime | None = moment(optional=True)
    confirmed_by: int | None = reference("users.id", optional=True, index=False)
    line: str = Field(default="", max_length=64, index=True)
    lot: str = Field(default="", max_length=64, index=True)
    serial: str = Field(default="", max_length=64, index=True)
    shift: str = Field(default="", max_length=32)
    action_status: str = Field(default="none", max_length=16)
    action_note: str = long_text()
    action_at: datetime | None = moment(optional=True)
    action_by: int | None = reference("users.id", optional=True, index=False)
    latency_ms: float = double(0.0)
    row_version: int = 1


class SearchHistory(SQLModel, table=True):
    """One search of similar images and what it returned (names and similarities as of then)."""

    __tablename__: ClassVar[str] = "search_history"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    inspection_id: int | None = reference("inspections.id", optional=True)
    product_id: int = reference("products.id")
    image_type: str = Field(max_length=16)
    model_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    query_text: str = long_text()
    top_k: int
    results: list[dict[str, Any]] = json_list()
    latency_ms: float = double(0.0)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class ResponseHistory(SQLModel, table=True):
    """One written guidance: passages, model, cost and text."""

    __tablename__: ClassVar[str] = "response_history"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    inspection_id: int | None = reference("inspections.id", optional=True)
    product_id: int = reference("products.id")
    language: str = Field(max_length=8)
    model_name: str = Field(max_length=190)
    model_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    passages: list[dict[str, Any]] = json_list()
    answer: str = long_text()
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = double(0.0)
    fallback_code: str | None = Field(default=None, max_length=64)
    rating: int | None = None
    rating_reason: str = long_text()
    created_at: datetime = moment(index=True)
    created_by: int | None = reference("users.id", optional=True, index=False)
