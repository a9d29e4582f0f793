"""A defect head as tensors and plain values of a bundle."""

from __future__ import annotations

import numpy as np

from inference.artifact import Bundle
from inference.errors import ArtifactError
from inference.vision.detection.defect_head.head import DefectHead
from inference.vision.detection.region_types.region_types import RegionTypes

# Its name in the description of a bundle.
HEAD = "defect_head"
_WEIGHTS, _BIAS = "head_weights", "head_bias"
_REGIONS, _REGION_WEIGHTS, _REGION_BIAS = "regions", "region_weights", "region_bias"


def list_head_tensors(head: DefectHead) -> dict[str, np.ndarray]:
    """Return what the head has learnt, by the names that bundles have it under."""
    regions = head.regions
    return {
        _WEIGHTS: head.weights,
        _BIAS: head.bias,
        **({} if regions is None else {_REGION_WEIGHTS: regions.weights, _REGION_BIAS: regions.bias}),
    }


def read_head(bundle: Bundle, *, dimension: int, region_dimension: int) -> DefectHead | None:
    """Return the head in a verified bundle, None where it has none.

    `dimension` is that of the patches, `region_dimension` that of the features of a region.

    Raises ArtifactError(`artifact_damaged`).
    """
    values = bundle.metadata.get(HEAD)
    if values is None:
        return None
    try:
        regions = None
        if _REGIONS in values:
            regions = RegionTypes.from_dict(
                values[_REGIONS],
                weights=bundle.tensors[_REGION_WEIGHTS],
                bias=bundle.tensors[_REGION_BIAS],
                dimension=region_dimension,
                count=len(values["types"]),
            )
        head = DefectHead.from_dict(
            values, weights=bundle.tensors[_WEIGHTS], bias=bundle.tensors[_BIAS], regions=regions
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("artifact_damaged", file="manifest.json") from error
    if head.weights.shape[1] != dimension:
        raise ArtifactError("artifact_damaged", file="tensors.safetensors")
    return head
