"""What the frozen part of a network gives for images, computed once and kept in half precision.

Half precision also where it is computed anew: whether a map was kept makes no difference to the training.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from inference.vision.networks.graphs import TrainedGraph, convert_module
from inference.vision.networks.runtime import TrainedRuntime, open_trained

Maps = list[NDArray[np.float16]]
BATCH = 8
KEPT_BYTES = 2 * 1024**3
# What half precision holds.
_LARGEST = 65_000.0


class FrozenFeatures:
    """Computes maps of prepared inputs, uint8 H×W×3, and keeps them by key until `kept_bytes` are full.

    On the CPU through OpenVINO, which computes an image the same whatever is beside it; on CUDA through torch. Raises
    ModelError(`device_failed`).
    """

    def __init__(
        self, module: torch.nn.Module, *, size_px: tuple[int, int], device: str = "cpu", kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._kept: dict[Hashable, Maps] = {}
        self._room = kept_bytes
        self._device = device
        self._module = module
        self._runtime: TrainedRuntime | None = None
        if device == "cpu":
            self._runtime = open_trained(TrainedGraph("dense", size_px), convert_module(module, size_px=size_px))
        else:
            self._module = module.to(device)

    def has(self, key: Hashable) -> bool:
        """Return whether the maps under this key are kept."""
        return key in self._kept

    def compute(self, inputs: Sequence[np.ndarray]) -> list[Maps]:
        """Return the maps of inputs, each C×h×w in half precision."""
        found: list[Maps] = []
        for start in range(0, len(inputs), BATCH):
            batch = np.stack(inputs[start : start + BATCH])
            maps = self._compute(batch)
            found += [[_halve(level[place]) for level in maps] for place in range(len(batch))]
        return found

    def keep(self, key: Hashable, maps: Maps) -> None:
        """Cache maps where there is memory left for them."""
        size = sum(level.nbytes for level in maps)
        if key not in self._kept and size <= self._room:
            self._kept[key] = maps
            self._room -= size

    def kept(self, key: Hashable) -> Maps:
        """Return what is kept under a key. Raises KeyError."""
        return self._kept[key]

    def _compute(self, batch: np.ndarray) -> list[np.ndarray]:
        if self._runtime is not None:
            return self._runtime.features(batch)
        with torch.inference_mode():
            return [level.cpu().numpy() for level in self._module(torch.from_numpy(batch).to(self._device))]


def stack_maps(rows: Sequence[Maps], device: str = "cpu") -> list[torch.Tensor]:
    """Return the levels of several images as float32 tensors N×C×h×w, in the layout that is computed fastest."""
    return [
        torch.from_numpy(np.stack([row[level] for row in rows]))
        .to(device=device, dtype=torch.float32)
        .contiguous(memory_format=torch.channels_last)
        for level in range(len(rows[0]))
    ]


def _halve(level: np.ndarray) -> NDArray[np.float16]:
    return np.asarray(np.clip(level, -_LARGEST, _LARGEST), np.float16)
