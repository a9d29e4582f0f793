"""The images of a dataset version a page at a time, with what is still there of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import col

from core.datasets.records import FrozenImage
from core.datasets.splits import SPLITS
from core.errors import BadInput
from core.transactions import HasDatabase, reading
from storage.row_limits import execute_columns
from storage.tables import DatasetVersionImage, Image


@dataclass(frozen=True)
class ShownImage:
    """An image of a version; `stored_name` and `thumbnail_key` are empty where it is not there any more."""

    frozen: FrozenImage
    stored_name: str = ""
    thumbnail_key: str = ""


def list_images(
    services: HasDatabase,
    dataset_id: int,
    *,
    split: str = "",
    label: str = "",
    domain: str | None = None,
    offset: int = 0,
    limit: int = 48,
) -> tuple[list[ShownImage], int]:
    """Return some images of a version in order of id, and how many fit in all; empty words ask for nothing.

    Raises BadInput dataset_split_unknown.
    """
    if split and split not in SPLITS:
        raise BadInput("dataset_split_unknown", split=split[:40])
    frozen = DatasetVersionImage
    tests: list[Any] = [col(frozen.dataset_version_id) == dataset_id]
    if split:
        tests.append(col(frozen.split) == split)
    if label:
        tests.append(col(frozen.label) == label)
    if domain is not None:
        tests.append(col(frozen.domain) == domain)
    with reading(services) as session:
        total = int(execute_columns(session, select_columns(func.count()).where(*tests)).scalar_one())
        query = (
            select_columns(frozen, col(Image.stored_name), col(Image.thumbnail_key))
            .outerjoin(Image, col(Image.id) == col(frozen.image_id))
            .where(*tests)
            .order_by(col(frozen.image_id))
            .offset(max(0, offset))
            .limit(limit)
        )
        rows = session.execute(query).all()
        shown = [ShownImage(FrozenImage.from_row(row), name or "", key or "") for row, name, key in rows]
    return shown, total
