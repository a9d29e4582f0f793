"""Frozen sets of images, the methods trained on them, and what the methods said: compared, or as a second opinion."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    BIG_ID,
    NEVER_REUSE_IDS,
    double,
    json_list,
    json_object,
    long_text,
    moment,
    reference,
    row_id,
)


class DatasetVersion(SQLModel, table=True):
    """A product's images as they were at one moment, split by part: `content_hash` is of its rows, labels and split.

    `configuration` says how it was split, `report` what is in it. `broken_reason` is a code, empty while every image
    of it is still there with the label it had.
    """

    __tablename__: ClassVar[str] = "dataset_versions"
    __table_args__ = (UniqueConstraint("product_id", "number"), NEVER_REUSE_IDS)

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    number: int
    name: str = Field(default="", max_length=190)
    content_hash: str = Field(max_length=64)
    seed: int = 0
    configuration: dict[str, Any] = json_object()
    report: dict[str, Any] = json_object()
    broken_reason: str = Field(default="", max_length=64)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class DatasetVersionImage(SQLModel, table=True):
    """One image of a dataset version with the label, part, view and split that it had then.

    Deliberately without foreign keys to images and types: what was frozen stays readable when they are deleted.
    `label` is the code of the type, `good` for a good part without a kind.
    """

    __tablename__: ClassVar[str] = "dataset_version_images"
    __table_args__ = (
        UniqueConstraint("dataset_version_id", "image_id"),
        CheckConstraint("split IN ('train', 'val', 'test')", name="split"),
        CheckConstraint("image_type IN ('normal', 'defect')", name="image_type"),
        Index("ix_dataset_version_images_image", "image_id"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    dataset_version_id: int = reference("dataset_versions.id", index=False)
    image_id: int = Field(sa_type=BIG_ID)
    content_sha256: str = Field(max_length=64)
    image_type: str = Field(max_length=16)
    label: str = Field(max_length=64)
    part: str = Field(default="", max_length=190)
    view: str = Field(default="", max_length=64)
    domain: str = Field(default="", max_length=16)
    split: str = Field(max_length=8)
    mask_sha256: str = Field(default="", max_length=64)


class MethodModel(SQLModel, table=True):
    """A method trained on a dataset version for one view. Found again by `config_hash`: nothing is trained twice."""

    __tablename__: ClassVar[str] = "method_models"
    __table_args__ = (UniqueConstraint("dataset_version_id", "view", "config_hash"), NEVER_REUSE_IDS)

    id: int = row_id()
    dataset_version_id: int = reference("dataset_versions.id", index=False)
    product_id: int = reference("products.id")
    view: str = Field(default="", max_length=64)
    method: str = Field(max_length=64)
    config: dict[str, Any] = json_object()
    config_hash: str = Field(max_length=64)
    object_prefix: str = Field(default="", max_length=255)
    manifest_sha256: str = Field(default="", max_length=64)
    byte_size: int = Field(default=0, sa_type=BigInteger)
    thresholds: dict[str, Any] = json_object()
    figures: dict[str, Any] = json_object()
    job_id: int | None = reference("deployment_logs.id", optional=True, index=False)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class Comparison(SQLModel, table=True):
    """Methods side by side on one dataset version, worked off by a job. `summary` is empty until it has ended.

    `configuration` names the methods with their options; `result_key` is the whole result in the object store.
    """

    __tablename__: ClassVar[str] = "comparisons"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: int = row_id()
    product_id: int = reference("products.id")
    dataset_version_id: int = reference("dataset_versions.id")
    job_id: int | None = Field(
        default=None, foreign_key="deployment_logs.id", sa_type=BIG_ID, nullable=True, unique=True
    )
    name: str = Field(default="", max_length=190)
    seed: int = 0
    configuration: dict[str, Any] = json_object()
    summary: dict[str, Any] = json_object()
    result_key: str = Field(default="", max_length=255)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    finished_at: datetime | None = moment(optional=True)


class Prediction(SQLModel, table=True):
    """What one method of a comparison said of a subject: an image (`image:7`), or a part of several views (`part:A1`).

    `verdict` (ok, reject) and `named`, the type that the method names, are by the threshold of its validation images. A
    method that failed on it has a row, too: `error_code`, and no score. `bill` is what asking a server cost; empty for
    a method that computes here.
    """

    __tablename__: ClassVar[str] = "predictions"
    __table_args__ = (UniqueConstraint("comparison_id", "method", "subject"), NEVER_REUSE_IDS)

    id: int = row_id()
    comparison_id: int = reference("comparisons.id", index=False)
    method: str = Field(max_length=64)
    subject: str = Field(max_length=250)
    image_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True)
    part: str = Field(default="", max_length=190)
    view: str = Field(default="", max_length=64)
    split: str = Field(max_length=8)
    truth: str = Field(max_length=64)
    score: float | None = Field(default=None, sa_type=Double, nullable=True)
    verdict: str = Field(default="", max_length=16)
    named: str = Field(default="", max_length=64)
    class_probabilities: dict[str, float] = json_object()
    boxes: list[dict[str, Any]] = json_list()
    map_key: str = Field(default="", max_length=255)
    words: str = long_text()
    latency_ms: float = double(0.0)
    bill: dict[str, Any] = json_object()
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()


class SecondOpinion(SQLModel, table=True):
    """What another method said of an inspection when a person asked it; it decides nothing."""

    __tablename__: ClassVar[str] = "second_opinions"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: int = row_id()
    inspection_id: int = reference("inspections.id")
    method: str = Field(max_length=64)
    method_model_id: int | None = reference("method_models.id", optional=True, index=False)
    view: str = Field(default="", max_length=64)
    prediction: dict[str, Any] = json_object()
    map_key: str = Field(default="", max_length=255)
    latency_ms: float = double(0.0)
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class PromptTemplate(SQLModel, table=True):
    """What a vision-language model is asked: the newest of a product and modality is in force, older ones stay.

    `scope` is `product:7` or empty for every product.
    """

    __tablename__: ClassVar[str] = "prompt_templates"
    __table_args__ = (UniqueConstraint("scope", "modality", "number"), NEVER_REUSE_IDS)

    id: int = row_id()
    scope: str = Field(default="", max_length=64)
    product_id: int | None = reference("products.id", optional=True)
    modality: str = Field(max_length=16)
    number: int
    text: str = long_text()
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
