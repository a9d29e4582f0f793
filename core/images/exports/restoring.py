"""Makes anew what an export says of its product: names in both languages, views, defect types, kinds of good parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.defect_types import create_defect_type, list_defect_types, set_defect_type_active
from core.catalog.edits import clean_name
from core.catalog.products import get_product_row
from core.catalog.view_edits import add_view, set_view_active
from core.catalog.views import list_views
from core.transactions import writing
from storage.tables import Product

if TYPE_CHECKING:
    from core.access import Person
    from core.images.exports.facts import ProductFacts, TypeFacts
    from core.services import Services


def restore_product(services: Services, person: Person, product: Product, facts: ProductFacts) -> Product:
    """Return a product that was just made with the second name that it had."""
    require_role(services, person, ENGINEER)
    name_en = clean_name(facts.name_en, missing=None)
    if not name_en:
        return product
    with writing(services) as session:
        row = get_product_row(session, product.id, lock=True)
        row.name_en = name_en
        record(session, person, "product.updated", "product", row.id, changes={"name_en": ["", name_en]})
        session.commit()
    return row


def restore_types(services: Services, person: Person, product_id: int, facts: ProductFacts) -> None:
    """Make the types that the product has not; those of the same code stay as they are.

    Raises as `create_defect_type`.
    """
    require_role(services, person, ENGINEER)
    there = {row.code.casefold() for row in list_defect_types(services, product_id, include_inactive=True)}
    for kind in facts.types:
        if kind.code.casefold() not in there:
            _make(services, person, product_id, kind)


def restore_views(services: Services, person: Person, product_id: int, facts: ProductFacts) -> None:
    """Add the views that the product has not, in their order; those of the same code stay as they are.

    Raises as `add_view`.
    """
    require_role(services, person, ENGINEER)
    there = {view.code for view in list_views(services, product_id, include_inactive=True)}
    for one in facts.views:
        if one.code in there:
            continue
        view = add_view(
            services,
            person,
            product_id,
            code=one.code,
            name=one.name,
            name_en=one.name_en,
            modality=one.modality,
            is_required=one.is_required,
            found_as=one.found_as,
        )
        if not one.is_active:
            set_view_active(services, person, view.id, active=False)


def _make(services: Services, person: Person, product_id: int, kind: TypeFacts) -> None:
    row = create_defect_type(
        services,
        person,
        product_id=product_id,
        code=kind.code,
        name_ko=kind.name_ko,
        name_en=kind.name_en,
        description=kind.description,
        severity=kind.severity,
        outcome=kind.outcome,
    )
    if not kind.is_active:
        set_defect_type_active(services, person, row.id, active=False)
