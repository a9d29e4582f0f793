"""Patches in fewer dimensions: the principal axes of a product's normal patches, and how far a patch lies off them.

The last coordinate is the length of what the axes leave out. With it, the distance between two projected patches is
never more than between the patches themselves, and a defect in a direction that normal patches do not have still shows
(as in PCA-based monitoring, where that length is the Q statistic; Jackson & Mudholkar, Technometrics 21, 1979).
Searching, choosing the coreset and the bundle all become smaller by the same factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.parallel import map_blocks

_SAMPLE_ROWS = 20_000
_BLOCK_ROWS = 4096
_STEP = 8


@dataclass(frozen=True)
class Projection:
    """`mean` (D,) and orthonormal `axes` (k, D), float32."""

    mean: np.ndarray
    axes: np.ndarray

    def apply(self, patches: np.ndarray) -> np.ndarray:
        """Bring patches in columns, float32 (D, P), to float32 (k + 1, P)."""
        centred = patches - self.mean[:, None]
        projected = np.empty((len(self.axes) + 1, patches.shape[1]), dtype=np.float32)
        np.matmul(self.axes, centred, out=projected[:-1])
        left = np.einsum("dp,dp->p", centred, centred)
        left -= np.einsum("kp,kp->p", projected[:-1], projected[:-1])
        np.sqrt(np.maximum(left, 0.0, out=left), out=projected[-1])
        return projected

    def apply_rows(self, rows: np.ndarray) -> np.ndarray:
        """Bring patches in rows, float32 (N, D), to float32 (N, k + 1)."""
        projected = np.empty((len(rows), len(self.axes) + 1), dtype=np.float32)

        def project(block: slice) -> None:
            projected[block] = self.apply(rows[block].T).T

        map_blocks(project, (slice(start, start + _BLOCK_ROWS) for start in range(0, len(rows), _BLOCK_ROWS)))
        return projected


def fit_projection(parts: Sequence[np.ndarray], *, share: float) -> Projection | None:
    """Return the axes of the most variance of an even sample of the rows (N, D) of all parts.

    `share` of the dimensions are kept, rounded up to a multiple of 8; None where that leaves nothing out.
    """
    dimension = parts[0].shape[1]
    kept = math.ceil(share * dimension / _STEP) * _STEP
    if kept + 1 >= dimension:
        return None
    every = max(1, sum(len(part) for part in parts) // _SAMPLE_ROWS)
    sample = np.concatenate([part[::every] for part in parts]).astype(np.float64)
    mean = sample.mean(axis=0)
    sample -= mean
    _, vectors = np.linalg.eigh(sample.T @ sample)
    axes = np.ascontiguousarray(vectors[:, ::-1][:, :kept].T, dtype=np.float32)
    return Projection(mean=mean.astype(np.float32), axes=axes)
