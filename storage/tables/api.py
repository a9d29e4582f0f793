"""The REST interface: the keys that programs come with, and the answers that a repeated request gets again."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import NEVER_REUSE_IDS, json_list, long_text, moment, reference, row_id


class ApiKey(SQLModel, table=True):
    """A key of the REST interface. Its secret is kept as SHA-256 only; `user_id` is an account of the key's own."""

    __tablename__: ClassVar[str] = "api_keys"
    __table_args__ = (CheckConstraint("role IN ('worker', 'engineer')", name="role"), NEVER_REUSE_IDS)

    id: int = row_id()
    name: str = Field(max_length=190)
    user_id: int = reference("users.id")
    role: str = Field(max_length=16)
    scopes: list[str] = json_list()  # what it is for; empty: everything that the role may
    prefix: str = Field(max_length=16, unique=True)
    secret_sha256: str = Field(max_length=64)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True)
    expires_at: datetime | None = moment(optional=True)
    last_used_at: datetime | None = moment(optional=True)
    revoked_at: datetime | None = moment(optional=True)
    revoked_by: int | None = reference("users.id", optional=True)


class ApiAnswer(SQLModel, table=True):
    """What a request with an idempotency key was answered; `status` is 0 while it is still being worked on."""

    __tablename__: ClassVar[str] = "api_answers"
    __table_args__ = (
        UniqueConstraint("api_key_id", "idempotency_key", name="uq_api_answers_api_key_id"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    api_key_id: int = reference("api_keys.id", index=False)
    idempotency_key: str = Field(max_length=128)
    request_sha256: str = Field(max_length=64)
    status: int = 0
    location: str = Field(default="", max_length=255)
    body: str = long_text()
    created_at: datetime = moment(index=True)
