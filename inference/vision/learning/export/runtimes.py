"""The runtimes that an exported network is asked through, each as its users would: several images at once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.learning.trained_network.description import INPUT_NAME, NetworkDescription

Outputs = dict[str, NDArray[np.float32]]


class ExportRuntime(Protocol):
    """A runtime with an exported network in it."""

    name: str

    def compute(self, batch: NDArray[np.uint8]) -> Outputs:
        """Return the outputs by name, float32 N×…, of uint8 N×H×W×3. Raises ModelError(`device_failed`)."""
        ...


class OnnxRuntime:
    """An ONNX graph through ONNX Runtime on the CPU. Raises ModelError(`device_failed`)."""

    name = "onnxruntime"

    def __init__(self, graph: bytes, description: NetworkDescription) -> None:
        import onnxruntime

        self._outputs = list(description.outputs)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = CORES, 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError("device_failed", device=self.name, detail=_first_line(error)) from error

    def compute(self, batch: NDArray[np.uint8]) -> Outputs:
        """Return the outputs by name, float32 N×…, of uint8 N×H×W×3. Raises ModelError(`device_failed`)."""
        try:
            found = self._session.run(self._outputs, {INPUT_NAME: np.ascontiguousarray(batch)})
        except Exception as error:
            raise ModelError("device_failed", device=self.name, detail=_first_line(error)) from error
        return {name: np.asarray(values, np.float32) for name, values in zip(self._outputs, found, strict=True)}


@dataclass(frozen=True)
class PortableNetwork:
    """A network in OpenVINO's own format: `model.xml` and `model.bin`."""

    xml: bytes = field(repr=False)
    weights: bytes = field(repr=False)


def convert_to_openvino(graph: bytes) -> PortableNetwork:
    """Return an ONNX graph in OpenVINO's format, weights in float32, any number of images.

    Raises ModelError(`device_failed`).
    """
    import openvino

    try:
        model = openvino.Core().read_model(graph)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "model.xml"
            # In half precision probabilities would differ by more than is promised.
            openvino.save_model(model, str(place), compress_to_fp16=False)
            return PortableNetwork(place.read_bytes(), place.with_suffix(".bin").read_bytes())
    except RuntimeError as error:
        raise ModelError("device_failed", device="openvino", detail=_first_line(error)) from error


class OpenVinoNetwork:
    """A network in OpenVINO's format on the CPU, any number of images. Raises ModelError(`device_failed`)."""

    name = "openvino"

    def __init__(self, network: PortableNetwork, description: NetworkDescription) -> None:
        import openvino

        self._names = description.outputs
        try:
            core = openvino.Core()
            weights = openvino.Tensor(np.frombuffer(network.weights, np.uint8)) if network.weights else None
            model = core.read_model(network.xml, weights) if weights is not None else core.read_model(network.xml)
            settings = {
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": CORES,
                "ENABLE_CPU_PINNING": False,
            }
            self._request: Any = core.compile_model(model, "CPU", settings).create_infer_request()
        except RuntimeError as error:
            raise ModelError("device_failed", device=self.name, detail=_first_line(error)) from error

    def compute(self, batch: NDArray[np.uint8]) -> Outputs:
        """Return the outputs by name, float32 N×…, of uint8 N×H×W×3. Raises ModelError(`device_failed`)."""
        try:
            self._request.infer([np.ascontiguousarray(batch)], share_inputs=True)
            return {name: np.array(self._request.get_tensor(name).data, np.float32) for name in self._names}
        except RuntimeError as error:
            raise ModelError("device_failed", device=self.name, detail=_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
