"""What speaks against putting a memory bank into use by itself: one rule each, from scores and figures alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.models.detection_figures import DetectionFigures
from core.models.judgments import (
    KNOWN_DEFECTS,
    MOST_ESCAPE,
    NEAR_CHANCE,
    THRESHOLDS_MOVED,
    WORSE_ON_TEST,
    HoldReason,
    PassedDefect,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A candidate whose AUROC on the same test images is lower by more than this waits for a person.
WORSE_BY = 0.005
# And one that lets more defect parts through: by more than this share of the defect test images.
MORE_ESCAPES = 0.01

# So many spreads of the common normal images may a threshold rise for nothing but chance; where it lies far out
# anyway (scores with a long tail), half as far again.
MOVED_SPREADS = 3.0
MOVED_SHARE = 0.5
# The smallest spread, as a share of the median: normal images that are copies of one another have none.
LEAST_SPREAD = 0.05
# With fewer normal images in common nothing can be said.
FEWEST_COMMON = 5
# So large a share of the common normal images may fall out of OK.
MORE_STOPPED = 0.1


@dataclass(frozen=True)
class Judged:
    """A version as the rules see it: thresholds, and the scores of images by the engine's key.

    `normal_scores` are those of its training images by banks that have not seen them; `defect_scores` those of labeled
    defects of either split, `calibration_defects` those of them that the thresholds were set with, `percentile` the
    share of good parts, in percent, that these aim at to let pass; None for the usual one.
    """

    review_at: float
    reject_at: float
    normal_scores: Mapping[str, float] = field(default_factory=dict)
    defect_scores: Mapping[str, float] = field(default_factory=dict)
    calibration_defects: Sequence[float] = ()
    percentile: float | None = None


@dataclass(frozen=True)
class KnownDefect:
    """A labeled defect image: its key for the engine, number, name and the code of its type."""

    key: str
    image_id: int
    name: str
    defect_type: str


def is_worse(figures: DetectionFigures | None, active: DetectionFigures | None) -> bool:
    """Return whether the candidate measures worse than the active version on the very same test images.

    Without test images, or on others, nothing can be said against it.
    """
    if figures is None or active is None or figures.test_fingerprint != active.test_fingerprint:
        return False
    new, old = figures.image_auroc, active.image_auroc
    if new is not None and old is not None and new < old - WORSE_BY:
        return True
    more = (figures.escape or 0) - (active.escape or 0)
    return more > MORE_ESCAPES * (figures.n_defect or 0)


def object_to_figures(figures: DetectionFigures | None, active: DetectionFigures | None) -> list[HoldReason]:
    """Return what the test images say against a candidate: worse than the active version, near chance, most escape.

    `active` is None for a first version: it is judged by the other two. `figures` is None without test images.
    """
    if figures is None:
        return []
    found = []
    if active is not None and is_worse(figures, active):
        values = {
            "image_auroc": figures.image_auroc,
            "active_image_auroc": active.image_auroc,
            "escape": figures.escape,
            "active_escape": active.escape,
            "n_defect": figures.n_defect,
        }
        found.append(HoldReason(WORSE_ON_TEST, _known(values)))
    whole = next((spot for spot in figures.weak_on_test if not spot.defect_type), None)
    if whole is not None and whole.near_chance:
        values = {
            "image_auroc": whole.image_auroc,
            "low": whole.low,
            "high": whole.high,
            "n_normal": figures.n_normal,
            "n_defect": whole.n,
        }
        found.append(HoldReason(NEAR_CHANCE, _known(values)))
    if whole is not None and whole.mostly_escapes:
        found.append(HoldReason(MOST_ESCAPE, _known({"escape": whole.escape, "n_defect": whole.n})))
    return found


def object_to_passing(known: Sequence[KnownDefect], candidate: Judged, active: Judged) -> HoldReason | None:
    """Return the known defects that the active version stops (Review or NG) and the candidate would judge OK, or None.

    One that either version has no score for is left out.
    """
    passed = [
        PassedDefect(one.image_id, one.name, one.defect_type, active.defect_scores[one.key], score)
        for one in known
        if (score := candidate.defect_scores.get(one.key)) is not None
        and score < candidate.review_at
        and active.defect_scores.get(one.key, -np.inf) >= active.review_at
    ]
    if not passed:
        return None
    figures = {
        "count": len(passed),
        "n_known": sum(one.key in candidate.defect_scores for one in known),
        "review_at": candidate.review_at,
        "active_review_at": active.review_at,
    }
    return HoldReason(KNOWN_DEFECTS, figures, tuple(passed))


def object_to_thresholds(candidate: Judged, active: Judged, active_keys: Collection[str]) -> HoldReason | None:
    """Return that the thresholds moved by more than the normal images that both versions know explain, or None.

    `active_keys` are the normal images of the active version. Two questions, each asked on the *common* images alone:

    1. What would the candidate's thresholds be had no normal image come? They are calibrated once more with the
       candidate's own scores of the common normal images and all its defects. What the unit of the score (another
       preprocessing or network), another method, new defects or a new release moved, moves these alike: they are what
       the images *explain*. A threshold may lie above them by `MOVED_SPREADS` robust spreads (1.4826 · median absolute
       deviation) of the common images' scores, or by `MOVED_SHARE` of its explained distance from their median.
    2. Did anything move for the line? The candidate's threshold has to lie higher among the common images, by the same
       amount, than the one in force lies among the scores that the active version stored for them. Each is counted in
       spreads of its own scores, so that units do not matter. Where nothing was stored the first question decides.

    Thresholds that fall are judged by their effect: more than `MORE_STOPPED` of the common images (and two at least)
    leave OK that neither the explained threshold nor the one in force stops.
    """
    from inference.vision.detection.calibration import calibrate

    keys = [key for key in candidate.normal_scores if key in active_keys]
    if len(keys) < FEWEST_COMMON:
        return None
    scores = np.array([candidate.normal_scores[key] for key in keys], np.float64)
    stored = [active.normal_scores[key] for key in keys if key in active.normal_scores]
    before = np.array(stored, np.float64) if len(stored) >= FEWEST_COMMON else None
    defects = list(candidate.calibration_defects)
    aim = candidate.percentile
    explained = calibrate(scores, defects) if aim is None else calibrate(scores, defects, percentile=aim)
    rose = any(
        _rises(now, because, scores, limit, before)
        for now, because, limit in (
            (candidate.review_at, explained.review_at, active.review_at),
            (candidate.reject_at, explained.reject_at, active.reject_at),
        )
    )
    stopped = int((scores >= candidate.review_at).sum())
    expected = int((scores >= explained.review_at).sum())
    if before is not None:
        expected = max(expected, round(len(scores) * float((before >= active.review_at).mean())))
    more = stopped - expected
    if not rose and not (more >= 2 and more > MORE_STOPPED * len(scores)):
        return None
    figures = {
        "review_at": candidate.review_at,
        "reject_at": candidate.reject_at,
        "active_review_at": active.review_at,
        "active_reject_at": active.reject_at,
        "explained_review_at": explained.review_at,
        "explained_reject_at": explained.reject_at,
        "n_common": len(scores),
        "n_new": len(candidate.normal_scores) - len(scores),
        "n_stopped": max(more, 0),
    }
    return HoldReason(THRESHOLDS_MOVED, figures)


def _rises(
    now: float,
    explained: float,
    scores: NDArray[np.float64],
    in_force: float,
    before: NDArray[np.float64] | None,
) -> bool:
    position, expected = _position(now, scores), _position(explained, scores)
    allowed = max(MOVED_SPREADS, MOVED_SHARE * abs(expected))
    if position - expected <= allowed:
        return False
    return before is None or position - _position(in_force, before) > allowed


def _position(threshold: float, scores: NDArray[np.float64]) -> float:
    """Return how many robust spreads a threshold lies above the median of normal scores."""
    middle = float(np.median(scores))
    spread = 1.4826 * float(np.median(np.abs(scores - middle)))
    return (threshold - middle) / max(spread, LEAST_SPREAD * abs(middle), 1e-12)


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if value is not None}
