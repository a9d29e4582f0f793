"""Where the score of a trained method is for review and for reject: by the images of validation alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from core.methods.records import MethodThresholds, Progress, Sample
from inference.errors import ImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.comparison.predictions import Prediction

AUTOMATIC = "auto"
# Probabilities end at 1: a threshold above would never be reached.
_HIGHEST_REJECT, _BAND = 0.98, 0.98


def choose_thresholds(
    normal_scores: Sequence[float], defect_scores: Sequence[float], *, method: str = AUTOMATIC, scale: float = 1.0
) -> MethodThresholds | None:
    """Return thresholds by the scores of validation images; None without scores of good ones.

    `method` is `percentile`, `mean_std` (mean + k·std), `f1_max`, or `auto`: F1-best from ten defects on, else
    percentile. `scale` is a score that counts as different where all good ones are 0. Raises
    ModelError(`scores_invalid`).
    """
    from inference.vision.detection.calibration import calibrate

    if not normal_scores:
        return None
    found = calibrate(normal_scores, defect_scores, method=method, scale=scale)  # type: ignore[arg-type]
    return MethodThresholds(found.review_at, found.reject_at, found.method, found.figures, found.warnings)


def limit_to_probabilities(found: MethodThresholds | None) -> MethodThresholds | None:
    """Return thresholds within what a probability reaches, None for None."""
    if found is None or found.reject_at <= _HIGHEST_REJECT:
        return found
    review_at = min(found.review_at, _HIGHEST_REJECT * _BAND)
    return MethodThresholds(review_at, _HIGHEST_REJECT, found.method, found.figures, found.warnings)


class ScoredSamples:
    """The samples that could be loaded, with what a method said of them; `skipped` are the others, by key."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.predictions: list[Prediction] = []
        self.skipped: dict[str, str] = {}

    def scores(self, *, defects: bool) -> list[float]:
        """Return the scores of the defects or of the good ones; those without a score are left out."""
        return [
            float(prediction.score)
            for sample, prediction in zip(self.samples, self.predictions, strict=True)
            if sample.is_defect == defects and prediction.score is not None
        ]


def load_samples(samples: Iterable[Sample], skipped: dict[str, str]) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Yield the samples with their pixels; those that cannot be read go into `skipped`, with the error's code."""
    for sample in samples:
        try:
            pixels = sample.load()
        except ImageError as error:
            skipped[sample.key] = error.code
            continue
        yield sample, pixels


def tell_progress(progress: Progress, stage: str, samples: Sequence[Sample]) -> Iterator[Sample]:
    """Yield the samples, telling before each how many are done."""
    for done, sample in enumerate(samples):
        progress(stage, done, len(samples))
        yield sample
    progress(stage, len(samples), len(samples))
