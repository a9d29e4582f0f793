"""Training runs with their epochs, what waits for the tracking store, adapters, and conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, UniqueConstraint
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


class TrainingRun(Versioned, table=True):
    """One training of a configuration on a dataset version; its job says how far it is.

    `configuration` is all that was asked for, `config_hash` that of it without its name. `val` and `test` are the
    figures of the best epoch, `test` those of the one look at the test images; `goals` says of each goal whether it was
    met. The bundle under `object_prefix` holds the trained network; `last_checkpoint_key` is the state of the last
    epoch, `result_key` what it said of every image. `stopped_for` is a code: why it ended before its last epoch.
    """

    __tablename__: ClassVar[str] = "training_runs"
    __table_args__ = (
        Index("ix_training_runs_list", "product_id", "id"),
        Index("ix_training_runs_config", "dataset_version_id", "config_hash"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    dataset_version_id: int = reference("dataset_versions.id", index=False)
    view: str = Field(default="", max_length=64)
    job_id: int | None = Field(
        default=None, foreign_key="deployment_logs.id", sa_type=BIG_ID, nullable=True, unique=True
    )
    model_version_id: int | None = reference("model_versions.id", optional=True)
    name: str = Field(default="", max_length=190)
    experiment: str = Field(default="", max_length=190)
    task: str = Field(max_length=32)
    recipe: str = Field(max_length=64)
    seed: int = 0
    configuration: dict[str, Any] = json_object()
    config_hash: str = Field(max_length=64)
    estimate: dict[str, Any] = json_object()
    epochs_done: int = 0
    best_epoch: int | None = None
    val: dict[str, Any] = json_object()
    test: dict[str, Any] = json_object()
    goals: list[dict[str, Any]] = json_list()
    figures: dict[str, Any] = json_object()
    stopped_for: str = Field(default="", max_length=64)
    object_prefix: str = Field(default="", max_length=255)
    manifest_sha256: str = Field(default="", max_length=64)
    byte_size: int = Field(default=0, sa_type=BigInteger)
    last_checkpoint_key: str = Field(default="", max_length=255)
    result_key: str = Field(default="", max_length=255)
    train_s: float = double(0.0)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    finished_at: datetime | None = moment(optional=True)
    row_version: int = 1


class RunEpoch(SQLModel, table=True):
    """The figures of one epoch of a training run. `metrics` are those of validation by name."""

    __tablename__: ClassVar[str] = "run_epochs"
    __table_args__ = (UniqueConstraint("run_id", "epoch"), NEVER_REUSE_IDS)

    id: int = row_id()
    run_id: int = reference("training_runs.id", index=False)
    epoch: int
    images_seen: int = 0
    train_loss: float | None = Field(default=None, sa_type=Double, nullable=True)
    val_loss: float | None = Field(default=None, sa_type=Double, nullable=True)
    learning_rate: float | None = Field(default=None, sa_type=Double, nullable=True)
    metrics: dict[str, Any] = json_object()
    seconds: float = double(0.0)
    created_at: datetime = moment()


class TrackingEvent(SQLModel, table=True):
    """What is to be written into the tracking store of a run, in order; `sent_at` is NULL while it waits."""

    __tablename__: ClassVar[str] = "tracking_events"
    __table_args__ = (Index("ix_tracking_events_waiting", "sent_at", "id"), NEVER_REUSE_IDS)

    id: int = row_id()
    run_id: int = reference("training_runs.id")
    kind: str = Field(max_length=32)
    payload: dict[str, Any] = json_object()
    attempts: int = 0
    next_attempt_at: datetime = moment()
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    created_at: datetime = moment()
    sent_at: datetime | None = moment(optional=True)


class TrackedRun(SQLModel, table=True):
    """Under which name a run stands in the tracking store (`store` is the hash of its address)."""

    __tablename__: ClassVar[str] = "tracked_runs"
    __table_args__ = (UniqueConstraint("run_id", "store"), NEVER_REUSE_IDS)

    id: int = row_id()
    run_id: int = reference("training_runs.id", index=False)
    store: str = Field(max_length=64)
    external_id: str = Field(max_length=190)
    created_at: datetime = moment()


class Adapter(Versioned, table=True):
    """A trainer of somebody else's in a folder of this machine, and who accepted its license when.

    `manifest` is its `adapter.json` as it was when it was added, `manifest_sha256` that of the file: another one has
    to be added, and accepted, anew. `check` is what the last trial with a tiny set said.
    """

    __tablename__: ClassVar[str] = "adapters"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: int = row_id()
    name: str = Field(max_length=64, unique=True)
    folder: str = Field(max_length=1024)
    manifest: dict[str, Any] = json_object()
    manifest_sha256: str = Field(max_length=64)
    license_accepted_at: datetime | None = moment(optional=True)
    license_accepted_by: int | None = reference("users.id", optional=True, index=False)
    check: dict[str, Any] = json_object()
    checked_at: datetime | None = moment(optional=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class Conversation(Versioned, table=True):
    """A conversation of one person with the assistant."""

    __tablename__: ClassVar[str] = "conversations"
    __table_args__ = (Index("ix_conversations_person", "created_by", "updated_at"), NEVER_REUSE_IDS)

    id: int = row_id()
    title: str = Field(default="", max_length=190)
    created_at: datetime = moment()
    updated_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class ConversationTurn(Versioned, table=True):
    """What was said in a conversation: by the person, or by the assistant with the results that it stands on.

    `results` are those of the tools, each with its query; `draft` is a training that waits for a person to confirm it,
    `training_run_id` what came of it. `writer` names the model that wrote the words, `offline` without one.
    """

    __tablename__: ClassVar[str] = "conversation_turns"
    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        CheckConstraint("role IN ('person', 'assistant')", name="role"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    conversation_id: int = reference("conversations.id", index=False)
    number: int
    role: str = Field(max_length=16)
    words: str = long_text()
    writer: str = Field(default="", max_length=190)
    results: list[dict[str, Any]] = json_list()
    draft: dict[str, Any] = json_object()
    draft_state: str = Field(default="", max_length=16)
    training_run_id: int | None = reference("training_runs.id", optional=True, index=False)
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    created_at: datetime = moment()
    row_version: int = 1
