"""PatchCore (Roth et al., CVPR 2022): a memory bank of normal patches; what lies far from all of them is anomalous.

Distances are Euclidean in the backbone's feature space (float32). The image's score is the mean distance of its
few highest patches, which is steadier than the single highest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, read_bundle
from inference.errors import ModelError
from inference.vision.detection.anomaly_map import draw_map
from inference.vision.detection.config import PatchCoreConfig
from inference.vision.detection.detection import Detection, locate
from inference.vision.detection.features.feature_extraction import extract_features
from inference.vision.detection.features.input_preparation import prepare_input
from inference.vision.detection.features.local_color import LocalColor
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.detection.features.patches import ImageSource, Progress, compute_patches
from inference.vision.detection.features.tiled_image import open_tiled
from inference.vision.detection.features.tiling import PLACES
from inference.vision.detection.memory_bank import Bank
from inference.vision.detection.patchcore.bank_building import BuiltBank, build_bank, extend_bank
from inference.vision.detection.patchcore.bank_bundle import KIND, BankContents, read_bank, write_bank
from inference.vision.detection.patchcore.cross_fit import cross_fit_scores, unseen_scores
from inference.vision.detection.reference_image import check_reference, make_reference_input
from inference.vision.detection.scoring import measure_patches, score_distances, valid_cells
from inference.vision.images.input_pixels import check_image
from inference.vision.images.prefetch import prefetch
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime, portable_of

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
    "verify_reference",
]

VOTERS = 5
MAX_MAP_SIDE_PX = 1024
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def extract_patches(
    sources: Sequence[ImageSource],
    config: PatchCoreConfig,
    *,
    device: Device = "auto",
    threads: int | None = None,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> PatchFeatures:
    """Return the patches of all images, taken once; building and cross-fitting both start from them.

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
        reference_input: np.ndarray,
        weights_sha256: str,
        metadata: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.training_keys = training_keys
        self.figures = bank.figures
        self.metadata = metadata
        self.weights_sha256 = weights_sha256
        self.reference_input = reference_input
        self._built = bank
        self._bank = Bank(bank.rows)
        self._color = None if bank.color_scale is None else LocalColor(config, bank.color_scale)

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
            reference_input=make_reference_input(features.first_input),
            weights_sha256=hash_weights(resolve_weights(features.config.spec, weights)),
        )

    def extract(self, sources: Sequence[ImageSource], *, progress: Progress | None = None) -> PatchFeatures:
        """The patches of more normal images, taken exactly as the bank's own were. Raises as `extract_patches`."""
        return extract_features(
            sources,
            self.config,
            open_graph=lambda _: self.runtime,
            size_px=self.input_size_px,
            color_scale=self._built.color_scale,
            progress=progress,
        )

    def extend(self, features: PatchFeatures, *, progress: Progress | None = None) -> PatchCore:
        """A new model that knows the images of `features` (from `extract`) too; the old images are not needed.

        All rows of the old bank stay, and new patches come to them: `figures.radius_bound` says how far any patch, old
        or new, may be from the new bank at most. Raises ModelError: `config_invalid` for patches that were taken
        otherwise, `out_of_memory`.
        """
        self._check_own(features)
        return PatchCore(
            config=self.config,
            runtime=self.runtime,
            bank=extend_bank(self._built, features, report=_report_coreset(progress)),
            training_keys=(*self.training_keys, *features.keys),
            reference_input=self.reference_input,
            weights_sha256=self.weights_sha256,
            metadata=self.metadata,
        )

    def score_unseen(self, features: PatchFeatures, *, progress: Progress | None = None) -> dict[str, float]:
        """Score by key of images (from `extract`) that this bank has not seen, for calibration. Raises as `extend`."""
        self._check_own(features)
        return unseen_scores(features, self._bank, projection=self._built.projection, progress=progress)

    def _check_own(self, features: PatchFeatures) -> None:
        own, theirs = self._built.color_scale, features.color_scale
        same_color = own is theirs or (own is not None and theirs is not None and np.array_equal(own, theirs))
        if features.graph != self.runtime.graph or features.config != self.config or not same_color:
            raise ModelError("config_invalid", field="features", value="taken otherwise")

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 of any size. Raises ModelError (`image_wrong_shape`, `device_failed`, …)."""
        if self.config.preprocessing.tile_size_px:
            return self._detect_tiled(check_image(image))
        prepared = prepare_input(image, self.config, size_px=self.input_size_px)
        return self._detect(prepared[None], [check_image(image).shape[:2]])[0]

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; the answers are those of `inspect`. Raises as `inspect` does."""
        if self.config.preprocessing.tile_size_px:
            yield from (self.inspect(image) for image in images)
            return
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

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = _NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`.

        The bundle holds everything that inspection on the CPU needs, the backbone's graph included.
        """
        score, anomaly_map = self.score_reference()
        contents = BankContents(
            config=self.config,
            input_size_px=self.input_size_px,
            bank=self._built,
            training_keys=self.training_keys,
            reference_input=self.reference_input,
            weights_sha256=self.weights_sha256,
            portable=portable_of(self.runtime),
            metadata=metadata,
        )
        return write_bank(folder, contents, reference_score=score, reference_map=anomaly_map, runtime=self.runtime.name)

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
        """Return the model in a verified bundle; raises as `load` does."""
        contents = read_bank(bundle)
        runtime = open_runtime(
            contents.graph,
            weights=backbone_weights,
            weights_sha256=contents.weights_sha256,
            portable=contents.portable,
            device=device,
            threads=threads,
        )
        return cls(
            config=contents.config,
            runtime=runtime,
            bank=contents.bank,
            training_keys=contents.training_keys,
            reference_input=contents.reference_input,
            weights_sha256=contents.weights_sha256,
            metadata=contents.metadata,
        )

    def _detect(self, batch: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[Detection]:
        patches, grid = compute_patches(self.runtime, batch, color=self._color)
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
        nearest, nearest_row = self._vote(queries[:, highest[:VOTERS]])
        return Detection(
            score=score,
            anomaly_map=draw_map(
                distances,
                grid,
                size_px=self.input_size_px,
                score=score,
                score_share=self.config.score_share,
                blur_sigma_px=self.config.blur_sigma_px,
                preprocessing=self.config.preprocessing,
            ),
            image_size_px=(width, height),
            nearest_key=self.training_keys[nearest],
            nearest_cell=locate(int(self._built.cells[nearest_row]), grid),
            highest_cell=locate(int(highest[0]), grid),
        )

    def _detect_tiled(self, image: np.ndarray) -> Detection:
        tiled = open_tiled(image, self.config, self.runtime, color=self._color)
        projection, grid = self._built.projection, tiled.plan.grid
        distances = tiled.measure(self._bank, projection)
        score, highest = score_distances(distances, valid=tiled.valid, share=tiled.score_share)
        patches = tiled.patches_at(highest[:VOTERS])
        nearest, nearest_row = self._vote(patches if projection is None else projection.apply(patches))
        # A finer map than this says nothing more, and is stored with every inspection.
        zoom = min(max(1, MAX_MAP_SIDE_PX // max(grid)), tiled.plan.cell_px)
        x, y, _, _ = locate(int(self._built.cells[nearest_row]), PLACES)
        return Detection(
            score=score,
            anomaly_map=draw_map(
                distances,
                grid,
                size_px=(grid[0] * zoom, grid[1] * zoom),
                score=score,
                score_share=tiled.score_share,
                blur_sigma_px=self.config.blur_sigma_px * zoom / tiled.plan.cell_px,
                preprocessing=self.config.preprocessing,
            ),
            image_size_px=(image.shape[1], image.shape[0]),
            nearest_key=self.training_keys[nearest],
            nearest_cell=(max(0.0, x - 0.5 / grid[1]), max(0.0, y - 0.5 / grid[0]), 1.0 / grid[1], 1.0 / grid[0]),
            highest_cell=locate(int(highest[0]), grid),
            view_share=tiled.plan.view_share,
        )

    def _vote(self, queries: np.ndarray) -> tuple[int, int]:
        """The training image that most of the highest patches (D, n) point to, and the row that names its place."""
        rows = self._bank.nearest(queries).tolist()
        owners = [int(self._built.owners[row]) for row in rows]
        nearest = max(owners, key=lambda owner: (owners.count(owner), -owners.index(owner)))
        return nearest, rows[owners.index(nearest)]

    def score_reference(self, runtime: FeatureRuntime | None = None) -> tuple[float, np.ndarray]:
        """Score and map of the reference image, by the model's own runtime or by another one of the same graph."""
        height, width = self.input_size_px
        patches, grid = compute_patches(runtime or self.runtime, self.reference_input[None], color=self._color)
        detection = self._describe(patches[0], grid, height=height, width=width)
        return detection.score, detection.anomaly_map


def verify_reference(model: PatchCore, bundle: Bundle) -> None:
    """Score the bundle's reference image with the model's runtime. Raises as `check_reference` does."""
    score, anomaly_map = model.score_reference()
    check_reference(bundle, score=score, anomaly_map=anomaly_map, runtime=model.runtime.name)


def _report_coreset(progress: Progress | None) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress("coreset", done, total)

    return report
