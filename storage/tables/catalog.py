"""Products with their defect types, images, options of preprocessing and manuals."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import BIG_ID, NEVER_REUSE_IDS, json_list, json_object, long_text, moment, reference, row_id


class Product(SQLModel, table=True):
    """What is inspected. Deactivated rather than deleted, so that history keeps its meaning."""

    __tablename__: ClassVar[str] = "products"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    code: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=190)
    description: str = long_text()
    notice: str = long_text()  # license and source of the images, named wherever they are shown
    is_active: bool = Field(default=True, index=True)
    created_at: datetime = moment()
    updated_at: datetime = moment()
    row_version: int = 1


class DefectType(SQLModel, table=True):
    """A kind of defect of one product: Korean name, and the English mapping name as its code."""

    __tablename__: ClassVar[str] = "defect_types"
    __table_args__ = (
        UniqueConstraint("product_id", "code"),
        CheckConstraint("severity IN ('minor', 'major', 'critical')", name="severity"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id")
    code: str = Field(max_length=64)
    name_ko: str = Field(max_length=190)
    name_en: str = Field(default="", max_length=190)
    description: str = long_text()
    severity: str = Field(default="major", max_length=16)
    example_image_ids: list[int] = json_list()
    is_active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()
    row_version: int = 1


class Image(SQLModel, table=True):
    """A curated image of a product. `stored_name` follows the naming rule; `object_key` is made by the server.

    `part` names the physical piece that it shows, the same for all its exposures and views; empty where nobody said so:
    then it is a part of its own. `part_source` says where the name comes from. `outlier_state` is what was found, and
    decided by a person, about a normal image that does not look like the others: suspected, or kept as really good.
    """

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
        Index("ix_images_part", "product_id", "part"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    image_type: str = Field(max_length=16)
    defect_type_id: int | None = reference("defect_types.id", optional=True)
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
    notes: list[str] = json_list()
    part: str = Field(default="", max_length=190)
    part_source: str = Field(default="", max_length=16)
    outlier_state: str = Field(default="", max_length=16)
    outlier_score: float | None = Field(default=None, sa_type=Double, nullable=True)
    outlier_at: datetime | None = moment(optional=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    updated_at: datetime = moment()
    row_version: int = 1


class ImagePreprocessing(SQLModel, table=True):
    """The preprocessing a product's next deployment will use (inspection reads it from the bundle instead)."""

    __tablename__: ClassVar[str] = "image_preprocessing"
    __table_args__ = NEVER_REUSE_IDS

    id: int = row_id()
    product_id: int = Field(foreign_key="products.id", sa_type=BIG_ID, unique=True)
    options: dict[str, Any] = json_object()
    updated_at: datetime = moment()
    updated_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class Manual(SQLModel, table=True):
    """A product's manual (PDF). `state` is what the last build made of it; none has seen one that is `stored`."""

    __tablename__: ClassVar[str] = "manuals"
    __table_args__ = (
        UniqueConstraint("product_id", "content_sha256"),
        CheckConstraint("state IN ('stored', 'indexed', 'failed')", name="state"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
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
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1
