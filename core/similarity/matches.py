"""What an index found, and the rows behind it: what each image was, when, and what was done about it then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy import select as sql_select
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
    return live_types_of_each(session, {image_type: ids})[image_type]


def live_types_of_each(session: Session, ids: Mapping[str, Collection[int]]) -> dict[str, dict[int, int | None]]:
    """Return the same of the ids that were indexed as each type of image; the database is asked once for all."""
    live: dict[str, dict[int, int | None]] = {image_type: {} for image_type in ids}
    images = sorted({found for asked in ids.values() for found in asked if found > 0})
    for start in range(0, len(images), _AT_ONCE):
        rows = session.exec(
            select(Image.id, Image.image_type, Image.defect_type_id)
            .join(Product, col(Product.id) == col(Image.product_id))
            .where(col(Image.id).in_(images[start : start + _AT_ONCE]), col(Product.is_active).is_(True))
        ).all()
        for image_id, image_type, type_id in rows:
            if image_type in live:
                # The kind of a good part is no type of defect.
                live[image_type][image_id] = type_id if image_type == "defect" else None
    inspections = sorted({-found for found in ids.get("defect", ()) if found < 0})
    for start in range(0, len(inspections), _AT_ONCE):
        confirmed = session.exec(
            select(Inspection.id, Inspection.final_defect_type_id)
            .join(Product, col(Product.id) == col(Inspection.product_id))
            .where(
                col(Inspection.id).in_(inspections[start : start + _AT_ONCE]),
                col(Inspection.final_defect_type_id).is_not(None),
                Inspection.final_verdict != "ok",
                col(Product.is_active).is_(True),
            )
        ).all()
        live["defect"] |= {-row_id: type_id for row_id, type_id in confirmed}
    return {
        image_type: {found: type_id for found, type_id in live[image_type].items() if found in asked}
        for image_type, asked in ((image_type, set(asked)) for image_type, asked in ids.items())
    }


def describe_matches(session: Session, matches: Sequence[Match]) -> tuple[Similar, ...]:
    """Return what is known of the matches, in order. An image that was deleted since is not among them."""
    images = _find_images(session, [match.id for match in matches if match.id > 0])
    inspections = _find_inspections(session, [-match.id for match in matches if match.id < 0])
    known = images | {-number: similar for number, similar in inspections.items()}
    return tuple(
        replace(known[match.id], similarity=match.similarity, closeness=match.closeness)
        for match in matches
        if match.id in known
    )


def _find_images(session: Session, ids: Sequence[int]) -> dict[int, Similar]:
    # Columns, not objects: this is asked for each part that is inspected.
    if not ids:
        return {}
    columns: list[Any] = [
        Image.id, Image.stored_name, Image.image_type, Image.created_at, Image.thumbnail_key, Image.content_sha256,
    ]  # fmt: skip
    query = _with_names(sql_select(*columns, *_NAMES), Image.product_id, Image.defect_type_id)
    rows = session.execute(query.where(col(Image.id).in_(ids))).all()
    actions = _last_actions(session, {row.content_sha256 for row in rows})
    return {
        row.id: Similar(
            image_id=row.id,
            stored_name=row.stored_name,
            similarity=0.0,
            image_type=row.image_type,
            defect_type=_read_type(row) if row.image_type == "defect" else None,
            created_at=row.created_at,
            thumbnail_key=row.thumbnail_key,
            last_action=actions.get(row.content_sha256),
            product=_read_product(row),
        )
        for row in rows
    }


def _find_inspections(session: Session, ids: Sequence[int]) -> dict[int, Similar]:
    if not ids:
        return {}
    columns: list[Any] = [
        Inspection.id, Inspection.original_name, Inspection.created_at, Inspection.thumbnail_key,
        Inspection.action_note, Inspection.action_status,
    ]  # fmt: skip
    query = _with_names(sql_select(*columns, *_NAMES), Inspection.product_id, Inspection.final_defect_type_id)
    rows = session.execute(query.where(col(Inspection.id).in_(ids))).all()
    return {
        row.id: Similar(
            image_id=None,
            stored_name=row.original_name,
            similarity=0.0,
            image_type="defect",
            defect_type=_read_type(row),
            created_at=row.created_at,
            thumbnail_key=row.thumbnail_key,
            last_action=(row.action_note or None) if row.action_status == "done" else None,
            inspection_id=row.id,
            product=_read_product(row),
        )
        for row in rows
    }


# The names of type and product, beside what is asked for.
_NAMES: Final[tuple[Any, ...]] = (
    col(DefectType.id).label("type_id"),
    col(DefectType.code).label("type_code"),
    col(DefectType.name_ko).label("type_ko"),
    col(DefectType.name_en).label("type_en"),
    col(Product.id).label("product_id"),
    col(Product.code).label("product_code"),
    col(Product.name).label("product_ko"),
    col(Product.name_en).label("product_en"),
)


def _with_names(query: Select[Any], product_id: object, type_id: object) -> Select[Any]:
    return query.outerjoin(Product, col(Product.id) == product_id).outerjoin(DefectType, col(DefectType.id) == type_id)


def _read_type(row: Any) -> DefectTypeName | None:
    return None if row.type_id is None else DefectTypeName(row.type_id, row.type_code, row.type_ko, row.type_en)


def _read_product(row: Any) -> ProductName | None:
    if row.product_id is None:
        return None
    return ProductName(row.product_id, row.product_code, row.product_ko, row.product_en)


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
