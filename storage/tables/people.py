"""People, what they signed in with, and what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import BIG_ID, NEVER_REUSE_IDS, Versioned, json_object, moment, reference, row_id


class User(Versioned, table=True):
    """A person. `login` is the sign-in name, or the subject given by the identity provider."""

    __tablename__: ClassVar[str] = "users"
    __table_args__ = (
        CheckConstraint("role IN ('worker', 'engineer', 'admin')", name="role"),
        Index("uq_users_identity", "identity", unique=True),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    login: str = Field(max_length=190, unique=True)
    display_name: str = Field(max_length=190)
    role: str = Field(max_length=16)
    password_hash: str | None = Field(default=None, max_length=255)
    identity: str | None = Field(default=None, max_length=255)  # "issuer|subject" at an OpenID provider
    must_change_password: bool = False  # somebody else set it
    password_set_at: datetime | None = moment(optional=True)
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
    device: str = Field(default="", max_length=190)  # the browser's own words about itself
    method: str = Field(default="password", max_length=16)
    created_at: datetime = moment()
    last_seen_at: datetime = moment()
    ended_at: datetime | None = moment(optional=True)


class SignInCode(SQLModel, table=True):
    """A code that lets somebody in once: the first administrator, an invitation, a new password. Kept as SHA-256."""

    __tablename__: ClassVar[str] = "sign_in_codes"
    __table_args__ = (
        CheckConstraint("purpose IN ('first_admin', 'invitation', 'reset')", name="purpose"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    code_sha256: str = Field(max_length=64, unique=True)
    purpose: str = Field(max_length=16)
    user_id: int | None = reference("users.id", optional=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    expires_at: datetime = moment()
    used_at: datetime | None = moment(optional=True)
    revoked_at: datetime | None = moment(optional=True)


class UserBinding(SQLModel, table=True):
    """A line, or a product, that an account is bound to. An account without rows of a kind is not bound in it."""

    __tablename__: ClassVar[str] = "user_bindings"
    __table_args__ = (CheckConstraint("kind IN ('line', 'product')", name="kind"), NEVER_REUSE_IDS)

    id: int = row_id()
    user_id: int = reference("users.id")
    kind: str = Field(max_length=16)
    line: str = Field(default="", max_length=64)
    product_id: int | None = reference("products.id", optional=True)


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
    """Who changed what, when, from where. Rows are only ever added.

    `position` counts them without a gap in the order in which they were committed; `seal` is the SHA-256 of the row
    and of the seal before it (`storage.audit_chain`).
    """

    __tablename__: ClassVar[str] = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_subject", "subject_type", "subject_id"),
        Index("ix_audit_log_action", "action", "id"),
        Index("ix_audit_log_outcome", "outcome", "id"),
        Index("uq_audit_log_position", "position", unique=True),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    created_at: datetime = moment(index=True)
    # No foreign key: it would lock the account of whoever acts, and two who change each other's would be a deadlock.
    user_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True, index=True)
    user_name: str = Field(default="", max_length=190)
    action: str = Field(max_length=64)
    subject_type: str = Field(max_length=32)
    subject_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    details: dict[str, Any] = json_object()
    outcome: str = Field(default="done", max_length=8)  # or "refused"
    channel: str = Field(default="", max_length=16)
    address: str = Field(default="", max_length=64)
    position: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    seal: str = Field(default="", max_length=64)


class AuditChain(SQLModel, table=True):
    """The end of the chain of the audit log: one row (id 1), locked by whoever adds to the log."""

    __tablename__: ClassVar[str] = "audit_chain"

    id: int = Field(default=1, primary_key=True)
    position: int = Field(default=0, sa_type=BigInteger)
    seal: str = Field(default="", max_length=64)
    updated_at: datetime = moment()
