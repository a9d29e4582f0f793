"""Two memory banks on the same frozen test images, each judging by its own thresholds in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.catalog.names import spoken_name
from core.errors import BadInput, NotReady
from core.model_report.comparison_records import Difference, Disagreement, Side, VersionComparison
from core.model_report.confusion import confusion_at
from core.model_report.intervals import arrays_of, auroc_difference, auroc_of, draw_parts
from core.model_report.reading import find_head, list_entries, read_scored
from core.model_report.records import ScoreArrays, ScoredImage, ThresholdEntry, VersionHead
from core.registry.test_scores import find_measurement
from core.transactions import HasDatabase, reading

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlmodel import Session

SAMPLES = 1000


def compare(services: HasDatabase, version_a: int, version_b: int) -> VersionComparison:
    """Return how two memory banks of one product differ on the test images that both were measured on.

    An image is the same where its content is, and counts where its label is the same, too. Raises NotFound,
    BadInput(`comparison_same_version`, `comparison_other_product`), and NotReady: `report_not_measured` for a version
    whose scores are not stored, `comparison_without_images` where no image is in both.
    """
    if version_a == version_b:
        raise BadInput("comparison_same_version")
    with reading(services) as session:
        head_a, entry_a, images_a = _read(session, version_a)
        head_b, entry_b, images_b = _read(session, version_b)
    if (head_a.product_id, head_a.view) != (head_b.product_id, head_b.view):
        raise BadInput("comparison_other_product")
    others = {image.content_sha256: image for image in images_b}
    in_both = [(image, others[image.content_sha256]) for image in images_a if image.content_sha256 in others]
    pairs = [(mine, theirs) for mine, theirs in in_both if mine.defect_type == theirs.defect_type]
    if not pairs:
        raise NotReady("comparison_without_images", number=head_a.number, other=head_b.number)
    # What an image is now, and which part it shows, the later row knows best.
    common_a = [replace(theirs, score=mine.score) for mine, theirs in pairs]
    common_b = [theirs for _mine, theirs in pairs]
    found_a, found_b = arrays_of(common_a), arrays_of(common_b)
    return VersionComparison(
        a=_side(head_a, entry_a, common_a, found_a),
        b=_side(head_b, entry_b, common_b, found_b),
        n_common=len(pairs),
        n_parts=len(np.unique(found_b.parts)),
        n_only_a=len(images_a) - len(in_both),
        n_only_b=len(images_b) - len(in_both),
        n_relabeled=len(in_both) - len(pairs),
        auroc=_auroc_difference(found_a, found_b),
        escape=_stopped_difference(found_a, found_b, entry_a, entry_b, defects=True),
        stopped_good=_stopped_difference(found_a, found_b, entry_a, entry_b, defects=False),
        disagreements=_disagreements(common_a, common_b, entry_a, entry_b),
    )


def _read(session: Session, version_id: int) -> tuple[VersionHead, ThresholdEntry, tuple[ScoredImage, ...]]:
    head = find_head(session, version_id)
    measurement = find_measurement(session, version_id)
    if measurement is None:
        raise NotReady("report_not_measured", product=spoken_name(head.product), number=head.number)
    return head, list_entries(session, version_id)[0], read_scored(session, measurement)


def _side(head: VersionHead, entry: ThresholdEntry, images: Sequence[ScoredImage], found: ScoreArrays) -> Side:
    return Side(head, entry, confusion_at(images, entry.review_at, entry.reject_at), auroc_of(found))


def _auroc_difference(a: ScoreArrays, b: ScoreArrays) -> Difference | None:
    found = auroc_difference(a, b)
    return None if found is None else Difference(found.value, found.low, found.high)


def _stopped_difference(
    a: ScoreArrays, b: ScoreArrays, entry_a: ThresholdEntry, entry_b: ThresholdEntry, *, defects: bool
) -> Difference | None:
    """Return B minus A of the share of defects that pass, or of good images that are stopped."""
    own = a.labels if defects else ~a.labels
    if not own.any():
        return None
    stopped_a, stopped_b = a.scores >= entry_a.review_at, b.scores >= entry_b.review_at
    change = stopped_b.astype(np.float64) - stopped_a
    change = -change if defects else change
    n_parts = int(a.parts.max()) + 1
    changes = np.bincount(a.parts[own], weights=change[own], minlength=n_parts)
    sizes = np.bincount(a.parts[own], minlength=n_parts).astype(np.float64)
    drawn = np.concatenate([counts @ changes / (counts @ sizes) for counts in draw_parts(a, SAMPLES)])
    value = float(change[own].mean())
    low, high = np.percentile(drawn, [2.5, 97.5])
    p = _mcnemar(stopped_a[own], stopped_b[own], a.parts[own])
    return Difference(value, min(float(low), value), max(float(high), value), p)


def _mcnemar(stopped_a: NDArray[np.bool_], stopped_b: NDArray[np.bool_], parts: NDArray[np.int64]) -> float | None:
    """Return the exact two-sided p-value over parts, each stopped where one of its images is; None where all agree."""
    from scipy.special import bdtr  # type: ignore[import-untyped]

    _, place = np.unique(parts, return_inverse=True)
    part_a, part_b = np.bincount(place, weights=stopped_a) > 0, np.bincount(place, weights=stopped_b) > 0
    only_a, only_b = int((part_a & ~part_b).sum()), int((part_b & ~part_a).sum())
    if not only_a + only_b:
        return None
    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def _disagreements(
    common_a: Sequence[ScoredImage],
    common_b: Sequence[ScoredImage],
    entry_a: ThresholdEntry,
    entry_b: ThresholdEntry,
) -> tuple[Disagreement, ...]:
    """Return what is judged differently: defects that one of them passes first, then the clearest change first."""
    found = []
    for a, b in zip(common_a, common_b, strict=True):
        verdict_a = a.verdict_at(entry_a.review_at, entry_a.reject_at)
        verdict_b = b.verdict_at(entry_b.review_at, entry_b.reject_at)
        if verdict_a != verdict_b:
            found.append(Disagreement(b, a.score, verdict_a, b.score, verdict_b))

    def order(one: Disagreement) -> tuple[bool, bool, float, str]:
        passes = "ok" in (one.verdict_a, one.verdict_b)
        far = abs(one.score_b / entry_b.review_at - one.score_a / entry_a.review_at)
        return (not (one.image.is_defect and passes), not passes, -far, one.image.name)

    return tuple(sorted(found, key=order))
