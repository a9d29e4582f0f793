"""Products with their defect types, images, options of preprocessing and manuals."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field

from storage.tables.columns import (
    BIG_ID,
    NEVER_REUSE_IDS,
    Versioned,
    json_list,
    json_object,
    long_text,
    moment,
    reference,
    row_id,
)


class Product(Versioned, table=True):
    """What is inspected. Deactivated rather than deleted, so that history keeps its meaning."""

    __tablename__: ClassVar[str] = "products"
    __table_args__ = (
        CheckConstraint("inspection_trigger IN ('at_once', 'on_click')", name="inspection_trigger"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    code: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=190)  # in Korean, where there are two
    name_en: str = Field(default="", max_length=190)
    description: str = long_text()
    notice: str = long_text()  # license and source of the images, named wherever they are shown
    is_active: bool = Field(default=True, index=True)
    inspection_trigger: str = Field(default="at_once", max_length=16)  # whether a given image is inspected by itself
    # How a code in the picture (barcode, QR) names lot and serial: "" where it is not read, "auto", or a pattern.
    code_rule: str = Field(default="", max_length=190)
    # What may be asked for a second opinion: "" none, "model:7" a trained method, "vlm", "vlg".
    second_opinion: str = Field(default="", max_length=64)
    created_at: datetime = moment()
    updated_at: datetime = moment()
    row_version: int = 1


class DefectType(Versioned, table=True):
    """A kind of defect of one product, or a kind of good part (`outcome` good): a Korean name, and a code.

    Normal images may name their kind of good part; defect images name a kind of defect.
    """

    __tablename__: ClassVar[str] = "defect_types"
    __table_args__ = (
        UniqueConstraint("product_id", "code"),
        CheckConstraint("severity IN ('minor', 'major', 'critical')", name="severity"),
        CheckConstraint("outcome IN ('defect', 'good')", name="outcome"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    product_id: int = reference("products.id")
    code: str = Field(max_length=64)
    name_ko: str = Field(max_length=190)
    name_en: str = Field(default="", max_length=190)
    description: str = long_text()
    severity: str = Field(default="major", max_length=16)
    outcome: str = Field(default="defect", max_length=16)
    example_image_ids: list[int] = json_list()
    phrase: str = Field(default="", max_length=190)  # how a model that finds things by words is asked for it, English
    is_active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()
    row_version: int = 1


class Image(Versioned, table=True):
    """A curated image of a product. `stored_name` follows the naming rule; `object_key` is made by the server.

    `part` names the physical piece that it shows, the same for all its exposures and views; empty where nobody said so:
    then it is a part of its own. `part_source` says where the name comes from. `outlier_state` is what was found, and
    decided by a person, about a normal image that does not look like the others: suspected, or kept as really good.
    Only `train` is learned from; `val` and `test` are not. `view` names the product's view that it shows (top, CT, …),
    empty where there is one. `origin` says by which way it came: upload, import, api, inspection, demo; empty where
    that was not kept. `domain` says where it was taken: `studio` under controlled light, `line` as parts come, `field`
    by whatever camera was at hand, empty where nobody said. `quality` (the codes of `inference.vision.images.quality`,
    comma-separated, empty for a good picture), `blur_score` (0 sharp to 1 soft) and `difference_hash` (64 bits, signed)
    are measured when it is stored; NULL for images of before.
    """

    __tablename__: ClassVar[str] = "images"
    __table_args__ = (
        UniqueConstraint("product_id", "content_sha256"),
        UniqueConstraint("stored_name"),
        CheckConstraint("image_type IN ('normal', 'defect')", name="image_type"),
        CheckConstraint("split IN ('train', 'val', 'test')", name="split"),
        CheckConstraint("image_type = 'normal' OR defect_type_id IS NOT NULL", name="defect_has_type"),
        Index("ix_images_listing", "product_id", "image_type", "split", "id"),
        # How many there are of what, and when they changed: asked by every screen, and answered from it alone.
        Index("ix_images_counting", "product_id", "image_type", "split", "defect_type_id", "updated_at"),
        Index("ix_images_part", "product_id", "part"),
        # Whatever the gallery is filtered by, and the names, in the order of ids: found without reading a row.
        Index(
            "ix_images_gallery", "product_id", "image_type", "id", "defect_type_id", "split", "view", "origin",
            "quality", "outlier_state", "created_at", "part", "mask_key",
        ),
        Index("ix_images_names", "product_id", "image_type", "id", "stored_name", "original_name"),
        NEVER_REUSE_IDS,
    )  # fmt: skip

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
    view: str = Field(default="", max_length=64)
    origin: str = Field(default="", max_length=16)
    domain: str = Field(default="", max_length=16)
    quality: str | None = Field(default=None, max_length=64, nullable=True)
    blur_score: float | None = Field(default=None, sa_type=Double, nullable=True)
    difference_hash: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    outlier_state: str = Field(default="", max_length=16)
    outlier_score: float | None = Field(default=None, sa_type=Double, nullable=True)
    outlier_at: datetime | None = moment(optional=True)
    # The inspection whose picture it is, where it came from one. Deliberately without foreign key, as is the nearest
    # image of an inspection: either may be deleted and the other stays.
    inspection_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True, index=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    updated_at: datetime = moment()
    row_version: int = 1


class ImagePreprocessing(Versioned, table=True):
    """The preprocessing that the next deployment of a product's view will use (inspection reads it from the bundle).

    `view` is the code of the view, empty for a product without views.
    """

    __tablename__: ClassVar[str] = "image_preprocessing"
    __table_args__ = (UniqueConstraint("product_id", "view"), NEVER_REUSE_IDS)

    id: int = row_id()
    product_id: int = reference("products.id", index=False)
    view: str = Field(default="", max_length=64)
    options: dict[str, Any] = json_object()
    updated_at: datetime = moment()
    updated_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1


class Manual(Versioned, table=True):
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
    pages_by_ocr: list[int] | None = Field(default=None, sa_type=JSON, nullable=True)  # of these, in the last build
    content_sha256: str = Field(max_length=64)
    language: str | None = Field(default=None, max_length=8)
    state: str = Field(default="stored", max_length=16)
    failure_code: str | None = Field(default=None, max_length=64)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    row_version: int = 1
