"""CLIP as the rest of the program sees it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.i18n import N_
from inference.vision.networks.clip.networks import CLIP_SPECS, find_clip
from inference.vision.networks.embedder_specification import EmbedderSpec
from inference.vision.networks.specifications import Download, Network

if TYPE_CHECKING:
    import torch

    from inference.vision.networks.embeddings import Embedder, TextEmbedder
    from inference.vision.networks.runtime import Device


class ClipEmbedderSpec(EmbedderSpec):
    """Images and words in one space."""

    name = "clip"
    title = N_("{backbone} embeddings")
    description = N_(
        "Finds images that look alike, and images by words. Knows more of the world; slower without a graphics card."
    )
    embeds_text = True

    def option_name(self, network: str) -> str:
        """Return the network's own name, which indexes have had from the start."""
        return network

    def list_networks(self) -> tuple[Network, ...]:
        """Return all CLIP models, the smallest first."""
        return tuple(CLIP_SPECS.values())

    def find_download(self, network: str) -> Download | None:
        """Return where the model's weights can be fetched."""
        return find_clip(network).download

    def count_dimensions(self, network: str) -> int:
        """Return the length of a vector."""
        return find_clip(network).dimension

    def load_network(self, network: str, weights: Path) -> torch.nn.Module:
        """Return the model with both towers. Imports open_clip (ten seconds)."""
        from inference.vision.networks.clip.model import build_clip

        return build_clip(find_clip(network), weights)

    def open(
        self, network: str, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
    ) -> Embedder:
        """Return the embedder. Imports torch and open_clip (ten seconds)."""
        from inference.vision.networks.clip.embedder import open_clip_embedder

        return open_clip_embedder(network, device=device, threads=threads, weights=weights)

    def as_text_embedder(self, embedder: Embedder) -> TextEmbedder | None:
        """Return the embedder where it is a CLIP, as one that knows words."""
        from inference.vision.networks.clip.embedder import ClipEmbedder

        return embedder if isinstance(embedder, ClipEmbedder) else None


SPECIFICATION = ClipEmbedderSpec()
