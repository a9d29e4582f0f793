"""The rule that combines a product's views now. Its calibration is always that of the memory banks in use.

Where nobody has chosen a rule the default is in force: a defect that any view finds counts, and what is Review or NG by
the thresholds of one view alone is so for the part. The first inspection writes it down, so that every inspection names
the rule that it was combined by. The same happens when a view's bank, or under the default its thresholds, are others
than those that the row was written for: scores of another bank mean other probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.catalog.names import ProductName, spoken_name
from core.catalog.views import read_views
from core.errors import BadInput, NotFound, NotReady
from core.fusion.records import (
    SCORES,
    THRESHOLDS,
    FusionEntry,
    FusionFigures,
    ViewCalibration,
    combined_views,
    entry_of,
)
from core.fusion.rules import checked, rule_to_json
from core.fusion.scores import read_fitting_scores
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version, current_threshold
from core.transactions import HasDatabase, reading, writing
from inference.errors import ModelError
from inference.vision.comparison.fusion import CombinedView, FusionRule
from storage.tables import FusionSetting, ModelVersion, Product, User, utc_now

if TYPE_CHECKING:
    from core.catalog.views import View

DEFAULT_RULE = FusionRule()  # any view that finds a defect counts; see `default_rule` for its thresholds


@dataclass(frozen=True)
class ProductFusion:
    """How a product's views are combined now, and whether that still fits.

    `stale_views` have another memory bank than the calibration was fitted for, or lost theirs; `unbuilt_views` have no
    memory bank yet. `outdated_rule` says that views were added or changed since, which the rule does not know: until
    somebody saves another, the default is in force.
    """

    product: ProductName
    views: tuple[View, ...]
    entry: FusionEntry
    stale_views: tuple[str, ...] = ()
    unbuilt_views: tuple[str, ...] = ()
    outdated_rule: bool = False

    @property
    def is_stale(self) -> bool:
        """Return whether the calibration is to be fitted anew."""
        return bool(self.stale_views)


def has_views(services: HasDatabase, product_id: int) -> bool:
    """Return whether a part of the product is inspected by several views rather than by one picture."""
    with reading(services) as session:
        return bool(read_views(session, product_id))


def read_fusion(services: HasDatabase, product_id: int) -> ProductFusion:
    """Return how the product's views are combined; nothing is stored.

    Raises NotFound for an unknown product, NotReady(`fusion_without_views`).
    """
    with reading(services) as session:
        return find_fusion(session, product_id)


def find_fusion(session: Session, product_id: int) -> ProductFusion:
    """Do as `read_fusion`, inside the caller's transaction."""
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("not_found")
    views = read_views(session, product_id)
    if not views:
        raise NotReady("fusion_without_views", product=spoken_name(product))
    versions = active_banks(session, product_id, [view.code for view in views])
    row = session.exec(
        select(FusionSetting, User.display_name)
        .join(User, col(User.id) == col(FusionSetting.created_by), isouter=True)
        .where(FusionSetting.product_id == product_id)
        .order_by(col(FusionSetting.id).desc())
        .limit(1)
    ).first()
    stored = None if row is None else entry_of(row[0], saved_by=row[1] or "")
    now = combined_views(views)
    unbuilt = tuple(view.code for view in views if view.code not in versions)
    names = ProductName.from_row(product)
    outdated = stored is not None and not stored.is_default and not fits(stored.rule, now)
    if stored is None or stored.is_default or outdated:
        calibrations = calibrate_views(session, versions)
        rule = default_rule(session, versions, calibrations)
        told = (rule, now, calibrations)
        if stored is not None and stored.is_default and (stored.rule, stored.views, stored.calibrations) == told:
            return ProductFusion(names, views, stored, (), unbuilt)
        entry = _unsaved(product_id, rule, now, calibrations, is_default=True)
        if stored is not None and stored.is_default:
            entry = replace(entry, id=stored.id, is_recalibrated=True)
        elif outdated and stored is not None:
            entry = replace(entry, id=stored.id)
        return ProductFusion(names, views, entry, tuple(view.code for view in views), unbuilt, outdated_rule=outdated)
    stale = tuple(view.code for view in views if _version_of(stored, view.code) != _id_of(versions.get(view.code)))
    if not stale and stored.views == now:
        return ProductFusion(names, views, stored, (), unbuilt)
    entry = replace(
        _unsaved(product_id, stored.rule, now, calibrate_views(session, versions)),
        id=stored.id,
        saved_by=stored.saved_by,
        n_fitted=stored.n_fitted,
        is_recalibrated=True,
    )
    return ProductFusion(names, views, entry, stale or tuple(view.code for view in views), unbuilt)


