"""Jobs, the versions that they build, their thresholds, the choice of models, and vectors to use again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    NEVER_REUSE_IDS,
    Versioned,
    double,
    json_object,
    long_text,
    moment,
    reference,
    row_id,
)


class ModelParam(Versioned, table=True):
    """Which model is chosen for a purpose (and its options).

    What is built applies at the next deployment, what is asked at once.
    """

    __tablename__: ClassVar[str] = "model_params"
    __table_args__ = (
        CheckConstraint(
            "purpose IN ('detection', 'similarity', 'text_generation', 'visual_questions')", name="purpose"
        ),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    purpose: str = Field(max_length=32, unique=True)
    model_name: str = Field(max_length=190)
    options: dict[str, Any] = json_object()
    updated_at: datetime = moment()
    updated_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class Job(SQLModel, table=True):
    """A job: claimed by one worker at a time under a lease; `fencing_token` grows with every claim."""

    __tablename__: ClassVar[str] = "deployment_logs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        Index("ix_deployment_logs_queue", "state", "priority", "id"),
        Index("ix_deployment_logs_history", "kind", "product_id", "id"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    kind: str = Field(max_length=32)
    product_id: int | None = reference("products.id", optional=True, index=False)
    payload: dict[str, Any] = json_object()
    priority: int = 100
    state: str = Field(default="queued", max_length=16)
    stage: str = Field(default="", max_length=32)
    done: int = 0
    total: int = 0
    result: dict[str, Any] = json_object()
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    log: str = long_text()  # one JSON object a line: at, code, params
    cancel_requested: bool = False
    attempts: int = 0
    max_attempts: int = 2
    worker_id: str | None = Field(default=None, max_length=64)
    fencing_token: int = 0
    lease_expires_at: datetime | None = moment(optional=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    started_at: datetime | None = moment(optional=True)
    stage_started_at: datetime | None = moment(optional=True)
    finished_at: datetime | None = moment(optional=True)


class ModelVersion(SQLModel, table=True):
    """An immutable bundle in the object store. `active_key` is `kind:product` while active, else NULL."""

    __tablename__: ClassVar[str] = "model_versions"
    __table_args__ = (
        UniqueConstraint("kind", "scope", "number"),
        UniqueConstraint("active_key"),
        CheckConstraint("kind IN ('memory_bank', 'similarity_index', 'manual_index', 'trained_model')", name="kind"),
        CheckConstraint("state IN ('candidate', 'active', 'retired')", name="state"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    kind: str = Field(max_length=32)
    # "product:7", or "product:7:defect" for an index of defect images; of a view "product:7:@ct", "product:7:defect@ct"
    scope: str = Field(max_length=64)
    view: str = Field(default="", max_length=64)
    product_id: int | None = reference("products.id", optional=True)
    number: int
    state: str = Field(default="candidate", max_length=16)
    active_key: str | None = Field(default=None, max_length=128)
    model_name: str = Field(max_length=190)
    object_prefix: str = Field(max_length=255)
    manifest_sha256: str = Field(max_length=64)
    byte_size: int = Field(default=0, sa_type=BigInteger)
    fingerprint: str = Field(max_length=64)  # of everything it was built from: out of date when this differs
    preprocessing: dict[str, Any] = json_object()
    sources: dict[str, Any] = json_object()  # image ids by part: what it was built from
    metrics: dict[str, Any] = json_object()
    job_id: int | None = reference("deployment_logs.id", optional=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    activated_at: datetime | None = moment(optional=True)


class ThresholdSetting(SQLModel, table=True):
    """The history of a version's two thresholds; the newest row is in force. Scores are float32 distances."""

    __tablename__: ClassVar[str] = "threshold_settings"
    __table_args__ = (CheckConstraint("review_at <= reject_at", name="order"), NEVER_REUSE_IDS)

    id: int = row_id()
    model_version_id: int = reference("model_versions.id")
    review_at: float = double()
    reject_at: float = double()
    method: str = Field(max_length=32)
    figures: dict[str, Any] = json_object()
    reason: str = long_text()
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class StoredEmbedding(SQLModel, table=True):
    """What a model made of an image's content: a vector of float32, or the defective place (x, y, w, h) it found.

    `maker` names the model and its weights, `place` the part of the image that was looked at ("" for all of it).
    """

    __tablename__: ClassVar[str] = "kept_embeddings"
    __table_args__ = (UniqueConstraint("content_sha256", "maker", "place"), NEVER_REUSE_IDS)

    id: int = row_id()
    content_sha256: str = Field(max_length=64)
    maker: str = Field(max_length=190)
    place: str = Field(default="", max_length=64)
    numbers: bytes = Field(sa_type=LargeBinary)
    checksum: str = Field(max_length=64)
    created_at: datetime = moment()
