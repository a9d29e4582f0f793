"""Embeddings of a backbone as the rest of the program sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.i18n import N_
from inference.vision.networks.embedder_specification import EmbedderSpec
from inference.vision.networks.pooling.levels import with_pooled_levels
from inference.vision.networks.specifications import Download, Network, find_backbone, find_download, list_backbones

if TYPE_CHECKING:
    import torch

    from inference.vision.networks.embeddings import Embedder
    from inference.vision.networks.runtime import Device


class PoolingSpec(EmbedderSpec):
    """Mean and spread of a backbone's feature maps."""

    name = "backbone"
    title = N_("Embeddings of {backbone}")
    description = N_("Finds images that look alike.")

    def list_networks(self) -> tuple[Network, ...]:
        """Return all backbones, the carried one first."""
        return list_backbones()

    def find_download(self, network: str) -> Download | None:
        """Return where the backbone's weights can be fetched."""
        return find_download(network)

    def find_carried_weights(self, network: str) -> Path | None:
        """Return the backbone's weights that an installed package brings, or None."""
        from inference.vision.networks.backbones import carried_weights_path

        return carried_weights_path(network)

    def count_dimensions(self, network: str) -> int:
        """Return the length of a vector: mean and spread of every channel."""
        return 2 * with_pooled_levels(network).dimension

    def load_network(self, network: str, weights: Path) -> torch.nn.Module:
        """Return the backbone up to the last level that is used."""
        from inference.vision.networks.backbones import load_trunk

        spec = find_backbone(network)
        return load_trunk(spec, weights, size_px=(spec.input_size_px, spec.input_size_px))

    def open(
        self, network: str, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
    ) -> Embedder:
        """Return the embedder on the backbone, on the runtime that others of its kind share."""
        from inference.vision.networks.pooling.embedder import open_embedder

        return open_embedder(network, device=device, threads=threads, weights=weights)


SPECIFICATION = PoolingSpec()
