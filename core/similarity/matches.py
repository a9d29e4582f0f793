"""What an index found, and the rows behind it: what each image was, when, and what was done about it then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName, ProductName
from storage.json_fields import read_float, read_int, read_object, read_objects
from storage.object_store import ObjectStore
from storage.tables import DefectType, Image, Inspection, Product

_AT_ONCE = 500  # of an index whose images are nearly all deleted, tens of thousands are looked up


@dataclass(frozen=True)
class Match:
    """One image that an index found: `id` is a curated image's, or the negative id of an inspection.

    `similarity` is the cosine, at most 1, `closeness` the same on the product's own scale, 0 to 100; None where the
    index had no such scale.
    """

    id: int
    similarity: float
    closeness: float | None = None

    @classmethod
    def from_json(cls, value: object) -> Match | None:
        """Return the match of a JSON object in a row of the search history; None where no image is told."""
        data = read_object(value)
        image_id, inspection_id = read_int(data.get("image_id")), read_int(data.get("inspection_id"))
        similarity, closeness = read_float(data.get("similarity")) or 0.0, read_float(data.get("closeness"))
        if image_id is not None:
            return cls(image_id, similarity, closeness)
        return cls(-inspection_id, similarity, closeness) if inspection_id is not None else None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values = {"image_id" if self.id > 0 else "inspection_id": abs(self.id), "similarity": self.similarity}
        return values if self.closeness is None else {**values, "closeness": self.closeness}


def read_matches(value: object) -> tuple[Match, ...]:
    """Return the matches in the JSON list of a search, the most similar first, without what is none."""
    return tuple(match for one in read_objects(value) if (match := Match.from_json(one)) is not None)


@dataclass(frozen=True)
class Similar:
    """One image that looks alike. `similarity` and `closeness` are as of `Match`; `last_action` what was done about it.

    It is a curated image (`image_id`), or an inspected part whose defect a person confirmed (`inspection_id`). Its
    thumbnail (WebP or JPEG) is the object `thumbnail_key`.
    """

    image_id: int | None
    stored_name: str
    similarity: float
    image_type: str
    defect_type: DefectTypeName | None
    created_at: datetime
    thumbnail_key: str
    last_action: str | None = None
    inspection_id: int | None = None
    product: ProductName | None = None
    closeness: float | None = None

    @property
    def id(self) -> int:
        """Return the id by which an index knows it, as of `Match`."""
        return self.image_id if self.image_id is not None else -(self.inspection_id or 0)


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
        is_defect = image_type == "defect"  # the kind of a good part is no type of defect
        live |= {image_id: type_id if is_defect else None for image_id, type_id in rows if image_id is not None}
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


def describe_matches(session: Session, matches: Sequence[Match]) -> tuple[Similar, ...]:
    """Return what is known of the matches, in order. An image that was deleted since is not among them."""
    ids = [match.id for match in matches]
    if not ids:
        return ()
    images = {
        row.id: row for row in session.exec(select(Image).where(col(Image.id).in_([i for i in ids if i > 0]))).all()
    }
    parts = [-i for i in ids if i < 0]
    found = session.exec(select(Inspection).where(col(Inspection.id).in_(parts))).all() if parts else ()
    inspected = {-row.id: row for row in found}
    type_ids = {row.defect_type_id for row in images.values()} | {
        row.final_defect_type_id for row in inspected.values()
    }
    types: dict[int | None, DefectTypeName] = {
        row.id: DefectTypeName.from_row(row)
        for row in session.exec(select(DefectType).where(col(DefectType.id).in_(type_ids))).all()
    }
    product_ids = {row.product_id for row in images.values()} | {row.product_id for row in inspected.values()}
    products = {
        row.id: ProductName.from_row(row)
        for row in session.exec(select(Product).where(col(Product.id).in_(product_ids))).all()
    }
    actions = _last_actions(session, {row.content_sha256 for row in images.values()})
    described = []
    for match in matches:
        if (image := images.get(match.id)) is not None:
            described.append(
                Similar(
                    image_id=image.id,
                    stored_name=image.stored_name,
                    similarity=match.similarity,
                    image_type=image.image_type,
                    defect_type=types.get(image.defect_type_id) if image.image_type == "defect" else None,
                    created_at=image.created_at,
                    thumbnail_key=image.thumbnail_key,
                    last_action=actions.get(image.content_sha256),
                    product=products.get(image.product_id),
                    closeness=match.closeness,
                )
            )
        elif (row := inspected.get(match.id)) is not None:
            described.append(
                Similar(
                    image_id=None,
                    stored_name=row.original_name,
                    similarity=match.similarity,
                    image_type="defect",
                    defect_type=types.get(row.final_defect_type_id),
                    created_at=row.created_at,
                    thumbnail_key=row.thumbnail_key,
                    last_action=(row.action_note or None) if row.action_status == "done" else None,
                    inspection_id=row.id,
                    product=products.get(row.product_id),
                    closeness=match.closeness,
                )
            )
    return tuple(described)


def describe_each(session: Session, lists: Sequence[Sequence[Match]]) -> list[tuple[Similar, ...]]:
    """Return what is known of the matches of each list, as `describe_matches` does; the database is asked once."""
    first = {match.id: match for matches in lists for match in matches}
    known = {found.id: found for found in describe_matches(session, list(first.values()))}
    return [
        tuple(
            replace(known[match.id], similarity=match.similarity, closeness=match.closeness)
            for match in matches
            if match.id in known
        )
        for matches in lists
    ]


def fetch_thumbnails(objects: ObjectStore, keys: Sequence[str]) -> dict[str, bytes]:
    """Return the thumbnails by key, without those that cannot be read now."""
    return {key: data for key, data in objects.get_many(keys) if isinstance(data, bytes)}


def _last_actions(session: Session, hashes: set[str]) -> dict[str, str]:
    rows = session.exec(
        select(Inspection.image_sha256, Inspection.action_note)
        .where(col(Inspection.image_sha256).in_(hashes), Inspection.action_status == "done")
        .order_by(col(Inspection.id))
    ).all()
    return {sha256: note for sha256, note in rows if note}
