"""Runtimes that compute a graph: OpenVINO on the CPU, torch on the CPU or on CUDA.

A runtime is read-only and may be shared by threads; a lock admits one batch at a time to the device,
because two batches side by side only slow each other down.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, Literal

import numpy as np

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.graph_store import GraphStore
from inference.vision.networks.graphs import (
    GraphSpec,
    PortableGraph,
    SizedGraph,
    TrainedGraph,
    build_module,
    convert_graph,
)
from inference.vision.networks.torch_runtime import (
    GPU_FAULTS,
    FeatureRuntime,
    SparingRuntime,
    TorchRuntime,
    check_batch,
    first_line,
)

__all__ = ["FeatureRuntime", "TorchRuntime", "check_batch"]

Device = Literal["auto", "cpu", "cuda"]

# Images that are computed at once.
BATCH_SIZE = 8
_log = logging.getLogger(__name__)
RUNTIMES_LIMIT = 8
# The first image of a set, its mirror image and the reference image, by two callers at most.
_SINGLES_OF_A_BUILD = 4


class OpenVinoRuntime(Generic[SizedGraph]):
    """A graph on the CPU through OpenVINO, computed in float32.

    Images of a batch are computed side by side, each by itself: what a core works on stays in its cache, and no core
    waits for another at every layer (a quarter less time than all cores on one batch; with a fixed shape it is faster
    by some 4 %, too). A single image, which is what a line inspects, is computed by all cores, for which there is a
    compilation of its own. It is made once several have come (0.2 s): a build looks at hardly any. All give the same
    bits.
    """

    def __init__(self, graph: SizedGraph, portable: PortableGraph, *, threads: int) -> None:
        import openvino

        self.name = "openvino-cpu"
        self.graph: SizedGraph = graph
        self.portable = portable
        self._core = openvino.Core()
        self._weights = openvino.Tensor(np.frombuffer(portable.weights, dtype=np.uint8))
        self._threads = threads
        self._streams = min(threads, BATCH_SIZE)
        self._compiled: Any = self._compile(streams=self._streams)
        self._requests = [self._compiled.create_infer_request() for _ in range(self._streams)]
        self._side_by_side = ThreadPoolExecutor(self._streams, thread_name_prefix="graph")
        self._single: Any = None
        self._single_count = 0
        self._lock = threading.Lock()

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute float32 N×C×h×w maps of uint8 N×H×W×3; raises ModelError."""
        batch = check_batch(batch, size_px=self.graph.size_px)
        with self._lock:
            try:
                return self._compute_each(batch) if len(batch) > 1 else self._compute_single(batch)
            except RuntimeError as error:
                raise ModelError("device_failed", device="cpu", detail=first_line(error)) from error

    def _compute_single(self, batch: np.ndarray) -> list[np.ndarray]:
        self._single_count += 1
        if self._single is None and self._single_count > _SINGLES_OF_A_BUILD:
            self._single = self._compile(streams=1).create_infer_request()
        request = self._single or self._requests[0]
        request.infer([batch], share_inputs=True)
        return [np.array(request.get_output_tensor(place).data) for place in range(self._output_count)]

    def _compute_each(self, batch: np.ndarray) -> list[np.ndarray]:
        outputs = self._compiled.outputs
        maps = [np.empty((len(batch), *tuple(output.shape)[1:]), np.float32) for output in outputs]
        places = iter(range(len(batch)))
        taking = threading.Lock()

        def work_off(request: Any) -> None:
            while True:
                with taking:
                    place = next(places, None)
                if place is None:
                    return
                request.infer([batch[place : place + 1]], share_inputs=True)
                for number, found in enumerate(maps):
                    found[place] = request.get_output_tensor(number).data[0]

        for done in [self._side_by_side.submit(work_off, request) for request in self._requests[: len(batch)]]:
            done.result()
        return maps

    @property
    def _output_count(self) -> int:
        return len(self._compiled.outputs)

    def _compile(self, *, streams: int) -> Any:
        """Compile the graph for single images, so many of them side by side."""
        model = self._core.read_model(self.portable.xml, self._weights)
        model.reshape([1, *self.graph.size_px, 3])
        return self._core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",
                "NUM_STREAMS": streams,
                "INFERENCE_NUM_THREADS": self._threads,
                # Pinning would put two processes of the product onto the same core.
                "ENABLE_CPU_PINNING": False,
            },
        )


TrainedRuntime = OpenVinoRuntime[TrainedGraph]


