"""Every network whose weights can be here: those that some embedder can stand on. Detectors choose among them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.errors import ModelError
from inference.vision.networks.embedder_specification import EmbedderSpec
from inference.vision.networks.embedders import list_embedders
from inference.vision.networks.specifications import Download, Network

if TYPE_CHECKING:
    import torch


def list_networks() -> tuple[Network, ...]:
    """Return all networks, the carried backbone first."""
    return tuple({network.name: network for spec in list_embedders() for network in spec.list_networks()}.values())


def find_network(name: str) -> Network:
    """Return the network of that name; raises ModelError(`backbone_unknown`)."""
    return _find(name)[1]


def find_network_download(name: str) -> Download | None:
    """Return where the network's weights can be fetched, or None where nobody publishes a hash for them.

    Raises ModelError(`backbone_unknown`).
    """
    return _find(name)[0].find_download(name)


def find_carried_weights(name: str) -> Path | None:
    """Return the network's weights that an installed package brings, or None. Raises ModelError(`backbone_unknown`)."""
    return _find(name)[0].find_carried_weights(name)


def load_network(name: str, weights: Path) -> torch.nn.Module:
    """Return the network with all its weights. Imports torch (seconds).

    Raises ModelError(`backbone_unknown`, `backbone_weights_mismatch`).
    """
    return _find(name)[0].load_network(name, weights)


def _find(name: str) -> tuple[EmbedderSpec, Network]:
    """Return the network, with the first embedder that stands on it."""
    for spec in list_embedders():
        for network in spec.list_networks():
            if network.name == name:
                return spec, network
    raise ModelError("backbone_unknown", name=name)
