"""The defect types of a product: what can be wrong with it, how grave that is, and examples of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, WORKER, require_role
from core.audit import record
from core.catalog.edits import check_code, clean_description, clean_name, save_edit
from core.catalog.products import get_product_row
from core.errors import BadInput, Conflict, NotFound
from core.transactions import reading, writing
from storage.tables import DefectType, Image

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

SEVERITIES = ("minor", "major", "critical")
MAX_EXAMPLES = 5
# Stored names say `normal` where a defect's code stands.
RESERVED_DEFECT_CODES = frozenset({"normal"})


def list_defect_types(
    services: Services, product_id: int | None, *, include_inactive: bool = False
) -> list[DefectType]:
    """Return the defect types of a product by code (of all products for None)."""
    query = select(DefectType).order_by(col(DefectType.product_id), func.lower(DefectType.code))
    if product_id is not None:
        query = query.where(DefectType.product_id == product_id)
    if not include_inactive:
        query = query.where(col(DefectType.is_active).is_(True))
    with reading(services) as session:
        return list(session.exec(query).all())


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
) -> DefectType:
    """Add a defect type; a line worker may, because a new kind of defect is first seen at the line.

    Raises BadInput code_invalid, defect_code_reserved, defect_name_missing, name_too_long, description_too_long,
    severity_unknown; Conflict defect_code_taken; NotFound not_found.
    """
    require_role(services, person, WORKER)
    code = check_code(code)
    if code.lower() in RESERVED_DEFECT_CODES:
        raise BadInput("defect_code_reserved", defect_code=code)
    row = DefectType(product_id=product_id, code=code, **_defect_values(name_ko, name_en, description, severity))
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
) -> DefectType:
    """Save an edit made on the state `row_version`; the code stays, because stored names are made of it.

    Raises as `create_defect_type`, and Conflict stale_save.
    """
    require_role(services, person, ENGINEER)
    values = _defect_values(name_ko, name_en, description, severity)
    with writing(services) as session:
        row = _get_defect_type(session, defect_type_id)
        save_edit(session, person, row, "defect_type", values, row_version)
        session.commit()
        return row


def set_defect_type_active(services: Services, person: Person, defect_type_id: int, active: bool) -> DefectType:
    """Take a defect type out of use, or bring it back. Raises NotFound not_found."""
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get_defect_type(session, defect_type_id)
        save_edit(session, person, row, "defect_type", {"is_active": active}, row.row_version)
        session.commit()
        return row


def set_defect_examples(services: Services, person: Person, defect_type_id: int, image_ids: list[int]) -> DefectType:
    """Choose up to five of the type's own images as its examples.

    Raises BadInput too_many_examples, example_of_other_type; NotFound not_found.
    """
    require_role(services, person, ENGINEER)
    chosen = list(dict.fromkeys(image_ids))
    if len(chosen) > MAX_EXAMPLES:
        raise BadInput("too_many_examples", highest=MAX_EXAMPLES)
    with writing(services) as session:
        row = _get_defect_type(session, defect_type_id)
        own = select(Image.id).where(col(Image.id).in_(chosen), Image.defect_type_id == defect_type_id)
        if len(session.exec(own).all()) != len(chosen):
            raise BadInput("example_of_other_type")
        save_edit(session, person, row, "defect_type", {"example_image_ids": chosen}, row.row_version)
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


def _get_defect_type(session: Session, defect_type_id: int) -> DefectType:
    row = session.get(DefectType, defect_type_id, with_for_update=True)
    if row is None:
        raise NotFound("not_found")
    return row
