"""A trained auto-encoder as a detector: what it reconstructs badly, beyond what is usual at that place, is anomalous.

Good parts have places that no network of this size reconstructs well (edges, texture): an error counts by how far it is
beyond the mean of good images at that place, in their spread there. This is smoothed, scored and drawn as for every
detector. The training image that it names is the one that looks most like the part as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError
from inference.vision.detection.anomaly_map import draw_map
from inference.vision.detection.autoencoder import NAME
from inference.vision.detection.autoencoder.config import CELL_PX, AutoencoderConfig
from inference.vision.detection.detection import Detection, locate
from inference.vision.detection.detector import KIND
from inference.vision.detection.features.input_preparation import prepare_input
from inference.vision.detection.scoring import score_distances, smooth_distances, valid_cells
from inference.vision.images.input_pixels import check_image
from inference.vision.images.prefetch import prefetch
from inference.vision.networks.graphs import PortableGraph, TrainedGraph
from inference.vision.networks.runtime import BATCH_SIZE, TrainedRuntime, open_trained

NOTHING: Mapping[str, Any] = MappingProxyType({})
# Training images that are kept small, to name the one that looks most like the part.
EXEMPLAR_PX = 16
# An error of less than this is none: half a gray level.
LEAST_SPREAD = 0.002


@dataclass(frozen=True)
class AutoencoderFigures:
    """How the model came to be; the losses are those of the epoch whose weights were kept."""

    image_count: int
    held_out_count: int
    epochs: int
    best_epoch: int
    train_loss: float
    val_loss: float


@dataclass(frozen=True, eq=False)
class AutoencoderParts:
    """What a model is made of.

    `usual` float32 (P,) is the mean error of good images at each cell, `spread` (P,) its deviation there, `exemplars`
    uint8 (N, 16, 16, 3) are its training images, `reference_input` is the prepared reference image, RGB uint8; `metadata` what is kept beside the
    model's own.
    """

    config: AutoencoderConfig
    size_px: tuple[int, int]
    portable: PortableGraph = field(repr=False)
    usual: np.ndarray = field(repr=False)
    spread: np.ndarray = field(repr=False)
    exemplars: np.ndarray = field(repr=False)
    training_keys: tuple[str, ...] = field(repr=False)
    reference_input: np.ndarray = field(repr=False)
    figures: AutoencoderFigures
    metadata: Mapping[str, Any] = field(default_factory=dict)


class AutoencoderDetector:
    """A trained model with its runtime: read-only, safe to share between threads."""

    def __init__(self, parts: AutoencoderParts, *, threads: int | None = None) -> None:
        self.parts = parts
        self._runtime: TrainedRuntime = open_trained(TrainedGraph(NAME, parts.size_px), parts.portable, threads=threads)

    @property
    def config(self) -> AutoencoderConfig:
        """What it was trained with."""
        return self.parts.config

    @property
    def figures(self) -> AutoencoderFigures:
        """How the model came to be."""
        return self.parts.figures

    @property
    def training_keys(self) -> tuple[str, ...]:
        """The images that it has learnt from."""
        return self.parts.training_keys

    @property
    def runtime_name(self) -> str:
        """What computes its graph, by name."""
        return self._runtime.name

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(height, width) that images are brought to."""
        return self.parts.size_px

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was kept beside the model's own."""
        return self.parts.metadata

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 of any size. Raises ModelError (`image_wrong_shape`, `device_failed`)."""
        prepared = prepare_input(image, self.config, size_px=self.input_size_px)
        return self._detect(prepared[None], [check_image(image).shape[:2]])[0]

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; each as `inspect` does. Raises as `inspect` does."""
        inputs: list[np.ndarray] = []
        shapes: list[tuple[int, ...]] = []
        prepared = (
            (prepare_input(image, self.config, size_px=self.input_size_px), image.shape[:2]) for image in images
        )
        for ready, shape in prefetch(prepared, depth=BATCH_SIZE):
            inputs.append(ready)
            shapes.append(shape)
            if len(inputs) == BATCH_SIZE:
                yield from self._detect(np.stack(inputs), shapes)
                inputs, shapes = [], []
        if inputs:
            yield from self._detect(np.stack(inputs), shapes)

    def score_reference(self) -> tuple[float, np.ndarray]:
        """Return score and map of the reference image."""
        found = self._detect(self.parts.reference_input[None], [self.input_size_px])[0]
        return found.score, found.anomaly_map

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`."""
        parts = self.parts
        score, anomaly_map = self.score_reference()
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "detector": NAME,
                "config": parts.config.to_dict(),
                "input_size_px": list(parts.size_px),
                "training_keys": list(parts.training_keys),
                "figures": asdict(parts.figures),
                "golden": {"score": score, "runtime": self.runtime_name},
                "user": dict(metadata),
            },
            tensors={
                "usual": parts.usual,
                "spread": parts.spread,
                "exemplars": parts.exemplars,
                "golden_input": parts.reference_input,
                "golden_map": anomaly_map,
            },
            files={"graph.xml": parts.portable.xml, "graph.bin": parts.portable.weights},
        )

    @classmethod
    def from_bundle(cls, bundle: Bundle, *, threads: int | None = None) -> AutoencoderDetector:
        """Return the model in a verified bundle.

        Raises ArtifactError(`artifact_damaged`), ModelError(`config_invalid`, `device_failed`).
        """
        document, files, tensors = bundle.metadata, bundle.files, bundle.tensors
        try:
            height, width = document["input_size_px"]
            parts = AutoencoderParts(
                config=AutoencoderConfig.from_dict(document["config"]),
                size_px=(int(height), int(width)),
                portable=PortableGraph(files["graph.xml"], files["graph.bin"]),
                usual=tensors["usual"],
                spread=tensors["spread"],
                exemplars=tensors["exemplars"],
                training_keys=tuple(document["training_keys"]),
                reference_input=tensors["golden_input"],
                figures=AutoencoderFigures(**document["figures"]),
                metadata=MappingProxyType(dict(document["user"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error
        if not _fit_together(parts):
            raise ArtifactError("artifact_damaged", file="tensors.safetensors")
        return cls(parts, threads=threads)

    def _detect(self, batch: np.ndarray, shapes: Iterable[tuple[int, ...]]) -> list[Detection]:
        (errors,) = self._runtime.features(batch)
        return [
            self._describe(found[0], pixels, height=shape[0], width=shape[1])
            for found, pixels, shape in zip(errors, batch, shapes, strict=True)
        ]

    def _describe(self, errors: np.ndarray, pixels: np.ndarray, *, height: int, width: int) -> Detection:
        config = self.config
        grid = (errors.shape[0], errors.shape[1])
        valid = valid_cells(config.preprocessing, grid)
        distances = exceed(errors.ravel(), self.parts.usual, self.parts.spread, config, grid=grid, valid=valid)
        score, highest = score_distances(distances, valid=valid, share=config.score_share)
        place = locate(int(highest[0]), grid)
        nearest = find_nearest(self.parts.exemplars, pixels)
        return Detection(
            score=score,
            anomaly_map=draw_map(
                distances,
                grid,
                size_px=self.input_size_px,
                score=score,
                score_share=config.score_share,
                blur_sigma_px=config.blur_sigma_px,
                preprocessing=config.preprocessing,
            ),
            image_size_px=(width, height),
            nearest_key=self.training_keys[nearest],
            nearest_cell=place,
            highest_cell=place,
        )


def exceed(
    errors: np.ndarray,
    usual: np.ndarray,
    spread: np.ndarray,
    config: AutoencoderConfig,
    *,
    grid: tuple[int, int],
    valid: np.ndarray | None,
) -> np.ndarray:
    """Return by how many spreads errors (P,) exceed what is usual at their cell (P,): float32 (P,), smoothed.

    Both are of few images: the spread of a cell is taken together with that of the middle cell.
    """
    scale = spread + max(float(np.median(spread)), LEAST_SPREAD)
    beyond = (np.maximum(errors - usual, 0.0) / scale).astype(np.float32, copy=False)
    return smooth_distances(beyond, sigma=config.smoothing_cells, grid=grid, valid=valid)


def shrink(pixels: np.ndarray) -> np.ndarray:
    """Return an input, RGB uint8, as small as exemplars are kept: uint8 (16, 16, 3)."""
    import cv2

    return np.asarray(cv2.resize(pixels, (EXEMPLAR_PX, EXEMPLAR_PX), interpolation=cv2.INTER_AREA), np.uint8)


def find_nearest(exemplars: np.ndarray, pixels: np.ndarray) -> int:
    """Return the place of the exemplar that looks most like an input, by the squares of their small pictures."""
    off = exemplars.astype(np.int32) - shrink(pixels).astype(np.int32)
    return int(np.square(off).sum(axis=(1, 2, 3)).argmin())


def _fit_together(parts: AutoencoderParts) -> bool:
    """Return whether the parts of a model that was read belong together."""
    height, width = parts.size_px
    return (
        parts.usual.shape == parts.spread.shape == ((height // CELL_PX) * (width // CELL_PX),)
        and bool(np.isfinite(parts.usual).all() and np.isfinite(parts.spread).all() and (parts.spread >= 0.0).all())
        and len(parts.training_keys) > 0
        and parts.exemplars.shape == (len(parts.training_keys), EXEMPLAR_PX, EXEMPLAR_PX, 3)
        and parts.reference_input.shape == (height, width, 3)
    )
