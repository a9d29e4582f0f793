"""What teaches a defect head: images with their patches, and the patches of each that are taken.

Patches are taken where the mask of a defect lies, and anywhere on good parts; without a mask, where the image is most
distant from normal, each patch with as much weight as it is distant.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    lies, None where nobody has marked it. `marks` are masks by type, of an image that shows several.
    """

    key: str
    part: str
    patches: ImagePatches = field(repr=False)
    distances: PatchDistances = field(repr=False)
    label: str | None = None
    mask: np.ndarray | None = field(repr=False, default=None)
    marks: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)

    @property
    def types(self) -> frozenset[str]:
        """Return the types of defect that it shows: none, one, or as many as are marked."""
        return frozenset(self.marks) | (frozenset() if self.label is None else {self.label})


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


def take_patches(example: Example, *, numbers: Mapping[str, int], place: int, sampling: Sampling) -> TakenPatches:
    """Return the patches of an example that teach; `numbers` are those of the types, `place` seeds the choice.

    Where several types are marked, each patch teaches the one that covers most of it.
    """
    rng = np.random.default_rng((_SEED, place))
    patches, distances = example.patches, example.distances
    counted = np.flatnonzero(np.ones(len(distances.values), np.bool_) if patches.valid is None else patches.valid)
    if example.label is None:
        cells = rng.choice(counted, min(sampling.per_normal, len(counted)), replace=False)
        return TakenPatches(patches.at(cells), np.zeros(len(cells), np.int64), np.ones(len(cells)))
    number = numbers[example.label]
    if example.marks and (marked := _take_marked(example, counted, numbers, sampling, rng)) is not None:
        return marked
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
    sound = _take_sound(cover, counted, patches.grid, sampling, rng)
    cells = np.concatenate([shown, sound])
    labels = np.concatenate([np.full(len(shown), number), np.zeros(len(sound), np.int64)])
    return TakenPatches(patches.at(cells), labels, np.ones(len(cells)))


def _take_marked(
    example: Example, counted: np.ndarray, numbers: Mapping[str, int], sampling: Sampling, rng: np.random.Generator
) -> TakenPatches | None:
    """Return the patches of an example whose types are marked one by one; None where no mark is on what counts."""
    grid = example.patches.grid
    names = sorted(example.marks)
    covers = np.stack([_cover(example.marks[name], grid) for name in names])
    owner = covers.argmax(axis=0)
    most = -(-sampling.per_defect // len(names))
    cells, labels = [], []
    for at, name in enumerate(names):
        own = counted[owner[counted] == at]
        if not len(own) or not covers[at, own].any():
            continue
        least = min(_LEAST_COVER, 0.5 * float(covers[at, own].max()))
        shown = own[covers[at, own] >= least]
        cells.append(rng.choice(shown, min(most, len(shown)), replace=False))
        labels.append(np.full(len(cells[-1]), numbers[name]))
    if not cells:
        return None
    sound = _take_sound(covers.max(axis=0), counted, grid, sampling, rng)
    chosen = np.concatenate([*cells, sound])
    classes = np.concatenate([*labels, np.zeros(len(sound), np.int64)])
    return TakenPatches(example.patches.at(chosen), classes, np.ones(len(chosen)))


def _take_sound(
    cover: np.ndarray, counted: np.ndarray, grid: tuple[int, int], sampling: Sampling, rng: np.random.Generator
) -> np.ndarray:
    """Return cells of a defective part that lie clear of what is marked."""
    around = cv2.dilate((cover > 0).reshape(grid).astype(np.uint8), np.ones((5, 5), np.uint8)).ravel()
    sound = counted[around[counted] == 0]
    return np.asarray(rng.choice(sound, min(_SOUND_PATCHES, sampling.per_defect, len(sound)), replace=False))


def _cover(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return how much of each cell the mask covers, from 0 to 1: float32 (P,)."""
    rows, columns = grid
    return np.asarray(
        cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA), np.float32
    ).ravel()
