"""Pooled features of a frozen backbone, computed once for each image and kept.

What is pooled is the backbone's last level: its mean over the image is what a linear classifier is fitted on, and so
the same weights, applied place by place, say where in the image its evidence lies (`class_activation`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.vision.images.input_pixels import LIGHT_MEAN, check_image, resize_pixels
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import BATCH_SIZE, FeatureRuntime
from inference.vision.networks.specifications import LEVELS, find_backbone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.images.preprocessing import Preprocessing

_ROWS, _KEYS = "features", "keys"
_log = logging.getLogger(__name__)


def trunk_graph(backbone: str, size_px: int) -> GraphSpec:
    """Return the graph from a square input to the backbone's last level. Raises ModelError(`backbone_unknown`)."""
    spec = find_backbone(backbone)
    return GraphSpec(spec.with_levels((list(LEVELS[backbone])[-1],)), (size_px, size_px))


def prepare_pixels(image: np.ndarray, preprocessing: Preprocessing, size_px: int) -> NDArray[np.uint8]:
    """Return an image, RGB uint8 of any size, preprocessed and resized to a square: RGB uint8 (size, size, 3).

    What lies outside of the region of interest or is ignored becomes one gray. Raises ModelError(`image_wrong_shape`).
    """
    pixels = resize_pixels(preprocessing.apply(check_image(image)), height=size_px, width=size_px)
    if preprocessing.region_of_interest is None and not preprocessing.ignore:
        return pixels
    valid = preprocessing.valid_mask(size_px, size_px)
    return np.asarray(np.where(valid[..., None], pixels, np.uint8(LIGHT_MEAN)), np.uint8)


def pool_features(runtime: FeatureRuntime, inputs: Iterable[np.ndarray]) -> NDArray[np.float32]:
    """Return the mean of the last level over each prepared input: float32 (N, D). Raises ModelError."""
    found: list[np.ndarray] = []
    waiting: list[np.ndarray] = []

    def compute() -> None:
        # One by one: a sum over a batch may be taken in another order than that over a single image.
        found.extend(level.mean(axis=(1, 2)) for level in runtime.features(np.stack(waiting))[-1])
        waiting.clear()

    for pixels in inputs:
        waiting.append(pixels)
        if len(waiting) == BATCH_SIZE:
            compute()
    if waiting:
        compute()
    dimension = runtime.graph.backbone.dimension
    return np.asarray(found, np.float32).reshape(len(found), dimension)


class PooledFeatures:
    """The pooled features of images by the hash of their content, kept in a file of a folder.

    The file's name stands for all that the features depend on beside the image: weights, input, preprocessing, and
    `pooling`, which says how they came about where that is not by `pool_features`.
    """

    def __init__(
        self, folder: Path, graph: GraphSpec, *, weights_sha256: str, preprocessing: Preprocessing, pooling: str = ""
    ) -> None:
        described: list[Any] = [asdict(graph), weights_sha256, preprocessing.to_dict()]
        if pooling:
            described.append(pooling)
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        self._file = folder / f"{digest[:32]}.safetensors"
        self._rows: dict[str, NDArray[np.float32]] = self._read()

    def get(self, content_sha256: str, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the features of an image, float32 (D,): those that are kept, or what `compute` gives."""
        if content_sha256 not in self._rows:
            self._rows[content_sha256] = compute()
        return self._rows[content_sha256]

    def find(self, content_sha256: str) -> NDArray[np.float32] | None:
        """Return the features of an image that are kept, float32 (D,), None where there are none."""
        return self._rows.get(content_sha256)

    def put(self, content_sha256: str, row: NDArray[np.float32]) -> None:
        """Hold the features of an image, float32 (D,), until `keep` writes them."""
        self._rows[content_sha256] = row

    def keep(self) -> None:
        """Write all features; a folder that cannot be written to is no failure, they are computed again next time."""
        from safetensors.numpy import save_file

        if not self._rows:
            return
        keys = sorted(self._rows)
        names = np.frombuffer("".join(keys).encode(), np.uint8).reshape(len(keys), -1)
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            save_file({_ROWS: np.stack([self._rows[key] for key in keys]), _KEYS: names.copy()}, fresh)
            fresh.replace(self._file)
        except OSError as error:
            _log.warning("pooled features cannot be kept: %s", error)

    def _read(self) -> dict[str, NDArray[np.float32]]:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        if not self._file.is_file():
            return {}
        try:
            tensors = load_file(self._file)
            names = [row.tobytes().decode() for row in tensors[_KEYS]]
            return dict(zip(names, tensors[_ROWS], strict=True))
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            _log.warning("kept features cannot be read and are computed anew: %s", error)
            return {}
