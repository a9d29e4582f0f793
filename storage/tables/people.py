"""People, what they signed in with, and what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import NEVER_REUSE_IDS, json_object, moment, reference, row_id


class User(SQLModel, table=True):
    """A person. `login` is the sign-in name, or the subject given by the identity provider."""

    __tablename__: ClassVar[str] = "users"
    __table_args__ = (CheckConstraint("role IN ('worker', 'engineer', 'admin')", name="role"), NEVER_REUSE_IDS)

    id: int = row_id()
    login: str = Field(max_length=190, unique=True)
    display_name: str = Field(max_length=190)
    role: str = Field(max_length=16)
    password_hash: str | None = Field(default=None, max_length=255)
    language: str | None = Field(default=None, max_length=8)
    is_active: bool = True
    created_at: datetime = moment()
    last_seen_at: datetime | None = moment(optional=True)
    row_version: int = 1
    sign_in_epoch: int = 0  # raised when everybody who has signed in until now must do so again


class SignInSession(SQLModel, table=True):
    """A browser in which somebody has signed in. The cookie's token is kept as its SHA-256 only."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    token_sha256: str = Field(max_length=64, unique=True)
    user_id: int = reference("users.id")
    sign_in_epoch: int
    address: str = Field(default="", max_length=64)
    created_at: datetime = moment()
    last_seen_at: datetime = moment()
    ended_at: datetime | None = moment(optional=True)


class SignInFailure(SQLModel, table=True):
    """Wrong passwords in a row, counted for one `subject`: a login name at an address, a device, an address."""

    __tablename__: ClassVar[str] = "sign_in_failures"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    subject: str = Field(max_length=255, unique=True)
    login: str = Field(default="", max_length=190, index=True)
    failures: int = 0
    last_failure_at: datetime = moment(index=True)


class AuditLog(SQLModel, table=True):
    """Who changed what, when. Rows are only ever added."""

    __tablename__: ClassVar[str] = "audit_log"
    __table_args__ = (Index("ix_audit_log_subject", "subject_type", "subject_id"), NEVER_REUSE_IDS)

    id: int = row_id()
    created_at: datetime = moment(index=True)
    user_id: int | None = reference("users.id", optional=True)
    user_name: str = Field(default="", max_length=190)
    action: str = Field(max_length=64)
    subject_type: str = Field(max_length=32)
    subject_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    details: dict[str, Any] = json_object()
