"""The images that leave, a few hundred rows at a time, each with its type and its regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlmodel import col, func, select

from core.images.exports.records import ExportChoice, ExportImage, ExportType
from core.images.exports.safe_names import UniqueNames
from core.images.regions.records import Region
from core.transactions import HasDatabase, reading
from storage.tables import DefectType, Image, ImageBox

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_ROWS = 400  # SQLite takes no more than 999 values in the oldest versions still met


def list_types(services: HasDatabase, product_id: int) -> list[ExportType]:
    """Return the defect types and kinds of good parts of a product by code, those out of use, too."""
    query = select(DefectType).where(DefectType.product_id == product_id).order_by(func.lower(DefectType.code))
    with reading(services) as session:
        return [
            ExportType(
                row.id, row.code, row.name_ko, row.name_en, row.severity, row.description, row.outcome, row.is_active
            )
            for row in session.exec(query).all()
        ]


def count_images(services: HasDatabase, product_id: int, choice: ExportChoice) -> tuple[int, int]:
    """Return how many images fit, and how many bytes they have."""
    n_images = n_bytes = 0
    for conditions in _conditions(product_id, choice):
        query = select(func.count(), func.coalesce(func.sum(Image.byte_size), 0)).where(*conditions)
        with reading(services) as session:
            count, size = session.exec(query).one()
        n_images, n_bytes = n_images + count, n_bytes + int(size)
    return n_images, n_bytes


def read_images(
    services: HasDatabase, product_id: int, choice: ExportChoice, types: Sequence[ExportType]
) -> Iterator[ExportImage]:
    """Yield the images that fit in order of id."""
    by_id = {found.id: found for found in types}
    names = UniqueNames()
    for conditions in _conditions(product_id, choice):
        last = 0
        while True:
            query = select(Image).where(*conditions, col(Image.id) > last).order_by(col(Image.id)).limit(_ROWS)
            with reading(services) as session:
                rows = session.exec(query).all()
                ids = [row.id for row in rows]
                boxes = session.exec(
                    select(ImageBox).where(col(ImageBox.image_id).in_(ids)).order_by(col(ImageBox.id))
                ).all()
            regions: dict[int, list[tuple[Region, ExportType | None]]] = {}
            for box in boxes:
                own = by_id.get(box.defect_type_id) if box.defect_type_id is not None else None
                regions.setdefault(box.image_id, []).append((Region.from_row(box), own))
            for row in rows:
                found = _image(row, names.take(row.stored_name), by_id, regions.get(row.id, []))
                yield replace(found, split=choice.split_by_id.get(row.id, row.split))
            if len(rows) < _ROWS:
                break
            last = rows[-1].id


def _image(
    row: Image, name: str, types: dict[int, ExportType], regions: list[tuple[Region, ExportType | None]]
) -> ExportImage:
    return ExportImage(
        id=row.id,
        name=name,
        image_type=row.image_type,
        type=None if row.defect_type_id is None else types.get(row.defect_type_id),
        split=row.split,
        part=row.part,
        part_source=row.part_source,
        view=row.view,
        original_name=row.original_name,
        sha256=row.content_sha256,
        byte_size=row.byte_size,
        width_px=row.width_px,
        height_px=row.height_px,
        object_key=row.object_key,
        mask_key=row.mask_key,
        regions=tuple(regions),
        domain=row.domain,
    )


def _conditions(product_id: int, choice: ExportChoice) -> Iterator[list[ColumnElement[bool]]]:
    """Yield what the rows must fulfil: once, or once for every few hundred of the chosen images."""
    fixed: list[ColumnElement[bool]] = [col(Image.product_id) == product_id]
    if choice.splits:
        fixed.append(col(Image.split).in_(choice.splits))
    if choice.image_type:
        fixed.append(col(Image.image_type) == choice.image_type)
    if choice.image_ids is None:
        yield fixed
        return
    chosen = sorted(set(choice.image_ids))
    for start in range(0, len(chosen), _ROWS):
        yield [*fixed, col(Image.id).in_(chosen[start : start + _ROWS])]
