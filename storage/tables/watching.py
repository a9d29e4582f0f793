"""Watched folders with the files that came through them, and what is sent on: targets and their outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    NEVER_REUSE_IDS,
    Versioned,
    json_object,
    long_text,
    moment,
    reference,
    row_id,
)


class WatchFolder(Versioned, table=True):
    """A folder whose files are inspected as they arrive, and how it fares. A removed one keeps its number."""

    __tablename__: ClassVar[str] = "watch_folders"
    __table_args__ = (
        CheckConstraint("run_by IN ('worker', 'command')", name="run_by"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    path: str = Field(max_length=700, unique=True)
    product_id: int = reference("products.id")
    line: str = Field(default="", max_length=64)
    settings: dict[str, Any] = json_object()
    # Who watches it: the app's worker, or only a command while it runs.
    run_by: str = Field(default="worker", max_length=8)
    is_active: bool = Field(default=True, index=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    removed_at: datetime | None = moment(optional=True)
    holder: str = Field(default="", max_length=64)
    lease_expires_at: datetime | None = moment(optional=True)
    last_seen_at: datetime | None = moment(optional=True)
    last_file_at: datetime | None = moment(optional=True)
    last_error: str = Field(default="", max_length=64)
    last_error_params: dict[str, Any] = json_object()
    waiting: int = 0
    inspected_total: int = 0
    rejected_total: int = 0
    row_version: int = 1


class WatchFile(SQLModel, table=True):
    """A file of a watched folder that was decided on, written in the transaction of its inspection.

    `file_key` is the hash of its name and content. Without `finished_at` the file may still lie where it arrived.
    """

    __tablename__: ClassVar[str] = "watch_files"
    __table_args__ = (
        CheckConstraint("outcome IN ('inspected', 'rejected')", name="outcome"),
        UniqueConstraint("folder_id", "file_key", name="uq_watch_files_folder_id"),
        Index("ix_watch_files_folder_finished", "folder_id", "finished_at"),
        Index("ix_watch_files_folder_decided", "folder_id", "decided_at"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    folder_id: int = reference("watch_folders.id", index=False)
    file_key: str = Field(max_length=64)
    name: str = Field(max_length=255)
    outcome: str = Field(max_length=16)
    inspection_id: int | None = reference("inspections.id", optional=True)
    error: str = Field(default="", max_length=64)
    # Where the file goes, relative to the folder; known before it is moved.
    target: str = long_text()
    is_traced: bool = True  # False: the file's name did not fit the folder's rule
    decided_at: datetime = moment()
    finished_at: datetime | None = moment(optional=True)


class DeliveryTarget(SQLModel, table=True):
    """Where results are sent by themselves: a webhook or an MQTT broker. Its secrets are never here."""

    __tablename__: ClassVar[str] = "delivery_targets"
    __table_args__ = (
        CheckConstraint("kind IN ('webhook', 'mqtt')", name="kind"),
        CheckConstraint("verdicts IN ('all', 'not_ok', 'reject')", name="verdicts"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    name: str = Field(max_length=64, unique=True)
    kind: str = Field(max_length=8)
    settings: dict[str, Any] = json_object()
    product_id: int | None = reference("products.id", optional=True)
    verdicts: str = Field(default="all", max_length=8)
    is_active: bool = Field(default=True, index=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    last_sequence: int = Field(default=0, sa_type=BigInteger, nullable=False)
    holder: str = Field(default="", max_length=64)
    lease_expires_at: datetime | None = moment(optional=True)
    last_delivered_at: datetime | None = moment(optional=True)
    last_error: str = Field(default="", max_length=64)
    last_error_params: dict[str, Any] = json_object()


class Delivery(SQLModel, table=True):
    """A message of the outbox, written in the transaction of its inspection; sent in the order of its sequence."""

    __tablename__: ClassVar[str] = "deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name="state"),
        Index("ix_deliveries_target_state", "target_id", "state", "sequence"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    target_id: int = reference("delivery_targets.id", index=False)
    inspection_id: int = reference("inspections.id")
    message_id: str = Field(max_length=32)
    sequence: int = Field(sa_type=BigInteger)
    payload: dict[str, Any] = json_object()
    state: str = Field(default="waiting", max_length=16)
    attempts: int = 0
    created_at: datetime = moment()
    next_attempt_at: datetime = moment()
    delivered_at: datetime | None = moment(optional=True)
    last_error: str = Field(default="", max_length=64)
    last_error_params: dict[str, Any] = json_object()
