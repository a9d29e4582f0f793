"""Embeddings: one vector per image, for finding images that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from inference.errors import ModelError
from inference.vision.backbones import CARRIED, find_backbone
from inference.vision.graphs import GraphSpec
from inference.vision.patch_features import BATCH_SIZE, check_image, even_light
from inference.vision.runtime import Device, FeatureRuntime, open_runtime

# Levels pooled for similarity where they are not those of detection: the last says what is shown.
_LEVELS: dict[str, tuple[str, ...]] = {"dinov2_vits14": ("blocks.11",)}


class Embedder(Protocol):
    """Turns images into vectors whose inner product is their similarity."""

    @property
    def name(self) -> str:
        """Which embedder this is: vectors of two names do not compare."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
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
    dimension: int
    runtime: FeatureRuntime

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """RGB uint8 images of any size to float32 (n, dimension), each of length 1. Raises ModelError."""
        vectors = np.empty((len(images), self.dimension), dtype=np.float32)
        height, width = self.runtime.graph.size_px
        for start in range(0, len(images), BATCH_SIZE):
            inputs = [_prepare(image, size_px=(height, width)) for image in images[start : start + BATCH_SIZE]]
            levels = self.runtime.features(np.stack(inputs))
            parts = [_to_unit(level.reshape(len(inputs), 2, -1)) for level in levels]
            vectors[start : start + len(inputs)] = np.concatenate(parts, axis=1)
        return _unit_rows(vectors)


def open_embedder(
    name: str = CARRIED, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
) -> BackboneEmbedder:
    """The embedder on a backbone, sharing runtimes with all others of its kind. Raises ModelError as `open_runtime`."""
    spec = find_backbone(name)
    spec = spec.with_levels(_LEVELS.get(name, spec.levels))
    side = spec.input_size_px
    graph = GraphSpec(spec, (side, side), pooled=True)
    runtime = open_runtime(graph, weights=weights, device=device, threads=threads)
    return BackboneEmbedder(name=name, dimension=2 * spec.dimension, runtime=runtime)


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


def _unit_rows(vectors: np.ndarray) -> np.ndarray:
    if not np.isfinite(vectors).all():
        raise ModelError("index_vectors_invalid")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
