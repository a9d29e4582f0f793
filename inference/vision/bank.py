"""Exact nearest neighbours in a memory bank, as blocked matrix products."""

from __future__ import annotations

import numpy as np

from inference.vision.multicore import map_blocks

_BLOCK_ROWS = 256


class Bank:
    """Rows (M, D) that queries are compared with. Read-only and safe to share between threads."""

    def __init__(self, rows: np.ndarray) -> None:
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        # |x−b|² = |x|² − 2x·b + |b|²: centring keeps the terms, and so the rounding of their difference, small.
        self._mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.rows = rows
        self._doubled = (rows - self._mean) * np.float32(-2.0)
        self._squares = (0.25 * np.einsum("md,md->m", self._doubled, self._doubled))[:, None]
        rows.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rows)

    def distances(self, queries: np.ndarray, *, neighbours: int = 1) -> np.ndarray:
        """Distance of each query column to its nearest row, or the mean over the `neighbours` nearest.

        `queries` is float32 (D, P); the answer is float32 (P,).
        """
        centred = queries - self._mean[:, None]
        squares = np.einsum("dp,dp->p", centred, centred)
        neighbours = min(neighbours, len(self.rows))
        if neighbours == 1:

            def search(block: slice) -> np.ndarray:
                product = self._doubled[block] @ centred
                product += self._squares[block]
                lowest: np.ndarray = product.min(axis=0)
                return lowest

            blocks = (slice(start, start + _BLOCK_ROWS) for start in range(0, len(self.rows), _BLOCK_ROWS))
            best: np.ndarray = np.minimum.reduce(map_blocks(search, blocks))
            best += squares
            np.maximum(best, 0.0, out=best)
            np.sqrt(best, out=best)
            return best
        product = self._doubled @ centred
        product += self._squares
        nearest = np.partition(product, neighbours - 1, axis=0)[:neighbours]
        nearest += squares
        means: np.ndarray = np.sqrt(np.maximum(nearest, 0.0)).mean(axis=0, dtype=np.float32)
        return means

    def nearest(self, queries: np.ndarray) -> np.ndarray:
        """Index of the row nearest to each of a few query columns (D, n)."""
        product = self._doubled @ (queries - self._mean[:, None])
        product += self._squares
        nearest: np.ndarray = product.argmin(axis=0)
        return nearest
