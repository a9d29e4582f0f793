"""A memory bank as the tensors and figures of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from inference.artifact import Bundle
from inference.errors import ArtifactError
from inference.vision.detection.features.model_parts import StoredParts, read_parts
from inference.vision.detection.patchcore.bank_building import BuildFigures, BuiltBank
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.projection import Projection

# What bundles of before these settings existed were built with.
_FORMER: Mapping[str, Any] = MappingProxyType({"projected_share": None, "smoothing_cells": 0.0, "colour_weight": 0.0})


def describe_figures(bank: BuiltBank) -> dict[str, Any]:
    """Return the figures of the build as plain values."""
    return {name: getattr(bank.figures, name) for name in BuildFigures.__dataclass_fields__}


def list_tensors(bank: BuiltBank) -> dict[str, np.ndarray]:
    """Return what the bank is made of, by the names that bundles have it under."""
    projection = bank.projection
    return {
        "bank": bank.rows,
        "owners": bank.owners,
        "cells": bank.cells,
        **({} if projection is None else {"projection_mean": projection.mean, "projection_axes": projection.axes}),
        **({} if bank.color_scale is None else {"colour_scale": bank.color_scale}),
    }


def read_bank(bundle: Bundle) -> tuple[StoredParts[PatchCoreConfig], BuiltBank]:
    """Return the bank in a verified bundle. Raises ArtifactError(`artifact_damaged`), ModelError(`config_invalid`)."""
    parts = read_parts(bundle, lambda values: PatchCoreConfig.from_dict({**_FORMER, **values}))
    tensors = bundle.tensors
    try:
        projection = None
        if "projection_axes" in tensors:
            projection = Projection(mean=tensors["projection_mean"], axes=tensors["projection_axes"])
        bank = BuiltBank(
            rows=tensors["bank"],
            owners=tensors["owners"],
            cells=tensors["cells"],
            projection=projection,
            color_scale=tensors.get("colour_scale"),
            figures=BuildFigures(**bundle.metadata["figures"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("artifact_damaged", file="manifest.json") from error
    if not _fits(bank, parts.config, len(parts.training_keys)):
        raise ArtifactError("artifact_damaged", file="tensors.safetensors")
    return parts, bank


def _fits(bank: BuiltBank, config: PatchCoreConfig, key_count: int) -> bool:
    """Return whether the parts of a bank that was read belong together and to patches of this configuration."""
    projection, count = bank.projection, len(bank.rows)
    dimension = columns = config.dimension
    scale = bank.color_scale
    if (scale is not None) != (config.color_weight > 0.0):
        return False
    if scale is not None and (scale.shape != (3,) or not np.isfinite(scale).all()):
        return False
    if projection is not None:
        if projection.mean.shape != (dimension,) or projection.axes.ndim != 2 or projection.axes.shape[1] != dimension:
            return False
        columns = len(projection.axes) + 1
    same_length = count > 0 and len(bank.owners) == count and len(bank.cells) == count
    if not same_length or bank.rows.shape != (count, columns) or not np.isfinite(bank.rows).all():
        return False
    return 0 <= int(bank.owners.min()) <= int(bank.owners.max()) < key_count
