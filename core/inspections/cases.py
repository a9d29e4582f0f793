"""One similar image opened: what it is, how it came here, and what people did about it then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName, ProductName
from core.errors import NotFound
from core.inspections.decisions import Decision
from core.inspections.part_details import PartDetails
from core.transactions import HasDatabase, reading
from storage.tables import DefectType, Image, Inspection, Product, User

# The same file may have been inspected often; what was done the last few times is what helps.
_MOST_TREATMENTS = 3


@dataclass(frozen=True)
class Treatment:
    """What was found at one inspection, by whom and when (UTC), and what people decided and did then.

    Names are "" where nobody is known. `defect_type` is the confirmed one.
    """

    inspection_id: int
    inspected_at: datetime
    inspected_by: str
    part: PartDetails
    verdict: str
    decision: Decision
    defect_type: DefectTypeName | None
    overridden_by: str
    confirmed_by: str
    action_by: str


@dataclass(frozen=True)
class Case:
    """A curated image, or an inspected part: `is_part`. `treatments` are of the same file, the newest first.

    `arrived_at` (UTC) is when it was added or inspected, `arrived_by` who did; `split` is "" for a part.
    """

    name: str
    original_name: str
    is_part: bool
    product: ProductName
    image_type: str
    defect_type: DefectTypeName | None
    split: str
    has_mask: bool
    arrived_at: datetime
    arrived_by: str
    treatments: tuple[Treatment, ...]


def load_case(services: HasDatabase, match_id: int) -> Case:
    """Return what is known of a similar image: `match_id` is an image's id, or the negative one of an inspection.

    Raises NotFound for one that was deleted.
    """
    with reading(services) as session:
        return _load_image(session, match_id) if match_id > 0 else _load_part(session, -match_id)


def _load_image(session: Session, image_id: int) -> Case:
    image = session.get(Image, image_id)
    if image is None:
        raise NotFound("not_found")
    rows = session.exec(
        select(Inspection)
        .where(Inspection.image_sha256 == image.content_sha256, Inspection.product_id == image.product_id)
        .order_by(col(Inspection.id).desc())
        .limit(_MOST_TREATMENTS)
    ).all()
    return Case(
        name=image.stored_name,
        original_name=image.original_name,
        is_part=False,
        product=_name_product(session, image.product_id),
        image_type=image.image_type,
        defect_type=_name_type(session, image.defect_type_id) if image.image_type == "defect" else None,
        split=image.split,
        has_mask=image.mask_key is not None,
        arrived_at=image.created_at,
        arrived_by=_name_person(session, image.created_by),
        treatments=tuple(_describe(session, row) for row in rows),
    )


def _load_part(session: Session, inspection_id: int) -> Case:
    row = session.get(Inspection, inspection_id)
    if row is None:
        raise NotFound("not_found")
    treatment = _describe(session, row)
    return Case(
        name=row.original_name,
        original_name=row.original_name,
        is_part=True,
        product=_name_product(session, row.product_id),
        image_type="normal" if row.final_verdict == "ok" else "defect",
        defect_type=treatment.defect_type,
        split="",
        has_mask=False,
        arrived_at=row.created_at,
        arrived_by=treatment.inspected_by,
        treatments=(treatment,),
    )


def _describe(session: Session, row: Inspection) -> Treatment:
    return Treatment(
        inspection_id=row.id,
        inspected_at=row.created_at,
        inspected_by=_name_person(session, row.created_by),
        part=PartDetails.from_row(row),
        verdict=row.verdict,
        decision=Decision.from_row(row),
        defect_type=_name_type(session, row.final_defect_type_id),
        overridden_by=_name_person(session, row.overridden_by),
        confirmed_by=_name_person(session, row.confirmed_by),
        action_by=_name_person(session, row.action_by),
    )


def _name_product(session: Session, product_id: int) -> ProductName:
    product = session.get(Product, product_id)
    assert product is not None
    return ProductName.from_row(product)


def _name_type(session: Session, type_id: int | None) -> DefectTypeName | None:
    found = session.get(DefectType, type_id) if type_id is not None else None
    return DefectTypeName.from_row(found) if found is not None else None


def _name_person(session: Session, user_id: int | None) -> str:
    user = session.get(User, user_id) if user_id is not None else None
    return user.display_name if user is not None else ""
