"""The SQLModel tables: every row that Geomsa keeps.

Portable across SQLite, MariaDB/MySQL and PostgreSQL: indexed text has a length, moments are UTC, and "at most one
active version" is a unique nullable column (`active_key`) because partial indexes do not exist everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlmodel import Field, SQLModel

# Named constraints, so that a later migration can drop one on every database.
NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION
METADATA: MetaData = SQLModel.metadata


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, naive UTC with microseconds in the database (SQLite and MariaDB keep no zone)."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment must carry its time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


LONG_TEXT = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
# SQLite numbers rows by itself only for a column that is exactly INTEGER.
# Without it, SQLite gives the highest id again once its row is deleted: what names an old image would name a new one.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def _id() -> Any:
    return Field(default=None, sa_column=Column(BIG_ID, primary_key=True, autoincrement=True))


def _moment(*, index: bool = False, optional: bool = False) -> Any:
    if optional:
        return Field(default=None, sa_type=UtcDateTime, nullable=True, index=index)
    return Field(default_factory=utc_now, sa_type=UtcDateTime, nullable=False, index=index)


def _reference(target: str, *, optional: bool = False, index: bool = True) -> Any:
    if optional:
        return Field(default=None, foreign_key=target, sa_type=BIG_ID, nullable=True, index=index)
    return Field(foreign_key=target, sa_type=BIG_ID, nullable=False, index=index)


def _double(default: Any = ...) -> Any:
    # FLOAT is four bytes on MariaDB and comes back rounded: a score beside its own threshold must not move.
    return Field(default=default, sa_type=Double, nullable=False)


def _json_object() -> Any:
    return Field(default_factory=dict, sa_type=JSON, nullable=False)


def _json_list() -> Any:
    return Field(default_factory=list, sa_type=JSON, nullable=False)


def _long_text() -> Any:
    return Field(default="", sa_type=LONG_TEXT, nullable=False)


class User(SQLModel, table=True):
    """A person. `login` is the sign-in name, or the subject given by the identity provider."""

    __tablename__: ClassVar[str] = "users"
    __table_args__ = (CheckConstraint("role IN ('worker', 'engineer', 'admin')", name="role"), NEVER_REUSE_IDS)

    id: int | None = _id()
    login: str = Field(max_length=190, unique=True)
    display_name: str = Field(max_length=190)
    role: str = Field(max_length=16)
    password_hash: str | None = Field(default=None, max_length=255)
    language: str | None = Field(default=None, max_length=8)
    is_active: bool = True
    created_at: datetime = _moment()
    last_seen_at: datetime | None = _moment(optional=True)
    row_version: int = 1
    sign_in_epoch: int = 0  # raised when everybody who has signed in until now must do so again


class SignInSession(SQLModel, table=True):
    """A browser in which somebody has signed in. The cookie's token is kept as its SHA-256 only."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = _id()
    token_sha256: str = Field(max_length=64, unique=True)
    user_id: int = _reference("users.id")
    sign_in_epoch: int
    address: str = Field(default="", max_length=64)
    created_at: datetime = _moment()
    last_seen_at: datetime = _moment()
    ended_at: datetime | None = _moment(optional=True)


class SignInFailure(SQLModel, table=True):
    """Wrong passwords in a row, counted for one `subject`: a login name at an address, a device, an address."""

    __tablename__: ClassVar[str] = "sign_in_failures"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = _id()
    subject: str = Field(max_length=255, unique=True)
    login: str = Field(default="", max_length=190, index=True)
    failures: int = 0
    last_failure_at: datetime = _moment(index=True)


class Product(SQLModel, table=True):
    """What is inspected. Deactivated rather than deleted, so that history keeps its meaning."""

    __tablename__: ClassVar[str] = "products"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = _id()
    code: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=190)
    description: str = _long_text()
    notice: str = _long_text()  # license and source of the images, named wherever they are shown
    is_active: bool = Field(default=True, index=True)
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    row_version: int = 1


class DefectType(SQLModel, table=True):
    """A kind of defect of one product: Korean name, and the English mapping name as its code."""

    __tablename__: ClassVar[str] = "defect_types"
    __table_args__ = (
        UniqueConstraint("product_id", "code"),
        CheckConstraint("severity IN ('minor', 'major', 'critical')", name="severity"),
        NEVER_REUSE_IDS,
    )

    id: int | None = _id()
    product_id: int = _reference("products.id")
    code: str = Field(max_length=64)
    name_ko: str = Field(max_length=190)
    name_en: str = Field(default="", max_length=190)
    description: str = _long_text()
    severity: str = Field(default="major", max_length=16)
    example_image_ids: list[int] = _json_list()
    is_active: bool = True
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    row_version: int = 1


