"""A linear classifier of places: logistic regression on what a frozen backbone says of every cell of 8×8 pixels.

Levels at stride 8, 16 and 32 side by side, cells of each label counting alike, weights held back by C = .02, which was
measured on a real set of metal parts. scikit-learn fits it by L-BFGS, from zero and without chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from inference.vision.learning.dense.augmentation import NO_CHANGE
from inference.vision.learning.dense.features import stack_maps
from inference.vision.learning.dense.inputs import UNKNOWN, DenseInput
from inference.vision.learning.dense.preparation import MapSource
from inference.vision.learning.dense.training_loop import wait_hearing
from inference.vision.learning.dense.trunk import Trunk

STRENGTH = 0.02
# Cells of all images together at most.
_ALL_SOUND, _ALL_MARKED = 12_000, 12_000
_LEAST_COVER = 0.25
_MOST_STEPS = 300
_SMALLEST_SPREAD = 1e-6
# The logit of a label that no cell teaches: it is never named.
_NEVER = -50.0


@dataclass(frozen=True, eq=False)
class CellHead:
    """`weights` float32 (K + 1, D) and `bias` (K + 1,), “nothing” first, on merged levels as they are."""

    weights: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    sound_cells: int
    marked_cells: int


class CellNetwork(torch.nn.Module):
    """The cell head as a network: levels of the backbone to probabilities N×(K+1)×h×w at stride 8."""

    def __init__(self, head: CellHead) -> None:
        super().__init__()
        count, width = head.weights.shape
        self.linear = torch.nn.Conv2d(width, count, 1)
        with torch.no_grad():
            self.linear.weight.copy_(torch.from_numpy(head.weights)[:, :, None, None])
            self.linear.bias.copy_(torch.from_numpy(head.bias))  # type: ignore[union-attr]

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Return the probability of nothing and each label in every cell."""
        return torch.softmax(self.linear(merge_levels(levels)), dim=1)


class SegmenterGraph(torch.nn.Module):
    """What is exported: uint8 N×H×W×3 to probabilities N×(K+1)×h×w, by either head."""

    def __init__(self, trunk: Trunk, head: torch.nn.Module) -> None:
        super().__init__()
        self.frozen = trunk.frozen
        self.head = head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the probabilities."""
        probabilities: torch.Tensor = self.head(self.frozen(images))
        return probabilities


def merge_levels(levels: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return all levels but the finest on the grid of the second one, joined: N×D×h×w."""
    grid = levels[1].shape[-2:]
    coarser = [functional.interpolate(level, size=grid, mode="bilinear", align_corners=False) for level in levels[2:]]
    return torch.cat([levels[1], *coarser], dim=1)


def shrink_mask(
    mask: NDArray[np.uint8], labels: int, shape: tuple[int, int], *, least_cover: float
) -> NDArray[np.uint8]:
    """Return a mask on a coarser grid of `shape` (rows, columns): a cell has the label that covers most of it.

    A cell that is covered by less than `least_cover` (or half of the best covered cell, where that is less: small marks
    must not vanish) is UNKNOWN, as is one with any pixel that is; what nothing touches is 0.
    """
    rows, columns = shape

    def cover(plane: NDArray[np.bool_]) -> NDArray[np.float32]:
        return np.asarray(cv2.resize(plane.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA))

    found = np.zeros(shape, np.uint8)
    highest = np.zeros(shape, np.float32)
    for label in (int(value) for value in np.unique(mask) if 0 < value <= labels):
        own = cover(mask == label)
        least = min(least_cover, 0.5 * float(own.max()))
        better = own > highest
        found[better] = np.where(own[better] >= least, label, UNKNOWN)
        highest = np.maximum(highest, own)
    unknown = mask == UNKNOWN
    if unknown.any():
        found[(cover(unknown) > 0.0) & ((found == 0) | (found == UNKNOWN))] = UNKNOWN
    return found


def fit_cells(
    source: MapSource, inputs: Sequence[DenseInput], labels: int, *, seed: int, hear: Callable[[int], None]
) -> CellHead:
    """Return the head fitted on cells of inputs; `hear` gets how many inputs are done, and may raise.

    Sound cells are drawn evenly from all inputs, marked ones from those that show their label.
    """
    showing = [sum(1 for one in inputs if place in one.labels) for place in range(labels)]
    per_image = -(-_ALL_SOUND // len(inputs))
    per_label = [-(-_ALL_MARKED // (labels * max(1, count))) for count in showing]
    rows: list[NDArray[np.float32]] = []
    truth: list[NDArray[np.int64]] = []
    for number, one in enumerate(inputs):
        hear(number)
        with torch.inference_mode():
            levels = stack_maps(source.maps([one], [NO_CHANGE]))
            merged = merge_levels(levels)[0].cpu().numpy()
        grid = (merged.shape[1], merged.shape[2])
        cells = shrink_mask(one.mask, labels, grid, least_cover=_LEAST_COVER).ravel()
        values = merged.reshape(len(merged), -1).T
        rng = np.random.default_rng((seed, number))
        for label in range(labels + 1):
            own = np.flatnonzero(cells == label)
            most = per_image if label == 0 else per_label[label - 1]
            chosen = np.sort(rng.choice(own, min(most, len(own)), replace=False))
            rows.append(np.ascontiguousarray(values[chosen]))
            truth.append(np.full(len(chosen), label, np.int64))
    hear(len(inputs))
    known = np.concatenate(truth)
    with ThreadPoolExecutor(1, thread_name_prefix="fit") as thread:
        fitting = thread.submit(_fit, np.concatenate(rows).astype(np.float64), known, count=labels + 1)
        weights, bias = wait_hearing(fitting, lambda: hear(len(inputs)))
    return CellHead(
        weights.astype(np.float32), bias.astype(np.float32), int((known == 0).sum()), int((known > 0).sum())
    )


def _fit(
    rows: NDArray[np.float64], truth: NDArray[np.int64], *, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (K + 1, D) and bias (K + 1,) on values as they are."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    weights, bias = np.zeros((count, rows.shape[1])), np.full(count, _NEVER)
    present = np.unique(truth)
    if len(present) == 1:
        bias[present] = 0.0
        return weights, bias
    mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), _SMALLEST_SPREAD)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=_MOST_STEPS, tol=1e-3)
    with threadpool_limits(limits=1):  # sums in another order would be another model
        model.fit((rows - mean) / spread, truth)
    found, offset = model.coef_, model.intercept_
    if len(present) == 2:  # one row stands for both
        found, offset = np.concatenate([-found, found]) / 2.0, np.concatenate([-offset, offset]) / 2.0
    weights[present] = found / spread
    bias[present] = offset - (found / spread) @ mean
    return weights, bias
