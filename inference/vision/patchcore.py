"""PatchCore (Roth et al., CVPR 2022): a memory bank of normal patches; what lies far from all of them is anomalous.

Distances are Euclidean in the backbone's feature space (float32). The image's score is the mean distance of its
few highest patches, which is steadier than the single highest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from inference.artifact import Bundle, Manifest, read_bundle, write_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.backbones import hash_weights, resolve_weights
from inference.vision.bank import Bank
from inference.vision.bank_building import BuildFigures, BuiltBank, build_bank, extend_bank
from inference.vision.cross_fit import cross_fit_scores
from inference.vision.detection_config import PatchCoreConfig
from inference.vision.feature_extraction import extract_features
from inference.vision.graphs import GraphSpec, PortableGraph
from inference.vision.input_preparation import check_image, prepare_input
from inference.vision.patch_features import (
    BATCH_SIZE,
    ImageSource,
    PatchFeatures,
    Progress,
    compute_patches,
)
from inference.vision.projection import Projection
from inference.vision.runtime import Device, FeatureRuntime, open_runtime, portable_of
from inference.vision.scoring import mean_of_highest, measure_patches, score_distances, valid_cells

__all__ = [
    "KIND",
    "Detection",
    "ImageSource",
    "PatchCore",
    "PatchCoreConfig",
    "PatchFeatures",
    "Progress",
    "cross_fit_scores",
    "extract_patches",
    "verify_golden",
]

KIND = "memory_bank"
GOLDEN_TOLERANCE = 1e-3
VOTERS = 5
_NOTHING: Mapping[str, Any] = MappingProxyType({})
# What bundles of before these settings existed were built with.
_FORMER: Mapping[str, Any] = MappingProxyType({"projected_share": None, "smoothing_cells": 0.0})


@dataclass(frozen=True)
class Detection:
    """What the bank says of one image.

    `score` is a float32 distance. `anomaly_map` is float32 (h, w) over the whole image in the same unit: smoothed,
    and scaled so that its highest part reaches the score; 0 where nothing counts (ignored regions).
    `image_size_px` is (width, height) of the image given. `nearest_key` names the training image that the highest
    patches resemble most, `nearest_cell` and `highest_cell` are the places (x, y, w, h), in fractions of the
    image, of the nearest patch in that image and of the highest patch in this one.
    """

    score: float
    anomaly_map: np.ndarray
    image_size_px: tuple[int, int]
    nearest_key: str
    nearest_cell: tuple[float, float, float, float]
    highest_cell: tuple[float, float, float, float]


def extract_patches(
    sources: Sequence[ImageSource],
    config: PatchCoreConfig,
    *,
    device: Device = "auto",
    threads: int | None = None,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> PatchFeatures:
    """The patches of all images, taken once; building and cross-fitting both start from them.

    Raises ModelError (`no_usable_images`, `out_of_memory`, `backbone_weights_missing`, `device_…`) and what
    `progress` raises.
    """

    def open_graph(graph: GraphSpec) -> FeatureRuntime:
        return open_runtime(graph, weights=weights, device=device, threads=threads)

    return extract_features(sources, config, open_graph=open_graph, progress=progress)


class PatchCore:
    """A built bank with its runtime: read-only, safe to share between threads."""

    def __init__(
        self,
        *,
        config: PatchCoreConfig,
        runtime: FeatureRuntime,
        bank: BuiltBank,
        training_keys: tuple[str, ...],
        golden_input: np.ndarray,
        weights_sha256: str,
        metadata: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.training_keys = training_keys
        self.figures = bank.figures
        self.metadata = metadata
        self.weights_sha256 = weights_sha256
        self.golden_input = golden_input
        self._built = bank
        self._bank = Bank(bank.rows)

    @property
    def bank_size(self) -> int:
        """Rows of the bank."""
        return len(self._bank)

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(height, width) that images are brought to."""
        return self.runtime.graph.size_px

    @classmethod
    def fit(
        cls,
        sources: Sequence[ImageSource],
        config: PatchCoreConfig,
        *,
        device: Device = "auto",
        threads: int | None = None,
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> PatchCore:
        """Build a bank from normal images. Raises as `extract_patches` and `from_patches` do."""
        features = extract_patches(sources, config, device=device, threads=threads, weights=weights, progress=progress)
        return cls.from_patches(features, weights=weights, progress=progress)

    @classmethod
    def from_patches(
        cls, features: PatchFeatures, *, weights: Path | None = None, progress: Progress | None = None
    ) -> PatchCore:
        """Build the bank from patches that were already taken.

        Over the memory budget the groups' coresets are merged into one: `figures.radius_bound` then says how far
        from the bank any patch can be at most. Raises ModelError(`out_of_memory`).
        """
        return cls(
            config=features.config,
            runtime=features.runtime,
            bank=build_bank(features, report=_report_coreset(progress)),
            training_keys=features.keys,
            golden_input=make_golden_input(features.first_input),
            weights_sha256=hash_weights(resolve_weights(features.config.spec, weights)),
        )

    def extract(self, sources: Sequence[ImageSource], *, progress: Progress | None = None) -> PatchFeatures:
        """The patches of more normal images, taken exactly as the bank's own were. Raises as `extract_patches`."""
        return extract_features(
            sources, self.config, open_graph=lambda _: self.runtime, size_px=self.input_size_px, progress=progress
        )

    def extend(self, features: PatchFeatures, *, progress: Progress | None = None) -> PatchCore:
        """A new model that knows the images of `features` (from `extract`) too; the old images are not needed.

        Only the old bank's rows and the new patches are chosen from: `figures.radius_bound` says how far an old
        patch may be from the new bank at most. Raises ModelError: `config_invalid` for patches that were taken
        otherwise, `out_of_memory`.
        """
        if features.graph != self.runtime.graph or features.config != self.config:
            raise ModelError("config_invalid", field="features", value="taken otherwise")
        return PatchCore(
            config=self.config,
            runtime=self.runtime,
            bank=extend_bank(self._built, features, report=_report_coreset(progress)),
            training_keys=(*self.training_keys, *features.keys),
            golden_input=self.golden_input,
            weights_sha256=self.weights_sha256,
            metadata=self.metadata,
        )

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 of any size. Raises ModelError (`image_wrong_shape`, `device_failed`, …)."""
        prepared = prepare_input(image, self.config, size_px=self.input_size_px)
        return self._detect(prepared[None], [check_image(image).shape[:2]])[0]

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; the answers are those of `inspect`. Raises as `inspect` does."""
        inputs: list[np.ndarray] = []
        shapes: list[tuple[int, ...]] = []
        for image in images:
            inputs.append(prepare_input(image, self.config, size_px=self.input_size_px))
            shapes.append(image.shape[:2])
            if len(inputs) == BATCH_SIZE:
                yield from self._detect(np.stack(inputs), shapes)
                inputs, shapes = [], []
        if inputs:
            yield from self._detect(np.stack(inputs), shapes)

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = _NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`.

        The bundle holds everything that inspection on the CPU needs, the backbone's graph included.
        """
        score, anomaly_map = self._score_golden()
        portable = portable_of(self.runtime)
        files = {} if portable is None else {"graph.xml": portable.xml, "graph.bin": portable.weights}
        figures = self.figures
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "config": self.config.to_dict(),
                "input_size_px": list(self.input_size_px),
                "training_keys": list(self.training_keys),
                "backbone": {
                    "name": self.config.backbone,
                    "weights_sha256": self.weights_sha256,
                    "licence": self.config.spec.licence,
                    "source": self.config.spec.source,
                },
                "figures": {name: getattr(figures, name) for name in BuildFigures.__dataclass_fields__},
                "golden": {"score": score, "runtime": self.runtime.name},
                "user": dict(metadata),
            },
            tensors={
                "bank": self._bank.rows,
                "owners": self._built.owners,
                "cells": self._built.cells,
                "golden_input": self.golden_input,
                "golden_map": anomaly_map,
                **_projection_tensors(self._built.projection),
            },
            files=files,
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: Device = "auto",
        manifest_sha256: str | None = None,
        backbone_weights: Path | None = None,
        threads: int | None = None,
    ) -> PatchCore:
        """Read a bundle and open its runtime.

        Raises ArtifactError as `read_bundle` does, and ModelError: `backbone_weights_changed` when the graph must
        be built from a weights file that is not the one of the build, `device_…`, `config_invalid`.
        """
        bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
        return cls.from_bundle(bundle, device=device, backbone_weights=backbone_weights, threads=threads)

    @classmethod
    def from_bundle(
        cls,
        bundle: Bundle,
        *,
        device: Device = "auto",
        backbone_weights: Path | None = None,
        threads: int | None = None,
    ) -> PatchCore:
        """The model in a verified bundle; raises as `load` does."""
        try:
            document = bundle.metadata
            config = PatchCoreConfig.from_dict({**_FORMER, **document["config"]})
            height, width = document["input_size_px"]
            tensors = bundle.tensors
            projection = None
            if "projection_axes" in tensors:
                projection = Projection(mean=tensors["projection_mean"], axes=tensors["projection_axes"])
            bank = BuiltBank(
                rows=tensors["bank"],
                owners=tensors["owners"],
                cells=tensors["cells"],
                projection=projection,
                figures=BuildFigures(**document["figures"]),
            )
            keys = tuple(document["training_keys"])
            weights_sha256 = str(document["backbone"]["weights_sha256"])
            golden_input = tensors["golden_input"]
            user = MappingProxyType(dict(document["user"]))
            portable = (
                PortableGraph(xml=bundle.files["graph.xml"], weights=bundle.files["graph.bin"])
                if "graph.xml" in bundle.files
                else None
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error
        if not _fits(bank, config.spec.dimension):
            raise ArtifactError("artifact_damaged", file="tensors.safetensors")
        graph = GraphSpec(config.spec, (int(height), int(width)), patch_window=config.patch_window, merged=True)
        runtime = open_runtime(
            graph,
            weights=backbone_weights,
            weights_sha256=weights_sha256,
            portable=portable,
            device=device,
            threads=threads,
        )
        return cls(
            config=config,
            runtime=runtime,
            bank=bank,
            training_keys=keys,
            golden_input=golden_input,
            weights_sha256=weights_sha256,
            metadata=user,
        )

    def _detect(self, batch: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[Detection]:
        patches, grid = compute_patches(self.runtime, batch)
        return [
            self._describe(image_patches, grid, height=shape[0], width=shape[1])
            for image_patches, shape in zip(patches, shapes, strict=True)
        ]

    def _describe(self, patches: np.ndarray, grid: tuple[int, int], *, height: int, width: int) -> Detection:
        projection = self._built.projection
        queries = patches if projection is None else projection.apply(patches)
        distances = measure_patches(self._bank, queries, self.config, grid=grid)
        valid = valid_cells(self.config, grid)
        score, highest = score_distances(distances, valid=valid, share=self.config.score_share)
        # The training image that most of the highest patches point to, each with its own nearest row.
        rows = self._bank.nearest(queries[:, highest[:VOTERS]]).tolist()
        owners = [int(self._built.owners[row]) for row in rows]
        nearest = max(owners, key=lambda owner: (owners.count(owner), -owners.index(owner)))
        nearest_row = rows[owners.index(nearest)]
        return Detection(
            score=score,
            anomaly_map=self._draw_map(distances, grid, score=score, valid=valid),
            image_size_px=(width, height),
            nearest_key=self.training_keys[nearest],
            nearest_cell=_locate(int(self._built.cells[nearest_row]), grid),
            highest_cell=_locate(int(highest[0]), grid),
        )

    def _draw_map(
        self, distances: np.ndarray, grid: tuple[int, int], *, score: float, valid: np.ndarray | None
    ) -> np.ndarray:
        height, width = self.input_size_px
        drawn = cv2.resize(distances.reshape(grid), (width, height), interpolation=cv2.INTER_LINEAR)
        if self.config.blur_sigma_px > 0:
            sigma = self.config.blur_sigma_px
            drawn = cv2.GaussianBlur(drawn, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        drawn = np.asarray(drawn, np.float32)
        if valid is not None:
            drawn *= self.config.preprocessing.valid_mask(height, width)
        # Blurring lowers narrow peaks. Map and score are read against the same thresholds, so the highest part of
        # the map, of the same share as the patches in the score, is brought to the score.
        peak = mean_of_highest(drawn.ravel(), max(1, round(drawn.size * self.config.score_share)))
        if peak > 0.0:
            drawn = drawn * np.float32(score / peak)
        return drawn

    def _score_golden(self) -> tuple[float, np.ndarray]:
        height, width = self.input_size_px
        detection = self._detect(self.golden_input[None], [(height, width)])[0]
        return detection.score, detection.anomaly_map


def verify_golden(model: PatchCore, bundle: Bundle) -> None:
    """Score the bundle's reference image with the model's runtime.

    Raises ModelError(`golden_mismatch`) when the score, or the map at its largest difference relative to its
    highest value, differs by more than 1e-3 from what the build found.
    """
    expected = float(bundle.metadata["golden"]["score"])
    expected_map = bundle.tensors["golden_map"]
    score, anomaly_map = model._score_golden()
    scale = max(abs(expected), float(expected_map.max()), 1e-12)
    difference = max(abs(score - expected), float(np.abs(anomaly_map - expected_map).max()))
    if not difference <= GOLDEN_TOLERANCE * scale:
        raise ModelError("golden_mismatch", found=score, expected=expected)


def make_golden_input(first_input: np.ndarray) -> np.ndarray:
    """A training image with its middle turned to the negative: the same for all, and far from every bank."""
    golden = first_input.copy()
    height, width = golden.shape[:2]
    middle = golden[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8]
    np.subtract(255, middle, out=middle)
    return golden


def _locate(cell: int, grid: tuple[int, int]) -> tuple[float, float, float, float]:
    rows, columns = grid
    row, column = divmod(cell, columns)
    return (column / columns, row / rows, 1.0 / columns, 1.0 / rows)


def _report_coreset(progress: Progress | None) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress("coreset", done, total)

    return report


def _projection_tensors(projection: Projection | None) -> dict[str, np.ndarray]:
    return {} if projection is None else {"projection_mean": projection.mean, "projection_axes": projection.axes}


def _fits(bank: BuiltBank, dimension: int) -> bool:
    """Whether the parts of a bank that was read belong together and to features of this dimension."""
    projection, count = bank.projection, len(bank.rows)
    columns = dimension
    if projection is not None:
        if projection.mean.shape != (dimension,) or projection.axes.ndim != 2 or projection.axes.shape[1] != dimension:
            return False
        columns = len(projection.axes) + 1
    same_length = count > 0 and len(bank.owners) == count and len(bank.cells) == count
    return same_length and bank.rows.shape == (count, columns) and bool(np.isfinite(bank.rows).all())
