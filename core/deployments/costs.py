"""What builds cost, for the estimate before the start.

The figures of a kind are those of its standard model (EfficientNet-Lite0 with 256 px and 4,096 patches); another
network or input size is scaled from them, and the detector adds what it costs by itself. The factors are CPU time and
peak memory of whole builds of 16 images (extract, select, cross-fit, inspect), run one after the other with the
standard at both ends, which itself varied by a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.models.options import DETECTION, ModelOption
from inference.build_cost import BuildCost
from inference.vision.detection.registry import find_detector
from inference.vision.networks.embedders import find_embedder
from inference.vision.networks.specifications import CARRIED, find_backbone

# Seconds for an image, and memory of the process beyond that of the standard network.
_TIME_FACTORS: dict[str, float] = {
    "efficientnet_lite1": 1.15,
    "efficientnet_lite2": 1.2,
    "resnet18": 2.5,
    "wide_resnet50_2": 14.0,
    "dinov2_vits14": 17.0,
}
_MORE_BASE_BYTES: dict[str, int] = {
    "efficientnet_lite1": 55_000_000,
    "efficientnet_lite2": 55_000_000,
    "resnet18": 60_000_000,
    "wide_resnet50_2": 1_150_000_000,
    "dinov2_vits14": 1_010_000_000,
}
# A bundle carries the network as a graph.
_GRAPH_BYTES: dict[str, int] = {
    "efficientnet_lite0": 3_000_000,
    "efficientnet_lite1": 4_200_000,
    "efficientnet_lite2": 4_800_000,
    "resnet18": 11_000_000,
    "wide_resnet50_2": 99_000_000,
    "dinov2_vits14": 87_000_000,
}


def cost_of_model(standard: BuildCost, option: ModelOption, options: Mapping[str, Any]) -> BuildCost:
    """Return the cost of building with this model and these options, from its kind's with the standard network."""
    size_px = int(options.get("input_size_px") or option.input_size_px)
    if option.purpose == DETECTION:
        of_network = standard if option.backbone is None else _cost_of_patches(standard, option.backbone, size_px)
        spec = find_detector(option.method)
        return spec.cost(of_network, backbone=option.backbone, size_px=size_px, options=options)
    network = option.network
    assert network is not None
    dimension = find_embedder(option.method).count_dimensions(network.name)
    return replace(
        _cost_of_network(standard, network.name, area=(size_px / network.input_size_px) ** 2),
        bundle_bytes=100_000,
        # Three indexes: of normal images, of defect images, and of their places.
        bundle_image_bytes=4 * dimension * 4,
    )


def _cost_of_network(standard: BuildCost, name: str, *, area: float) -> BuildCost:
    """Return the cost with another network, and with inputs of `area` times its own."""
    return replace(
        standard,
        image_s=standard.image_s * _TIME_FACTORS.get(name, 1.0) * area,
        base_bytes=standard.base_bytes + _MORE_BASE_BYTES.get(name, 0),
    )


def _cost_of_patches(standard: BuildCost, backbone: str, size_px: int) -> BuildCost:
    """Return what taking patches costs: those of an image lie in memory, the network's graph in the bundle."""
    network, base = find_backbone(backbone), find_backbone(CARRIED)
    places = (size_px // network.strides[0]) ** 2
    standard_places = (base.input_size_px // base.strides[0]) ** 2
    return replace(
        _cost_of_network(standard, backbone, area=(size_px / network.input_size_px) ** 2),
        image_bytes=standard.image_bytes * places * network.dimension // (standard_places * base.dimension),
        bundle_bytes=_GRAPH_BYTES.get(backbone, network.weights_byte_size),
    )
