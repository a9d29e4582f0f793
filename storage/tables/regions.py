"""The regions that people, files and models marked in an image, and the images that wait in the trash."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import BIG_ID, NEVER_REUSE_IDS, json_list, json_object, moment, reference, row_id


class ImageBox(SQLModel, table=True):
    """One region of an image with the defect type that it shows; None where only the image's own type is known.

    `x`, `y`, `width`, `height` bound it, in pixels of the stored image (after its EXIF rotation), floats, the top left
    corner of the first pixel being (0, 0). `outline` is [] for a box, the corners [[x, y], …] of a polygon (one ring),
    and for a mask {"size": [height, width], "counts": [...]} run lengths over the whole image in COCO's column order.
    `origin` says who marked it: person, import, model. The image's mask object is the union of its regions.
    """

    __tablename__: ClassVar[str] = "image_boxes"
    __table_args__ = (
        CheckConstraint("shape IN ('box', 'polygon', 'mask')", name="shape"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    image_id: int = reference("images.id")
    defect_type_id: int | None = reference("defect_types.id", optional=True)
    shape: str = Field(max_length=16)
    x: float = Field(sa_type=Double)
    y: float = Field(sa_type=Double)
    width: float = Field(sa_type=Double)
    height: float = Field(sa_type=Double)
    outline: Any = json_list()
    origin: str = Field(default="person", max_length=16)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)


class TrashedImage(SQLModel, table=True):
    """An image that was deleted and can still be put back: its row and regions as JSON, its objects where they were.

    It is no row of `images` any more, so nothing learns from it, counts it or shows it.
    """

    __tablename__: ClassVar[str] = "trashed_images"
    __table_args__ = (
        UniqueConstraint("image_id"),
        Index("ix_trashed_images_product_id", "product_id", "deleted_at"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    image_id: int = Field(sa_type=BIG_ID)
    product_id: int = reference("products.id", index=False)
    stored_name: str = Field(max_length=190)
    object_key: str = Field(max_length=255)
    thumbnail_key: str = Field(max_length=255)
    mask_key: str | None = Field(default=None, max_length=255)
    row: dict[str, Any] = json_object()
    boxes: list[dict[str, Any]] = json_list()
    deleted_at: datetime = moment(index=True)
    deleted_by: int | None = reference("users.id", optional=True, index=False)
