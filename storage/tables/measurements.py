"""What a memory bank scored each test image, and what mistakes cost a product."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Double
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    BIG_ID,
    NEVER_REUSE_IDS,
    Versioned,
    double,
    json_object,
    moment,
    reference,
    row_id,
)


class TestMeasurement(SQLModel, table=True):
    """A memory bank measured on its product's test images; a later measurement of the same version takes its place."""

    __test__ = False  # not a test class, whatever pytest makes of the name
    __tablename__: ClassVar[str] = "test_measurements"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    model_version_id: int = Field(foreign_key="model_versions.id", sa_type=BIG_ID, unique=True)
    test_fingerprint: str = Field(max_length=64)  # of images, labels and masks: another one today says that these moved
    figures: dict[str, Any] = json_object()
    measured_at: datetime = moment()
    measured_by: int | None = reference("users.id", optional=True, index=False)


class TestScore(SQLModel, table=True):
    """One test image of a measurement, as it was then. Scores are float32 distances."""

    __test__ = False
    __tablename__: ClassVar[str] = "test_scores"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    measurement_id: int = reference("test_measurements.id")
    # Deliberately without foreign key: an image may be deleted, and what it scored stays.
    image_id: int = Field(sa_type=BIG_ID)
    stored_name: str = Field(max_length=190)
    content_sha256: str = Field(max_length=64)
    part: str = Field(max_length=190)
    defect_code: str | None = Field(default=None, max_length=64)  # None for a normal image
    score: float = double()
    has_mask: bool = False
    pixel_auroc: float | None = Field(default=None, sa_type=Double, nullable=True)  # of its own pixels, by its mask


class InspectionCost(Versioned, table=True):
    """What an escape, an overkill and a look by a person cost for a product; `defect_rate` as a person has set it."""

    __tablename__: ClassVar[str] = "inspection_costs"
    __table_args__ = (
        CheckConstraint("cost_escape >= 0 AND cost_overkill >= 0 AND cost_review >= 0", name="costs"),
        CheckConstraint("defect_rate IS NULL OR (defect_rate > 0 AND defect_rate < 1)", name="defect_rate"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = Field(foreign_key="products.id", sa_type=BIG_ID, unique=True)
    cost_escape: float = double()
    cost_overkill: float = double()
    cost_review: float = double()
    currency: str = Field(default="", max_length=8)
    defect_rate: float | None = Field(default=None, sa_type=Double, nullable=True)
    updated_at: datetime = moment()
    updated_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1