def open_runtime(
    graph: GraphSpec,
    *,
    weights: Path | None = None,
    weights_sha256: str | None = None,
    portable: PortableGraph | None = None,
    device: Device = "auto",
    threads: int | None = None,
    with_openvino: bool = True,
) -> FeatureRuntime:
    """Return a shared runtime for the graph.

    On the CPU it is OpenVINO's: from `portable` where that is given, or from one that was given before for the same
    graph and weights (no torch is imported then), else converted from the weights. Where OpenVINO does not work it
    is torch's. On CUDA it is torch's, and with `auto` the CPU's takes over where the GPU is full or fails. `weights`
    defaults to the carried file, and must have the hash `weights_sha256` where that is given.
    `threads` defaults to the cores this process may use. Without `with_openvino` it is torch's on the CPU, too. Raises
    ModelError: `device_unavailable`, `device_failed`, `backbone_weights_missing`, `backbone_weights_mismatch`,
    `backbone_weights_changed`.
    """
    threads = threads if threads is not None else CORES
    chosen = choose_device(device)
    if portable is not None and weights_sha256 is not None:
        # What the bundle brings must not displace what was converted here from the very weights.
        _PORTABLE.setdefault((graph, weights_sha256), portable)
    if portable is None or chosen != "cpu" or weights_sha256 is None:
        path = resolve_weights(graph.backbone, weights)
        found_sha256 = hash_weights(path)
        if weights_sha256 is not None and found_sha256 != weights_sha256:
            raise ModelError("backbone_weights_changed", name=graph.backbone.name)
        weights_sha256 = found_sha256
    if chosen == "cpu" and with_openvino:
        key = (graph, weights_sha256)
        stored = portable or _PORTABLE.get(key)
        identity = weights_sha256 if stored is None else stored.sha256
        try:
            return RUNTIMES.get(
                (graph, identity, "openvino", threads),
                lambda: OpenVinoRuntime(
                    graph,
                    stored or _convert_once(key, weights),
                    threads=threads,
                ),
            )
        except (ImportError, RuntimeError) as error:
            _log.warning("OpenVINO cannot take the graph, torch takes over: %s", first_line(error))
    path = resolve_weights(graph.backbone, weights)
    if hash_weights(path) != weights_sha256:
        raise ModelError("backbone_weights_changed", name=graph.backbone.name)

    def open_torch() -> FeatureRuntime:
        return RUNTIMES.get(
            (graph, weights_sha256, f"torch-{chosen}", threads),
            lambda: TorchRuntime(graph, build_module(graph, path), device=chosen, threads=threads),
        )

    if chosen == "cpu" or device != "auto":
        return open_torch()

    def open_cpu() -> FeatureRuntime:
        return open_runtime(
            graph,
            weights=weights,
            weights_sha256=weights_sha256,
            portable=portable,
            device="cpu",
            threads=threads,
            with_openvino=with_openvino,
        )

    try:
        return SparingRuntime(open_torch(), open_cpu)
    except ModelError as error:
        if error.code not in GPU_FAULTS:
            raise
        _log.warning("the GPU is left out: %s", error)
        return open_cpu()


def open_trained(graph: TrainedGraph, portable: PortableGraph, *, threads: int | None = None) -> TrainedRuntime:
    """Return the runtime of a network that was trained here, on the CPU: it is small, and no weights belong to it.

    Raises ModelError(`device_failed`).
    """
    try:
        return OpenVinoRuntime(graph, portable, threads=threads if threads is not None else CORES)
    except (ImportError, RuntimeError) as error:
        raise ModelError("device_failed", device="cpu", detail=first_line(error)) from error


def portable_of(runtime: FeatureRuntime) -> PortableGraph | None:
    """Return the runtime's graph as files that a bundle can carry, or None where it has none."""
    return runtime.portable if isinstance(runtime, OpenVinoRuntime) else None


# Graphs that were converted or brought by a bundle, by graph and hash of the weights: a second model on the same
# backbone, or its embedder, then needs neither torch nor the weights file.
_PORTABLE: dict[tuple[GraphSpec, str], PortableGraph] = {}


_STORES: list[GraphStore] = []


def keep_graphs_in(folder: Path) -> None:
    """Keep converted graphs in this folder from now on, so that later processes need not import torch.

    For the composition root to call once; without it graphs live as long as the process.
    """
    _STORES[:] = [GraphStore(folder)]


def _convert_once(key: tuple[GraphSpec, str], weights: Path | None) -> PortableGraph:
    graph, weights_sha256 = key
    portable = _PORTABLE.get(key)
    for store in _STORES:
        portable = portable or store.find(graph, weights_sha256)
    if portable is None:
        portable = convert_graph(graph, resolve_weights(graph.backbone, weights))
        for store in _STORES:
            store.put(graph, weights_sha256, portable)
    return _PORTABLE.setdefault(key, portable)


def choose_device(device: Device) -> Literal["cpu", "cuda"]:
    """Return `cpu` or `cuda`; `auto` takes CUDA where there is one. Raises ModelError(`device_unavailable`)."""
    if device == "cpu" or (device == "auto" and not may_have_cuda()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise ModelError("device_unavailable", device="cuda")
    return "cpu"


class RuntimeCache:
    """The runtimes last used; one thread opens a runtime while others that want it wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runtimes: OrderedDict[tuple[GraphSpec, str, str, int], FeatureRuntime] = OrderedDict()

    def get(self, key: tuple[GraphSpec, str, str, int], open_new: Callable[[], FeatureRuntime]) -> FeatureRuntime:
        with self._lock:
            runtime = self._runtimes.get(key)
            if runtime is None:
                runtime = open_new()
                self._runtimes[key] = runtime
                while len(self._runtimes) > RUNTIMES_LIMIT:
                    self._runtimes.popitem(last=False)
            self._runtimes.move_to_end(key)
            return runtime


RUNTIMES = RuntimeCache()


def may_have_cuda() -> bool:
    """Return whether a driver is there at all; asking torch itself would cost its import, some seconds."""
    if os.name == "nt":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "nvcuda.dll").exists()
    return any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"))
