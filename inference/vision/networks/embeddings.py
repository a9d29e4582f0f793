"""Embeddings: one vector per image, for finding images that look alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from inference.errors import ModelError


class Embedder(Protocol):
    """Turns images into vectors whose inner product is their similarity."""

    @property
    def name(self) -> str:
        """Which embedder this is: vectors of two names do not compare."""
        ...

    @property
    def key(self) -> str:
        """The embedder with its weights: only vectors of the same key compare, and may be kept for each other."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def batch_size(self) -> int:
        """How many inputs it takes at once."""
        ...

    @property
    def runtime_name(self) -> str:
        """What computes it: `openvino-cpu`, `torch-cuda` …"""
        ...

    @property
    def preparation(self) -> Mapping[str, Any]:
        """What an image goes through before the network, as JSON: it travels with the vectors."""
        ...

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Bring RGB uint8 of any size to the input, uint8 (H, W, 3). Raises ModelError(`image_wrong_shape`)."""
        ...

    def embed_prepared(self, inputs: np.ndarray) -> np.ndarray:
        """Turn inputs (n, H, W, 3) into float32 (n, dimension), each of length 1. Raises ModelError."""
        ...

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Turn RGB uint8 images of any size into float32 (n, dimension), each of length 1. Raises ModelError."""
        ...


class TextEmbedder(Embedder, Protocol):
    """An embedder that also turns words into such vectors: they compare with those of images."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Turn English texts into float32 (n, dimension), each of length 1. Raises ModelError."""
        ...


def embed_images(embedder: Embedder, images: Sequence[np.ndarray]) -> np.ndarray:
    """Prepare and embed in batches: float32 (n, dimension)."""
    vectors = np.empty((len(images), embedder.dimension), dtype=np.float32)
    for start in range(0, len(images), embedder.batch_size):
        inputs = np.stack([embedder.prepare(image) for image in images[start : start + embedder.batch_size]])
        vectors[start : start + len(inputs)] = embedder.embed_prepared(inputs)
    return vectors


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Bring rows to length 1. Raises ModelError(`index_vectors_invalid`) for a row with a value that is no number."""
    if not np.isfinite(vectors).all():
        raise ModelError("index_vectors_invalid")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
