"""Changing how a product's views are combined: a new row from the next inspection on; old inspections keep theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record
from core.errors import BadInput, Conflict, NotFound
from core.fusion.effect import LabeledParts, label_parts, measure_effect, read_labeled_parts
from core.fusion.in_force import active_banks, calibrate_views, default_rule, find_fusion, fits, make_row
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
    return _save(services, person, product_id, wanted, reason=reason, seen_id=seen_id)


def _save(
    services: HasDatabase,
    person: Person,
    product_id: int,
    wanted: WantedRule | None,
    *,
    reason: str,
    seen_id: int | None,
) -> FusionEntry:
    """Do as `save_fusion`; without a rule, put the default of the banks in use back in force."""
    require_role(services, person, ENGINEER)
    if not reason.strip():
        raise BadInput("fusion_needs_reason")
    labeled = read_labeled_parts(services, product_id)
    with writing(services) as session:
        now = find_fusion(session, product_id)
        if seen_id is not None and seen_id != now.entry.id:
            raise Conflict("fusion_changed")
        views = combined_views(now.views)
        versions = active_banks(session, product_id, [view.code for view in views])
        calibrations = calibrate_views(session, versions)
        rule, n_fitted = default_rule(session, versions, calibrations), None
        if wanted is not None:
            rule = checked(wanted.rule, views)
            parts = read_fitting_parts({code: read_fitting_scores(session, one) for code, one in versions.items()})
            fresh = replace(now.entry, calibrations=calibrations)
            fitting = label_parts(fresh, views, parts, origin="fitting")
            if wanted.fit_weights:
                rule, n_fitted = _fit(rule, fitting)
            elif rule.method == "weighted_average" and rule.weights:
                n_fitted = _count_if_fitted(rule, fitting)
        measured = measure_effect(rule, labeled).to_json() if labeled.parts else {}
        row = make_row(
            product_id,
            rule,
            FusionFigures(
                views,
                is_default=wanted is None,
                n_fitted=n_fitted,
                measured={**measured, "origin": labeled.origin},
            ),
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

    Before the first rule that somebody saved there was the default. Undone once more, they change places again. Raises
    as `save_fusion`, and Conflict(`fusion_nothing_to_undo`).
    """
    require_role(services, person, ENGINEER)
    before = find_rule_before(services, product_id)
    if before is None:
        raise Conflict("fusion_nothing_to_undo")
    wanted = None if before.is_default else WantedRule(before.rule)
    return _save(services, person, product_id, wanted, reason=reason, seen_id=seen_id)


@dataclass(frozen=True)
class RuleBefore:
    """The rule that was in force before the present one; `is_default` where nobody had chosen it."""

    rule: FusionRule
    is_default: bool


def find_rule_before(services: HasDatabase, product_id: int) -> RuleBefore | None:
    """Return the rule that undoing brings back; None where nothing was in force before, or it fits the views no more.

    Raises NotFound, NotReady(`fusion_without_views`).
    """
    with reading(services) as session:
        found = find_fusion(session, product_id)
        chosen = [entry for entry in read_history(session, product_id) if not entry.is_recalibrated]
        if not chosen or (len(chosen) == 1 and chosen[0].is_default):
            return None
        if len(chosen) == 1 or chosen[1].is_default:
            versions = active_banks(session, product_id, [view.code for view in found.views])
            return RuleBefore(default_rule(session, versions, calibrate_views(session, versions)), is_default=True)
    before = chosen[1].rule
    return RuleBefore(before, is_default=False) if fits(before, combined_views(found.views)) else None


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


def _count_if_fitted(rule: FusionRule, labeled: LabeledParts) -> int | None:
    """Return to how many parts the rule's weights were fitted, None where somebody typed them.

    Whoever has them fitted in the form saves them as numbers: they are told from typed ones by being the same.
    """
    try:
        fitted, n_fitted = _fit(rule, labeled)
    except BadInput:
        return None
    return n_fitted if fitted.weights == rule.weights else None


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
