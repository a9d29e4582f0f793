"""A memory bank as a bundle: everything that inspection on the CPU needs, the backbone's graph included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError
from inference.vision.detection.config import PatchCoreConfig
from inference.vision.detection.patchcore.bank_building import BuildFigures, BuiltBank
from inference.vision.detection.projection import Projection
from inference.vision.networks.graphs import GraphSpec, PortableGraph

KIND = "memory_bank"
# What bundles of before these settings existed were built with.
_FORMER: Mapping[str, Any] = MappingProxyType({"projected_share": None, "smoothing_cells": 0.0, "colour_weight": 0.0})


@dataclass(frozen=True)
class BankContents:
    """What a bundle holds of a memory bank; `portable` is the backbone's graph for OpenVINO, where it has one."""

    config: PatchCoreConfig
    input_size_px: tuple[int, int]
    bank: BuiltBank
    training_keys: tuple[str, ...]
    reference_input: np.ndarray
    weights_sha256: str
    portable: PortableGraph | None
    metadata: Mapping[str, Any]

    @property
    def graph(self) -> GraphSpec:
        """What a runtime has to compute for this bank."""
        window = self.config.patch_window
        return GraphSpec(self.config.spec, self.input_size_px, patch_window=window, merged=True)


def write_bank(
    folder: Path, contents: BankContents, *, reference_score: float, reference_map: np.ndarray, runtime: str
) -> Manifest:
    """Write the bundle into a new folder, with what `runtime` found for the golden input. Raises as `write_bundle`."""
    config, bank, portable = contents.config, contents.bank, contents.portable
    return write_bundle(
        folder,
        kind=KIND,
        metadata={
            "config": config.to_dict(),
            "input_size_px": list(contents.input_size_px),
            "training_keys": list(contents.training_keys),
            "backbone": {
                "name": config.backbone,
                "weights_sha256": contents.weights_sha256,
                "licence": config.spec.licence,
                "source": config.spec.source,
            },
            "figures": {name: getattr(bank.figures, name) for name in BuildFigures.__dataclass_fields__},
            "golden": {"score": reference_score, "runtime": runtime},
            "user": dict(contents.metadata),
        },
        tensors={
            "bank": bank.rows,
            "owners": bank.owners,
            "cells": bank.cells,
            "golden_input": contents.reference_input,
            "golden_map": reference_map,
            **_projection_tensors(bank.projection),
            **({} if bank.color_scale is None else {"colour_scale": bank.color_scale}),
        },
        files={} if portable is None else {"graph.xml": portable.xml, "graph.bin": portable.weights},
    )


def read_bank(bundle: Bundle) -> BankContents:
    """Return the bank in a verified bundle. Raises ArtifactError(`artifact_damaged`), ModelError(`config_invalid`)."""
    try:
        document, tensors, files = bundle.metadata, bundle.tensors, bundle.files
        height, width = document["input_size_px"]
        projection = None
        if "projection_axes" in tensors:
            projection = Projection(mean=tensors["projection_mean"], axes=tensors["projection_axes"])
        contents = BankContents(
            config=PatchCoreConfig.from_dict({**_FORMER, **document["config"]}),
            input_size_px=(int(height), int(width)),
            bank=BuiltBank(
                rows=tensors["bank"],
                owners=tensors["owners"],
                cells=tensors["cells"],
                projection=projection,
                color_scale=tensors.get("colour_scale"),
                figures=BuildFigures(**document["figures"]),
            ),
            training_keys=tuple(document["training_keys"]),
            reference_input=tensors["golden_input"],
            weights_sha256=str(document["backbone"]["weights_sha256"]),
            portable=PortableGraph(files["graph.xml"], files["graph.bin"]) if "graph.xml" in files else None,
            metadata=MappingProxyType(dict(document["user"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("artifact_damaged", file="manifest.json") from error
    if not _fits(contents.bank, contents.config, len(contents.training_keys)):
        raise ArtifactError("artifact_damaged", file="tensors.safetensors")
    return contents


def _projection_tensors(projection: Projection | None) -> dict[str, np.ndarray]:
    return {} if projection is None else {"projection_mean": projection.mean, "projection_axes": projection.axes}


def _fits(bank: BuiltBank, config: PatchCoreConfig, key_count: int) -> bool:
    """Return whether the parts of a bank that was read belong together and to patches of this configuration."""
    projection, count = bank.projection, len(bank.rows)
    dimension = columns = config.dimension
    scale = bank.color_scale
    if (scale is not None) != (config.colour_weight > 0.0):
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