class Image(SQLModel, table=True):
    """A curated image of a product. `stored_name` follows the naming rule; `object_key` is made by the server."""

    __tablename__: ClassVar[str] = "images"
    __table_args__ = (
        UniqueConstraint("product_id", "content_sha256"),
        UniqueConstraint("stored_name"),
        CheckConstraint("image_type IN ('normal', 'defect')", name="image_type"),
        CheckConstraint("split IN ('train', 'test')", name="split"),
        CheckConstraint(
            "(image_type = 'normal' AND defect_type_id IS NULL)"
            " OR (image_type = 'defect' AND defect_type_id IS NOT NULL)",
            name="defect_has_type",
        ),
        Index("ix_images_listing", "product_id", "image_type", "split", "id"),
        NEVER_REUSE_IDS,
    )

    id: int | None = _id()
    product_id: int = _reference("products.id", index=False)
    image_type: str = Field(max_length=16)
    defect_type_id: int | None = _reference("defect_types.id", optional=True)
    split: str = Field(default="train", max_length=8)
    stored_name: str = Field(max_length=190)
    original_name: str = Field(max_length=255)
    object_key: str = Field(max_length=255)
    thumbnail_key: str = Field(max_length=255)
    mask_key: str | None = Field(default=None, max_length=255)
    content_sha256: str = Field(max_length=64)
    pixel_sha256: str = Field(max_length=64, index=True)
    byte_size: int = Field(sa_type=BigInteger)
    width_px: int
    height_px: int
    file_format: str = Field(max_length=16)
    notes: list[str] = _json_list()
    created_at: datetime = _moment()
    created_by: int | None = _reference("users.id", optional=True, index=False)
    updated_at: datetime = _moment()
    row_version: int = 1


class ImagePreprocessing(SQLModel, table=True):
    """The preprocessing a product's next deployment will use (inspection reads it from the bundle instead)."""

    __tablename__: ClassVar[str] = "image_preprocessing"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = _id()
    product_id: int = Field(foreign_key="products.id", sa_type=BIG_ID, unique=True)
    options: dict[str, Any] = _json_object()
    updated_at: datetime = _moment()
    updated_by: int | None = _reference("users.id", optional=True, index=False)
    row_version: int = 1


class Manual(SQLModel, table=True):
    """A product's manual (PDF). `state` is what the last build made of it; none has seen one that is `stored`."""

    __tablename__: ClassVar[str] = "manuals"
    __table_args__ = (
        UniqueConstraint("product_id", "content_sha256"),
        CheckConstraint("state IN ('stored', 'indexed', 'failed')", name="state"),
        NEVER_REUSE_IDS,
    )

    id: int | None = _id()
    product_id: int = _reference("products.id", index=False)
    title: str = Field(max_length=255)
    original_name: str = Field(max_length=255)
    object_key: str = Field(max_length=255)
    byte_size: int = Field(sa_type=BigInteger)
    page_count: int = 0
    pages_without_text: list[int] | None = Field(default=None, sa_type=JSON, nullable=True)  # numbers from 1 on
    content_sha256: str = Field(max_length=64)
    language: str | None = Field(default=None, max_length=8)
    state: str = Field(default="stored", max_length=16)
    failure_code: str | None = Field(default=None, max_length=64)
    created_at: datetime = _moment()
    created_by: int | None = _reference("users.id", optional=True, index=False)
    row_version: int = 1


class ModelParam(SQLModel, table=True):
    """Which model is chosen for a purpose (and its options); applies at the next deployment."""

    __tablename__: ClassVar[str] = "model_params"
    __table_args__ = (
        CheckConstraint("purpose IN ('detection', 'similarity', 'text_generation')", name="purpose"),
        NEVER_REUSE_IDS,
    )

    id: int | None = _id()
    purpose: str = Field(max_length=32, unique=True)
    model_name: str = Field(max_length=190)
    options: dict[str, Any] = _json_object()
    updated_at: datetime = _moment()
    updated_by: int | None = _reference("users.id", optional=True, index=False)
    row_version: int = 1


