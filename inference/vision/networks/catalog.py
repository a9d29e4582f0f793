"""Every network whose weights can be here: the backbones of detection and similarity, and the CLIP models."""

from __future__ import annotations

from inference.vision.networks.clip_specs import CLIP_SPECS, ClipSpec
from inference.vision.networks.specifications import (
    BackboneSpec,
    Download,
    find_backbone,
    find_download,
    list_backbones,
)

Network = BackboneSpec | ClipSpec


def list_networks() -> tuple[Network, ...]:
    """Return all networks, the carried backbone first."""
    return (*list_backbones(), *CLIP_SPECS.values())


def find_network(name: str) -> Network:
    """Return the network of that name; raises ModelError(`backbone_unknown`)."""
    return CLIP_SPECS[name] if name in CLIP_SPECS else find_backbone(name)


def find_network_download(name: str) -> Download | None:
    """Return where the network's weights can be fetched, or None where nobody publishes a hash for them."""
    return CLIP_SPECS[name].download if name in CLIP_SPECS else find_download(name)
