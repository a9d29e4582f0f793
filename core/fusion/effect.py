"""What a rule would make of the product's labeled parts: overkill, escapes, looks by a person, and the right words.

Parts of test images judge, because nothing was fitted to them; where there are none, the parts that the calibrations
were fitted to are counted, which is said. A part that lacks a required view is left out: it would go to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.fusion.in_force import active_banks, find_fusion
from core.fusion.records import FusionEntry, combined_views
from core.fusion.scores import (
    ScoredPart,
    keep_complete,
    read_fitting_parts,
    read_fitting_scores,
    read_test_parts,
)
from core.transactions import HasDatabase, reading

if TYPE_CHECKING:
    from inference.vision.comparison.fusion import CombinedView, FusedVerdict, FusionRule

TEST, FITTING = "test", "fitting"


@dataclass(frozen=True)
class LabeledPart:
    """A labeled piece with the probabilities of its pictures by view; `found_as` is what its labels make it."""

    part: str
    pictures: dict[str, tuple[float, ...]]
    is_defect: bool
    found_as: str


@dataclass(frozen=True)
class LabeledParts:
    """The parts that effects are counted on. `origin` is TEST or FITTING; `n_incomplete` lacked a required view."""

    parts: tuple[LabeledPart, ...]
    views: tuple[CombinedView, ...]
    origin: str
    n_incomplete: int = 0

    @property
    def n_good(self) -> int:
        """Return the number of good parts."""
        return sum(not part.is_defect for part in self.parts)

    @property
    def n_defect(self) -> int:
        """Return the number of defective parts."""
        return sum(part.is_defect for part in self.parts)


@dataclass(frozen=True)
class ShareOf:
    """So many of so many parts, with the 95 % bounds of the share (Clopper-Pearson); no share of no parts."""

    count: int
    total: int
    low: float | None = None
    high: float | None = None

    @property
    def rate(self) -> float | None:
        """Return the share, 0 to 1."""
        return self.count / self.total if self.total else None


@dataclass(frozen=True)
class FusionEffect:
    """What a rule makes of labeled parts.

    `overkill`: good parts judged NG; `escape`: defective parts judged OK; the others that are not OK or NG go to a
    person (`good_reviewed`, `defect_reviewed`). `named`: defective parts that were stopped with the right words
    (internal, external, combined). `auroc` is of the combined probability, None without both classes; `view_aurocs` of
    each view alone on the same parts.
    """

    overkill: ShareOf
    escape: ShareOf
    good_reviewed: ShareOf
    defect_reviewed: ShareOf
    named: ShareOf
    auroc: float | None
    view_aurocs: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""

        def share(one: ShareOf) -> dict[str, Any]:
            return {"count": one.count, "total": one.total, "rate": one.rate, "low": one.low, "high": one.high}

        return {
            **{
                name: share(getattr(self, name))
                for name in ("overkill", "escape", "good_reviewed", "defect_reviewed", "named")
            },
            "auroc": self.auroc,
            "view_aurocs": self.view_aurocs,
        }


def read_labeled_parts(services: HasDatabase, product_id: int) -> LabeledParts:
    """Return the product's labeled parts with their probabilities by the banks in use.

    Raises as `core.fusion.in_force.read_fusion`.
    """
    with reading(services) as session:
        found = find_fusion(session, product_id)
        versions = active_banks(session, product_id, [view.code for view in found.views])
        tests = read_test_parts(session, versions)
        origin = (
            TEST if any(part.is_defect for part in tests) and any(not part.is_defect for part in tests) else FITTING
        )
        parts = tests
        if origin == FITTING:
            parts = read_fitting_parts({code: read_fitting_scores(session, one) for code, one in versions.items()})
    return label_parts(found.entry, combined_views(found.views), parts, origin=origin)


def label_parts(
    entry: FusionEntry, views: Sequence[CombinedView], parts: Sequence[ScoredPart], *, origin: str
) -> LabeledParts:
    """Return the complete ones of scored parts with probabilities by the entry's calibrations."""
    from inference.vision.comparison.fusion import name_by_views

    required = [view.code for view in views if view.is_required] or [view.code for view in views]
    complete = keep_complete(parts, required)
    found_as = {view.code: view.found_as for view in views}
    labeled = tuple(
        LabeledPart(
            part.part,
            {
                code: tuple(p for score in scores if (p := entry.probability(code, score)) is not None)
                for code, scores in part.scores.items()
                if code in found_as
            },
            part.is_defect,
            name_by_views([found_as[code] for code in part.defective if code in found_as]),
        )
        for part in complete
    )
    return LabeledParts(labeled, tuple(views), origin, len(parts) - len(complete))


def measure_effect(rule: FusionRule, labeled: LabeledParts) -> FusionEffect:
    """Return what the rule makes of the parts."""
    from inference.vision.comparison.fusion import fuse
    from inference.vision.detection.metrics import image_auroc

    fused = [fuse(rule, labeled.views, part.pictures) for part in labeled.parts]
    goods = [one for one, part in zip(fused, labeled.parts, strict=True) if not part.is_defect]
    pairs = [(one, part) for one, part in zip(fused, labeled.parts, strict=True) if part.is_defect]
    defects = [one for one, _ in pairs]
    stopped = [(one, part) for one, part in pairs if one.verdict != "ok"]
    truth = [part.is_defect for part in labeled.parts]
    codes = [view.code for view in labeled.views]
    worst = {
        code: [(max(part.pictures[code]), part.is_defect) for part in labeled.parts if part.pictures.get(code)]
        for code in codes
    }
    return FusionEffect(
        overkill=_share(_count(goods, "reject"), len(goods)),
        escape=_share(_count(defects, "ok"), len(defects)),
        good_reviewed=_share(_count(goods, "review"), len(goods)),
        defect_reviewed=_share(_count(defects, "review"), len(defects)),
        named=_share(sum(one.found_as == part.found_as for one, part in stopped), len(stopped)),
        auroc=image_auroc([one.probability or 0.0 for one in fused], truth) if truth else None,
        view_aurocs={
            code: image_auroc([one[0] for one in found], [one[1] for one in found]) if found else None
            for code, found in worst.items()
        },
    )


def propose_thresholds(rule: FusionRule, labeled: LabeledParts) -> tuple[float, float]:
    """Return the thresholds that separate the labeled parts best, as `choose_thresholds` says.

    Those of the rule where a class is missing or the rules alone give the verdict.
    """
    from inference.vision.comparison.fusion import choose_thresholds, fuse

    if rule.method == "rule_based" or not labeled.n_good or not labeled.n_defect:
        return rule.review_at, rule.reject_at
    plain = replace(rule, review_at=rule.review_at)
    fused = [(fuse(plain, labeled.views, part.pictures).probability, part.is_defect) for part in labeled.parts]
    return choose_thresholds(
        [p for p, is_defect in fused if p is not None and not is_defect],
        [p for p, is_defect in fused if p is not None and is_defect],
    )


def _count(found: Sequence[FusedVerdict], verdict: str) -> int:
    return sum(one.verdict == verdict for one in found)


def _share(count: int, total: int) -> ShareOf:
    from inference.vision.detection.calibration import proportion_bounds

    bounds = proportion_bounds(count, total)
    return ShareOf(count, total) if bounds is None else ShareOf(count, total, *bounds)
