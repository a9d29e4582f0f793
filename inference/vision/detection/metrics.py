"""How good a detector is: the measures of MVTec AD, of retrieval and of the shop floor.

Those of images are scikit-learn's, which is imported at first use (seconds). Those of pixels are our own: of 10^7
pixels scikit-learn takes ten times as long and twelve times the memory (`benchmarks/README.md`), and has no AUPRO.

Everything is exact (no histogram of scores), ties count half, and a measure that is undefined, because one class is
absent, is None. `labels` is True for defects. Scores must be finite.

Shop-floor words: **overkill** is a normal part judged NG, **escape** a defective part judged OK. A part under review
is neither: a person decides.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Scores = Sequence[float] | npt.NDArray[np.floating[Any]]
Labels = Sequence[bool] | npt.NDArray[np.bool_]
Confusion = dict[Literal["normal", "defect"], dict[Literal["ok", "review", "reject"], int]]

_Z_95 = 1.959964  # 95 % of a normal distribution lie within so many deviations


def image_auroc(scores: Scores, labels: Labels) -> float | None:
    """Return the area under the ROC curve: the share of (defect, normal) pairs in the right order."""
    values, truth = _pair(scores, labels)
    if truth.all() or not truth.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, values))


def auroc_interval(auroc: float, n_defect: int, n_normal: int) -> tuple[float, float] | None:
    """Return the 95 % bounds of an AUROC, inside [0, 1], from itself and the counts of either class.

    By the standard error of Hanley & McNeil (Radiology 143, 1982), which needs no scores and draws nothing by chance.
    At an AUROC of 0 or 1 the error is 0: with few images that is too sure. None where a class is absent. Raises
    ValueError for an `auroc` outside [0, 1].
    """
    if not 0 <= auroc <= 1:
        raise ValueError(f"an AUROC lies in [0, 1], not {auroc}")
    if n_defect < 1 or n_normal < 1:
        return None
    two_defects = auroc / (2 - auroc)  # two defects both score above one normal image
    two_normals = 2 * auroc**2 / (1 + auroc)  # one defect scores above two normal images
    variance = (
        auroc * (1 - auroc) + (n_defect - 1) * (two_defects - auroc**2) + (n_normal - 1) * (two_normals - auroc**2)
    ) / (n_defect * n_normal)
    reach = _Z_95 * math.sqrt(max(variance, 0.0))
    return max(auroc - reach, 0.0), min(auroc + reach, 1.0)


def f1_max(scores: Scores, labels: Labels, *, defect_weight: float = 1.0) -> tuple[float, float] | None:
    """Return the best F1 and its threshold: scores >= threshold are called defects. None where a class is absent.

    With several equally good thresholds the highest is given. `defect_weight` counts each defect as that many.
    """
    values, truth = _pair(scores, labels)
    if truth.all() or not truth.any():
        return None
    from sklearn.metrics import confusion_matrix_at_thresholds

    # From the counts and not from precision and recall, whose rounding would decide between equally good thresholds.
    _, false_alarms, _, hits, thresholds = confusion_matrix_at_thresholds(truth, values)
    hits = hits * defect_weight
    f1 = 2 * hits / (hits + false_alarms + hits[-1])
    best = int(np.argmax(f1))
    return float(f1[best]), float(thresholds[best])


def confusion(scores: Scores, labels: Labels, review_at: float, reject_at: float) -> Confusion:
    """Return the counts of verdicts by true label: {"normal": {"ok", "review", "reject"}, "defect": {…}}."""
    values, truth = _pair(scores, labels)

    def count(part: FloatArray) -> dict[Literal["ok", "review", "reject"], int]:
        rejected = int((part >= reject_at).sum())
        passed = int((part < review_at).sum())
        return {"ok": passed, "review": len(part) - passed - rejected, "reject": rejected}

    return {"normal": count(values[~truth]), "defect": count(values[truth])}


def overkill_count(table: Confusion) -> int:
    """Return how many normal parts are judged NG."""
    return table["normal"]["reject"]


def escape_count(table: Confusion) -> int:
    """Return how many defective parts are judged OK."""
    return table["defect"]["ok"]


def auroc_by_type(scores: Scores, types: Sequence[str | None]) -> dict[str, tuple[int, float | None]]:
    """Return for each defect type (number of images, AUROC of that type against all normal images). None = normal."""
    values = _finite(scores)
    if len(values) != len(types):
        raise ValueError(f"{len(values)} scores for {len(types)} types")
    normal = values[np.array([code is None for code in types], np.bool_)]
    result = {}
    for code in sorted({code for code in types if code is not None}):
        part = values[np.array([other == code for other in types], np.bool_)]
        labels = np.arange(len(part) + len(normal)) < len(part)
        result[code] = (len(part), image_auroc(np.concatenate([part, normal]), labels))
    return result


def pixel_auroc(maps: Sequence[npt.NDArray[Any]], masks: Sequence[npt.NDArray[np.bool_]]) -> float | None:
    """Return the AUROC over all pixels of all maps (height × width, its mask alike; sizes may differ)."""
    _check_maps(maps, masks)
    positive = [anomaly_map[mask] for anomaly_map, mask in zip(maps, masks, strict=True)]
    negative = [anomaly_map[~mask] for anomaly_map, mask in zip(maps, masks, strict=True)]
    return _auroc(positive, negative)


def aupro(
    maps: Sequence[npt.NDArray[Any]], masks: Sequence[npt.NDArray[np.bool_]], fpr_limit: float = 0.3
) -> float | None:
    """Return the area under the per-region-overlap curve up to `fpr_limit`, divided by it (Bergmann et al., IJCV 2021).

    A region is an 8-connected part of a mask. The overlap of each region counts alike, whatever its size; the last
    step is interpolated to the limit. None without a region or without a normal pixel.
    """
    _check_maps(maps, masks)
    if not 0 < fpr_limit <= 1:
        raise ValueError(f"fpr_limit lies in (0, 1], not {fpr_limit}")
    negative = _join([anomaly_map[~mask] for anomaly_map, mask in zip(maps, masks, strict=True)])
    regions = [region for pair in zip(maps, masks, strict=True) for region in _split_regions(*pair)]
    if not len(negative) or not regions:
        return None
    # Only thresholds down to the limit matter: nothing below the first negative beyond it has to be sorted.
    beyond = min(math.floor(fpr_limit * len(negative)) + 1, len(negative))
    lowest = np.partition(negative, len(negative) - beyond)[len(negative) - beyond]
    if beyond == len(negative):  # the whole curve is needed
        lowest = min(lowest, min(region.min() for region in regions))
    kept = negative[negative >= lowest]
    parts = [region[region >= lowest] for region in regions]
    weights = [np.full(len(part), 1 / len(region) / len(regions)) for part, region in zip(parts, regions, strict=True)]
    scores = _join([kept, *parts])
    order = np.argsort(-scores, kind="stable")
    false_steps = np.concatenate([np.full(len(kept), 1 / len(negative)), np.zeros(len(scores) - len(kept))])
    overlap_steps = np.concatenate([np.zeros(len(kept)), *weights])
    last = _last_of_ties(scores[order])
    fpr = np.concatenate([[0.0], np.cumsum(false_steps[order])[last]])
    overlap = np.concatenate([[0.0], np.cumsum(overlap_steps[order])[last]])
    inside = fpr <= fpr_limit
    overlap_at_limit = float(np.interp(fpr_limit, fpr, overlap))
    fpr, overlap = np.append(fpr[inside], fpr_limit), np.append(overlap[inside], overlap_at_limit)
    return float(np.clip(np.trapezoid(overlap, fpr) / fpr_limit, 0, 1))


def top1_type_accuracy(query_types: Sequence[Hashable], ranked_types: Sequence[Sequence[Hashable]]) -> float | None:
    """Return the share of queries whose nearest neighbour has their type; one without neighbours counts as wrong."""
    if not query_types:
        return None
    pairs = zip(query_types, ranked_types, strict=True)
    return sum(bool(ranked) and ranked[0] == query for query, ranked in pairs) / len(query_types)


def map_at_k(
    query_types: Sequence[Hashable],
    ranked_types: Sequence[Sequence[Hashable]],
    *,
    k: int = 10,
    relevant_counts: Mapping[Any, int] | None = None,
) -> float | None:
    """Return the mean average precision of the first `k` neighbours.

    AP@k = Σ precision(i)·relevant(i) / min(k, relevant in the index). `relevant_counts` gives that number by type (a
    query whose type the index does not hold is left out); without it, the relevant neighbours found are taken.
    """
    if k < 1:
        raise ValueError(f"k is at least 1, not {k}")
    precisions: list[float] = []
    for query, ranked in zip(query_types, ranked_types, strict=True):
        relevant = np.array([item == query for item in ranked[:k]], np.float64)
        expected = int(relevant.sum()) if relevant_counts is None else relevant_counts.get(query, 0)
        if relevant_counts is not None and not expected:
            continue
        gained = float(np.sum(relevant * np.cumsum(relevant) / np.arange(1, len(relevant) + 1)))
        precisions.append(gained / min(k, expected) if expected else 0.0)
    return float(np.mean(precisions)) if precisions else None


def _finite(scores: Scores) -> FloatArray:
    values = np.asarray(scores, np.float64).ravel()
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite")
    return values


def _pair(scores: Scores, labels: Labels) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    values, truth = _finite(scores), np.asarray(labels, np.bool_).ravel()
    if len(values) != len(truth):
        raise ValueError(f"{len(values)} scores for {len(truth)} labels")
    return values, truth


def _last_of_ties(descending: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.append(descending[1:] != descending[:-1], True))


def _auroc(positive: Sequence[npt.NDArray[Any]], negative: Sequence[npt.NDArray[Any]]) -> float | None:
    """Return the share of (positive, negative) pairs in the right order (Mann–Whitney U).

    From parts, so that a whole test set of maps is never sorted at once: only the (fewer) positives are.
    """
    ranked = np.sort(_join(positive))
    n_negative = sum(len(part) for part in negative)
    if not len(ranked) or not n_negative:
        return None
    wins = 0
    for part in negative:
        values = np.sort(part)
        below = np.searchsorted(ranked, values, side="left").sum(dtype=np.int64)
        not_above = np.searchsorted(ranked, values, side="right").sum(dtype=np.int64)
        wins += 2 * len(ranked) * len(values) - int(below) - int(not_above)
    return wins / (2 * len(ranked) * n_negative)


def _join(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)


def _check_maps(maps: Sequence[npt.NDArray[Any]], masks: Sequence[npt.NDArray[np.bool_]]) -> None:
    if len(maps) != len(masks):
        raise ValueError(f"{len(maps)} maps for {len(masks)} masks")
    for anomaly_map, mask in zip(maps, masks, strict=True):
        if anomaly_map.ndim != 2 or anomaly_map.shape != mask.shape or mask.dtype != np.bool_:
            raise ValueError(f"map {anomaly_map.shape} and mask {mask.shape} {mask.dtype} do not match")
        if not np.isfinite(anomaly_map).all():
            raise ValueError("maps must be finite")


def _split_regions(anomaly_map: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[Any]]:
    """Return the map's values in each 8-connected region of the mask."""
    inside = anomaly_map[mask]
    if not len(inside):
        return []
    count, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    numbers = regions[mask]
    return [inside[numbers == number] for number in range(1, count)]
