"""Views of a product, how they are combined into one verdict, and what each view of an inspected part showed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
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


class ProductView(Versioned, table=True):
    """A named way of picturing a product (top, CT, RGB …), with images, preprocessing, models, thresholds of its own.

    A part is not judged without its `is_required` views. `found_as` says what a defect is called that this view alone
    shows. `detector` and `detector_options` are built for this view; an empty name stands for what is chosen for all.
    `place` is the order in which the views are shown and asked for. Deactivated rather than deleted: what was
    inspected by it stays readable.
    """

    __tablename__: ClassVar[str] = "product_views"
    __table_args__ = (
        UniqueConstraint("product_id", "code"),
        CheckConstraint("modality IN ('rgb', 'gray', 'ct', 'xray', 'thermal', 'depth')", name="modality"),
        CheckConstraint("found_as IN ('internal', 'external')", name="found_as"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    code: str = Field(max_length=32)
    name: str = Field(max_length=190)  # in Korean, where there are two
    name_en: str = Field(default="", max_length=190)
    modality: str = Field(default="rgb", max_length=16)
    is_required: bool = True
    found_as: str = Field(default="external", max_length=16)
    place: int = 0
    detector: str = Field(default="", max_length=190)
    detector_options: dict[str, Any] = json_object()
    is_active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()
    row_version: int = 1


class FusionSetting(SQLModel, table=True):
    """The history of how a product's views are combined; the newest row is in force.

    `rule` holds the method with its weights and options, `calibration` by view what turns a score into a probability,
    with the versions that it was fitted for. `review_at` and `reject_at` are combined probabilities, 0 to 1.
    """

    __tablename__: ClassVar[str] = "fusion_settings"
    __table_args__ = (
        CheckConstraint("method IN ('weighted_average', 'voting', 'rule_based')", name="method"),
        CheckConstraint("review_at <= reject_at", name="order"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id")
    method: str = Field(max_length=32)
    rule: dict[str, Any] = json_object()
    calibration: dict[str, Any] = json_object()
    review_at: float = double()
    reject_at: float = double()
    figures: dict[str, Any] = json_object()
    reason: str = long_text()
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class InspectionView(SQLModel, table=True):
    """What one picture of an inspected part showed: one row for every view and exposure of an inspection of views.

    `probability` is the calibrated one of its score, NULL where the picture could not be judged (`error_code`).
    The inspection itself holds the combined verdict; its own image and map are those of the row that decided.
    """

    __tablename__: ClassVar[str] = "inspection_views"
    __table_args__ = (
        UniqueConstraint("inspection_id", "view", "exposure"),
        CheckConstraint("verdict IN ('ok', 'review', 'reject')", name="verdict"),
        Index("ix_inspection_views_image", "image_sha256"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    inspection_id: int = reference("inspections.id", index=False)
    view: str = Field(max_length=32)
    exposure: int = 0
    original_name: str = Field(max_length=255)
    image_key: str = Field(max_length=255)
    thumbnail_key: str = Field(default="", max_length=255)
    heat_map_key: str = Field(default="", max_length=255)
    image_sha256: str = Field(max_length=64)
    width_px: int
    height_px: int
    image_notes: list[str] = json_list()
    score: float | None = Field(default=None, sa_type=Double, nullable=True)
    raised_by: float = double(0.0)
    review_at: float | None = Field(default=None, sa_type=Double, nullable=True)
    reject_at: float | None = Field(default=None, sa_type=Double, nullable=True)
    verdict: str = Field(max_length=16)
    probability: float | None = Field(default=None, sa_type=Double, nullable=True)
    memory_bank_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    threshold_setting_id: int | None = reference("threshold_settings.id", optional=True, index=False)
    normal_index_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    defect_index_version_id: int | None = reference("model_versions.id", optional=True, index=False)
    preprocessing: dict[str, Any] = json_object()
    regions: list[dict[str, Any]] = json_list()
    # Deliberately without foreign key, as of an inspection.
    nearest_image_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    nearest_image_name: str = Field(default="", max_length=190)
    suggested_defect_type_id: int | None = reference("defect_types.id", optional=True, index=False)
    suggestion_confidence: float | None = Field(default=None, sa_type=Double, nullable=True)
    latency_ms: float = double(0.0)
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
