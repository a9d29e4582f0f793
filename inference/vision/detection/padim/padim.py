"""PaDiM (Defard et al., ICPR 2020): a Gaussian of normal features at each place; what is far from it is anomalous.

The Gaussians are anomalib's. Everything around them is ours and the same as for PatchCore: the input path, the evened
light, the runtimes, the score (mean of the highest patches), the map, the bundle and its golden image. It suits parts
that always lie in the same place. Distances are Mahalanobis', float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.anomaly_map import draw_map
from inference.vision.detection.detection import Detection, locate
from inference.vision.detection.features.input_preparation import prepare_input
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.detection.features.patches import Progress, compute_patches
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.fitting import draw_channels, gather_patches
from inference.vision.detection.padim.gaussians import Gaussians, fit_gaussians
from inference.vision.detection.patchcore.bank_bundle import KIND
from inference.vision.detection.reference_image import make_reference_input
from inference.vision.detection.scoring import score_distances, valid_cells
from inference.vision.images.input_pixels import check_image
from inference.vision.networks.backbones import hash_weights, resolve_weights
from inference.vision.networks.graphs import GraphSpec, PortableGraph
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime, portable_of

__all__ = ["DETECTOR", "Padim", "PadimConfig", "PadimFigures"]

DETECTOR = "padim"
# Training images whose features are kept, to name the one that looks most like the part where the part looks worst.
_EXEMPLARS = 40
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class PadimFigures:
    """How the model came to be."""

    image_count: int
    channel_count: int


class Padim:
    """A fitted model with its runtime: read-only, safe to share between threads."""

    def __init__(
        self,
        *,
        config: PadimConfig,
        runtime: FeatureRuntime,
        gaussians: Gaussians,
        channels: np.ndarray,
        exemplars: np.ndarray,
        exemplar_owners: np.ndarray,
        training_keys: tuple[str, ...],
        figures: PadimFigures,
        reference_input: np.ndarray,
        weights_sha256: str,
        metadata: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.training_keys = training_keys
        self.figures = figures
        self.metadata = metadata
        self.weights_sha256 = weights_sha256
        self.reference_input = reference_input
        self._gaussians = gaussians
        self._channels = channels
        self._exemplars = exemplars
        self._exemplar_owners = exemplar_owners

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(height, width) that images are brought to."""
        return self.runtime.graph.size_px

    @classmethod
    def from_patches(
        cls,
        features: PatchFeatures,
        config: PadimConfig,
        *,
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> Padim:
        """Fit the Gaussians to patches that were already taken with `config.extraction`.

        Raises ModelError(`out_of_memory`, `backbone_weights_missing`) and what `progress` raises.
        """
        # Whether light is evened out may have been left to the images: what was done is what inspection must do.
        config = replace(config, even_light=features.config.even_light)
        if progress is not None:
            progress("gaussians", 0, 1)
        channels = draw_channels(config, features)
        try:
            members, patches = gather_patches(features, channels)
            gaussians = fit_gaussians(patches)
        except MemoryError as error:
            raise ModelError("out_of_memory") from error
        if progress is not None:
            progress("gaussians", 1, 1)
        kept = np.unique(np.linspace(0, len(members) - 1, min(_EXEMPLARS, len(members))).round().astype(int))
        return cls(
            config=config,
            runtime=features.runtime,
            gaussians=gaussians,
            channels=channels,
            exemplars=(patches[kept] / gaussians.spread).astype(np.float16),
            exemplar_owners=np.asarray([members[place] for place in kept], dtype=np.int32),
            training_keys=features.keys,
            figures=PadimFigures(image_count=len(members), channel_count=len(channels)),
            reference_input=make_reference_input(features.first_input),
            weights_sha256=hash_weights(resolve_weights(config.spec, weights)),
        )

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 of any size. Raises ModelError (`image_wrong_shape`, `device_failed`, …)."""
        prepared = prepare_input(image, self.config.extraction, size_px=self.input_size_px)
        return self._detect(prepared[None], [check_image(image).shape[:2]])[0]

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; the answers are those of `inspect`. Raises as `inspect` does."""
        inputs: list[np.ndarray] = []
        shapes: list[tuple[int, ...]] = []
        for image in images:
            inputs.append(prepare_input(image, self.config.extraction, size_px=self.input_size_px))
            shapes.append(image.shape[:2])
            if len(inputs) == BATCH_SIZE:
                yield from self._detect(np.stack(inputs), shapes)
                inputs, shapes = [], []
        if inputs:
            yield from self._detect(np.stack(inputs), shapes)

    def score_reference(self, runtime: FeatureRuntime | None = None) -> tuple[float, np.ndarray]:
        """Score and map of the reference image, by the model's own runtime or by another one of the same graph."""
        height, width = self.input_size_px
        patches, grid = compute_patches(runtime or self.runtime, self.reference_input[None])
        detection = self._describe(np.ascontiguousarray(patches[0][self._channels].T), grid, height=height, width=width)
        return detection.score, detection.anomaly_map

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = _NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`."""
        score, anomaly_map = self.score_reference()
        portable = portable_of(self.runtime)
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "detector": DETECTOR,
                "config": self.config.to_dict(),
                "input_size_px": list(self.input_size_px),
                "training_keys": list(self.training_keys),
                "backbone": {
                    "name": self.config.backbone,
                    "weights_sha256": self.weights_sha256,
                    "licence": self.config.spec.licence,
                    "source": self.config.spec.source,
                },
                "figures": {"image_count": self.figures.image_count, "channel_count": self.figures.channel_count},
                "golden": {"score": score, "runtime": self.runtime.name},
                "user": dict(metadata),
            },
            tensors={
                "mean": self._gaussians.mean,
                "inverse_covariance": self._gaussians.inverse_covariance,
                "spread": self._gaussians.spread,
                "channels": self._channels,
                "exemplars": self._exemplars,
                "exemplar_owners": self._exemplar_owners,
                "golden_input": self.reference_input,
                "golden_map": anomaly_map,
            },
            files={} if portable is None else {"graph.xml": portable.xml, "graph.bin": portable.weights},
        )

    @classmethod
    def from_bundle(
        cls,
        bundle: Bundle,
        *,
        device: Device = "auto",
        backbone_weights: Path | None = None,
        threads: int | None = None,
    ) -> Padim:
        """The model in a verified bundle. Raises ArtifactError(`artifact_damaged`) and ModelError as `open_runtime`."""
        try:
            document, tensors = bundle.metadata, bundle.tensors
            config = PadimConfig.from_dict(document["config"])
            height, width = document["input_size_px"]
            gaussians = Gaussians(tensors["mean"], tensors["inverse_covariance"], tensors["spread"])
            channels, owners = tensors["channels"], tensors["exemplar_owners"]
            exemplars, reference_input = tensors["exemplars"], tensors["golden_input"]
            keys = tuple(document["training_keys"])
            figures = PadimFigures(**document["figures"])
            weights_sha256 = str(document["backbone"]["weights_sha256"])
            user = MappingProxyType(dict(document["user"]))
            portable = (
                PortableGraph(xml=bundle.files["graph.xml"], weights=bundle.files["graph.bin"])
                if "graph.xml" in bundle.files
                else None
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error
        _check_tensors(gaussians, channels=channels, exemplars=exemplars, owners=owners, key_count=len(keys))
        graph = _graph_of(config, (int(height), int(width)))
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
            gaussians=gaussians,
            channels=channels,
            exemplars=exemplars,
            exemplar_owners=owners,
            training_keys=keys,
            figures=figures,
            reference_input=reference_input,
            weights_sha256=weights_sha256,
            metadata=user,
        )

    def _detect(self, batch: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[Detection]:
        patches, grid = compute_patches(self.runtime, batch)
        return [
            self._describe(np.ascontiguousarray(image_patches[self._channels].T), grid, height=shape[0], width=shape[1])
            for image_patches, shape in zip(patches, shapes, strict=True)
        ]

    def _describe(self, patches: np.ndarray, grid: tuple[int, int], *, height: int, width: int) -> Detection:
        config = self.config
        distances = self._gaussians.distances(patches)
        score, highest = score_distances(
            distances, valid=valid_cells(config.extraction, grid), share=config.score_share
        )
        place = locate(int(highest[0]), grid)
        off = self._exemplars[:, highest].astype(np.float32) - patches[highest] / self._gaussians.spread
        nearest = int(np.einsum("npd,npd->n", off, off).argmin())
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
            nearest_key=self.training_keys[int(self._exemplar_owners[nearest])],
            nearest_cell=place,
            highest_cell=place,
        )


def _graph_of(config: PadimConfig, size_px: tuple[int, int]) -> GraphSpec:
    return GraphSpec(config.spec, size_px, patch_window=config.patch_window, merged=True)


def _check_tensors(
    gaussians: Gaussians, *, channels: np.ndarray, exemplars: np.ndarray, owners: np.ndarray, key_count: int
) -> None:
    places, dimension = gaussians.mean.shape if gaussians.mean.ndim == 2 else (0, 0)
    right = (
        places > 0
        and gaussians.inverse_covariance.shape == (places, dimension, dimension)
        and gaussians.spread.shape == channels.shape == (dimension,)
        and exemplars.shape == (len(owners), places, dimension)
        and len(owners) > 0
        and 0 <= int(owners.min()) <= int(owners.max()) < key_count
        and bool(np.isfinite(gaussians.mean).all() and np.isfinite(gaussians.inverse_covariance).all())
    )
    if not right:
        raise ArtifactError("artifact_damaged", file="tensors.safetensors")
