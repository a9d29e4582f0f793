"""What every model on a backbone's patches is made of besides what it has learnt, and how a bundle holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic

import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError
from inference.vision.detection.detector import KIND, FindWeights
from inference.vision.detection.features.config import AnyPatchConfig
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.detection.reference_image import make_reference_input
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.graphs import GraphSpec, PortableGraph
from inference.vision.networks.runtime import Device, FeatureRuntime, open_runtime, portable_of

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class ModelParts(Generic[AnyPatchConfig]):
    """`reference_input` is the prepared reference image, RGB uint8; `metadata` what is kept beside the model's own."""

    config: AnyPatchConfig
    runtime: FeatureRuntime
    training_keys: tuple[str, ...]
    reference_input: np.ndarray
    weights_sha256: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredParts(Generic[AnyPatchConfig]):
    """The same as a bundle holds it; `portable` is the backbone's graph for OpenVINO, where it has one."""

    config: AnyPatchConfig
    input_size_px: tuple[int, int]
    training_keys: tuple[str, ...]
    reference_input: np.ndarray
    weights_sha256: str
    portable: PortableGraph | None
    metadata: Mapping[str, Any]

    def open(
        self, *, device: Device = "auto", find_weights: FindWeights | None = None, threads: int | None = None
    ) -> ModelParts[AnyPatchConfig]:
        """Open the runtime. Raises ModelError: `backbone_weights_changed` when the graph must be built from a weights
        file that is not the one of the build, `device_…`."""
        config = self.config
        graph = GraphSpec(config.spec, self.input_size_px, patch_window=config.patch_window, merged=True)
        runtime = open_runtime(
            graph,
            weights=find_weights(config.backbone) if find_weights is not None else None,
            weights_sha256=self.weights_sha256,
            portable=self.portable,
            device=device,
            threads=threads,
        )
        return ModelParts(config, runtime, self.training_keys, self.reference_input, self.weights_sha256, self.metadata)


def begin_parts(features: PatchFeatures[AnyPatchConfig], *, weights: Path | None) -> ModelParts[AnyPatchConfig]:
    """Return the parts of a model of these features. Raises ModelError(`backbone_weights_missing`)."""
    return ModelParts(
        config=features.config,
        runtime=features.runtime,
        training_keys=features.keys,
        reference_input=make_reference_input(features.first_input),
        weights_sha256=hash_weights(resolve_weights(features.config.spec, weights)),
    )


def write_model(
    folder: Path,
    parts: ModelParts[AnyPatchConfig],
    *,
    detector: str | None,
    figures: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    reference: tuple[float, np.ndarray],
    more: Mapping[str, Any] = NOTHING,
    files: Mapping[str, bytes] = NOTHING,
) -> Manifest:
    """Write the bundle into a new folder: everything that inspection on the CPU needs, the backbone's graph included.

    `detector` is the name that the bundle says, `tensors` what the model has learnt, `reference` score and map of the
    reference image, `more` what else its description says, `files` what else lies beside it. Raises as `write_bundle`.
    """
    config, portable = parts.config, portable_of(parts.runtime)
    score, anomaly_map = reference
    return write_bundle(
        folder,
        kind=KIND,
        metadata={
            **more,
            **({} if detector is None else {"detector": detector}),
            "config": config.to_dict(),
            "input_size_px": list(parts.runtime.graph.size_px),
            "training_keys": list(parts.training_keys),
            "backbone": {
                "name": config.backbone,
                "weights_sha256": parts.weights_sha256,
                "licence": config.spec.licence,
                "source": config.spec.source,
            },
            "figures": dict(figures),
            "golden": {"score": score, "runtime": parts.runtime.name},
            "user": dict(parts.metadata),
        },
        tensors={**tensors, "golden_input": parts.reference_input, "golden_map": anomaly_map},
        files={**files, **({} if portable is None else {"graph.xml": portable.xml, "graph.bin": portable.weights})},
    )


def read_parts(
    bundle: Bundle, read_config: Callable[[Mapping[str, Any]], AnyPatchConfig]
) -> StoredParts[AnyPatchConfig]:
    """Return the parts in a verified bundle. Raises ArtifactError(`artifact_damaged`), ModelError(`config_invalid`)."""
    try:
        document, files = bundle.metadata, bundle.files
        height, width = document["input_size_px"]
        return StoredParts(
            config=read_config(document["config"]),
            input_size_px=(int(height), int(width)),
            training_keys=tuple(document["training_keys"]),
            reference_input=bundle.tensors["golden_input"],
            weights_sha256=str(document["backbone"]["weights_sha256"]),
            portable=PortableGraph(files["graph.xml"], files["graph.bin"]) if "graph.xml" in files else None,
            metadata=MappingProxyType(dict(document["user"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("artifact_damaged", file="manifest.json") from error
