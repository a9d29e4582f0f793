"""Embeddings: one vector per image, for finding images that look alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from inference.errors import ModelError
from inference.vision.images.input_pixels import check_image, even_light
from inference.vision.networks.backbones import CARRIED, find_backbone, hash_weights, resolve_weights
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime

# Part of every key: raise it when a change of our own code makes other vectors of the same image.
REVISION = 1
# Levels pooled for similarity where they are not those of detection: the last says what is shown.
_LEVELS: dict[str, tuple[str, ...]] = {"dinov2_vits14": ("blocks.11",)}


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
        """RGB uint8 of any size to the network's input, uint8 (H, W, 3). Raises ModelError(`image_wrong_shape`)."""
        ...

    def embed_prepared(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs (n, H, W, 3) to float32 (n, dimension), each of length 1. Raises ModelError."""
        ...

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """RGB uint8 images of any size to float32 (n, dimension), each of length 1. Raises ModelError."""
        ...


@dataclass(frozen=True)
class BackboneEmbedder:
    """Mean and spread of a backbone's feature maps over the image.

    Every level counts the same: each is brought to length 1 before they are joined. Light is evened out first, as
    for detection. Read-only, safe to share between threads.
    """

    name: str
    key: str
    dimension: int
    runtime: FeatureRuntime
    batch_size: int = BATCH_SIZE

    @property
    def runtime_name(self) -> str:
        """What computes it."""
        return self.runtime.name

    @property
    def preparation(self) -> Mapping[str, Any]:
        """What an image goes through before the network, as JSON."""
        spec = self.runtime.graph.backbone
        height, width = self.runtime.graph.size_px
        return {"size_px": [height, width], "light": "even", "mean": list(spec.mean), "std": list(spec.std)}

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """RGB uint8 of any size to uint8 (H, W, 3): resized, its light evened out."""
        return _prepare(image, size_px=self.runtime.graph.size_px)

    def embed_prepared(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs (n, H, W, 3) to float32 (n, dimension), each of length 1. Raises ModelError."""
        levels = self.runtime.features(inputs)
        parts = [_to_unit(level.reshape(len(inputs), 2, -1)) for level in levels]
        return unit_rows(np.concatenate(parts, axis=1))

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """RGB uint8 images of any size to float32 (n, dimension), each of length 1. Raises ModelError."""
        return embed_images(self, images)


def embed_images(embedder: Embedder, images: Sequence[np.ndarray]) -> np.ndarray:
    """Prepare and embed in batches: float32 (n, dimension)."""
    vectors = np.empty((len(images), embedder.dimension), dtype=np.float32)
    for start in range(0, len(images), embedder.batch_size):
        inputs = np.stack([embedder.prepare(image) for image in images[start : start + embedder.batch_size]])
        vectors[start : start + len(inputs)] = embedder.embed_prepared(inputs)
    return vectors


def open_embedder(
    name: str = CARRIED, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
) -> BackboneEmbedder:
    """The embedder on a backbone, sharing runtimes with all others of its kind. Raises ModelError as `open_runtime`."""
    spec = find_backbone(name)
    spec = spec.with_levels(_LEVELS.get(name, spec.levels))
    side = spec.input_size_px
    graph = GraphSpec(spec, (side, side), pooled=True)
    runtime = open_runtime(graph, weights=weights, device=device, threads=threads)
    weights_sha256 = hash_weights(resolve_weights(spec, weights))
    key = f"{name}:{'+'.join(spec.levels)}:{side}:{REVISION}:{weights_sha256[:32]}"
    return BackboneEmbedder(name=name, key=key, dimension=2 * spec.dimension, runtime=runtime)


def _prepare(image: np.ndarray, *, size_px: tuple[int, int]) -> np.ndarray:
    pixels = check_image(image)
    height, width = size_px
    shrinking = pixels.shape[0] >= height and pixels.shape[1] >= width
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return even_light(np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8))


def _to_unit(halves: np.ndarray) -> np.ndarray:
    """(n, 2, C) means and spreads, each brought to length 1, joined to (n, 2C)."""
    lengths = np.linalg.norm(halves, axis=2, keepdims=True)
    unit = np.asarray(halves / np.maximum(lengths, 1e-12), np.float32)
    return unit.reshape(len(halves), -1)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows brought to length 1. Raises ModelError(`index_vectors_invalid`) for a row with a value that is no number."""
    if not np.isfinite(vectors).all():
        raise ModelError("index_vectors_invalid")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
