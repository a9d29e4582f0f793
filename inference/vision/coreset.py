"""Exact greedy k-center (farthest-first) selection, in batches, and within a memory budget.

Greedy k-center (Gonzalez 1985; Sener & Savarese 2018; used by PatchCore) always takes the point farthest
from those taken so far. One by one, that is a full pass over all points per choice and bound by memory
traffic. Here the `T` points that are farthest now are gathered and the choices are made among them alone with
their own small distance matrix, for as long as the best of them is at least as far as the nearest of the T was
at the start: no point outside can be farther, so the choices are the same as one by one. Then the
distances of all points are brought up to date with one matrix product for the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_BLOCK_ROWS = 4096
_MIN_CANDIDATES = 256
_MAX_CANDIDATES = 2048


@dataclass(frozen=True)
class Coreset:
    """Chosen rows, in the order of choice, and how well they cover the others.

    `radius` is the largest distance of any point to its nearest chosen one. `radius_bound` is an upper bound
    of it that also holds for points which were let go in a merge-and-reduce step; it equals `radius`
    when there was none.
    """

    indices: np.ndarray
    radius: float
    radius_bound: float
    merged: bool = False


def select_coreset(
    points: np.ndarray,
    *,
    count: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Coreset:
    """Choose `count` of the float32 rows (N, D); ties go to the lowest row.

    Reproducible: the first row is drawn with `seed`. `progress(done, total)` is called after every batch
    (tenths of a second) and may raise to cancel. Stops early once every point coincides with a chosen one.
    """
    total = len(points)
    count = min(count, total)
    if count <= 0:
        return Coreset(indices=np.empty(0, dtype=np.int64), radius=0.0, radius_bound=0.0)
    # Distances come from inner products; centred points keep their rounding small.
    points = points - points.mean(axis=0, dtype=np.float64).astype(np.float32)
    squares = np.einsum("nd,nd->n", points, points)
    chosen = [int(np.random.default_rng(seed).integers(total))]
    nearest = np.full(total, np.inf, dtype=np.float32)
    _update_nearest(points, squares, nearest=nearest, centres=np.array(chosen))
    width = _MIN_CANDIDATES
    while len(chosen) < count:
        batch = _choose_batch(points, squares, nearest=nearest, width=min(width, total), wanted=count - len(chosen))
        if not batch:
            break
        chosen.extend(batch)
        _update_nearest(points, squares, nearest=nearest, centres=np.array(batch))
        # Room for a few times as many candidates as were good for a choice this time.
        width = int(np.clip(6 * len(batch), _MIN_CANDIDATES, _MAX_CANDIDATES))
        if progress is not None:
            progress(len(chosen), count)
    radius = math.sqrt(max(float(nearest.max()), 0.0))
    return Coreset(indices=np.array(chosen, dtype=np.int64), radius=radius, radius_bound=radius)


def _choose_batch(
    points: np.ndarray, squares: np.ndarray, *, nearest: np.ndarray, width: int, wanted: int
) -> list[int]:
    """The next choices, as one-by-one greedy selection would make them; empty when nothing is left to cover."""
    if width < len(nearest):
        candidates = np.argpartition(nearest, len(nearest) - width)[len(nearest) - width :]
        candidates.sort()
    else:
        candidates = np.arange(len(nearest))
    distances = nearest[candidates].copy()
    # Outside of the candidates nothing is farther than this; a tie with it must end the batch unless
    # it is the first choice, which is the farthest of all by construction.
    floor = float(distances.min()) if width < len(nearest) else -math.inf
    members = points[candidates]
    member_squares = squares[candidates]
    between = members @ members.T
    between *= -2.0
    between += member_squares
    between += member_squares[:, None]
    batch: list[int] = []
    while len(batch) < wanted:
        best = int(distances.argmax())
        distance = float(distances[best])
        if distance <= 0.0 or (batch and distance <= floor):
            break
        batch.append(int(candidates[best]))
        np.minimum(distances, between[best], out=distances)
        distances[best] = 0.0
    return batch


def _update_nearest(points: np.ndarray, squares: np.ndarray, *, nearest: np.ndarray, centres: np.ndarray) -> None:
    """Lower `nearest` (squared distances, N) to the new centres in one blocked matrix product."""
    members = points[centres] * np.float32(-2.0)
    member_squares = squares[centres][:, None]
    for start in range(0, len(points), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        product = members @ points[rows].T
        product += member_squares
        best = product.min(axis=0)
        best += squares[rows]
        np.maximum(best, 0.0, out=best)
        np.minimum(nearest[rows], best, out=nearest[rows])
    nearest[centres] = 0.0
