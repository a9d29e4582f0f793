"""Mean and spread of a backbone's feature maps as the vector of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inference.vision.images.input_pixels import check_image, even_light
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.embeddings import embed_images, unit_rows
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.pooling.levels import with_pooled_levels
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime
from inference.vision.networks.specifications import CARRIED

# Part of every key: raise it when a change of our own code makes other vectors of the same image.
REVISION = 1


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
        """Bring RGB uint8 of any size to uint8 (H, W, 3): resized, its light evened out."""
        return _prepare(image, size_px=self.runtime.graph.size_px)

    def embed_prepared(self, inputs: np.ndarray) -> np.ndarray:
        """Turn inputs (n, H, W, 3) into float32 (n, dimension), each of length 1. Raises ModelError."""
        levels = self.runtime.features(inputs)
        parts = [_to_unit(level.reshape(len(inputs), 2, -1)) for level in levels]
        return unit_rows(np.concatenate(parts, axis=1))

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Turn RGB uint8 images of any size into float32 (n, dimension), each of length 1. Raises ModelError."""
        return embed_images(self, images)


def open_embedder(
    name: str = CARRIED, *, device: Device = "auto", threads: int | None = None, weights: Path | None = None
) -> BackboneEmbedder:
    """Return the embedder on a backbone, on the runtime that others of its kind share. Raises as `open_runtime`."""
    spec = with_pooled_levels(name)
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
    """Bring means and spreads (n, 2, C) to length 1 each, joined to (n, 2C)."""
    lengths = np.linalg.norm(halves, axis=2, keepdims=True)
    unit = np.asarray(halves / np.maximum(lengths, 1e-12), np.float32)
    return unit.reshape(len(halves), -1)
