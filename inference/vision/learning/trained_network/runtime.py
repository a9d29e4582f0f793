"""Asking a trained network through OpenVINO: arrays in, arrays out. Safe to share; one batch at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.learning.trained_network.description import NetworkDescription


class NetworkRuntime:
    """A graph compiled once for single images; batches are computed one image after another, with the same bits.

    Raises ModelError(`device_failed`) for a graph that OpenVINO cannot read or run.
    """

    def __init__(self, graph: bytes, description: NetworkDescription, *, threads: int | None = None) -> None:
        import openvino

        self.description = description
        self._lock = threading.Lock()
        try:
            core = openvino.Core()
            model = core.read_model(graph)
            model.reshape([1, description.height_px, description.width_px, 3])
            compiled = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "f32",
                    "INFERENCE_NUM_THREADS": CORES if threads is None else threads,
                    "ENABLE_CPU_PINNING": False,
                },
            )
            self._request: Any = compiled.create_infer_request()
        except RuntimeError as error:
            raise ModelError("device_failed", device="cpu", detail=str(error).splitlines()[0]) from error

    def compute(self, prepared: Sequence[np.ndarray]) -> dict[str, NDArray[np.float32]]:
        """Return the outputs by name, float32 N×…, of inputs that `prepare_input` made. Raises ModelError."""
        found: dict[str, list[np.ndarray]] = {name: [] for name in self.description.outputs}
        with self._lock:
            for pixels in prepared:
                try:
                    self._request.infer([np.ascontiguousarray(pixels[None])], share_inputs=True)
                    for name in found:
                        found[name].append(np.array(self._request.get_tensor(name).data[0], np.float32))
                except RuntimeError as error:
                    raise ModelError("device_failed", device="cpu", detail=str(error).splitlines()[0]) from error
        return {name: np.stack(rows) if rows else np.zeros((0,), np.float32) for name, rows in found.items()}
