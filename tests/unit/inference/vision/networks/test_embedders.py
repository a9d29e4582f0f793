"""The embedders and their networks: what is registered can be found, and nothing is found of what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.models.options import SIMILARITY, find_option, list_options
from inference.errors import ModelError
from inference.vision.networks.catalog import find_carried_weights, find_network, find_network_download, list_networks
from inference.vision.networks.embedder_specification import EmbedderSpec
from inference.vision.networks.embedders import DEFAULT, find_embedder, list_embedders, register, unregister
from inference.vision.networks.embeddings import TextEmbedder, embed_images, unit_rows
from inference.vision.networks.runtime import Device
from inference.vision.networks.specifications import CARRIED, Download, Network

if TYPE_CHECKING:
    import torch

    from inference.vision.networks.embeddings import Embedder


@dataclass(frozen=True)
class _ToyNetwork:
    name: str = "toy_net"
    title: str = "Toy"
    dimension: int = 3
    input_size_px: int = 8
    licence: str = "MIT"
    source: str = "here"
    weights_byte_size: int = 12


class _ToyEmbedder:
    """The mean color of an image, and the color of a word."""

    name, key, dimension, batch_size, runtime_name = "toy_net", "toy_net:1", 3, 4, "numpy"
    preparation: Mapping[str, Any] = {"size_px": [8, 8]}

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return np.broadcast_to(image.mean(axis=(0, 1)), (8, 8, 3))

    def embed_prepared(self, inputs: np.ndarray) -> np.ndarray:
        return unit_rows(inputs.mean(axis=(1, 2)))

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return embed_images(self, images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([np.eye(3)[["red", "green", "blue"].index(text)] for text in texts], np.float32)


class _ToySpec(EmbedderSpec):
    name, title, description, embeds_text = "toy", "Colors of {backbone}", "Finds images of one color.", True

    def list_networks(self) -> tuple[Network, ...]:
        return (_ToyNetwork(),)

    def find_download(self, network: str) -> Download | None:
        return None

    def count_dimensions(self, network: str) -> int:
        return 3

    def load_network(self, network: str, weights: Path) -> torch.nn.Module:
        raise ModelError("backbone_weights_mismatch", name=network)

    def open(
        self, network: str, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
    ) -> Embedder:
        return _ToyEmbedder()

    def as_text_embedder(self, embedder: Embedder) -> TextEmbedder | None:
        return embedder if isinstance(embedder, _ToyEmbedder) else None


@pytest.fixture
def toy() -> Iterator[EmbedderSpec]:
    spec = _ToySpec()
    register(spec)
    yield spec
    unregister(spec.name)


def test_every_network_of_every_embedder_is_in_the_catalog() -> None:
    for spec in list_embedders():
        for network in spec.list_networks():
            assert find_network(network.name) == network
            assert find_network_download(network.name) == spec.find_download(network.name)
            assert spec.count_dimensions(network.name) > 0
    assert len({network.name for network in list_networks()}) == len(list_networks())
    assert list_networks()[0].name == CARRIED


def test_the_default_stands_on_the_carried_network_and_makes_vectors_of_the_length_it_says() -> None:
    spec = find_embedder(DEFAULT)
    assert find_carried_weights(CARRIED) is not None
    embedder = spec.open(CARRIED, device="cpu")
    assert embedder.embed([np.zeros((9, 9, 3), np.uint8)]).shape == (1, spec.count_dimensions(CARRIED))
    assert spec.as_text_embedder(embedder) is None
    assert not spec.embeds_text


def test_a_registered_embedder_is_offered_opened_and_asked_by_words(toy: EmbedderSpec) -> None:
    assert find_embedder("toy") is toy
    assert find_network("toy_net").title == "Toy"
    option = find_option("toy-toy_net")
    assert option in list_options(SIMILARITY)
    assert option is not None
    assert option.embeds_text
    embedder = toy.open("toy_net")
    texts = toy.as_text_embedder(embedder)
    assert texts is not None
    green = np.full((5, 5, 3), (1, 200, 1), np.uint8)
    assert int((texts.embed_texts(["red", "green", "blue"]) @ embedder.embed([green])[0]).argmax()) == 1
    with pytest.raises(ValueError, match="toy"):
        register(toy)


def test_nothing_is_found_of_what_is_not_registered() -> None:
    with pytest.raises(ModelError) as caught:
        find_embedder("toy")
    assert caught.value.code == "embedder_unknown"
    for find in (find_network, find_network_download, find_carried_weights):
        with pytest.raises(ModelError) as caught:
            find("toy_net")
        assert caught.value.code == "backbone_unknown"
    assert find_option("toy-toy_net") is None
