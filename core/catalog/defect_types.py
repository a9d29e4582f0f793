"""The types of a product: what can be wrong with it, how grave that is, its kinds of good parts, and examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, WORKER, require_role
from core.accounts.bindings import require_bound
from core.audit import record
from core.catalog.edits import check_code, clean_description, clean_name, save_edit
from core.catalog.outcomes import DEFECT, OUTCOME_NAMES
from core.catalog.products import get_product_row
from core.errors import BadInput, Conflict, NotFound
from core.transactions import reading, writing
from storage.tables import DefectType, Image, ImageBox, Inspection

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

SEVERITIES = ("minor", "major", "critical")
MAX_EXAMPLES = 5
# Stored names say `normal` where a defect's code stands.
RESERVED_DEFECT_CODES = frozenset({"normal"})


def list_defect_types(
    services: Services, product_id: int | None, *, include_inactive: bool = False, outcome: str | None = None
) -> list[DefectType]:
    """Return the types of a product by code (of all products for None): defects and good kinds, or of one outcome."""
    query = select(DefectType).order_by(col(DefectType.product_id), func.lower(DefectType.code))
    if product_id is not None:
        query = query.where(DefectType.product_id == product_id)
    if not include_inactive:
        query = query.where(col(DefectType.is_active).is_(True))
    if outcome is not None:
        query = query.where(DefectType.outcome == outcome)
    with reading(services) as session:
        return list(session.exec(query).all())


def count_type_images(services: Services, product_id: int | None = None) -> dict[int, dict[str, int]]:
    """Return how many images each type has in each split, {type id: {split: count}}; without those that have none."""
    query = select(Image.defect_type_id, Image.split, func.count()).where(col(Image.defect_type_id).is_not(None))
    if product_id is not None:
        query = query.where(Image.product_id == product_id)
    counts: dict[int, dict[str, int]] = {}
    with reading(services) as session:
        for type_id, split, count in session.exec(query.group_by(col(Image.defect_type_id), col(Image.split))):
            if type_id is not None:
                counts.setdefault(type_id, {})[split] = count
    return counts


def get_defect_type(services: Services, defect_type_id: int) -> DefectType:
    """Return the defect type, active or not. Raises NotFound not_found."""
    with reading(services) as session:
        row = session.get(DefectType, defect_type_id)
    if row is None:
        raise NotFound("not_found")
    return row


def create_defect_type(
    services: Services,
    person: Person,
    *,
    product_id: int,
    code: str,
    name_ko: str,
    name_en: str = "",
    description: str = "",
    severity: str = "major",
    outcome: str = DEFECT,
    phrase: str = "",
) -> DefectType:
    """Add a defect type, or with `outcome` good a kind of good part.

    `phrase` is how models that find things by words are asked for it, in English; empty for its English name.

    A line worker may add a defect type, because a new kind of defect is first seen at the line. Raises BadInput
    code_invalid, defect_code_reserved, defect_name_missing, name_too_long, description_too_long, severity_unknown,
    outcome_unknown; Conflict defect_code_taken; NotFound not_found.
    """
    require_role(services, person, WORKER if outcome == DEFECT else ENGINEER)
    require_bound(services, person, product_id=product_id)
    code = check_code(code)
    if code.lower() in RESERVED_DEFECT_CODES:
        raise BadInput("defect_code_reserved", defect_code=code)
    row = DefectType(
        product_id=product_id,
        code=code,
        **_defect_values(name_ko, name_en, description, severity),
        outcome=_check_outcome(outcome),
        phrase=clean_name(phrase, missing=None),
    )
    with writing(services) as session:
        get_product_row(session, product_id, lock=True)
        taken = select(DefectType.id).where(
            DefectType.product_id == product_id, func.lower(DefectType.code) == code.lower()
        )
        if session.exec(taken).first() is not None:
            raise Conflict("defect_code_taken", defect_code=code)
        session.add(row)
        session.flush()
        record(session, person, "defect_type.created", "defect_type", row.id, code=code, product_id=product_id)
        session.commit()
    return row


def update_defect_type(
    services: Services,
    person: Person,
    defect_type_id: int,
    *,
    row_version: int,
    name_ko: str,
    name_en: str,
    description: str,
    severity: str,
    outcome: str | None = None,
    example_image_ids: Sequence[int] | None = None,
    phrase: str | None = None,
) -> DefectType:
    """Save an edit made on the state `row_version`; the code stays, because stored names are made of it.

    What is None stays as it is. Raises as `create_defect_type` and `set_defect_examples`, and Conflict stale_save,
    outcome_in_use (images, regions or inspections have the type).
    """
    require_role(services, person, ENGINEER)
    values = _defect_values(name_ko, name_en, description, severity)
    if outcome is not None:
        values["outcome"] = _check_outcome(outcome)
    if phrase is not None:
        values["phrase"] = clean_name(phrase, missing=None)
    with writing(services) as session:
        row = _get_defect_type(session, defect_type_id)
        if outcome not in {None, row.outcome}:
            _check_unused(session, row)
        if example_image_ids is not None:
            values["example_image_ids"] = _check_examples(session, row, example_image_ids)
        save_edit(session, person, row, "defect_type", values, row_version)
        session.commit()
        return row


def set_defect_type_active(
    services: Services, person: Person, defect_type_id: int, active: bool, *, row_version: int | None = None
) -> DefectType:
    """Take a defect type out of use, or bring it back.

    `row_version` is the state that the person saw; None for whoever saw none. Raises NotFound not_found, Conflict
    stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get_defect_type(session, defect_type_id)
        seen = row.row_version if row_version is None else row_version
        save_edit(session, person, row, "defect_type", {"is_active": active}, seen)
        session.commit()
        return row


