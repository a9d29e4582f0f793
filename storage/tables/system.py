"""Settings of the whole system, and its workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from storage.tables.columns import Versioned, json_object, moment, reference


class SystemConfig(Versioned, table=True):
    """System-wide settings that people change on screen."""

    __tablename__: ClassVar[str] = "system_config"

    key: str = Field(max_length=64, primary_key=True)
    value: dict[str, Any] = json_object()
    updated_at: datetime = moment()
    updated_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class Worker(SQLModel, table=True):
    """A worker process that is (or was) alive: its heartbeat."""

    __tablename__: ClassVar[str] = "workers"

    id: str = Field(max_length=64, primary_key=True)
    host: str = Field(max_length=190)
    pid: int
    started_at: datetime = moment()
    heartbeat_at: datetime = moment()
    job_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
