"""The weights of the backbones on this machine: which are here, and where.

A file that was added lies in GEOMSA_WEIGHTS_DIR as `{backbone}.safetensors` and goes before the carried one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.vision.networks.catalog import find_carried_weights, find_network_download, list_networks
from inference.vision.networks.specifications import Download, Network

if TYPE_CHECKING:
    from core.settings import Settings

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class WeightsState:
    """Where a backbone's weights stand. `source` is "added", "carried" or None when they are not here.

    `download` tells whether they can be fetched: their publisher's hash is known.
    """

    spec: Network
    path: Path | None
    source: str | None
    byte_size: int
    download: Download | None


def find_added(weights_dir: Path, backbone: str | None) -> Path | None:
    """Return the file that was added for the backbone, or None: then the carried one counts, where there is one.

    Also for a model that needs no backbone.
    """
    if backbone is None:
        return None
    path = weights_dir / f"{backbone}{SUFFIX}"
    return path if path.is_file() else None


def find_weights(settings: Settings, backbone: str) -> Path | None:
    """Return the weights file that a build will use, or None when there is none."""
    return find_added(settings.weights_dir, backbone) or find_carried_weights(backbone)


def list_weights(settings: Settings) -> list[WeightsState]:
    """Return every network that this version knows, with where its weights are."""
    states = []
    for spec in list_networks():
        path = find_weights(settings, spec.name)
        added = path is not None and path.parent == settings.weights_dir
        source = None if path is None else "added" if added else "carried"
        byte_size = spec.weights_byte_size if path is None else path.stat().st_size
        states.append(WeightsState(spec, path, source, byte_size, find_network_download(spec.name)))
    return states
