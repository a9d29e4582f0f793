"""PatchCore (Roth et al., CVPR 2022): a memory bank of normal patches; what lies far from all of them is anomalous.

Distances are Euclidean in the backbone's feature space (float32). The image's score is the mean distance of its
few highest patches, which is steadier than the single highest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, read_bundle
from inference.errors import ModelError
from inference.vision.detection.anomaly_map import draw_map
from inference.vision.detection.defect_head.bundle import HEAD, list_head_tensors, read_head
from inference.vision.detection.defect_head.head import DefectHead
from inference.vision.detection.detection import Detection, PlaceTypes, locate
from inference.vision.detection.detector import KIND, FindWeights, ImageSource, Progress, Refusal, UnseenScores
from inference.vision.detection.features.feature_extraction import extract_features, needs_even_light
from inference.vision.detection.features.image_patches import open_patches
from inference.vision.detection.features.local_color import LocalColor
from inference.vision.detection.features.model_parts import NOTHING, ModelParts, begin_parts, write_model
from inference.vision.detection.features.patch_detector import PatchDetector
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.features.tiled_image import TiledImage, open_tiled
from inference.vision.detection.features.tiling import PLACES
from inference.vision.detection.patchcore.bank_building import (
    BankFeatures,
    BuildFigures,
    BuiltBank,
    build_bank,
    extend_bank,
)
from inference.vision.detection.patchcore.bank_bundle import describe_figures, list_tensors, read_bank
from inference.vision.detection.patchcore.bank_scoring import measure_patches, measure_tiled
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import measure_unseen
from inference.vision.detection.patchcore.memory_bank import Bank
from inference.vision.detection.region_types.bundle import list_graph_files, read_graph
from inference.vision.detection.region_types.cut_outs import cut_found
from inference.vision.detection.region_types.network import RegionNetwork, count_features, open_network
from inference.vision.detection.scoring import PatchDistances
from inference.vision.images.input_pixels import check_image
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.runtime import Device

VOTERS = 5
MAX_MAP_SIDE_PX = 1024


class PatchCore(PatchDetector[PatchCoreConfig]):
    """A built bank with its runtime: read-only, safe to share between threads.

    `regions` looks at cut-outs where the head names types by their regions.
    """

    def __init__(
        self,
        parts: ModelParts[PatchCoreConfig],
        bank: BuiltBank,
        *,
        head: DefectHead | None = None,
        regions: RegionNetwork | None = None,
    ) -> None:
        super().__init__(parts, color=None if bank.color_scale is None else LocalColor(parts.config, bank.color_scale))
        self._built = bank
        self._bank = Bank(bank.rows)
        self.head = head
        self.regions = regions

    @property
    def figures(self) -> BuildFigures:
        """How the bank came to be."""
        return self._built.figures

    @property
    def bank_size(self) -> int:
        """Rows of the bank."""
        return len(self._bank)

    @property
    def reach(self) -> float:
        """How far any patch of a training image may be from the bank."""
        return self.figures.radius_bound

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
        cls, features: BankFeatures, *, weights: Path | None = None, progress: Progress | None = None
    ) -> PatchCore:
        """Build the bank from patches that were already taken.

        Over the memory budget the groups' coresets are merged into one: `figures.radius_bound` then says how far
        from the bank any patch can be at most. Raises ModelError(`out_of_memory`).
        """
        bank = build_bank(features, report=_report_coreset(progress))
        return cls(begin_parts(features, weights=weights), bank)

    def refuse_extension(
        self,
        sources: Sequence[ImageSource],
        config: PatchCoreConfig,
        *,
        weights: Path | None,
        progress: Progress | None = None,
    ) -> Refusal | None:
        """Return why a build of `config` from all these images cannot begin with this bank; None where it can."""
        # What a configuration leaves to the images is as the bank's own images decided it.
        left = self._adopt_choice(config)
        settled = replace(left, even_light=self.config.even_light) if left.even_light is None else left
        if self.config != settled or self.weights_sha256 != hash_weights(resolve_weights(config.spec, weights)):
            return "set_otherwise"
        light = needs_even_light(sources, left, size_px=self.input_size_px, progress=progress)
        return None if light is self.config.even_light else "lit_otherwise"

    def _adopt_choice(self, config: PatchCoreConfig) -> PatchCoreConfig:
        """Return the configuration with the input that this bank's build chose, where it leaves that open."""
        if config.preprocessing != self.config.preprocessing:
            return config  # a choice stands on images that were prepared alike
        return replace(
            config,
            input_size_px=config.input_size_px or self.config.input_size_px,
            local_contrast=config.local_contrast or self.config.local_contrast,
        )

    def extract(self, sources: Sequence[ImageSource], *, progress: Progress | None = None) -> BankFeatures:
        """Return the patches of more normal images, taken as the bank's own were. Raises as `extract_patches`."""
        return extract_features(
            sources,
            self.config,
            open_graph=lambda _: self.runtime,
            size_px=self.input_size_px,
            color_scale=self._built.color_scale,
            progress=progress,
        )

    def extend(self, features: BankFeatures, *, progress: Progress | None = None) -> PatchCore:
        """Return a new model that knows the images of `features` (from `extract`) too, without the old images.

        All rows of the old bank stay, and new patches come to them: `figures.radius_bound` says how far any patch, old
        or new, may be from the new bank at most. Raises ModelError: `config_invalid` for patches that were taken
        otherwise, `out_of_memory`.
        """
        self._check_own(features)
        parts = replace(self.parts, training_keys=(*self.training_keys, *features.keys))
        bank = extend_bank(self._built, features, report=_report_coreset(progress))
        return PatchCore(parts, bank, head=self.head, regions=self.regions)

    def with_head(self, head: DefectHead | None, *, regions: RegionNetwork | None = None) -> PatchCore:
        """Return the same bank with another defect head, or none; `regions` for a head that looks at regions."""
        return PatchCore(self.parts, self._built, head=head, regions=regions)

    def score_unseen(
        self, features: BankFeatures, *, seen_parts: Collection[str] = (), progress: Progress | None = None
    ) -> UnseenScores:
        """Return the scores of images (from `extract`) that this bank has not seen, nor their parts.

        Images of `seen_parts` have no score. What the defect head adds is in the scores. Raises as `extend`.
        """
        measured = self.measure_unseen(features, seen_parts=seen_parts, progress=progress)
        if self.head is None or self.head.gain <= 0.0:
            return measured
        raised = {}
        for index, key in enumerate(features.keys):
            distances = measured.distances.get(key)
            patches = open_patches(features, index) if distances is not None else None
            if distances is not None and patches is not None:
                raised[key] = self.head.raise_distances(distances, patches.measure(self.head.logits))
        return UnseenScores({key: found.score for key, found in raised.items()}, raised)

    def measure_unseen(
        self, features: BankFeatures, *, seen_parts: Collection[str] = (), progress: Progress | None = None
    ) -> UnseenScores:
        """Return the same by the memory bank alone."""
        self._check_own(features)
        return measure_unseen(
            features, self._bank, projection=self._built.projection, seen_parts=seen_parts, progress=progress
        )

    def _check_own(self, features: BankFeatures) -> None:
        own, theirs = self._built.color_scale, features.color_scale
        same_color = own is theirs or (own is not None and theirs is not None and np.array_equal(own, theirs))
        if features.graph != self.runtime.graph or features.config != self.config or not same_color:
            raise ModelError("config_invalid", field="features", value="taken otherwise")

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 of any size. Raises ModelError (`image_wrong_shape`, `device_failed`, …)."""
        if self.config.preprocessing.tile_size_px:
            return self._detect_tiled(check_image(image))
        return super().inspect(image)

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; each as `inspect` does. Raises as `inspect` does."""
        if self.config.preprocessing.tile_size_px:
            yield from (self.inspect(image) for image in images)
            return
        yield from super().inspect_many(images)

    def look_closer(self, image: np.ndarray, detection: Detection) -> Detection:
        """Return the detection of an image, RGB uint8 (H, W, 3), with its type named by the defective region, too.

        Score and map stay as they are. Without such knowledge it is the detection as given. Raises ModelError.
        """
        if self.head is None or self.head.regions is None or self.regions is None or detection.opinion is None:
            return detection
        features = self.regions.describe(cut_found(check_image(image), detection.anomaly_map))
        opinion, likelier = self.head.join_regions(detection.opinion, features)
        places = detection.places
        if places is not None:
            # What the place that decides has told of the image holds for its other places as well.
            places = PlaceTypes(places.types, places.logits + likelier.astype(np.float32)[:, None, None])
        return replace(detection, opinion=opinion, places=places)

    def draw(self, distances: PatchDistances) -> np.ndarray:
        """Return the anomaly map of an image that is seen at once: float32, of the size of the input."""
        return self._draw(distances, distances.score)

    def _draw(self, distances: PatchDistances, score: float) -> np.ndarray:
        return draw_map(
            distances.values,
            distances.grid,
            size_px=self.input_size_px,
            score=score,
            score_share=self.config.score_share,
            blur_sigma_px=self.config.blur_sigma_px,
            preprocessing=self.config.preprocessing,
        )

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`."""
        return write_model(
            folder,
            replace(self.parts, metadata=metadata),
            detector=None,  # as when there was no other
            figures=describe_figures(self._built),
            tensors={**list_tensors(self._built), **({} if self.head is None else list_head_tensors(self.head))},
            reference=self.score_reference(),
            more={} if self.head is None else {HEAD: self.head.to_dict()},
            files=list_graph_files(self.regions),
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: Device = "auto",
        manifest_sha256: str | None = None,
        threads: int | None = None,
    ) -> PatchCore:
        """Read a bundle and open its runtime. Raises ArtifactError as `read_bundle` does, else as `from_bundle`."""
        bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
        return cls.from_bundle(bundle, device=device, threads=threads)

    @classmethod
    def from_bundle(
        cls,
        bundle: Bundle,
        *,
        device: Device = "auto",
        find_weights: FindWeights | None = None,
        threads: int | None = None,
    ) -> PatchCore:
        """Return the model in a verified bundle.

        Raises ArtifactError(`artifact_damaged`) and ModelError: `backbone_weights_changed`, `device_…`,
        `config_invalid`.
        """
        parts, bank = read_bank(bundle)
        backbone = parts.config.backbone
        head = read_head(bundle, dimension=parts.config.dimension, region_dimension=count_features(backbone))
        regions = None
        if head is not None and head.regions is not None:
            regions = open_network(
                backbone,
                weights=find_weights(backbone) if find_weights is not None else None,
                weights_sha256=parts.weights_sha256,
                portable=read_graph(bundle),
                device=device,
                threads=threads,
            )
        opened = parts.open(device=device, find_weights=find_weights, threads=threads)
        return cls(opened, bank, head=head, regions=regions)

    def _describe(self, patches: np.ndarray, grid: tuple[int, int], *, height: int, width: int) -> Detection:
        config, projection = self.config, self._built.projection
        queries = patches if projection is None else projection.apply(patches)
        plain = measure_patches(self._bank, queries, config, grid=grid)
        logits = None if self.head is None else self.head.logits(patches)
        distances = plain if self.head is None or logits is None else self.head.raise_distances(plain, logits)
        score, highest = distances.score, distances.highest()
        nearest, nearest_row = self._vote(queries[:, highest[:VOTERS]])
        return Detection(
            score=score,
            anomaly_map=self._draw(distances, score),
            image_size_px=(width, height),
            nearest_key=self.training_keys[nearest],
            nearest_cell=locate(int(self._built.cells[nearest_row]), grid),
            highest_cell=locate(int(highest[0]), grid),
            **self._name_types(plain, distances, logits),
        )

    def _name_types(
        self, plain: PatchDistances, distances: PatchDistances, logits: np.ndarray | None
    ) -> dict[str, Any]:
        """Return what the defect head says of an image, as fields of its detection."""
        if self.head is None or logits is None:
            return {}
        return {
            "opinion": self.head.name_type(distances, logits),
            "places": PlaceTypes(
                self.head.types, logits[1:].reshape(-1, *distances.grid) / np.float32(self.head.temperature)
            ),
            "raised_by": max(0.0, distances.score - plain.score),
        }

    def _detect_tiled(self, image: np.ndarray) -> Detection:
        tiled = open_tiled(image, self.config, self.runtime, color=self._color)
        projection, grid = self._built.projection, tiled.plan.grid
        plain, logits = self._measure_tiled(tiled)
        distances = plain if self.head is None or logits is None else self.head.raise_distances(plain, logits)
        score, highest = distances.score, distances.highest()
        patches = tiled.patches_at(highest[:VOTERS])
        nearest, nearest_row = self._vote(patches if projection is None else projection.apply(patches))
        # A finer map than this says nothing more, and is stored with every inspection.
        zoom = min(max(1, MAX_MAP_SIDE_PX // max(grid)), tiled.plan.cell_px)
        x, y, _, _ = locate(int(self._built.cells[nearest_row]), PLACES)
        return Detection(
            score=score,
            anomaly_map=draw_map(
                distances.values,
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
            **self._name_types(plain, distances, logits),
        )

    def _measure_tiled(self, tiled: TiledImage) -> tuple[PatchDistances, np.ndarray | None]:
        """Return the distances of all patches, and what the head says of them, at one look."""
        head = self.head
        if head is None:
            return measure_tiled(tiled, self._bank, self._built.projection, self.config), None
        logits = np.zeros((len(head.types) + 1, tiled.plan.grid[0] * tiled.plan.grid[1]), np.float32)

        def also(cells: np.ndarray, patches: np.ndarray) -> None:
            logits[:, cells] = head.logits(patches)

        return measure_tiled(tiled, self._bank, self._built.projection, self.config, also=also), logits

    def _vote(self, queries: np.ndarray) -> tuple[int, int]:
        """Return the training image that most of the highest patches (D, n) point to, and the row of its place."""
        rows = self._bank.nearest(queries).tolist()
        owners = [int(self._built.owners[row]) for row in rows]
        nearest = max(owners, key=lambda owner: (owners.count(owner), -owners.index(owner)))
        return nearest, rows[owners.index(nearest)]


def _report_coreset(progress: Progress | None) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress("fit", done, total)

    return report
