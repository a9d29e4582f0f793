"""Exact greedy k-center (farthest-first) selection, in batches.

Greedy k-center (Gonzalez 1985; Sener & Savarese 2018; used by PatchCore) always takes the point farthest
from those taken so far. One by one, that is a full pass over all points per choice and bound by memory
traffic. Here the `T` points that are farthest now are gathered and the choices are made among them alone with
their own small distance matrix, for as long as the best of them is at least as far as the nearest of the T was
at the start: no point outside can be farther, so the choices are the same as one by one. Then the
distances of all points are brought up to date with one matrix product for the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from inference.parallel import map_blocks

_BLOCK_ROWS = 2048
_CANDIDATE_ROWS = 512
_MIN_CANDIDATES = 256
_MAX_CANDIDATES = 2048
_KEPT_AT_ONCE = 256


@dataclass(frozen=True)
class Coreset:
    """Chosen rows, in the order of choice; `radius` is the largest distance of any point to its nearest chosen one."""

    indices: np.ndarray
    radius: float


def select_coreset(
    points: np.ndarray,
    *,
    count: int,
    seed: int,
    kept: int = 0,
    within: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Coreset:
    """Choose `count` of the float32 rows (N, D), which must be finite.

    The first `kept` rows are among them in any case, and the choice goes on from there; without any, the first row is
    drawn with `seed`. Reproducible: ties always fall the same way.
    `progress(done, total)` is called after every batch (tenths of a second)
    and may raise to cancel. Stops early once every point is no farther than `within` from a chosen one, or coincides
    with it.
    """
    total = len(points)
    count = min(max(count, kept), total)
    if count <= 0:
        return Coreset(indices=np.empty(0, dtype=np.int64), radius=0.0)
    cover = _Cover(points)
    chosen = list(range(kept)) or [int(np.random.default_rng(seed).integers(total))]
    for start in range(0, len(chosen), _KEPT_AT_ONCE):
        cover.add(chosen[start : start + _KEPT_AT_ONCE])
        if progress is not None and kept:
            progress(min(start + _KEPT_AT_ONCE, len(chosen)), count)
    width = _MIN_CANDIDATES
    while len(chosen) < count:
        batch = cover.choose(width=min(width, total), wanted=count - len(chosen), within=within)
        if not batch:
            break
        chosen.extend(batch)
        cover.add(batch)
        # Room for a few times as many candidates as were good for a choice this time.
        width = int(np.clip(6 * len(batch), _MIN_CANDIDATES, _MAX_CANDIDATES))
        if progress is not None:
            progress(len(chosen), count)
    radius = math.sqrt(float(cover.nearest.max()))
    return Coreset(indices=np.array(chosen, dtype=np.int64), radius=radius)


class _Cover:
    """All points with the squared distance of each to its nearest chosen one (`nearest`, float32, N)."""

    def __init__(self, points: np.ndarray) -> None:
        self._points = points
        # Distances come from inner products; centring keeps their rounding small. It is done block by block,
        # because a centred copy of all points would double the memory.
        self._mean = points.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._squares = np.empty(len(points), dtype=np.float32)
        for rows in self._blocks():
            block = points[rows] - self._mean
            np.einsum("nd,nd->n", block, block, out=self._squares[rows])
        # Below this a distance is nothing but the rounding of two equal points.
        self._rounding = 2e-6 * float(self._squares.max())
        self.nearest = np.full(len(points), np.inf, dtype=np.float32)

    def choose(self, *, width: int, wanted: int, within: float = 0.0) -> list[int]:
        """Return the next choices, as one-by-one selection would make them; empty when nothing is left to cover.

        Nothing is where no point is farther than `within` from those chosen.
        """
        nearest, total = self.nearest, len(self.nearest)
        if width < total:
            candidates = np.argpartition(nearest, total - width)[total - width :]
            candidates.sort()
        else:
            candidates = np.arange(total)
        distances = nearest[candidates].copy()
        # Nothing outside of the candidates is farther than this.
        floor = float(distances.min()) if width < total else -math.inf
        members = self._points[candidates] - self._mean
        squares = self._squares[candidates]
        between = np.empty((len(members), len(members)), dtype=np.float32)

        def compare(rows: slice) -> None:
            part = between[rows]
            np.matmul(members[rows], members.T, out=part)
            part *= -2.0
            part += squares
            part += squares[rows, None]

        map_blocks(
            compare, (slice(start, start + _CANDIDATE_ROWS) for start in range(0, len(members), _CANDIDATE_ROWS))
        )
        covered = max(within**2, self._rounding)
        batch: list[int] = []
        while len(batch) < wanted:
            best = int(distances.argmax())
            distance = float(distances[best])
            if distance <= covered or (batch and distance <= floor):
                break
            batch.append(int(candidates[best]))
            np.minimum(distances, between[best], out=distances)
            distances[best] = 0.0
        return batch

    def add(self, centres: list[int]) -> None:
        """Lower the distances of all points to the new centres, in blocked matrix products."""
        members = (self._points[centres] - self._mean) * np.float32(-2.0)
        squares = self._squares[centres][:, None]

        def update(rows: slice) -> None:
            product = members @ (self._points[rows] - self._mean).T
            product += squares
            best = product.min(axis=0)
            best += self._squares[rows]
            np.maximum(best, 0.0, out=best)
            np.minimum(self.nearest[rows], best, out=self.nearest[rows])

        map_blocks(update, self._blocks())
        self.nearest[centres] = 0.0

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, len(self._points), _BLOCK_ROWS):
            yield slice(start, start + _BLOCK_ROWS)
