"""Adding, changing, ordering and deactivating the views of a product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.catalog.edits import clean_name, save_edit
from core.catalog.products import get_product_row
from core.catalog.views import EXTERNAL, FOUND_AS_NAMES, INTERNAL, MODALITY_NAMES, RGB, View, read_views
from core.errors import BadInput, Conflict, NotFound, NotReady
from core.models.options import DETECTION, check_options, find_option
from core.models.weight_paths import find_weights
from core.transactions import writing
from storage.tables import ProductView

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

CODE_PATTERN = r"[a-z0-9_-]{1,32}"
MOST_VIEWS = 16
_SUBJECT = "product_view"
# What looks through a part finds what is inside it.
_FOUND_INSIDE = {"ct", "xray"}


def check_view_code(code: str) -> str:
    """Return the code in lower case without surrounding space. Raises BadInput view_code_invalid."""
    cleaned = code.strip().lower()
    if not re.fullmatch(CODE_PATTERN, cleaned):
        raise BadInput("view_code_invalid", value=code.strip()[:40])
    return cleaned


def add_view(
    services: Services,
    person: Person,
    product_id: int,
    *,
    code: str,
    name: str = "",
    name_en: str = "",
    modality: str = RGB,
    is_required: bool = True,
    found_as: str | None = None,
    detector: str = "",
    detector_options: Mapping[str, Any] | None = None,
) -> View:
    """Add a view at the end of a product's views; without a name it is called by its code.

    Without `found_as` a defect of a CT or X-ray view is internal, of any other external. Raises NotFound not_found;
    BadInput view_code_invalid, name_too_long, view_modality_unknown, view_found_as_unknown, view_too_many and those
    of the model's options; NotReady backbone_weights_missing; Conflict view_code_taken.
    """
    require_role(services, person, ENGINEER)
    row = ProductView(
        product_id=product_id,
        code=check_view_code(code),
        name=clean_name(name, missing=None) or code.strip(),
        name_en=clean_name(name_en, missing=None),
        modality=_check_modality(modality),
        is_required=is_required,
        found_as=_check_found_as(found_as or guess_found_as(modality)),
    )
    row.detector, row.detector_options = _check_detector(services, detector, detector_options or {})
    with writing(services) as session:
        added = add_view_row(session, person, row)
        session.commit()
        return added


def add_view_row(session: Session, person: Person, row: ProductView) -> View:
    """Add a view inside the caller's transaction. Raises NotFound, BadInput view_too_many, Conflict view_code_taken."""
    product = get_product_row(session, row.product_id, lock=True)
    there = session.exec(select(ProductView).where(ProductView.product_id == row.product_id)).all()
    if any(one.code == row.code for one in there):
        raise Conflict("view_code_taken", view_code=row.code)
    if len(there) >= MOST_VIEWS:
        raise BadInput("view_too_many", highest=MOST_VIEWS)
    row.place = max((one.place for one in there), default=-1) + 1
    session.add(row)
    session.flush()
    record(
        session,
        person,
        "product_view.created",
        _SUBJECT,
        row.id,
        product=product.code,
        code=row.code,
        name=row.name,
        modality=row.modality,
    )
    return View.from_row(row)


def update_view(
    services: Services,
    person: Person,
    view_id: int,
    *,
    row_version: int,
    name: str | None = None,
    name_en: str | None = None,
    modality: str | None = None,
    is_required: bool | None = None,
    found_as: str | None = None,
    detector: str | None = None,
    detector_options: Mapping[str, Any] | None = None,
) -> View:
    """Save an edit made on the state `row_version`; what is None stays as it is. The code is never changed.

    Raises as `add_view`, Conflict stale_save which says who changed what meanwhile, BadInput view_name_missing.
    """
    require_role(services, person, ENGINEER)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = clean_name(name, missing="view_name_missing")
    if name_en is not None:
        values["name_en"] = clean_name(name_en, missing=None)
    if modality is not None:
        values["modality"] = _check_modality(modality)
    if is_required is not None:
        values["is_required"] = is_required
    if found_as is not None:
        values["found_as"] = _check_found_as(found_as)
    if detector is not None:
        values["detector"], values["detector_options"] = _check_detector(services, detector, detector_options or {})
    return _save(services, person, view_id, values, row_version)


def set_view_active(
    services: Services, person: Person, view_id: int, active: bool, *, row_version: int | None = None
) -> View:
    """Deactivate a view, or bring it back: its images, models and what was inspected by it stay.

    `row_version` is the state that the person saw; None for whoever saw none. Raises NotFound not_found, Conflict
    stale_save.
    """
    require_role(services, person, ENGINEER)
    return _save(services, person, view_id, {"is_active": active}, row_version)


def order_views(services: Services, person: Person, product_id: int, codes: Sequence[str]) -> tuple[View, ...]:
    """Put the views of a product into this order; return them. Raises NotFound, Conflict views_changed.

    `codes` are those of all its views in use: others mean that somebody has added or removed one meanwhile.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        before = [view.code for view in read_views(session, product_id)]
        if sorted(before) != sorted(codes):
            raise Conflict("views_changed")
        if before != list(codes):
            rows = session.exec(select(ProductView).where(ProductView.product_id == product_id)).all()
            places = {code: place for place, code in enumerate(codes)}
            # Those out of use come after the others.
            rest = len(codes)
            for row in sorted(rows, key=lambda one: (one.place, one.id)):
                row.place = places.get(row.code, rest)
                rest += row.code not in places
                session.add(row)
            record(
                session,
                person,
                "product.views_ordered",
                "product",
                product_id,
                code=product.code,
                views=[before, list(codes)],
            )
            session.commit()
        return read_views(session, product_id)


def guess_found_as(modality: str) -> str:
    """Return what a defect is called that a view of this modality alone shows, where nobody has said."""
    return INTERNAL if modality in _FOUND_INSIDE else EXTERNAL


def find_view_row(session: Session, product_id: int, code: str) -> ProductView | None:
    """Return the view's row, in use or not, inside the caller's transaction; None where there is none."""
    query = select(ProductView).where(
        ProductView.product_id == product_id, func.lower(col(ProductView.code)) == code.strip().lower()
    )
    return session.exec(query).first()


def _save(services: Services, person: Person, view_id: int, values: dict[str, Any], row_version: int | None) -> View:
    with writing(services) as session:
        row = session.get(ProductView, view_id, with_for_update=True)
        if row is None:
            raise NotFound("not_found")
        save_edit(session, person, row, _SUBJECT, values, row.row_version if row_version is None else row_version)
        session.add(row)
        saved = View.from_row(row)
        session.commit()
        return saved


def _check_modality(modality: str) -> str:
    if modality not in MODALITY_NAMES:
        raise BadInput("view_modality_unknown", value=modality[:40], choices=", ".join(MODALITY_NAMES))
    return modality


def _check_found_as(found_as: str) -> str:
    if found_as not in FOUND_AS_NAMES:
        raise BadInput("view_found_as_unknown", value=found_as[:40], choices=", ".join(FOUND_AS_NAMES))
    return found_as


def _check_detector(services: Services, name: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the model that is to be built for a view; an empty name takes no options: that is chosen for all."""
    if not name:
        return "", {}
    option = find_option(name)
    if option is None or option.purpose != DETECTION:
        raise NotFound("model_unknown", name=name)
    if option.backbone is not None and find_weights(services.settings, option.backbone) is None:
        raise NotReady("backbone_weights_missing", name=option.network_title)
    return name, dict(check_options(option, options))
