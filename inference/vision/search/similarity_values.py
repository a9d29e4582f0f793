"""The similarity of vectors, the same to the last bit however a vector was found."""

from __future__ import annotations

import numpy as np

_UNIT_ROUNDOFF = 2.0**-24  # of float32


def exact_similarities(rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the inner products of float32 rows (n, d) with `query` (d,), float32 (n,).

    Each row is summed by itself. A product of the whole matrix may sum a row otherwise for its neighbours or for the
    number of threads, and so move its last bit.
    """
    return np.asarray(np.vecdot(rows, query), np.float32)


def rounding_bound(dimension: int) -> float:
    """Return how far apart two float32 sums of one inner product of unit vectors may be, in whatever order.

    Twice n·u of Higham, "Accuracy and Stability of Numerical Algorithms" (2002), section 3.1: the terms of unit
    vectors add up to at most 1 in magnitude.
    """
    return 2.0 * dimension * _UNIT_ROUNDOFF
