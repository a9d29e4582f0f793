"""What all models on a backbone's patches do alike: prepare images and take their patches, in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic

import numpy as np

from inference.artifact import Manifest
from inference.vision.detection.detection import Detection
from inference.vision.detection.features.config import AnyPatchConfig
from inference.vision.detection.features.input_preparation import prepare_input
from inference.vision.detection.features.local_color import LocalColor
from inference.vision.detection.features.model_parts import NOTHING, ModelParts
from inference.vision.detection.features.patches import compute_patches
from inference.vision.images.input_pixels import check_image
from inference.vision.images.prefetch import prefetch
from inference.vision.networks.runtime import BATCH_SIZE, FeatureRuntime


class PatchDetector(ABC, Generic[AnyPatchConfig]):
    """A model with its runtime: read-only, safe to share between threads. `color` is what gives patches their color."""

    def __init__(self, parts: ModelParts[AnyPatchConfig], *, color: LocalColor | None = None) -> None:
        self.parts = parts
        self._color = color

    @property
    def config(self) -> AnyPatchConfig:
        """What it was built with."""
        return self.parts.config

    @property
    def runtime(self) -> FeatureRuntime:
        """What computes its graph."""
        return self.parts.runtime

    @property
    def runtime_name(self) -> str:
        """What computes its graph, by name."""
        return self.parts.runtime.name

    @property
    def training_keys(self) -> tuple[str, ...]:
        """The images that it has learnt from."""
        return self.parts.training_keys

    @property
    def weights_sha256(self) -> str:
        """The hash of the weights that its graph was made from."""
        return self.parts.weights_sha256

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was kept beside the model's own."""
        return self.parts.metadata

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(height, width) that images are brought to."""
        return self.parts.runtime.graph.size_px

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 of any size. Raises ModelError (`image_wrong_shape`, `device_failed`, …)."""
        prepared = prepare_input(image, self.config, size_px=self.input_size_px)
        return self._detect(prepared[None], [check_image(image).shape[:2]])[0]

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; each as `inspect` does. Raises as `inspect` does."""
        inputs: list[np.ndarray] = []
        shapes: list[tuple[int, ...]] = []
        prepared = (
            (prepare_input(image, self.config, size_px=self.input_size_px), image.shape[:2]) for image in images
        )
        # The next images are decoded while the network computes; what waits is already of the input's size.
        for ready, shape in prefetch(prepared, depth=BATCH_SIZE):
            inputs.append(ready)
            shapes.append(shape)
            if len(inputs) == BATCH_SIZE:
                yield from self._detect(np.stack(inputs), shapes)
                inputs, shapes = [], []
        if inputs:
            yield from self._detect(np.stack(inputs), shapes)

    def score_reference(self, runtime: FeatureRuntime | None = None) -> tuple[float, np.ndarray]:
        """Return score and map of the reference image, by the model's own runtime or another one of the same graph."""
        height, width = self.input_size_px
        reference = self.parts.reference_input
        patches, grid = compute_patches(runtime or self.runtime, reference[None], color=self._color)
        detection = self._describe(patches[0], grid, height=height, width=width)
        return detection.score, detection.anomaly_map

    @abstractmethod
    def save(self, folder: Path, *, metadata: Mapping[str, Any] = NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`."""

    @abstractmethod
    def _describe(self, patches: np.ndarray, grid: tuple[int, int], *, height: int, width: int) -> Detection:
        """Return what the patches (D, P) on `grid` (rows, columns) of an image of this size say."""

    def _detect(self, batch: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[Detection]:
        patches, grid = compute_patches(self.runtime, batch, color=self._color)
        return [
            self._describe(image_patches, grid, height=shape[0], width=shape[1])
            for image_patches, shape in zip(patches, shapes, strict=True)
        ]
