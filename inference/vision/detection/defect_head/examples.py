"""What teaches a defect head: images with their patches, and the patches of each that are taken.

Patches are taken where the mask of a defect lies, and anywhere on good parts; without a mask, where the image is most
distant from normal, each patch with as much weight as it is distant.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from inference.vision.detection.features.image_patches import ImagePatches
from inference.vision.detection.scoring import PatchDistances

# Patches of each image at most, and of all images together.
_NORMAL_PATCHES, _DEFECT_PATCHES, _SOUND_PATCHES = 150, 100, 60
_ALL_NORMAL_PATCHES, _ALL_DEFECT_PATCHES = 9000, 6000
_PEAK_PATCHES = 32
_LEAST_COVER = 0.25
_SEED = 0


@dataclass(frozen=True)
class Example:
    """One image: its patches, their distances to a bank that has not seen it, its part.

    `label` is the type of the defect, None for a good part; `mask` bool (H, W) of the whole image where the defect
    lies, None where nobody has marked it.
    """

    key: str
    part: str
    patches: ImagePatches = field(repr=False)
    distances: PatchDistances = field(repr=False)
    label: str | None = None
    mask: np.ndarray | None = field(repr=False, default=None)


@dataclass(frozen=True)
class TakenPatches:
    """The patches of one example that teach: rows (n, D), 0 for nothing or the number of the type, and weights."""

    rows: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Sampling:
    """How many patches of each good part and of each defect are taken at most."""

    per_normal: int
    per_defect: int

    @classmethod
    def of(cls, *, n_normal: int, n_defect: int) -> Sampling:
        """Return how many it may be of so many images."""
        return cls(
            per_normal=min(_NORMAL_PATCHES, -(-_ALL_NORMAL_PATCHES // n_normal)),
            per_defect=min(_DEFECT_PATCHES, -(-_ALL_DEFECT_PATCHES // n_defect)),
        )


def take_patches(example: Example, *, number: int, place: int, sampling: Sampling) -> TakenPatches:
    """Return the patches of an example that teach; `number` is that of its type, `place` seeds the choice."""
    rng = np.random.default_rng((_SEED, place))
    patches, distances = example.patches, example.distances
    counted = np.flatnonzero(np.ones(len(distances.values), np.bool_) if patches.valid is None else patches.valid)
    if example.label is None:
        cells = rng.choice(counted, min(sampling.per_normal, len(counted)), replace=False)
        return TakenPatches(patches.at(cells), np.zeros(len(cells), np.int64), np.ones(len(cells)))
    cover = None if example.mask is None else _cover(example.mask, patches.grid)
    if cover is None or not cover[counted].any():
        # Nobody said where it is: the most distant patches are likely to show it, each as likely as it is distant.
        cells = counted[np.argsort(-distances.values[counted], kind="stable")[:_PEAK_PATCHES]]
        weights = distances.values[cells].astype(np.float64)
        weights = (weights - weights.min()) / max(float(np.ptp(weights)), 1e-9) * 0.9 + 0.1
        return TakenPatches(patches.at(cells), np.full(len(cells), number), weights)
    least = min(_LEAST_COVER, 0.5 * float(cover[counted].max()))
    shown = counted[cover[counted] >= least]
    shown = rng.choice(shown, min(sampling.per_defect, len(shown)), replace=False)
    around = cv2.dilate((cover > 0).reshape(patches.grid).astype(np.uint8), np.ones((5, 5), np.uint8)).ravel()
    sound = counted[around[counted] == 0]
    sound = rng.choice(sound, min(_SOUND_PATCHES, sampling.per_defect, len(sound)), replace=False)
    cells = np.concatenate([shown, sound])
    labels = np.concatenate([np.full(len(shown), number), np.zeros(len(sound), np.int64)])
    return TakenPatches(patches.at(cells), labels, np.ones(len(cells)))


def _cover(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return how much of each cell the mask covers, from 0 to 1: float32 (P,)."""
    rows, columns = grid
    return np.asarray(
        cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA), np.float32
    ).ravel()
