"""What an embedder's package says of itself: all that the rest of the program needs to offer and open it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from inference.vision.networks.specifications import Download, Network

if TYPE_CHECKING:
    import torch

    from inference.vision.networks.embeddings import Embedder, TextEmbedder
    from inference.vision.networks.runtime import Device


class EmbedderSpec(ABC):
    """A kind of embedder: its words, the networks that it can stand on, and how it is opened on one.

    `title` and `description` are msgids; `{backbone}` in the title stands for the network's name. `embeds_text` says
    whether words become vectors that compare with those of images (`as_text_embedder`).

    An implementation imports what it computes with inside its methods: the specifications are read at every start.
    """

    name: str
    title: str
    description: str
    embeds_text: bool = False

    def option_name(self, network: str) -> str:
        """Return the name that databases and indexes have for this embedder on a network."""
        return f"{self.name}-{network}"

    def find_carried_weights(self, network: str) -> Path | None:
        """Return the network's weights that an installed package brings, or None."""
        return None

    def as_text_embedder(self, embedder: Embedder) -> TextEmbedder | None:
        """Return the embedder as one that knows words, None where it does not."""
        return None

    @abstractmethod
    def list_networks(self) -> tuple[Network, ...]:
        """Return the networks that it can stand on, in the order in which they are offered."""

    @abstractmethod
    def find_download(self, network: str) -> Download | None:
        """Return where the network's weights can be fetched, or None where nobody publishes a hash for them."""

    @abstractmethod
    def count_dimensions(self, network: str) -> int:
        """Return the length of a vector. Raises ModelError(`backbone_unknown`)."""

    @abstractmethod
    def load_network(self, network: str, weights: Path) -> torch.nn.Module:
        """Return the network with all its weights, to prove a file by. Imports torch (seconds).

        Raises ModelError(`backbone_unknown`, `backbone_weights_mismatch`).
        """

    @abstractmethod
    def open(
        self, network: str, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
    ) -> Embedder:
        """Return the embedder on the network. `weights` None: the carried file.

        Raises ModelError: `backbone_unknown`, `backbone_weights_missing`, `backbone_weights_mismatch`, `device_…`.
        """
