"""What builds cost, for the estimate before the start.

The figures of a kind are those of its standard model (EfficientNet-Lite0 with 256 px and 4,096 patches); another
network, input size or bank size is scaled from them. The factors are CPU time and peak memory of whole builds of 16
images (extract, select, cross-fit, inspect), run one after the other with the standard at both ends, which itself
varied by a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.models.options import EMBEDDING, PADIM, ModelOption
from inference.vision.networks.clip_specs import ClipSpec
from inference.vision.networks.specifications import find_backbone

_STANDARD = "efficientnet_lite0"
_STANDARD_BANK_SIZE = 4096
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
# PaDiM turns a matrix for each place of the grid: a fixed time for each product, and eleven times their memory.
_PADIM_PRODUCT_S = 30.0
_PADIM_MATRIX_COPIES = 11
_PADIM_CHANNEL_COUNT = 100


@dataclass(frozen=True)
class Cost:
    """Seconds for each product and image, bytes for the process and each image of the largest product.

    `bundle_bytes` and `bundle_image_bytes` are the size of a version: for itself, and for each image in it.
    """

    product_s: float
    image_s: float
    base_bytes: int
    image_bytes: int
    bundle_bytes: int = 1_000_000
    bundle_image_bytes: int = 0


def cost_of_model(standard: Cost, option: ModelOption, options: Mapping[str, Any]) -> Cost:
    """The cost of building with this model and these options, from the cost of its kind with the standard network."""
    spec = option.spec
    size_px = int(options.get("input_size_px") or option.input_size_px)
    area = (size_px / spec.input_size_px) ** 2
    cost = replace(
        standard,
        image_s=standard.image_s * _TIME_FACTORS.get(option.backbone, 1.0) * area,
        base_bytes=standard.base_bytes + _MORE_BASE_BYTES.get(option.backbone, 0),
    )
    if isinstance(spec, ClipSpec):
        return replace(cost, bundle_bytes=100_000, bundle_image_bytes=4 * spec.dimension * 4)
    if option.method == EMBEDDING:
        # Three indexes: of normal images, of defect images, and of their places.
        return replace(cost, bundle_bytes=100_000, bundle_image_bytes=4 * 2 * spec.dimension * 4)
    network, base = find_backbone(option.backbone), find_backbone(_STANDARD)
    places = (size_px // network.strides[0]) ** 2
    standard_places = (base.input_size_px // base.strides[0]) ** 2
    patches_bytes = standard.image_bytes * places * network.dimension // (standard_places * base.dimension)
    graph_bytes = _GRAPH_BYTES.get(option.backbone, option.spec.weights_byte_size)
    if option.method == PADIM:
        channels = int(options.get("channel_count") or _PADIM_CHANNEL_COUNT)
        matrices_bytes = 4 * places * channels * (channels + 1)
        share = places / standard_places * (channels / _PADIM_CHANNEL_COUNT) ** 2
        return replace(
            cost,
            product_s=cost.product_s + _PADIM_PRODUCT_S * share,
            base_bytes=cost.base_bytes + _PADIM_MATRIX_COPIES * matrices_bytes,
            image_bytes=patches_bytes,
            bundle_bytes=matrices_bytes + graph_bytes,
        )
    rows = int(options.get("max_bank_size") or _STANDARD_BANK_SIZE)
    return replace(
        cost,
        product_s=cost.product_s * rows / _STANDARD_BANK_SIZE,
        image_bytes=patches_bytes,
        bundle_bytes=4 * rows * spec.dimension + graph_bytes,
    )
