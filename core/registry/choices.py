"""Which model is chosen for each purpose, and with which options; a choice applies at the next build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.catalog.views import View, find_view, read_views
from core.errors import NotFound, NotReady
from core.models.options import DETECTION, ModelOption, check_options, default_option, find_option
from core.models.weight_paths import find_weights
from core.transactions import HasDatabase, reading, writing
from storage.tables import ModelParam, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class Choice:
    """The chosen model of a purpose, the options that differ from its own, and the row's version (0: never saved)."""

    option: ModelOption
    options: dict[str, Any]
    row_version: int = 0


def chosen(session: Session, purpose: str) -> Choice:
    """Return the model that the next deployment will use; the default when none, or an unknown one, was chosen."""
    row = session.exec(select(ModelParam).where(ModelParam.purpose == purpose)).first()
    option = find_option(row.model_name) if row is not None else None
    if row is None or option is None:
        return Choice(default_option(purpose), {}, 0 if row is None else row.row_version)
    return Choice(option, dict(row.options), row.row_version)


def chosen_for(session: Session, purpose: str, product_id: int, view: str = "") -> Choice:
    """Return what the next deployment will use for a view of a product: its own model, or else what is chosen for all.

    Also what is chosen for all where the view names a model that this version of the program does not know.
    """
    return choose_among(chosen(session, purpose), find_view(read_views(session, product_id), view) if view else None)


def choose_among(common: Choice, view: View | None) -> Choice:
    """Return the view's own detector, or `common`: what is chosen for all, of whichever purpose."""
    if view is None or not view.detector or common.option.purpose != DETECTION:
        return common
    option = find_option(view.detector)
    return common if option is None else Choice(option, dict(view.detector_options), view.row_version)


def current_choice(services: HasDatabase, purpose: str) -> Choice:
    """Return the same for a caller without a session."""
    with reading(services) as session:
        return chosen(session, purpose)


def choose(
    services: Services,
    person: Person,
    *,
    purpose: str,
    name: str,
    options: Mapping[str, Any],
    row_version: int,
) -> Choice:
    """Choose the model of a purpose; models in use stay until the next deployment.

    `row_version` is that of the `Choice` that was shown. Raises NotAllowed, NotFound(`model_unknown`),
    BadInput(`model_option_invalid`), NotReady(`backbone_weights_missing`) and Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    option = find_option(name)
    if option is None or option.purpose != purpose:
        raise NotFound("model_unknown", name=name)
    checked = check_options(option, options)
    if option.backbone is not None and find_weights(services.settings, option.backbone) is None:
        raise NotReady("backbone_weights_missing", name=option.network_title)
    with writing(services) as session:
        before = chosen(session, purpose)
        saved_version = save_choice(
            session,
            person,
            purpose=purpose,
            name=name,
            options=checked,
            row_version=row_version,
            before={"model": before.option.name, "options": before.options},
            after={"model": name, "options": checked},
        )
        session.commit()
    return Choice(option, checked, saved_version)


def save_choice(
    session: Session,
    person: Person,
    *,
    purpose: str,
    name: str,
    options: Mapping[str, Any],
    row_version: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> int:
    """Write what is chosen for a purpose, and who changed what; return the new row version. The caller commits.

    `row_version` is that of the choice that was shown; `before` and `after` are the choices as the audit log tells
    them, with the same fields. Raises Conflict(`stale_save`) where somebody else has saved since.
    """
    row = session.exec(select(ModelParam).where(ModelParam.purpose == purpose)).first()
    found_version, row_id = (row.row_version, row.id) if row is not None else (0, 0)
    if found_version != row_version:
        raise stale_save(session, subject_type="model_choice", subject_id=row_id, row_version=row_version)
    if row is None:
        row = ModelParam(purpose=purpose, model_name=name, row_version=0)
    row.model_name, row.options = name, dict(options)
    row.updated_at, row.updated_by, row.row_version = utc_now(), person.id, row.row_version + 1
    session.add(row)
    session.flush()
    changes = find_changes(dict(before), dict(after))
    record(session, person, "model.choose", "model_choice", row.id, row_version=row.row_version, changes=changes)
    return row.row_version
