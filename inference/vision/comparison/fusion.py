"""Several views of a part combined into one verdict, by formulas that can be written on a page.

Every view gives the probability that it shows a defect (see `probabilities`); of several pictures of a view the worst
counts. Then, with p of the views that are there:

- `weighted_average`: Σ w·p / Σ w.
- `voting`: the k-th largest p: at least k views find something at a threshold exactly where it is that high. `any` is
  k = 1, `majority` more than half of the views.
- `rule_based`: the first rule whose conditions all hold names the outcome; the probability is the largest p.

The combined probability is compared with two thresholds as a score is; of `rule_based` the rules give the verdict. A
required view without a picture, and a picture that could not be judged, make Review of what would be OK, never less.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from inference.errors import ModelError
from inference.vision.detection.calibration import Verdict
from inference.vision.detection.calibration import verdict as compare

Method = Literal["weighted_average", "voting", "rule_based"]
Outcome = Literal["good", "review", "internal", "external", "combined"]
FoundAs = Literal["", "internal", "external", "combined"]
Votes = Literal["any", "majority"] | int
METHODS: tuple[Method, ...] = get_args(Method)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
INTERNAL, EXTERNAL, COMBINED = "internal", "external", "combined"
REVIEW_AT, REJECT_AT = 0.5, 0.8
# So many views can be asked in every combination; beyond, single ones and all together.
_MOST_IN_ALL_WAYS = 10


@dataclass(frozen=True)
class CombinedView:
    """A view as far as combining goes: its code, what a defect is called that it finds, whether a part needs it."""

    code: str
    found_as: Literal["internal", "external"] = "external"
    is_required: bool = True


@dataclass(frozen=True)
class Condition:
    """`view` >= `value`, or < without `at_least`. A view without a picture has found nothing: its p is 0 here."""

    view: str
    at_least: bool
    value: float

    def holds(self, probabilities: Mapping[str, float]) -> bool:
        """Return whether it holds for the probabilities of the views."""
        found = probabilities.get(self.view, 0.0)
        return found >= self.value if self.at_least else found < self.value


@dataclass(frozen=True)
class Rule:
    """Where all conditions hold, the outcome is `outcome`."""

    conditions: tuple[Condition, ...]
    outcome: Outcome


@dataclass(frozen=True)
class FusionRule:
    """How views are combined.

    `weights` (of `weighted_average`) are non-negative, of any sum; a view without one has the weight 0, and without
    any all weigh the same. `votes` is of `voting`, `rules` and `otherwise` of `rule_based`. The thresholds are combined
    probabilities with 0 < `review_at` <= `reject_at` <= 1; a view has found something where its own probability is
    `review_at` or more.
    """

    method: Method = "voting"
    weights: Mapping[str, float] = field(default_factory=dict)
    votes: Votes = "any"
    rules: tuple[Rule, ...] = ()
    otherwise: Outcome = "good"
    review_at: float = REVIEW_AT
    reject_at: float = REJECT_AT


@dataclass(frozen=True)
class FusedVerdict:
    """What the views together say of a part.

    `found_by` are the views that found something, in the order of the views, and `found_as` what that makes it: empty
    for OK and where only something is missing. `missing` are required views without a picture, `failed` views with a
    picture that could not be judged. `deciding` is the view of the highest probability, empty where none was judged.
    """

    verdict: Verdict
    probability: float | None
    found_as: FoundAs = ""
    found_by: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    deciding: str = ""


def check_rule(rule: FusionRule, views: Sequence[CombinedView]) -> None:
    """Raise ModelError for a rule that cannot combine these views.

    Codes: `fusion_thresholds_invalid`, `fusion_weights_invalid`, `fusion_votes_invalid`, `fusion_view_unknown`,
    `fusion_rules_missing`, `fusion_value_invalid`, and `fusion_rules_let_pass` where rules make a good part of one on
    which a view is certain of a defect.
    """
    codes = [view.code for view in views]
    if not (0 < rule.review_at <= rule.reject_at <= 1):
        raise ModelError("fusion_thresholds_invalid", review_at=rule.review_at, reject_at=rule.reject_at)
    named = [*rule.weights, *(one.view for found in rule.rules for one in found.conditions)]
    unknown = sorted(set(named) - set(codes))
    if unknown:
        raise ModelError("fusion_view_unknown", view=unknown[0], views=", ".join(codes))
    if rule.method == "weighted_average" and rule.weights:
        weights = rule.weights.values()
        if any(not math.isfinite(weight) or weight < 0 for weight in weights) or sum(weights) <= 0:
            raise ModelError("fusion_weights_invalid")
    if rule.method == "voting" and isinstance(rule.votes, int) and not 1 <= rule.votes <= max(1, len(codes)):
        raise ModelError("fusion_votes_invalid", votes=rule.votes, views=len(codes))
    if rule.method == "rule_based":
        _check_rules(rule, codes)


def _check_rules(rule: FusionRule, codes: Sequence[str]) -> None:
    if not rule.rules:
        raise ModelError("fusion_rules_missing")
    for one in itertools.chain.from_iterable(found.conditions for found in rule.rules):
        if not 0 < one.value <= 1:
            raise ModelError("fusion_value_invalid", view=one.view, value=one.value)
    most = range(1, len(codes) + 1) if len(codes) <= _MOST_IN_ALL_WAYS else (1, len(codes))
    for size in most:
        for certain in itertools.combinations(codes, size):
            if _apply(rule, dict.fromkeys(certain, 1.0)) == "good":
                raise ModelError("fusion_rules_let_pass", views=" + ".join(certain))


def combine(rule: FusionRule, probabilities: Mapping[str, float]) -> float:
    """Return the combined probability of views by code, each 0 to 1, by the formula of the rule's method.

    Raises ModelError(`fusion_nothing_to_combine`) without any view.
    """
    if not probabilities:
        raise ModelError("fusion_nothing_to_combine")
    found = list(probabilities.values())
    if rule.method == "weighted_average":
        weights = [rule.weights.get(view, 0.0) if rule.weights else 1.0 for view in probabilities]
        if sum(weights) <= 0:
            # Only views without weight have pictures: the worst of them counts rather than none.
            return max(found)
        # Within the range of what was combined, whatever the rounding of the last digit does.
        average = math.fsum(weight * one for weight, one in zip(weights, found, strict=True)) / math.fsum(weights)
        return min(max(average, min(found)), max(found))
    if rule.method == "voting":
        return sorted(found, reverse=True)[count_votes(rule.votes, len(found)) - 1]
    return max(found)


def count_votes(votes: Votes, n_views: int) -> int:
    """Return how many of `n_views` views must find something: at most all of those that are there."""
    if votes == "any":
        return 1
    if votes == "majority":
        return n_views // 2 + 1
    return max(1, min(int(votes), n_views))


def fuse(
    rule: FusionRule, views: Sequence[CombinedView], pictures: Mapping[str, Sequence[float | None]]
) -> FusedVerdict:
    """Return what the pictures of a part come to: by view the probability of each, None where it failed.

    A view without an entry, or with an empty one, has no picture. Views that are not among `views` are left out.
    """
    by_code = {view.code: view for view in views}
    given = {code: list(pictures.get(code, ())) for code in by_code}
    worst = {
        code: max(judged) for code, found in given.items() if (judged := [one for one in found if one is not None])
    }
    missing = tuple(code for code, view in by_code.items() if view.is_required and not given[code])
    failed = tuple(code for code, found in given.items() if None in found)
    if not worst:
        return FusedVerdict("review", None, missing=missing, failed=failed)
    probability = combine(rule, worst)
    deciding = max(worst, key=lambda code: worst[code])
    if rule.method == "rule_based":
        outcome = _apply(rule, worst)
        decided: Verdict = "ok" if outcome == "good" else "review" if outcome == "review" else "reject"
    else:
        outcome = None
        decided = compare(probability, rule.review_at, rule.reject_at)
    if decided == "ok" and (missing or failed):
        return FusedVerdict("review", probability, missing=missing, failed=failed, deciding=deciding)
    if decided == "ok":
        return FusedVerdict("ok", probability, deciding=deciding)
    found_by = tuple(code for code in by_code if code in worst and worst[code] >= rule.review_at) or (deciding,)
    named = outcome if outcome in (INTERNAL, EXTERNAL, COMBINED) else None
    return FusedVerdict(
        decided,
        probability,
        found_as=named or name_by_views([by_code[code].found_as for code in found_by]),  # type: ignore[arg-type]
        found_by=found_by,
        missing=missing,
        failed=failed,
        deciding=deciding,
    )


def name_by_views(found_as: Sequence[str]) -> FoundAs:
    """Return what a defect is called that views of these names found: combined where there are both."""
    names = set(found_as)
    if names == {INTERNAL, EXTERNAL}:
        return "combined"
    if names == {INTERNAL}:
        return "internal"
    return "external" if names else ""


def fit_weights(
    probabilities: Sequence[Mapping[str, float]], labels: Sequence[bool], views: Sequence[str]
) -> dict[str, float]:
    """Return weights of the views, non-negative with the sum 1, by logistic regression on parts.

    `probabilities` are by view, of one part each, `labels` True for a defective one. The regression is of the label on
    the views' probabilities with coefficients of 0 or more and a weak pull to 0; they are brought to the sum 1. All
    weigh the same where the parts say nothing of them. Raises ModelError(`fusion_parts_missing`) unless there are
    good and defective parts that every view was taken of.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    rows = [
        (found, label) for found, label in zip(probabilities, labels, strict=True) if all(v in found for v in views)
    ]
    truth = np.array([label for _, label in rows], np.float64)
    if not views or not len(rows) or truth.min() == truth.max():
        raise ModelError("fusion_parts_missing")
    values = np.array([[found[view] for view in views] for found, _ in rows], np.float64)
    # Each class counts for one half: how many defects were registered says nothing of the views.
    share = np.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients, offset = found[:-1], found[-1]
        sums = values @ coefficients + offset
        expected = 1.0 / (1.0 + np.exp(-np.clip(sums, -500, 500)))
        error = share * (expected - truth)
        value = float((share * (np.logaddexp(0.0, sums) - truth * sums)).sum() + 0.5e-3 * coefficients @ coefficients)
        return value, np.append(values.T @ error + 1e-3 * coefficients, error.sum())

    bounds = [(0.0, None)] * len(views) + [(None, None)]
    found = minimize(loss, np.zeros(len(views) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x[:-1]
    total = float(found.sum())
    if not math.isfinite(total) or total <= 1e-9:
        return dict.fromkeys(views, 1.0 / len(views))
    return {view: float(one) / total for view, one in zip(views, found, strict=True)}


def choose_thresholds(good: Sequence[float], defect: Sequence[float]) -> tuple[float, float]:
    """Return review_at and reject_at for combined probabilities of labeled parts.

    In a gap between good and defective parts they stand at a quarter and three quarters of it. Where the classes
    overlap, the band for a person spans the overlap but holds at most a fifth of either. Without good or defective
    parts they are those of no choice.
    """
    if not len(good) or not len(defect):
        return REVIEW_AT, REJECT_AT
    goods, defects = np.asarray(good, np.float64), np.asarray(defect, np.float64)
    highest, lowest = float(goods.max()), float(defects.min())
    if lowest > highest:
        gap = lowest - highest
        return highest + 0.25 * gap, highest + 0.75 * gap
    low = max(lowest, float(np.quantile(goods, 0.8)))
    high = min(float(np.nextafter(highest, 2.0)), float(np.quantile(defects, 0.2)))
    low, high = min(low, high), max(low, high)
    return min(max(low, 1e-6), 1.0), min(max(high, 1e-6), 1.0)


def _apply(rule: FusionRule, probabilities: Mapping[str, float]) -> Outcome:
    for one in rule.rules:
        if all(condition.holds(probabilities) for condition in one.conditions):
            return one.outcome
    return rule.otherwise
