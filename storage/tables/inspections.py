"""Inspections, what was found to look alike, and the guidance that was written."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    BIG_ID,
    NEVER_REUSE_IDS,
    Versioned,
    double,
    json_list,
    json_object,
    long_text,
    moment,
    reference,
    row_id,
)


class Inspection(Versioned, table=True):
    """One inspected part and everything that was known at the time."""

    __tablename__: ClassVar[str] = "inspections"
    __table_args__ = (
        CheckConstraint("verdict IN ('ok', 'review', 'reject')", name="verdict"),
        CheckConstraint("final_verdict IN ('ok', 'review', 'reject')", name="final_verdict"),
        CheckConstraint("action_status IN ('none', 'open', 'done')", name="action_status"),
        CheckConstraint("source IN ('upload', 'camera', 'sample', 'batch', 'cli', 'api', 'watch')", name="source"),
        CheckConstraint("review_state IN ('none', 'waiting', 'done')", name="review_state"),
        Index("ix_inspections_product_time", "product_id", "created_at"),
        Index("ix_inspections_verdict_time", "final_verdict", "created_at"),
        # Open actions are counted by age, product and person from it alone.
        Index("ix_inspections_action_time", "action_status", "created_at", "product_id", "created_by"),
        # What people confirmed makes an index out of date: asked by every screen, and answered from it alone.
        Index("ix_inspections_confirmed", "confirmed_at", "product_id", "final_verdict", "final_defect_type_id"),
        Index("ix_inspections_review_time", "review_state", "created_at"),
        Index("ix_inspections_model_verdict_time", "verdict", "created_at"),
        Index("ix_inspections_type_time", "final_defect_type_id", "created_at"),
        Index("ix_inspections_suggestion_time", "suggested_defect_type_id", "confirmed_at", "created_at"),
        Index("ix_inspections_line_time", "line", "created_at"),
        Index("ix_inspections_lot_time", "lot", "created_at"),
        Index("ix_inspections_serial_time", "serial", "created_at"),
        Index("ix_inspections_person_time", "created_by", "created_at"),
        Index("ix_inspections_source_time", "source", "created_at"),
        Index("ix_inspections_batch_time", "batch_job_id", "created_at"),
        # All that the history filters by (16 columns are the most that MariaDB takes): several filters together are
        # answered from it without reading the rows, which are ten times as large.
        Index(
            "ix_inspections_history",
            "created_at",
            "product_id",
            "final_verdict",
            "verdict",
            "action_status",
            "review_state",
            "final_defect_type_id",
            "suggested_defect_type_id",
            "confirmed_at",
            "source",
            "line",
            "lot",
            "created_by",
            "batch_job_id",
            "serial",
            "original_name",
        ),
        Index("ix_inspections_idempotency_key", "idempotency_key", unique=True),
        # The counters of a shift are read from it alone.
        Index("ix_inspections_line_shift", "product_id", "line", "created_at", "shift", "final_verdict"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    created_at: datetime = moment(index=True)
    created_by: int | None = reference("users.id", optional=True, index=False)
    source: str = Field(max_length=16)
    batch_job_id: int | None = reference("deployment_logs.id", optional=True, index=False)
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
    # What the trained model in use said (its label, probabilities, boxes), and whether it held the part back.
    trained_version_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True)
    trained_finding: dict[str, Any] | None = Field(default=None, sa_type=JSON, nullable=True)
    suggestion_confidence: float | None = Field(default=None, sa_type=Double, nullable=True)
    final_defect_type_id: int | None = reference("defect_types.id", optional=True, index=False)
    confirmed_at: datetime | None = moment(optional=True)
    confirmed_by: int | None = reference("users.id", optional=True, index=False)
    line: str = Field(default="", max_length=64)
    lot: str = Field(default="", max_length=64)
    serial: str = Field(default="", max_length=64)
    shift: str = Field(default="", max_length=32)
    action_status: str = Field(default="none", max_length=16)
    action_note: str = long_text()
    action_at: datetime | None = moment(optional=True)
    action_by: int | None = reference("users.id", optional=True, index=False)
    # Every Review verdict and every override waits for a person to confirm it.
    review_state: str = Field(default="none", max_length=8)
    reviewed_at: datetime | None = moment(optional=True)
    reviewed_by: int | None = reference("users.id", optional=True, index=False)
    # Of a product with views: the rule that combined them, what the views that found it make it (internal, external,
    # combined), and required views without a picture. Then the score is the combined probability, 0 to 1.
    # Without foreign key: SQLite would build a million rows anew for it. Rules are never deleted, but with a product.
    fusion_setting_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True)
    found_as: str = Field(default="", max_length=16)
    missing_views: list[str] | None = Field(default=None, sa_type=JSON, nullable=True)
    raised_by: float = double(0.0)  # by how much the known defects raised the score, which includes it
    # Who asks twice with one key (a press repeated, a request sent again, a batch resumed) gets one inspection.
    idempotency_key: str | None = Field(default=None, max_length=128)
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


class ChecklistTick(SQLModel, table=True):
    """A corrective step that somebody carried out. `step_key` is of the step's text, which may be written again."""

    __tablename__: ClassVar[str] = "checklist_ticks"
    __table_args__ = (
        CheckConstraint("section IN ('cause', 'action', 'check', 'prevention')", name="section"),
        UniqueConstraint("inspection_id", "step_key", name="uq_checklist_ticks_inspection_step"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    inspection_id: int = reference("inspections.id", index=False)
    step_key: str = Field(max_length=64, index=True)
    section: str = Field(max_length=16)
    step_text: str = long_text()
    ticked_at: datetime = moment()
    ticked_by: int | None = reference("users.id", optional=True, index=False)


class NoteDraft(SQLModel, table=True):
    """What a person has typed about an inspection and not yet saved as a decision: a reload brings it back."""

    __tablename__: ClassVar[str] = "note_drafts"
    __table_args__ = (
        CheckConstraint("field IN ('action', 'override')", name="field"),
        UniqueConstraint("inspection_id", "user_id", "field", name="uq_note_drafts_inspection_user_field"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    inspection_id: int = reference("inspections.id", index=False)
    user_id: int = reference("users.id")
    field: str = Field(max_length=16)
    text: str = long_text()
    saved_at: datetime = moment()
