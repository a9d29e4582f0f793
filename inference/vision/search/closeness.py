"""How similar the images of an index are to each other: what a similarity means for this very product.

The cosine of two images of one product is near 1 whatever they show, for they mostly show the product. What it says
depends on how far apart its images lie: between unrelated ones, and between an image and the nearest of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.vision.search.knn_vote import join_views

LEAST_IMAGES = 5
# Medians of so many images' neighbors among all others: more move them by less than a point of a hundred.
MOST_ASKED = 300
_AT_ONCE = 50
# Nearer than this they are one value but for rounding, as of an index of copies.
_LEAST_SPREAD = 1e-4


@dataclass(frozen=True)
class Spread:
    """Two typical cosine similarities: of images that have nothing to do with each other, and of nearest neighbors."""

    unrelated_at: float
    alike_at: float


def measure_spread(
    whole: np.ndarray | None,
    region: np.ndarray | None,
    labels: np.ndarray | None,
    parts: Sequence[str] | None = None,
    *,
    region_weight: float = 1.0,
) -> Spread | None:
    """Return the spread of unit vectors, float32 (n, d) of each view (None where missing), by the weighed similarity.

    `labels`, int (n,), are the images' types (None: all of one). `unrelated_at` is the median similarity of an image to
    those of other types, or to all others where there is one type; `alike_at` that to the nearest of its own type. Both
    are taken over up to 300 images. Images of one of the `parts` (n,) are not compared: other exposures of one part say
    nothing of how alike two parts are. None for fewer than five images, or where no difference can be told.
    """
    views = [rows for rows in (whole, region) if rows is not None]
    count = len(views[0]) if views else 0
    if count < LEAST_IMAGES:
        return None
    types = np.zeros(count, np.int64) if labels is None else np.asarray(labels, np.int64)
    _, pieces = np.unique(np.asarray(parts, dtype=str), return_inverse=True) if parts else (None, np.arange(count))
    one_type = bool((types == types[0]).all())
    asked = np.arange(count)
    if count > MOST_ASKED:
        asked = np.sort(np.random.default_rng(0).choice(count, size=MOST_ASKED, replace=False))
    nearest: list[float] = []
    unrelated: list[float] = []
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        joined = join_views(
            *(None if rows is None else rows[part] @ rows.T for rows in (whole, region)), region_weight=region_weight
        )
        for place, row in zip(part, joined, strict=True):
            foreign = pieces != pieces[place]
            own = foreign & (types == types[place])
            others = own if one_type else foreign & (types != types[place])
            if others.any():
                unrelated.append(float(np.median(row[others])))
            if own.any():
                nearest.append(float(row[own].max()))
    if not nearest or not unrelated:
        return None
    unrelated_at, alike_at = float(np.median(unrelated)), float(np.median(nearest))
    return Spread(unrelated_at, alike_at) if alike_at - unrelated_at >= _LEAST_SPREAD else None
