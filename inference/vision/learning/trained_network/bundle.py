"""A trained network in the one bundle format: `model.onnx` beside its description."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError
from inference.vision.learning.trained_network.description import NetworkDescription

KIND = "trained_network"
GRAPH_NAME = "model.onnx"


def write_network(
    folder: Path, graph: bytes, description: NetworkDescription, *, figures: Mapping[str, Any] | None = None
) -> Manifest:
    """Write the bundle into a new folder. Raises as `write_bundle`."""
    return write_bundle(
        folder,
        kind=KIND,
        metadata={"network": description.to_json(), "figures": dict(figures or {})},
        files={GRAPH_NAME: graph},
    )


def read_network(bundle: Bundle) -> tuple[bytes, NetworkDescription]:
    """Return the graph and the description in a verified bundle. Raises ArtifactError(`artifact_damaged`)."""
    try:
        return bundle.files[GRAPH_NAME], NetworkDescription.from_json(bundle.metadata["network"])
    except KeyError as error:
        raise ArtifactError("artifact_damaged", file=GRAPH_NAME) from error
