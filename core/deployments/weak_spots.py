"""What a version hardly finds on its test images: defects whose figures are near chance, or of which most pass."""

from __future__ import annotations

from core.models.detection_figures import DetectionFigures
from core.models.judgments import WeakSpot

# With fewer images of either class an AUROC says nothing, whatever it is.
FEWEST_IMAGES = 3


def find_weak(figures: DetectionFigures) -> tuple[WeakSpot, ...]:
    """Return the weak spots of a version: all defects together first, then each type of 3 or more test images.

    A spot is weak where the 95 % bounds of its AUROC (`auroc_interval`) reach chance or lie below it, or where more
    than half of its images were judged OK. All defects together are judged by their escapes from the first image on.
    """
    n_normal = figures.n_normal or 0
    whole = _as_spot("", figures.n_defect or 0, n_normal, figures.image_auroc, figures.escape)
    types = [
        _as_spot(code, found.n, n_normal, found.image_auroc, found.escape)
        for code, found in figures.per_defect.items()
        if found.n >= FEWEST_IMAGES
    ]
    return tuple(spot for spot in (whole, *types) if spot.near_chance or spot.mostly_escapes)


def _as_spot(code: str, n: int, n_normal: int, auroc: float | None, escape: int | None) -> WeakSpot:
    from inference.vision.detection.metrics import auroc_interval

    bounds = None
    if auroc is not None and 0 <= auroc <= 1 and min(n, n_normal) >= FEWEST_IMAGES:
        bounds = auroc_interval(auroc, n, n_normal)
    low, high = bounds or (None, None)
    return WeakSpot(code, n, auroc, low, high, escape)
