"""Run by itself: one search on the GPU, compared with the same in main memory. Status 0: the GPU may be used.

faiss ends its process where CUDA gives an error (a driver that does not fit, a GPU that the build has no code
for). So another process finds out.
"""

from __future__ import annotations

import sys

import faiss
import numpy as np

VECTORS, DIMENSION, NEIGHBOURS = 4096, 64, 256
TOLERANCE = 1e-5


def main() -> None:
    """Search, compare, and leave with a sentence where the result is wrong."""
    rows = np.random.default_rng(0).standard_normal((VECTORS, DIMENSION), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(32 << 20)
    resources.setPinnedMemory(0)
    index = faiss.GpuIndexFlatIP(resources, DIMENSION, faiss.GpuIndexFlatConfig())
    index.add(rows)
    similarities, places = index.search(rows[:1], NEIGHBOURS)
    truth = np.sort(rows @ rows[0])[::-1][:NEIGHBOURS]
    if not (np.abs(rows[places[0]] @ rows[0] - truth) <= TOLERANCE).all():
        sys.exit("the GPU found other vectors")
    if not (np.abs(similarities[0] - truth) <= TOLERANCE).all():
        sys.exit("the GPU computes less precisely than float32")


if __name__ == "__main__":
    main()