class DeploymentLog(SQLModel, table=True):
    """A job: claimed by one worker at a time under a lease; `fencing_token` grows with every claim."""

    __tablename__: ClassVar[str] = "deployment_logs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        Index("ix_deployment_logs_queue", "state", "priority", "id"),
        Index("ix_deployment_logs_history", "kind", "product_id", "id"),
        NEVER_REUSE_IDS,
    )

    id: int | None = _id()
    kind: str = Field(max_length=32)
    product_id: int | None = _reference("products.id", optional=True, index=False)
    payload: dict[str, Any] = _json_object()
    priority: int = 100
    state: str = Field(default="queued", max_length=16)
    stage: str = Field(default="", max_length=32)
    done: int = 0
    total: int = 0
    result: dict[str, Any] = _json_object()
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = _json_object()
    log: str = _long_text()  # one JSON object a line: at, code, params
    cancel_requested: bool = False
    attempts: int = 0
    max_attempts: int = 2
    worker_id: str | None = Field(default=None, max_length=64)
    fencing_token: int = 0
    lease_expires_at: datetime | None = _moment(optional=True)
    created_at: datetime = _moment()
    created_by: int | None = _reference("users.id", optional=True, index=False)
    started_at: datetime | None = _moment(optional=True)
    stage_started_at: datetime | None = _moment(optional=True)
    finished_at: datetime | None = _moment(optional=True)


class ModelVersion(SQLModel, table=True):
    """An immutable bundle in the object store. `active_key` is `kind:product` while active, else NULL."""

    __tablename__: ClassVar[str] = "model_versions"
    __table_args__ = (
        UniqueConstraint("kind", "scope", "number"),
        UniqueConstraint("active_key"),
        CheckConstraint("kind IN ('memory_bank', 'similarity_index', 'manual_index')", name="kind"),
        CheckConstraint("state IN ('candidate', 'active', 'retired')", name="state"),
        NEVER_REUSE_IDS,
    )

    id: int | None = _id()
    kind: str = Field(max_length=32)
    scope: str = Field(max_length=64)  # "product:7", or "product:7:defect" for an index of defect images
    product_id: int | None = _reference("products.id", optional=True)
    number: int
    state: str = Field(default="candidate", max_length=16)
    active_key: str | None = Field(default=None, max_length=128)
    model_name: str = Field(max_length=190)
    object_prefix: str = Field(max_length=255)
    manifest_sha256: str = Field(max_length=64)
    byte_size: int = Field(default=0, sa_type=BigInteger)
    fingerprint: str = Field(max_length=64)  # of everything it was built from: out of date when this differs
    preprocessing: dict[str, Any] = _json_object()
    sources: dict[str, Any] = _json_object()  # image ids by part: what it was built from
    metrics: dict[str, Any] = _json_object()
    job_id: int | None = _reference("deployment_logs.id", optional=True)
    created_at: datetime = _moment()
    created_by: int | None = _reference("users.id", optional=True, index=False)
    activated_at: datetime | None = _moment(optional=True)


class ThresholdSetting(SQLModel, table=True):
    """The history of a version's two thresholds; the newest row is in force. Scores are float32 distances."""

    __tablename__: ClassVar[str] = "threshold_settings"
    __table_args__ = (CheckConstraint("review_at <= reject_at", name="order"), NEVER_REUSE_IDS)

    id: int | None = _id()
    model_version_id: int = _reference("model_versions.id")
    review_at: float = _double()
    reject_at: float = _double()
    method: str = Field(max_length=32)
    figures: dict[str, Any] = _json_object()
    reason: str = _long_text()
    created_at: datetime = _moment()
    created_by: int | None = _reference("users.id", optional=True, index=False)


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

    id: int | None = _id()
    product_id: int = _reference("products.id", index=False)
    created_at: datetime = _moment(index=True)
    created_by: int | None = _reference("users.id", optional=True)
    source: str = Field(max_length=16)
    batch_job_id: int | None = _reference("deployment_logs.id", optional=True)
    original_name: str = Field(max_length=255)
    image_key: str = Field(max_length=255)
    thumbnail_key: str = Field(max_length=255)
    heat_map_key: str = Field(max_length=255)
    image_sha256: str = Field(max_length=64, index=True)
    width_px: int
    height_px: int
    image_notes: list[str] = _json_list()
    score: float = _double()
    review_at: float = _double()
    reject_at: float = _double()
    memory_bank_version_id: int = _reference("model_versions.id", index=False)
    threshold_setting_id: int = _reference("threshold_settings.id", index=False)
    normal_index_version_id: int | None = _reference("model_versions.id", optional=True, index=False)
    defect_index_version_id: int | None = _reference("model_versions.id", optional=True, index=False)
    preprocessing: dict[str, Any] = _json_object()
    regions: list[dict[str, Any]] = _json_list()
    # Deliberately without foreign key: a curated image may be deleted later, what was shown then stays known by name.
    nearest_image_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    nearest_image_name: str = Field(default="", max_length=190)
    verdict: str = Field(max_length=16)
    final_verdict: str = Field(max_length=16)
    override_reason: str = _long_text()
    overridden_at: datetime | None = _moment(optional=True)
    overridden_by: int | None = _reference("users.id", optional=True, index=False)
    suggested_defect_type_id: int | None = _reference("defect_types.id", optional=True, index=False)
    suggestion_confidence: float | None = Field(default=None, sa_type=Double, nullable=True)
    final_defect_type_id: int | None = _reference("defect_types.id", optional=True)
    confirmed_at: datetime | None = _moment(optional=True)
    confirmed_by: int | None = _reference("users.id", optional=True, index=False)
    line: str = Field(default="", max_length=64, index=True)
    lot: str = Field(default="", max_length=64, index=True)
    serial: str = Field(default="", max_length=64, index=True)
    shift: str = Field(default="", max_length=32)
    action_status: str = Field(default="none", max_length=16)
    action_note: str = _long_text()
    action_at: datetime | None = _moment(optional=True)
    action_by: int | None = _reference("users.id", optional=True, index=False)
    latency_ms: float = _double(0.0)
    row_version: int = 1


