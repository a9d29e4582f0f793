"""Exact nearest neighbours in a memory bank, as blocked matrix products."""

from __future__ import annotations

import numpy as np

from inference.parallel import CORES, map_blocks

# The product of a block of rows with a core's share of the queries stays in its cache until the minimum is taken.
_BLOCK_PRODUCTS = 65_536


class Bank:
    """Rows (M, D) that queries are compared with. Read-only and safe to share between threads."""

    def __init__(self, rows: np.ndarray) -> None:
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        # |x−b|² = |x|² − 2x·b + |b|²: centring keeps the terms, and so the rounding of their difference, small.
        self._mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.rows = rows
        centred = rows - self._mean
        squares = np.einsum("md,md->m", centred, centred)
        # With |b|² as one more column (and 1 in every query) the product is −2x·b + |b|² at once.
        self._terms = np.concatenate([centred * np.float32(-2.0), squares[:, None]], axis=1)
        rows.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rows)

    def distances(self, queries: np.ndarray, *, neighbours: int = 1) -> np.ndarray:
        """Return the distance of each query column to its nearest row, or the mean over the `neighbours` nearest.

        `queries` is float32 (D, P), the distances are float32 (P,).
        """
        terms = self._prepare(queries)
        squares = np.einsum("dp,dp->p", terms[:-1], terms[:-1])
        neighbours = min(neighbours, len(self.rows))
        if neighbours == 1:
            shares = [share for share in np.array_split(terms, CORES, axis=1) if share.shape[1]]
            best: np.ndarray = np.concatenate(map_blocks(lambda share: _lowest(self._terms, share), shares))
            best += squares
            np.maximum(best, 0.0, out=best)
            np.sqrt(best, out=best)
            return best
        product = self._terms @ terms
        nearest = np.partition(product, neighbours - 1, axis=0)[:neighbours]
        nearest += squares
        means: np.ndarray = np.sqrt(np.maximum(nearest, 0.0)).mean(axis=0, dtype=np.float32)
        return means

    def nearest(self, queries: np.ndarray) -> np.ndarray:
        """Return the index of the row nearest to each of a few query columns (D, n)."""
        nearest: np.ndarray = (self._terms @ self._prepare(queries)).argmin(axis=0)
        return nearest

    def _prepare(self, queries: np.ndarray) -> np.ndarray:
        terms = np.empty((queries.shape[0] + 1, queries.shape[1]), dtype=np.float32)
        np.subtract(queries, self._mean[:, None], out=terms[:-1])
        terms[-1] = 1.0
        return terms


def _lowest(rows: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Return the lowest of the products of the rows (m, D) with each column (D, P), block by block."""
    terms = np.ascontiguousarray(terms)
    count = max(1, min(len(rows), _BLOCK_PRODUCTS // terms.shape[1]))
    lowest = np.full(terms.shape[1], np.inf, dtype=np.float32)
    product = np.empty((count, terms.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), count):
        block = rows[start : start + count]
        part = np.matmul(block, terms, out=product[: len(block)])
        np.minimum(lowest, part.min(axis=0), out=lowest)
    return lowest
