"""Which of a few images do not belong to the others, by comparing each with each.

A bank of few images is made of a handful of parts, so that one strange image among them is a large share of what the
others are compared with, and two strange ones that are alike hide each other. Here nothing is thinned out: every patch
is compared with all patches of every other part, and what counts is the second nearest part. Then the strangest images
are taken away, one, two and four of them, and all are compared with what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from inference.vision.detection.patchcore.bank_building import BankFeatures, project_groups
from inference.vision.detection.purity import FEWEST, NOBODY, Outliers, find_outliers
from inference.vision.detection.scoring import PatchDistances, smooth_distances, valid_cells

# All patches of all images are compared: beyond this it takes more than some seconds.
MOST_PATCHES = 40_000
_TAKEN_AWAY = (1, 2, 4)
# Four looks name more good images than one does: each is asked for more.
_SPREADS = 4.0


def find_odd_images(
    features: BankFeatures, *, kept: Collection[str] = (), report: Callable[[], None] | None = None
) -> Outliers:
    """Return the images that do not belong; a person has said of `kept` that they are good.

    None is found among more than MOST_PATCHES patches, where cross-fitted scores tell better, among fewer than 8 parts,
    or where an image's patches were not kept. `report` is called now and then and may raise.
    """
    names = features.parts or features.keys
    parts = np.unique(names, return_inverse=True)[1]
    count = len(features.keys)
    whole = features.tiles is None and not features.reduced and len(features.samples) == count
    if not whole or features.patch_count > MOST_PATCHES or int(parts.max(initial=0)) + 1 < FEWEST:
        return NOBODY
    nearest = _compare(features, parts, report or (lambda: None))
    by_part = np.stack([nearest[:, :, parts == part].min(axis=2) for part in range(int(parts.max()) + 1)], axis=2)
    second = _score(features, np.partition(by_part, 1, axis=2)[:, :, 1])
    found = find_outliers(_name(features, second), kept=kept, spreads=_SPREADS)
    strangest = np.argsort(-second, kind="stable")
    for number in _TAKEN_AWAY:
        remaining = np.setdiff1d(np.arange(count), strangest[:number])
        scores = _score(features, nearest[:, :, remaining].min(axis=2))
        found = found.join(find_outliers(_name(features, scores), kept=kept, spreads=_SPREADS))
    return found


def _compare(features: BankFeatures, parts: np.ndarray, report: Callable[[], None]) -> np.ndarray:
    """Return the distance of every patch to the nearest of every image: float32 (n, P, n), infinite within a part."""
    _, projected = project_groups(features)
    rows, owners = np.concatenate(projected), np.concatenate([group.owners for group in features.groups])
    cells = np.concatenate([group.cells for group in features.groups])
    count, patches = len(features.keys), features.grid[0] * features.grid[1]
    images = np.zeros((count, patches, rows.shape[1]), np.float32)
    images[owners, cells] = rows
    lengths = np.einsum("npd,npd->np", images, images)
    nearest = np.full((count, patches, count), np.inf, np.float32)
    for one in range(count):
        report()
        for other in range(one):
            if parts[one] == parts[other]:
                continue
            squares = lengths[one][:, None] + lengths[other][None] - 2.0 * images[one] @ images[other].T
            nearest[one, :, other] = np.sqrt(np.maximum(squares.min(axis=1), 0.0))
            nearest[other, :, one] = np.sqrt(np.maximum(squares.min(axis=0), 0.0))
    return nearest


def _score(features: BankFeatures, distances: np.ndarray) -> np.ndarray:
    """Return the score of each image from the distances of its patches, float32 (n, P), as a bank would."""
    config, grid = features.config, features.grid
    valid = valid_cells(config.preprocessing, grid)
    return np.array(
        [
            PatchDistances(
                smooth_distances(one, sigma=config.smoothing_cells, grid=grid, valid=valid),
                grid,
                valid,
                config.score_share,
            ).score
            for one in distances
        ]
    )


def _name(features: BankFeatures, scores: np.ndarray) -> dict[str, float]:
    return dict(zip(features.keys, scores.tolist(), strict=True))
