"""Imports of images: what was given, what a person decided about it, and what became of each of its files."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    BIG_ID,
    NEVER_REUSE_IDS,
    Versioned,
    json_list,
    json_object,
    moment,
    reference,
    row_id,
)


class ImageImport(Versioned, table=True):
    """One import, from the moment its files were given: without `job_id` it is a draft that a person still decides on.

    `source` says where its files are: uploaded (they and the plan lie below `imports/` in the folder `staged`), in a
    folder of the server or of the object store (`location`; only the plan is staged). `staged` is empty once nothing
    of it is needed any more. `product` is the product that all of it is for, by code or name, empty where the plan
    says so; `decisions` are roles by folder, file or pattern.
    """

    __tablename__: ClassVar[str] = "image_imports"
    __table_args__ = (
        CheckConstraint("source IN ('upload', 'folder', 'store')", name="source"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    job_id: int | None = Field(
        default=None, foreign_key="deployment_logs.id", sa_type=BIG_ID, nullable=True, unique=True
    )
    source: str = Field(max_length=16)
    location: str = Field(default="", max_length=1000)
    staged: str = Field(default="", max_length=64)
    title: str = Field(default="", max_length=255)
    n_files: int = 0
    byte_size: int = Field(default=0, sa_type=BigInteger)
    product: str = Field(default="", max_length=190)
    as_role: str = Field(default="", max_length=255)
    decisions: dict[str, Any] = json_object()
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True)
    updated_at: datetime = moment(index=True)
    row_version: int = 1


class ImageImportItem(SQLModel, table=True):
    """One file of an import that was started, and what became of it: `outcome` is empty while it waits.

    `kind` is image, mask or other; a mask has the place of its image in `image_place`. `becomes` is the code of the
    defect type that is planned, empty for good parts. Deliberately without foreign keys to products and images: what
    an import did stays known when they are deleted.
    """

    __tablename__: ClassVar[str] = "image_import_items"
    __table_args__ = (
        UniqueConstraint("import_id", "place"),
        CheckConstraint("kind IN ('image', 'mask', 'other')", name="kind"),
        CheckConstraint("outcome IN ('', 'added', 'duplicate', 'refused', 'left_out')", name="outcome"),
        Index("ix_image_import_items_outcome", "import_id", "kind", "outcome"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    import_id: int = reference("image_imports.id", index=False)
    place: int
    path: str = Field(max_length=1000)
    kind: str = Field(max_length=8)
    image_place: int | None = None
    product: str = Field(default="", max_length=190)
    becomes: str = Field(default="", max_length=190)
    split: str = Field(default="", max_length=8)
    byte_size: int = Field(default=0, sa_type=BigInteger)
    outcome: str = Field(default="", max_length=16)
    image_id: int | None = Field(default=None, sa_type=BIG_ID, nullable=True)
    stored_name: str = Field(default="", max_length=190)
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    notes: list[str] = json_list()
