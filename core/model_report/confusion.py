"""Verdicts by true label at any two thresholds, and the images behind each count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.catalog.names import DefectTypeName
from core.model_report.intervals import arrays_of, auroc_of, rate_of
from core.model_report.records import (
    DEFECT,
    GOOD,
    Confusion,
    Rate,
    ScoreArrays,
    ScoredImage,
    TypeReport,
    code_of_label,
)
from core.models.detection_figures import VerdictCounts


def confusion_at(images: Sequence[ScoredImage], review_at: float, reject_at: float) -> Confusion:
    """Return the verdicts of the images by true label: OK below `review_at`, NG from `reject_at` on."""
    found = arrays_of(images)
    defect, good = found.labels, ~found.labels
    by_type: dict[str, list[ScoredImage]] = {}
    for image in images:
        if image.defect_type is not None:
            by_type.setdefault(image.defect_type, []).append(image)
    passed, rejected = found.scores < review_at, found.scores >= reject_at
    reviewed = ~passed & ~rejected
    return Confusion(
        good=_count(found.scores[good], review_at, reject_at),
        defect=_count(found.scores[defect], review_at, reject_at),
        by_type={code: _count(arrays_of(by_type[code]).scores, review_at, reject_at) for code in sorted(by_type)},
        overkill=rate_of(rejected[good], found.parts[good]),
        escape=rate_of(passed[defect], found.parts[defect]),
        good_reviewed=rate_of(reviewed[good], found.parts[good]),
        defect_reviewed=rate_of(reviewed[defect], found.parts[defect]),
    )


def images_in(
    images: Sequence[ScoredImage], label: str, verdict: str, review_at: float, reject_at: float
) -> tuple[ScoredImage, ...]:
    """Return the images of one cell: those of a label (`GOOD`, `DEFECT`, `type_label(code)`) that get the verdict.

    The clearest mistakes come first: defects from the lowest score on, good images from the highest.
    """
    code = code_of_label(label)
    found = [
        image
        for image in images
        if image.verdict_at(review_at, reject_at) == verdict
        and (image.defect_type == code if code is not None else image.is_defect == (label == DEFECT))
    ]
    return tuple(sorted(found, key=lambda image: image.score, reverse=label == GOOD))


def types_at(
    images: Sequence[ScoredImage], names: Mapping[str, DefectTypeName], review_at: float, reject_at: float
) -> tuple[TypeReport, ...]:
    """Return each defect type among the images, those of which most pass first."""
    found = arrays_of(images)
    codes = np.array([image.defect_type or "" for image in images], dtype=object)
    reports = []
    for code in sorted({image.defect_type for image in images if image.defect_type is not None}):
        own = codes == code
        among = own | ~found.labels
        auroc = auroc_of(ScoreArrays(found.scores[among], found.labels[among], found.parts[among]))
        scores, parts = found.scores[own], found.parts[own]
        passed = scores < review_at
        reports.append(
            TypeReport(
                code=code,
                name=names.get(code),
                n=len(scores),
                n_parts=len(np.unique(parts)),
                image_auroc=None if auroc is None else auroc.value,
                escape=rate_of(passed, parts),
                reviewed=rate_of(~passed & (scores < reject_at), parts),
                lowest_score=float(scores.min()),
            )
        )
    return tuple(sorted(reports, key=lambda one: (-_share(one.escape), -one.n, one.code)))


def _share(rate: Rate) -> float:
    return rate.rate or 0.0


def _count(scores: np.ndarray, review_at: float, reject_at: float) -> VerdictCounts:
    passed, rejected = int((scores < review_at).sum()), int((scores >= reject_at).sum())
    return VerdictCounts(ok=passed, review=len(scores) - passed - rejected, reject=rejected)
