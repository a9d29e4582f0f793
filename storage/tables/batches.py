"""Batches: many files that are inspected by one job, and what became of each of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import BIG_ID, NEVER_REUSE_IDS, json_object, moment, reference, row_id


class Batch(SQLModel, table=True):
    """What a batch was asked for. `request_key` is of whoever asked: asked twice with one key, there is one batch."""

    __tablename__: ClassVar[str] = "batches"

    job_id: int = Field(foreign_key="deployment_logs.id", sa_type=BIG_ID, primary_key=True)
    request_key: str = Field(max_length=64, unique=True)
    product_id: int = reference("products.id")
    folder: str = Field(default="", max_length=64)  # below `batches/`; empty where its files are not ours
    title: str = Field(default="", max_length=255)
    line: str = Field(default="", max_length=64)
    lot: str = Field(default="", max_length=64)
    shift: str = Field(default="", max_length=32)
    serial_rule: str = Field(default="", max_length=200)
    created_at: datetime = moment(index=True)


class BatchItem(SQLModel, table=True):
    """One file of a batch. `object_key` is where it lies until it is inspected, then empty."""

    __tablename__: ClassVar[str] = "batch_items"
    __table_args__ = (
        UniqueConstraint("job_id", "place"),
        CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state"),
        Index("ix_batch_items_state", "job_id", "state"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    job_id: int = reference("batches.job_id", index=False)
    place: int
    name: str = Field(max_length=255)
    object_key: str = Field(default="", max_length=255)
    byte_size: int = Field(default=0, sa_type=BigInteger)
    state: str = Field(default="waiting", max_length=8)
    inspection_id: int | None = reference("inspections.id", optional=True)
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
