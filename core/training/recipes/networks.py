"""The networks that a training can begin with, and whether their weights are on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.models.weight_paths import find_added, find_weights
from inference.vision.networks.specifications import list_backbones

if TYPE_CHECKING:
    from core.settings import Settings


@dataclass(frozen=True)
class NetworkOffer:
    """A network: its name in configurations, the name that people read, and whether its weights are here."""

    name: str
    title: str
    is_here: bool
    licence: str


def list_networks(settings: Settings) -> tuple[NetworkOffer, ...]:
    """Return the networks that this version knows, those with weights on this machine first."""
    found = [
        NetworkOffer(one.name, one.title, find_weights(settings, one.name) is not None, one.licence)
        for one in list_backbones()
    ]
    return tuple(sorted(found, key=lambda one: not one.is_here))


def has_weights(settings: Settings, name: str) -> bool:
    """Return whether the weights of a network are on this machine, whether this version knows the network or not."""
    if name in {one.name for one in list_backbones()}:
        return find_weights(settings, name) is not None
    return find_added(settings.weights_dir, name) is not None
