"""The rows behind similar images: what each was, when, and what was done about it then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from storage.tables import DefectType, Image, Inspection, Product

if TYPE_CHECKING:
    from core.services import Services

_AT_ONCE = 500  # of an index whose images are nearly all deleted, tens of thousands are looked up


@dataclass(frozen=True)
class Similar:
    """One image that looks alike. `similarity` is the cosine, at most 1; `last_action` what was done about it.

    It is a curated image (`image_id`), or an inspected part whose defect a person confirmed (`inspection_id`).
    """

    image_id: int | None
    stored_name: str
    similarity: float
    image_type: str
    defect_type: DefectType | None
    created_at: datetime
    thumbnail: bytes | None = field(repr=False)
    last_action: str | None = None
    inspection_id: int | None = None
    product: Product | None = None


def live_types(session: Session, ids: Collection[int], image_type: str) -> dict[int, int | None]:
    """Return the defect type of each id that still is what it was indexed as; negative ids are those of inspections.

    An image that was deleted, or re-labeled to the other kind, is not among them; nor is an inspection whose
    confirmation was taken back; nor anything of a product that was deactivated.
    """
    asked = list(ids)
    live: dict[int, int | None] = {}
    for start in range(0, len(asked), _AT_ONCE):
        live |= _live_types(session, asked[start : start + _AT_ONCE], image_type)
    return live


def _live_types(session: Session, ids: Sequence[int], image_type: str) -> dict[int, int | None]:
    images = [found for found in ids if found > 0]
    inspections = [-found for found in ids if found < 0]
    live: dict[int, int | None] = {}
    if images:
        rows = session.exec(
            select(Image.id, Image.defect_type_id)
            .join(Product, col(Product.id) == col(Image.product_id))
            .where(col(Image.id).in_(images), Image.image_type == image_type, col(Product.is_active).is_(True))
        ).all()
        live |= {image_id: type_id for image_id, type_id in rows if image_id is not None}
    if inspections and image_type == "defect":
        confirmed = session.exec(
            select(Inspection.id, Inspection.final_defect_type_id)
            .join(Product, col(Product.id) == col(Inspection.product_id))
            .where(
                col(Inspection.id).in_(inspections),
                col(Inspection.final_defect_type_id).is_not(None),
                Inspection.final_verdict != "ok",
                col(Product.is_active).is_(True),
            )
        ).all()
        live |= {-row_id: type_id for row_id, type_id in confirmed if row_id is not None}
    return live


def describe_matches(services: Services, session: Session, matches: Sequence[tuple[int, float]]) -> list[Similar]:
    """Return the rows behind the matches, in order, without images that were deleted since the index was built."""
    ids = [found for found, _ in matches]
    if not ids:
        return []
    images = {
        row.id: row for row in session.exec(select(Image).where(col(Image.id).in_([i for i in ids if i > 0]))).all()
    }
    inspected = {
        -row.id: row
        for row in session.exec(select(Inspection).where(col(Inspection.id).in_([-i for i in ids if i < 0]))).all()
    }
    type_ids = {row.defect_type_id for row in images.values()} | {
        row.final_defect_type_id for row in inspected.values()
    }
    types: dict[int | None, DefectType] = {
        row.id: row for row in session.exec(select(DefectType).where(col(DefectType.id).in_(type_ids))).all()
    }
    product_ids = {row.product_id for row in images.values()} | {row.product_id for row in inspected.values()}
    products = {row.id: row for row in session.exec(select(Product).where(col(Product.id).in_(product_ids))).all()}
    actions = _last_actions(session, {row.content_sha256 for row in images.values()})
    rows: dict[int, Image | Inspection] = {**images, **inspected}
    keys = [rows[found].thumbnail_key for found in ids if found in rows]
    thumbnails = {key: data if isinstance(data, bytes) else None for key, data in services.objects.get_many(keys)}
    described = []
    for found, similarity in matches:
        if (image := images.get(found)) is not None:
            described.append(
                Similar(
                    image_id=found,
                    stored_name=image.stored_name,
                    similarity=similarity,
                    image_type=image.image_type,
                    defect_type=types.get(image.defect_type_id),
                    created_at=image.created_at,
                    thumbnail=thumbnails.get(image.thumbnail_key),
                    last_action=actions.get(image.content_sha256),
                    product=products.get(image.product_id),
                )
            )
        elif (row := inspected.get(found)) is not None:
            described.append(
                Similar(
                    image_id=None,
                    stored_name=row.original_name,
                    similarity=similarity,
                    image_type="defect",
                    defect_type=types.get(row.final_defect_type_id),
                    created_at=row.created_at,
                    thumbnail=thumbnails.get(row.thumbnail_key),
                    last_action=(row.action_note or None) if row.action_status == "done" else None,
                    inspection_id=row.id,
                    product=products.get(row.product_id),
                )
            )
    return described


def _last_actions(session: Session, hashes: set[str]) -> dict[str, str]:
    rows = session.exec(
        select(Inspection.image_sha256, Inspection.action_note)
        .where(col(Inspection.image_sha256).in_(hashes), Inspection.action_status == "done")
        .order_by(col(Inspection.id))
    ).all()
    return {sha256: note for sha256, note in rows if note}
