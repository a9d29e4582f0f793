"""Taking the patches of images on the device that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inference.vision.detection.detector import ImageSource, Progress
from inference.vision.detection.features.config import AnyPatchConfig
from inference.vision.detection.features.feature_extraction import extract_features
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import Device, FeatureRuntime, open_runtime


def extract_patches(
    sources: Sequence[ImageSource],
    config: AnyPatchConfig,
    *,
    device: Device = "auto",
    threads: int | None = None,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> PatchFeatures[AnyPatchConfig]:
    """Return the patches of all images, taken once; building and cross-fitting both start from them.

    Raises ModelError (`no_usable_images`, `out_of_memory`, `backbone_weights_missing`, `device_…`) and what
    `progress` raises.
    """

    def open_graph(graph: GraphSpec) -> FeatureRuntime:
        return open_runtime(graph, weights=weights, device=device, threads=threads)

    return extract_features(sources, config, open_graph=open_graph, progress=progress)
