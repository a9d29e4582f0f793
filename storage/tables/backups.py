"""Backups: each one that was made, or is being made."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import NEVER_REUSE_IDS, json_object, moment, reference, row_id


class Backup(SQLModel, table=True):
    """One backup. `path` is the file that it was written to; an incremental one names the backup it stands on."""

    __tablename__: ClassVar[str] = "backups"
    __table_args__ = (
        CheckConstraint("kind IN ('full', 'incremental')", name="kind"),
        CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    kind: str = Field(default="full", max_length=16)
    state: str = Field(default="running", max_length=8)
    path: str = Field(max_length=700)
    on_id: int | None = reference("backups.id", optional=True)
    job_id: int | None = reference("deployment_logs.id", optional=True)
    is_encrypted: bool = False
    byte_size: int = Field(default=0, sa_type=BigInteger)
    objects: int = Field(default=0, sa_type=BigInteger)
    manifest_sha256: str = Field(default="", max_length=64)
    figures: dict[str, Any] = json_object()
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    asked_by: int | None = reference("users.id", optional=True, index=False)
    began_at: datetime = moment(index=True)
    finished_at: datetime | None = moment(optional=True)
    verified_at: datetime | None = moment(optional=True)
    removed_at: datetime | None = moment(optional=True)