def set_defect_examples(
    services: Services,
    person: Person,
    defect_type_id: int,
    image_ids: Sequence[int],
    *,
    row_version: int | None = None,
) -> DefectType:
    """Choose up to five of the type's own images as its examples, on the state `row_version` that the person saw.

    Raises BadInput too_many_examples, example_of_other_type; NotFound not_found; Conflict stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get_defect_type(session, defect_type_id)
        chosen = _check_examples(session, row, image_ids)
        seen = row.row_version if row_version is None else row_version
        save_edit(session, person, row, "defect_type", {"example_image_ids": chosen}, seen)
        session.commit()
        return row


def _defect_values(name_ko: str, name_en: str, description: str, severity: str) -> dict[str, Any]:
    if severity not in SEVERITIES:
        raise BadInput("severity_unknown", choices=", ".join(SEVERITIES))
    return {
        "name_ko": clean_name(name_ko, missing="defect_name_missing"),
        "name_en": clean_name(name_en, missing=None),
        "description": clean_description(description),
        "severity": severity,
    }


def _check_outcome(outcome: str) -> str:
    if outcome not in OUTCOME_NAMES:
        raise BadInput("outcome_unknown", choices=", ".join(OUTCOME_NAMES))
    return outcome


def _check_unused(session: Session, row: DefectType) -> None:
    """Raise Conflict outcome_in_use where something says that a part is of this type: it would say the opposite."""
    uses = (
        select(Image.id).where(Image.defect_type_id == row.id),
        select(ImageBox.id).where(ImageBox.defect_type_id == row.id),
        select(Inspection.id).where(Inspection.final_defect_type_id == row.id),
        select(Inspection.id).where(Inspection.suggested_defect_type_id == row.id),
    )
    if any(session.exec(query.limit(1)).first() is not None for query in uses):
        raise Conflict("outcome_in_use", defect_code=row.code)


def _check_examples(session: Session, row: DefectType, image_ids: Sequence[int]) -> list[int]:
    chosen = list(dict.fromkeys(image_ids))
    if len(chosen) > MAX_EXAMPLES:
        raise BadInput("too_many_examples", highest=MAX_EXAMPLES)
    own = select(Image.id).where(col(Image.id).in_(chosen), Image.defect_type_id == row.id)
    if len(session.exec(own).all()) != len(chosen):
        raise BadInput("example_of_other_type")
    return chosen


def _get_defect_type(session: Session, defect_type_id: int) -> DefectType:
    row = session.get(DefectType, defect_type_id, with_for_update=True)
    if row is None:
        raise NotFound("not_found")
    return row
