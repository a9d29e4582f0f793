"""Changing how a product's views are combined: a new row from the next inspection on; old inspections keep theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record
from core.errors import BadInput, Conflict, NotFound
from core.fusion.effect import LabeledParts, label_parts, measure_effect, read_labeled_parts
from core.fusion.in_force import active_banks, calibrate_views, find_fusion, fits, make_row
from core.fusion.records import FusionEntry, FusionFigures, combined_views, entry_of
from core.fusion.rules import WantedRule, checked, rule_to_json
from core.fusion.scores import read_fitting_parts, read_fitting_scores
from core.transactions import HasDatabase, reading, writing
from inference.errors import ModelError
from storage.tables import FusionSetting, Product, User

if TYPE_CHECKING:
    from core.access import Person
    from inference.vision.comparison.fusion import FusionRule


def save_fusion(
    services: HasDatabase, person: Person, product_id: int, wanted: WantedRule, *, reason: str, seen_id: int | None
) -> FusionEntry:
    """Put a rule in force, its views calibrated for the memory banks in use and, if wanted, its weights fitted.

    `seen_id` is the id of the rule that was in force when the person decided (0 for the default that nobody saved),
    None for a command that takes what there is. Raises NotAllowed, NotFound, NotReady(`fusion_without_views`),
    BadInput (`fusion_needs_reason`, and of the rule), Conflict(`fusion_changed`).
    """
    require_role(services, person, ENGINEER)
    if not reason.strip():
        raise BadInput("fusion_needs_reason")
    labeled = read_labeled_parts(services, product_id)
    with writing(services) as session:
        now = find_fusion(session, product_id)
        if seen_id is not None and seen_id != now.entry.id:
            raise Conflict("fusion_changed")
        views = combined_views(now.views)
        rule, n_fitted = checked(wanted.rule, views), None
        versions = active_banks(session, product_id, [view.code for view in views])
        calibrations = calibrate_views(session, versions)
        if wanted.fit_weights:
            parts = read_fitting_parts({code: read_fitting_scores(session, one) for code, one in versions.items()})
            fresh = replace(now.entry, calibrations=calibrations)
            rule, n_fitted = _fit(rule, label_parts(fresh, views, parts, origin="fitting"))
        measured = measure_effect(rule, labeled).to_json() if labeled.parts else {}
        row = make_row(
            product_id,
            rule,
            FusionFigures(views, n_fitted=n_fitted, measured={**measured, "origin": labeled.origin}),
            calibrations,
            reason=reason.strip(),
            person_id=person.id,
        )
        session.add(row)
        session.flush()
        before, after = rule_to_json(now.entry.rule), rule_to_json(rule)
        record(
            session,
            person,
            "fusion.changed",
            "product",
            product_id,
            setting=row.id,
            reason=row.reason,
            changes=find_changes({name: before.get(name) for name in after}, after),
        )
        session.commit()
        session.refresh(row)
        return entry_of(row, saved_by=person.display_name)


def fit_weights_of(services: HasDatabase, person: Person, product_id: int, rule: FusionRule) -> FusionRule:
    """Return the rule with weights fitted to the parts that calibrations are fitted to; nothing is stored.

    Raises NotAllowed, NotFound, BadInput(`fusion_parts_missing`).
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        now = find_fusion(session, product_id)
        versions = active_banks(session, product_id, [view.code for view in now.views])
        parts = read_fitting_parts({code: read_fitting_scores(session, one) for code, one in versions.items()})
    return _fit(rule, label_parts(now.entry, combined_views(now.views), parts, origin="fitting"))[0]


def undo_fusion(
    services: HasDatabase, person: Person, product_id: int, *, reason: str, seen_id: int | None
) -> FusionEntry:
    """Put the rule before the one in force back in force, as a new row, calibrated for the banks of now.

    Undone once more, they change places again. Raises as `save_fusion`, and Conflict(`fusion_nothing_to_undo`).
    """
    require_role(services, person, ENGINEER)
    chosen = [entry for entry in list_fusion(services, product_id) if not entry.is_recalibrated]
    if len(chosen) < 2:
        raise Conflict("fusion_nothing_to_undo")
    with reading(services) as session:
        views = combined_views(find_fusion(session, product_id).views)
    if not fits(chosen[1].rule, views):
        raise Conflict("fusion_nothing_to_undo")
    return save_fusion(services, person, product_id, WantedRule(chosen[1].rule), reason=reason, seen_id=seen_id)


def list_fusion(services: HasDatabase, product_id: int) -> tuple[FusionEntry, ...]:
    """Return all rules that a product has had, the newest first; those that cannot be read any more are left out."""
    with reading(services) as session:
        if session.get(Product, product_id) is None:
            raise NotFound("not_found")
        return read_history(session, product_id)


def read_history(session: Session, product_id: int) -> tuple[FusionEntry, ...]:
    """Do as `list_fusion`, inside the caller's transaction."""
    rows = session.exec(
        select(FusionSetting, User.display_name)
        .join(User, col(User.id) == col(FusionSetting.created_by), isouter=True)
        .where(FusionSetting.product_id == product_id)
        .order_by(col(FusionSetting.id).desc())
    ).all()
    found = []
    for row, name in rows:
        try:
            found.append(entry_of(row, saved_by=name or ""))
        except BadInput:
            continue
    return tuple(found)


def _fit(rule: FusionRule, labeled: LabeledParts) -> tuple[FusionRule, int]:
    from inference.vision.comparison.fusion import fit_weights

    codes = [view.code for view in labeled.views]
    parts = [
        ({code: max(found) for code, found in part.pictures.items() if found}, part.is_defect) for part in labeled.parts
    ]
    try:
        weights = fit_weights([one for one, _ in parts], [is_defect for _, is_defect in parts], codes)
    except ModelError as error:
        raise BadInput(error.code, **error.params) from error
    rounded = {code: round(weight, 4) for code, weight in weights.items()}
    return replace(rule, method="weighted_average", weights=rounded), len(parts)
