"""Proof that a graph says what the network said that it was made of, before anybody may have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.runtime import NetworkRuntime

# The most that a probability may differ between two ways of computing it.
TOLERANCE = 1e-3
# So many images prove it.
CHECKED = 4


def check_graph(
    graph: bytes, description: NetworkDescription, pixels: NDArray[np.uint8], expected: np.ndarray
) -> float:
    """Return how far the graph's probabilities are from those expected, (N, K), of inputs uint8 (N, H, W, 3).

    Raises ModelError(`graph_differs`) beyond `TOLERANCE`, or where a probability is no number; `device_failed`.
    """
    if not len(pixels):
        return 0.0
    found = NetworkRuntime(graph, description).compute(list(pixels))["probabilities"]
    difference = float(np.abs(found - np.asarray(expected, np.float64)).max())
    if not difference <= TOLERANCE:
        raise ModelError("graph_differs", difference=difference, tolerance=TOLERANCE)
    return difference
