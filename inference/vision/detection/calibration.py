"""Two thresholds from the scores of normal images that the model has not seen, and of labelled defects.

What a quality engineer gets:

- `score < review_at` is OK, `>= reject_at` is NG, what lies between is shown to a person.
- Without defects (`percentile`, `mean_std`) the thresholds are prediction limits for the *next* normal image, aimed at
  a stated share of good parts above them, and from all scores rather than from the highest. With few images the body
  of the scores says where they lie: their winsorized mean and spread (Tukey, Ann. Math. Stat. 33, 1962), so that one
  odd image moves little, widened by Student's t and by a prior (a normal–inverse-gamma model: the prior counts as
  `_PRIOR_IMAGES` images), so that one image, or ten identical ones, still give a usable limit. With many images the
  upper tail speaks more and more for itself: an exponential one, by the mean excess over the upper quartile (as in
  extreme value theory; Pickands, Ann. Stat. 3, 1975).
- With defects and a gap between the classes, the review band lies inside the gap, and as near to the normal images
  as their prediction limit says: a faint defect of a kind not seen yet falls into the band rather than below it.
- With overlapping classes the band covers the overlap, but holds at most a fifth of either class: beyond that, people
  would look at everything and the machine would decide nothing. The F1 optimum lies inside the band.

Rates come with Clopper–Pearson 95 % bounds (Biometrika 26, 1934). They are measured on the images that the thresholds
were chosen on, hence optimistic; the test images of `evaluate` are the honest judge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtr, stdtrit  # type: ignore[import-untyped]

from inference.errors import ModelError
from inference.vision.detection.metrics import f1_max, image_auroc

Verdict = Literal["ok", "review", "reject"]
Method = Literal["percentile", "mean_std", "f1_max"]
Scores = Sequence[float] | npt.NDArray[np.floating]
FloatArray = npt.NDArray[np.float64]

_PRIOR_IMAGES = 5
# Spread of the prior, as a share of the mean: of one image, and what it comes down to with many.
_PRIOR_SPREAD_ALONE, _PRIOR_SPREAD = 0.12, 0.05
_WINSOR_SPREADS = 2.5
# Winsorizing at 2.5 takes this much off a normal spread.
_WINSOR_CORRECTION = 1.02
_MAD_TO_SPREAD = 1.4826
# So many images make body and tail count alike.
_TAIL_IMAGES = 40
_TAIL_SHARE = 0.25
_LONGEST_EXCESS = 5.0  # times the median excess; an exponential tail has one in thirty beyond
# The share of good parts that may go to a person where nobody has said otherwise.
REVIEW_SHARE = 0.02
ENOUGH_NORMALS = 20
ENOUGH_DEFECTS = 10
_LARGEST_SHARE = 0.2  # of either class that the review band may hold
_SMALLEST_BAND = 0.02  # width of the review band, relative to review_at
_DISTINCT = 1e-6  # relative; float32 scores closer than this are equal
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Calibration:
    """`0 < review_at < reject_at`, both finite. `figures` holds plain numbers (None where there were no images).

    Figures: n_normal, n_defect, normal_mean, normal_std, normal_max, defect_min, image_auroc, f1, percentile, k, and
    for each of `overkill_at_review`, `overkill_at_reject` (share of normal images at or above the threshold),
    `escape_at_review`, `escape_at_reject` (share of defect images below it) the rate, `…_low` and `…_high`.
    Warnings: no_normal_images, few_normal_images (< 20), no_defect_images, few_defect_images (< 10),
    identical_scores, classes_overlap, defects_look_normal (AUROC < 0.7).
    """

    review_at: float
    reject_at: float
    method: Method
    figures: dict[str, float | int | None]
    warnings: tuple[str, ...]


def calibrate(
    normal_scores: Scores,
    defect_scores: Scores,
    *,
    method: Method | Literal["auto"] = "auto",
    percentile: float = 100.0 * (1.0 - REVIEW_SHARE),
    k: float = 3.0,
    scale: float = 1.0,
) -> Calibration:
    """Choose review_at and reject_at.

    `auto` is `f1_max` from 10 defects on, otherwise `percentile`, moved into the gap if a few defects show one.
    `percentile` of the good parts lie below review_at (a tenth of the remaining share above reject_at); `k` sets
    reject_at at mean + k·std (review_at at k − 1). `scale` is a distance that counts as different in the model's
    feature space; it is used only where every normal score is 0. Raises ModelError scores_invalid or
    calibration_invalid.
    """
    normal, defect = _clean(normal_scores), _clean(defect_scores)
    if not 50 <= percentile < 100 or not 1 < k <= 20 or not (math.isfinite(scale) and scale > 0):
        raise ModelError("calibration_invalid", percentile=percentile, k=k, scale=scale)
    if method not in {"auto", "percentile", "mean_std", "f1_max"}:
        raise ModelError("calibration_invalid", method=method)
    chosen: Method = method if method != "auto" else _default_method(defect)
    if chosen == "f1_max" and not (len(normal) and len(defect)):
        chosen = "percentile"
    if not len(normal) or float(normal.max()) == 0:
        review_at, reject_at = _limits_without_scale(normal, defect, scale)
    else:
        review_at, reject_at = _normal_limits(normal, chosen, percentile, k)
        if method == "auto" or chosen == "f1_max":
            review_at, reject_at = _use_defects(normal, defect, review_at, reject_at, overlap=chosen == "f1_max")
    reject_at = max(reject_at, review_at * (1 + _SMALLEST_BAND))
    figures = _measure(normal, defect, review_at, reject_at)
    figures |= {"percentile": percentile, "k": k}
    return Calibration(review_at, reject_at, chosen, figures, _warn(normal, defect, figures["image_auroc"]))


def verdict(score: float, review_at: float, reject_at: float) -> Verdict:
    """Return ok for `score < review_at`, reject for `score >= reject_at`, review between and for NaN: never ok."""
    if score >= reject_at:
        return "reject"
    return "ok" if score < review_at else "review"


def proportion_bounds(count: float, total: float, confidence: float = _CONFIDENCE) -> tuple[float, float] | None:
    """Return the Clopper–Pearson bounds of a share, each side at half the remaining risk; None for no images.

    Fractions are taken as they are: images that are not independent are worth so many (Korn & Graubard, Survey
    Methodology 24, 1998).
    """
    if total == 0:
        return None
    risk = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, risk))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 1 - risk))
    return low, high


def _clean(scores: Scores) -> FloatArray:
    values = np.asarray(scores, dtype=np.float64).ravel()
    if not np.isfinite(values).all() or (values < 0).any():
        raise ModelError("scores_invalid")
    return values


def _default_method(defect: FloatArray) -> Method:
    return "f1_max" if len(defect) >= ENOUGH_DEFECTS else "percentile"


def _limits_without_scale(normal: FloatArray, defect: FloatArray, scale: float) -> tuple[float, float]:
    """Return the limits for no normal image, or all at distance 0: by the defects, or by the feature space."""
    positive = defect[defect > 0]
    distance = float(positive.min()) if len(positive) else scale
    return distance / 3, distance * 2 / 3


def _normal_limits(normal: FloatArray, method: Method, percentile: float, k: float) -> tuple[float, float]:
    if method == "mean_std":
        return _prediction_limit(normal, float(ndtr(k - 1))), _prediction_limit(normal, float(ndtr(k)))
    share = percentile / 100
    return _quantile_limit(normal, share), _quantile_limit(normal, 1 - (1 - share) / 10)


def _quantile_limit(normal: FloatArray, share: float) -> float:
    """Return the value that the next normal score stays below with probability `share`, by body and tail together."""
    body = _prediction_limit(_winsorize(normal), share, correction=_WINSOR_CORRECTION)
    weight = len(normal) / (len(normal) + _TAIL_IMAGES)
    start = float(np.quantile(normal, 1 - _TAIL_SHARE))
    excess = normal[normal > start] - start
    if not len(excess) or 1 - share >= _TAIL_SHARE:
        return body
    # One image that does not belong must not make the tail.
    excess = np.minimum(excess, _LONGEST_EXCESS * float(np.median(excess)))
    tail = start + float(excess.mean()) * math.log(_TAIL_SHARE / (1 - share))
    return weight * tail + (1 - weight) * body


def _winsorize(normal: FloatArray) -> FloatArray:
    """Return the scores with those far from the middle brought to the edge of what is usual."""
    middle = float(np.median(normal))
    spread = _MAD_TO_SPREAD * float(np.median(np.abs(normal - middle)))
    return np.clip(normal, middle - _WINSOR_SPREADS * spread, middle + _WINSOR_SPREADS * spread)


def _prediction_limit(normal: FloatArray, share: float, *, correction: float = 1.0) -> float:
    """Return the value that the next normal score stays below with probability `share`, were all of them Gaussian."""
    count, mean = len(normal), float(normal.mean())
    squares = float(((normal - mean) ** 2).sum()) * correction**2
    freedom = count - 1 + _PRIOR_IMAGES
    known = _PRIOR_IMAGES / (count - 1 + _PRIOR_IMAGES)
    prior = (_PRIOR_SPREAD + (_PRIOR_SPREAD_ALONE - _PRIOR_SPREAD) * known) * mean
    spread = math.sqrt((squares + _PRIOR_IMAGES * prior**2) / freedom)
    return mean + float(stdtrit(freedom, share)) * spread * math.sqrt(1 + 1 / count)


def _use_defects(
    normal: FloatArray, defect: FloatArray, review_at: float, reject_at: float, *, overlap: bool
) -> tuple[float, float]:
    if not len(defect):
        return review_at, reject_at
    highest, lowest = float(normal.max()), float(defect.min())
    gap = lowest - highest
    if gap > highest * _DISTINCT:
        review_at = min(max(review_at, highest + 0.1 * gap), highest + 0.4 * gap)
        reject_at = min(max(reject_at, highest + 0.5 * gap), highest + 0.9 * gap)
        return review_at, reject_at
    if not overlap:  # a handful of defects inside the normal range says little about where defects begin
        return review_at, reject_at
    floor = float(np.quantile(normal, 1 - _LARGEST_SHARE))
    best = max(_balanced_f1_threshold(normal, defect), floor)
    low = max(lowest, floor)
    high = min(highest * (1 + _SMALLEST_BAND), max(float(np.quantile(defect, _LARGEST_SHARE)), best))
    low, high = min(low, best), max(high, best)
    return (low, high) if low > 0 else (high / 2, high)


def _balanced_f1_threshold(normal: FloatArray, defect: FloatArray) -> float:
    """Return the F1 optimum, with the defects weighted down where they outnumber the normal images.

    On a line they do not, and F1 would otherwise call everything a defect.
    """
    scores = np.concatenate([normal, defect])
    labels = np.concatenate([np.zeros(len(normal), np.bool_), np.ones(len(defect), np.bool_)])
    best = f1_max(scores, labels, defect_weight=min(1.0, len(normal) / len(defect)))
    assert best is not None
    return best[1]


def _measure(
    normal: FloatArray, defect: FloatArray, review_at: float, reject_at: float
) -> dict[str, float | int | None]:
    figures: dict[str, float | int | None] = {
        "n_normal": len(normal),
        "n_defect": len(defect),
        "normal_mean": float(normal.mean()) if len(normal) else None,
        "normal_std": float(normal.std(ddof=1)) if len(normal) > 1 else None,
        "normal_max": float(normal.max()) if len(normal) else None,
        "defect_min": float(defect.min()) if len(defect) else None,
    }
    scores = np.concatenate([normal, defect])
    labels = np.concatenate([np.zeros(len(normal), np.bool_), np.ones(len(defect), np.bool_)])
    best = f1_max(scores, labels)
    figures |= {"image_auroc": image_auroc(scores, labels), "f1": None if best is None else best[0]}
    for name, threshold in (("review", review_at), ("reject", reject_at)):
        for rate, count, total in (
            ("overkill", int((normal >= threshold).sum()), len(normal)),
            ("escape", int((defect < threshold).sum()), len(defect)),
        ):
            bounds = proportion_bounds(count, total)
            figures[f"{rate}_at_{name}"] = count / total if total else None
            figures[f"{rate}_at_{name}_low"] = bounds[0] if bounds else None
            figures[f"{rate}_at_{name}_high"] = bounds[1] if bounds else None
    return figures


def _warn(normal: FloatArray, defect: FloatArray, auroc: float | int | None) -> tuple[str, ...]:
    found = {
        "no_normal_images": not len(normal),
        "few_normal_images": 0 < len(normal) < ENOUGH_NORMALS,
        "no_defect_images": not len(defect),
        "few_defect_images": 0 < len(defect) < ENOUGH_DEFECTS,
        "identical_scores": len(normal) > 1 and float(np.ptp(normal)) <= float(normal.max()) * _DISTINCT,
        "classes_overlap": bool(len(normal) and len(defect) and defect.min() <= normal.max()),
        "defects_look_normal": auroc is not None and auroc < 0.7,
    }
    return tuple(code for code, applies in found.items() if applies)