def default_rule(
    session: Session, versions: Mapping[str, ModelVersion], calibrations: Mapping[str, ViewCalibration]
) -> FusionRule:
    """Return the rule of a product for which nobody has chosen one: any view counts.

    Its thresholds are the lowest probabilities that a view's own thresholds stand for, so that together the views let
    nothing pass that one of them alone would stop.
    """
    limits = {code: current_threshold(session, version.id) for code, version in versions.items()}
    review = [calibrations[code].calibration.probability(one.review_at) for code, one in limits.items()]
    reject = [calibrations[code].calibration.probability(one.reject_at) for code, one in limits.items()]
    return replace(DEFAULT_RULE, review_at=min(review), reject_at=min(reject)) if limits else DEFAULT_RULE


def ensure_in_force(services: HasDatabase, product_id: int) -> FusionEntry:
    """Return the rule by which a part is combined now, written down with a calibration that fits the banks in use.

    Raises as `read_fusion`.
    """
    found = read_fusion(services, product_id)
    if not found.is_stale:
        return found.entry
    with writing(services) as session:
        # Somebody else may have written it meanwhile.
        found = find_fusion(session, product_id)
        if not found.is_stale:
            return found.entry
        entry = found.entry
        row = make_row(
            product_id,
            entry.rule,
            FusionFigures(
                entry.views,
                is_default=entry.is_default,
                is_recalibrated=entry.is_recalibrated,
                n_fitted=entry.n_fitted,
            ),
            entry.calibrations,
        )
        session.add(row)
        session.commit()
        session.refresh(row)
        return entry_of(row)


def find_entry(session: Session, setting_id: int) -> FusionEntry | None:
    """Return a rule of any time by its id; None where it is gone with its product, or cannot be read any more."""
    row = session.get(FusionSetting, setting_id)
    try:
        return None if row is None else entry_of(row)
    except BadInput:
        return None


def active_banks(session: Session, product_id: int, views: Sequence[str]) -> dict[str, ModelVersion]:
    """Return the memory bank in use of each view that has one."""
    found = {code: active_version(session, MEMORY_BANK, product_id, view=code) for code in views}
    return {code: version for code, version in found.items() if version is not None}


def calibrate_views(session: Session, versions: Mapping[str, ModelVersion]) -> dict[str, ViewCalibration]:
    """Return by view what turns the scores of its bank into probabilities."""
    return {code: _calibrate(session, version) for code, version in versions.items()}


def fits(rule: FusionRule, views: Sequence[CombinedView]) -> bool:
    """Return whether a rule still combines these views, each of them with a say."""
    try:
        checked(rule, views)
    except BadInput:
        return False
    return rule.method != "weighted_average" or not rule.weights or all(view.code in rule.weights for view in views)


def make_row(
    product_id: int,
    rule: FusionRule,
    figures: FusionFigures,
    calibrations: Mapping[str, ViewCalibration],
    *,
    reason: str = "",
    person_id: int | None = None,
) -> FusionSetting:
    """Return the row of a rule; it is not added to any session."""
    values = rule_to_json(rule)
    return FusionSetting(
        product_id=product_id,
        method=rule.method,
        rule={name: value for name, value in values.items() if name not in {"method", "review_at", "reject_at"}},
        calibration={code: found.to_json() for code, found in calibrations.items()},
        review_at=rule.review_at,
        reject_at=rule.reject_at,
        figures=figures.to_json(),
        reason=reason,
        created_by=person_id,
    )


def _unsaved(
    product_id: int,
    rule: FusionRule,
    views: tuple[CombinedView, ...],
    calibrations: Mapping[str, ViewCalibration],
    *,
    is_default: bool = False,
) -> FusionEntry:
    return FusionEntry(
        id=0,
        product_id=product_id,
        rule=rule,
        views=views,
        calibrations=calibrations,
        reason="",
        created_at=utc_now(),
        created_by=None,
        is_default=is_default,
    )


def _version_of(entry: FusionEntry, view: str) -> int | None:
    found = entry.calibrations.get(view)
    return None if found is None else found.version_id


def _id_of(version: ModelVersion | None) -> int | None:
    return None if version is None else version.id


def _calibrate(session: Session, version: ModelVersion) -> ViewCalibration:
    from inference.vision.comparison.probabilities import fit_scores, from_thresholds

    scores = read_fitting_scores(session, version)
    try:
        fitted = fit_scores(
            list(scores.good.values()),
            list(scores.defect.values()),
            good_parts=scores.parts_of(scores.good),
            defect_parts=scores.parts_of(scores.defect),
        )
        return ViewCalibration(version.id, version.number, fitted, SCORES)
    except ModelError:
        # A bank of an earlier release keeps no scores: its thresholds are what is known.
        limits = current_threshold(session, version.id)
        return ViewCalibration(
            version.id, version.number, from_thresholds(limits.review_at, limits.reject_at), THRESHOLDS
        )
