"""Combinations of views in a comparison: calibrated, weighted and limited by validation parts, applied to all.

The views' probabilities and the rule are those of `core.fusion`; a part counts where every view of the combination has
a picture of it. What a part lacks a prediction for has none itself, unless the other views stop it anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlmodel import select

from core.comparisons.entries import Entry
from core.errors import from_lower
from core.fusion.rules import WantedRule, read_rule
from core.transactions import HasDatabase, reading
from inference.errors import ModelError
from storage.tables import Prediction, ProductView

if TYPE_CHECKING:
    from inference.vision.comparison.fusion import CombinedView, FusionRule
    from inference.vision.comparison.probabilities import ScoreCalibration

GOOD_PART = "good"


@dataclass(frozen=True)
class FusedPart:
    """What a combination says of a part.

    `truth` and `named` are good, internal, external or combined by the views that show, or find, a defect.
    `probability` is None where a view has no prediction and the others do not stop the part. `pictures` are the
    probabilities of its pictures by view, None for one without a prediction.
    """

    part: str
    split: str
    is_defect: bool
    truth: str
    probability: float | None
    is_stopped: bool
    named: str
    deciding: str
    missing: str
    ms: float
    pictures: Mapping[str, tuple[float | None, ...]]


def read_combination_rule(
    services: HasDatabase, product_id: int, entry: Entry
) -> tuple[tuple[CombinedView, ...], WantedRule]:
    """Return the views that an entry combines, and its rule. Raises BadInput as `core.fusion.rules.read_rule`."""
    from inference.vision.comparison.fusion import CombinedView

    with reading(services) as session:
        rows = session.exec(select(ProductView).where(ProductView.product_id == product_id)).all()
    found_as = {row.code: row.found_as for row in rows}
    views = tuple(
        CombinedView(code, "internal" if found_as.get(code) == "internal" else "external") for code in entry.members
    )
    return views, read_rule(dict(entry.rule), views)


def fuse_parts(
    views: Sequence[CombinedView],
    wanted: WantedRule,
    rows: Mapping[str, Sequence[Prediction]],
    good_labels: Collection[str],
) -> tuple[FusionRule, list[FusedPart]]:
    """Return the rule as validation made it, and what it says of every part, those of validation included.

    `rows` are the predictions of images by view. Raises AppError where no probability can be told.
    """
    pictures, splits, defective, ms = _gather(views, rows, good_labels)
    try:
        scores = _fit(views, rows, good_labels)
        calibrated = {
            part: {view: _calibrate(scores[view], found) for view, found in by_view.items()}
            for part, by_view in pictures.items()
        }
    except ModelError as error:
        raise from_lower(error) from error
    rule = _settle(wanted, views, calibrated, splits, defective)
    return rule, [
        _judge(part, rule, views, calibrated[part], splits[part], defective[part], ms[part]) for part in calibrated
    ]


def _gather(
    views: Sequence[CombinedView], rows: Mapping[str, Sequence[Prediction]], good_labels: Collection[str]
) -> tuple[dict[str, dict[str, list[float | None]]], dict[str, str], dict[str, frozenset[str]], dict[str, float]]:
    pictures: dict[str, dict[str, list[float | None]]] = {}
    splits: dict[str, str] = {}
    defective: dict[str, frozenset[str]] = {}
    spent: dict[str, dict[str, float]] = {}
    for view in views:
        for row in rows[view.code]:
            pictures.setdefault(row.part, {}).setdefault(view.code, []).append(row.score)
            splits[row.part] = row.split
            shown = defective.get(row.part, frozenset())
            defective[row.part] = shown | {view.code} if row.truth not in good_labels else shown
            own = spent.setdefault(row.part, {})
            own[view.code] = own.get(view.code, 0.0) + row.latency_ms
    whole = {part: found for part, found in sorted(pictures.items()) if len(found) == len(views)}
    # The views are asked side by side: the slowest is what a part waits for.
    return whole, splits, defective, {part: max(own.values()) for part, own in spent.items()}


def _fit(
    views: Sequence[CombinedView], rows: Mapping[str, Sequence[Prediction]], good_labels: Collection[str]
) -> dict[str, ScoreCalibration]:
    from inference.vision.comparison.probabilities import fit_scores

    found: dict[str, ScoreCalibration] = {}
    for view in views:
        own = [row for row in rows[view.code] if row.split == "val" and row.score is not None]
        goods = [row for row in own if row.truth in good_labels]
        defects = [row for row in own if row.truth not in good_labels]
        found[view.code] = fit_scores(
            [row.score for row in goods if row.score is not None],
            [row.score for row in defects if row.score is not None],
            good_parts=[row.part for row in goods],
            defect_parts=[row.part for row in defects],
        )
    return found


def _calibrate(calibration: ScoreCalibration, scores: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if score is None else calibration.probability(score) for score in scores)


def _settle(
    wanted: WantedRule,
    views: Sequence[CombinedView],
    calibrated: Mapping[str, Mapping[str, tuple[float | None, ...]]],
    splits: Mapping[str, str],
    defective: Mapping[str, frozenset[str]],
) -> FusionRule:
    """Return the rule with weights and thresholds by the validation parts that every view has judged."""
    from inference.vision.comparison.fusion import combine, fit_weights
    from inference.vision.comparison.measures import choose_threshold

    parts = [part for part in calibrated if splits[part] == "val"]
    worst: list[dict[str, float]] = []
    labels: list[bool] = []
    for part in parts:
        known = {view: [one for one in found if one is not None] for view, found in calibrated[part].items()}
        if all(known.values()):
            worst.append({view: max(found) for view, found in known.items()})
            labels.append(bool(defective[part]))
    rule = wanted.rule
    if wanted.fit_weights and any(labels) and not all(labels):
        rule = replace(rule, weights=fit_weights(worst, labels, [view.code for view in views]))
    if rule.method == "rule_based":
        return rule
    chosen = choose_threshold([combine(rule, one) for one in worst], labels)
    if chosen is None:
        return rule
    limit = min(max(chosen.value, 1e-6), 1.0)
    return replace(rule, review_at=limit, reject_at=limit)


def _judge(
    part: str,
    rule: FusionRule,
    views: Sequence[CombinedView],
    pictures: Mapping[str, tuple[float | None, ...]],
    split: str,
    shown: frozenset[str],
    ms: float,
) -> FusedPart:
    from inference.vision.comparison.fusion import fuse, name_by_views

    fused = fuse(rule, views, pictures)
    is_stopped = fused.verdict == "reject" or (fused.verdict == "review" and not fused.failed)
    missing = "" if is_stopped or not fused.failed else fused.failed[0]
    truth = name_by_views([view.found_as for view in views if view.code in shown]) or GOOD_PART
    named = (fused.found_as or GOOD_PART) if is_stopped else GOOD_PART
    return FusedPart(
        part=part,
        split=split,
        is_defect=bool(shown),
        truth=truth,
        probability=None if missing else fused.probability,
        is_stopped=is_stopped and not missing,
        named="" if missing else named,
        deciding=fused.deciding,
        missing=missing,
        ms=ms,
        pictures=pictures,
    )