class SearchHistory(SQLModel, table=True):
    """One look-up of similar images and what it answered (names and similarities as of then)."""

    __tablename__: ClassVar[str] = "search_history"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = _id()
    inspection_id: int | None = _reference("inspections.id", optional=True)
    product_id: int = _reference("products.id")
    image_type: str = Field(max_length=16)
    model_version_id: int | None = _reference("model_versions.id", optional=True, index=False)
    query_text: str = _long_text()
    top_k: int
    results: list[dict[str, Any]] = _json_list()
    latency_ms: float = _double(0.0)
    created_at: datetime = _moment()
    created_by: int | None = _reference("users.id", optional=True, index=False)


class StoredEmbedding(SQLModel, table=True):
    """What a model made of an image's content: a vector of float32, or the defective place (x, y, w, h) it found.

    `maker` names the model and its weights, `place` the part of the image that was looked at ("" for all of it).
    """

    __tablename__: ClassVar[str] = "kept_embeddings"
    __table_args__ = (UniqueConstraint("content_sha256", "maker", "place"), NEVER_REUSE_IDS)

    id: int | None = _id()
    content_sha256: str = Field(max_length=64)
    maker: str = Field(max_length=190)
    place: str = Field(default="", max_length=64)
    numbers: bytes = Field(sa_type=LargeBinary)
    checksum: str = Field(max_length=64)
    created_at: datetime = _moment()


class ResponseHistory(SQLModel, table=True):
    """One written guidance: passages, model, cost and text."""

    __tablename__: ClassVar[str] = "response_history"
    __table_args__ = NEVER_REUSE_IDS

    id: int | None = _id()
    inspection_id: int | None = _reference("inspections.id", optional=True)
    product_id: int = _reference("products.id")
    language: str = Field(max_length=8)
    model_name: str = Field(max_length=190)
    model_version_id: int | None = _reference("model_versions.id", optional=True, index=False)
    passages: list[dict[str, Any]] = _json_list()
    answer: str = _long_text()
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = _double(0.0)
    fallback_code: str | None = Field(default=None, max_length=64)
    rating: int | None = None
    rating_reason: str = _long_text()
    created_at: datetime = _moment(index=True)
    created_by: int | None = _reference("users.id", optional=True, index=False)


class AuditLog(SQLModel, table=True):
    """Who changed what, when. Rows are only ever added."""

    __tablename__: ClassVar[str] = "audit_log"
    __table_args__ = (Index("ix_audit_log_subject", "subject_type", "subject_id"), NEVER_REUSE_IDS)

    id: int | None = _id()
    created_at: datetime = _moment(index=True)
    user_id: int | None = _reference("users.id", optional=True)
    user_name: str = Field(default="", max_length=190)
    action: str = Field(max_length=64)
    subject_type: str = Field(max_length=32)
    subject_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    details: dict[str, Any] = _json_object()


class SystemConfig(SQLModel, table=True):
    """System-wide settings that people change on screen."""

    __tablename__: ClassVar[str] = "system_config"

    key: str = Field(max_length=64, primary_key=True)
    value: dict[str, Any] = _json_object()
    updated_at: datetime = _moment()
    updated_by: int | None = _reference("users.id", optional=True, index=False)
    row_version: int = 1


class Worker(SQLModel, table=True):
    """A worker process that is (or was) alive: its heartbeat."""

    __tablename__: ClassVar[str] = "workers"

    id: str = Field(max_length=64, primary_key=True)
    host: str = Field(max_length=190)
    pid: int
    started_at: datetime = _moment()
    heartbeat_at: datetime = _moment()
    job_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
