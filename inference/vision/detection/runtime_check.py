"""The reference image scored by every runtime of this machine, before a model may inspect.

The runtime that inspects is asked each time. Another one computes the same graph from the same weights whichever
product it is for, and opening it may mean importing torch, seconds on a small machine: so once it has agreed on a graph
here, that is remembered beside the converted graphs, and it is asked again where it costs nothing or where that is
wanted.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from inference.artifact import Bundle
from inference.errors import ModelError
from inference.vision.detection.detector import Detector, FindWeights, GraphDetector
from inference.vision.detection.reference_image import check_reference, verify_reference
from inference.vision.detection.registry import find_bundle_detector
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import Device, FeatureRuntime, choose_device, open_runtime, portable_of
from inference.vision.networks.torch_runtime import GPU_FAULTS

Extent = Literal["auto", "all", "own"]
OPENVINO, TORCH_CPU, TORCH_CUDA = "openvino-cpu", "torch-cpu", "torch-cuda"
_log = logging.getLogger(__name__)


def verify_runtimes(
    model: Detector,
    bundle: Bundle,
    *,
    extent: Extent = "auto",
    device: Device = "auto",
    find_weights: FindWeights | None = None,
    memory: Path | None = None,
) -> tuple[str, ...]:
    """Score the bundle's reference image with the model's own runtime and, up to `extent`, with the others here.

    `own` asks no other; `all` asks each; `auto` asks those that have not agreed on this graph on this machine before
    (kept in the folder `memory`), or whose library is loaded anyway. A detector that is no graph has only its own.
    `find_weights` gives the backbone's file, None for the carried one; a runtime that needs a file which is not here is
    not available, nor is, with `auto`, a GPU that is full or fails. Return the names of the runtimes that were asked.

    Raises ModelError(`golden_mismatch`) with the runtime's name, and as the runtimes do.
    """
    verify_reference(model, bundle)
    asked = [model.runtime_name]
    on_graph = find_bundle_detector(bundle).as_graph(model)
    if on_graph is None or extent == "own":
        return tuple(asked)
    graph, weights_sha256 = on_graph.runtime.graph, on_graph.weights_sha256
    weights = find_weights(graph.backbone.name) if find_weights is not None else None
    for name in list_runtimes(device):
        if name == model.runtime_name:
            continue
        proof = None if memory is None else memory / _proof_name(on_graph, name)
        if extent == "auto" and proof is not None and proof.exists() and not is_loaded(name):
            continue
        try:
            runtime = open_named(name, graph, weights=weights, weights_sha256=weights_sha256)
            score, anomaly_map = on_graph.score_reference(runtime)
        except ModelError as error:
            # A GPU that is full or fails inspects nothing where the CPU takes over.
            spared = GPU_FAULTS if name == TORCH_CUDA and device == "auto" else frozenset[str]()
            if error.code not in {"backbone_weights_missing", "backbone_weights_changed", *spared}:
                raise
            _log.info("%s is not asked: %s", name, error)
            continue
        check_reference(bundle, score=score, anomaly_map=anomaly_map, runtime=name)
        asked.append(name)
        if proof is not None:
            _remember(proof)
    return tuple(asked)


def list_runtimes(device: Device) -> list[str]:
    """Return the names of the runtimes that could compute a graph on this machine, without opening any."""
    names = [OPENVINO] if importlib.util.find_spec("openvino") is not None else []
    if importlib.util.find_spec("torch") is not None:
        names.append(TORCH_CPU)
        if device != "cpu" and choose_device("auto") == "cuda":
            names.append(TORCH_CUDA)
    return names


def open_named(name: str, graph: GraphSpec, *, weights: Path | None, weights_sha256: str) -> FeatureRuntime:
    """Return one runtime by its name, whichever would be chosen by itself. Raises as `open_runtime` does."""
    device: Device = "cuda" if name == TORCH_CUDA else "cpu"
    return open_runtime(
        graph, weights=weights, weights_sha256=weights_sha256, device=device, with_openvino=name == OPENVINO
    )


def is_loaded(name: str) -> bool:
    """Return whether the library of the runtime is imported in this process: then opening it costs little."""
    return ("openvino" if name == OPENVINO else "torch") in sys.modules


def _proof_name(model: GraphDetector, runtime: str) -> str:
    portable = portable_of(model.runtime)
    versions = [importlib.metadata.version(name) for name in ("openvino", "timm", "torch")]
    graph = [asdict(model.runtime.graph), model.weights_sha256, portable.sha256 if portable is not None else None]
    text = json.dumps([graph, versions, model.runtime.name, runtime], sort_keys=True)
    return f"agreed-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _remember(proof: Path) -> None:
    try:
        proof.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(proof, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        _log.warning("that %s agreed cannot be kept, it is asked again next time: %s", proof.name, error)
