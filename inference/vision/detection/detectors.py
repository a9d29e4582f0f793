"""The detectors that can be chosen, behind one interface: configure, take features, fit, calibrate, load, verify."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from inference.artifact import Bundle, Manifest, read_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.config import PatchCoreConfig
from inference.vision.detection.detection import Detection
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.detection.features.patches import ImageSource, Progress
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.fitting import cross_fit_padim
from inference.vision.detection.padim.padim import DETECTOR as PADIM
from inference.vision.detection.padim.padim import Padim
from inference.vision.detection.patchcore.bank_bundle import KIND
from inference.vision.detection.patchcore.cross_fit import cross_fit_scores
from inference.vision.detection.patchcore.patchcore import PatchCore, extract_patches
from inference.vision.detection.reference_image import check_reference
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.runtime import Device, FeatureRuntime

PATCHCORE = "patchcore"
DetectorConfig = PatchCoreConfig | PadimConfig
FindWeights = Callable[[str], Path | None]


class Detector(Protocol):
    """A built model with its runtime: read-only, safe to share between threads."""

    training_keys: tuple[str, ...]
    runtime: FeatureRuntime
    weights_sha256: str
    metadata: Mapping[str, Any]

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(height, width) that images are brought to."""
        ...

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 H×W×3 of any size. Raises ModelError."""
        ...

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in batches, in order; the answers are those of `inspect`. Raises ModelError."""
        ...

    def score_reference(self, runtime: FeatureRuntime | None = None) -> tuple[float, np.ndarray]:
        """Score and map of the reference image, by the model's own runtime or by another one of the same graph."""
        ...

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = ...) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own."""
        ...


def make_config(
    detector: str,
    *,
    backbone: str,
    preprocessing: Preprocessing,
    memory_budget_bytes: int,
    options: Mapping[str, Any],
) -> DetectorConfig:
    """The configuration of a build. Raises ModelError: `detector_unknown`, `backbone_unknown`, `config_invalid`."""
    values = {
        **options,
        "backbone": backbone,
        "preprocessing": preprocessing.to_dict(),
        "memory_budget_bytes": memory_budget_bytes,
    }
    if detector == PATCHCORE:
        return PatchCoreConfig.from_dict(values)
    if detector == PADIM:
        return PadimConfig.from_dict(values)
    raise ModelError("detector_unknown", name=detector)


def extract(
    sources: Sequence[ImageSource],
    config: DetectorConfig,
    *,
    device: Device = "auto",
    threads: int | None = None,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> PatchFeatures:
    """The patches of the images that the detector learns from: all of them, or an even part where it needs no more.

    Raises as `extract_patches` does.
    """
    if isinstance(config, PadimConfig):
        limit = config.image_limit
        if len(sources) > limit:
            sources = [sources[place * len(sources) // limit] for place in range(limit)]
        config = config.extraction
    return extract_patches(sources, config, device=device, threads=threads, weights=weights, progress=progress)


def fit(
    features: PatchFeatures,
    config: DetectorConfig,
    *,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> PatchCore | Padim:
    """Return the detector of `config` from its features. Raises ModelError and what `progress` raises."""
    if isinstance(config, PadimConfig):
        return Padim.from_patches(features, config, weights=weights, progress=progress)
    return PatchCore.from_patches(features, weights=weights, progress=progress)


def calibration_scores(
    features: PatchFeatures, config: DetectorConfig, *, progress: Progress | None = None
) -> dict[str, float]:
    """Score by key of normal images by models that have not seen them. Raises ModelError."""
    if isinstance(config, PadimConfig):
        return cross_fit_padim(features, config, progress=progress)
    return cross_fit_scores(features, progress=progress)


def distance_scale(model: PatchCore | Padim) -> float:
    """A distance that counts as different for this model, for a calibration whose scores are all 0."""
    if isinstance(model, Padim):
        return math.sqrt(model.figures.channel_count)  # of a Gaussian of so many channels
    return max(model.figures.radius, 1e-3)


def describe(model: PatchCore | Padim) -> dict[str, float | int | str | None]:
    """Figures of the build, to keep with the version; None for a figure that is not finite."""
    if isinstance(model, Padim):
        return {
            "detector": PADIM,
            "channel_count": model.figures.channel_count,
            "n_fitted": model.figures.image_count,
        }
    radius = model.figures.radius
    return {
        "detector": PATCHCORE,
        "bank_size": model.bank_size,
        "coreset_radius": radius if math.isfinite(radius) else None,
    }


def load(
    folder: Path,
    *,
    device: Device = "auto",
    manifest_sha256: str | None = None,
    find_weights: FindWeights | None = None,
    threads: int | None = None,
) -> PatchCore | Padim:
    """Read a bundle and open its runtime, whichever detector it holds.

    `find_weights` gives the weights file of a backbone by name, or None for the carried one; it is needed where the
    bundle's own graph does not serve (CUDA). Raises ArtifactError as `read_bundle` does, and ModelError:
    `detector_unknown`, `backbone_weights_changed`, `device_…`, `config_invalid`.
    """
    bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
    return from_bundle(bundle, device=device, find_weights=find_weights, threads=threads)


def from_bundle(
    bundle: Bundle,
    *,
    device: Device = "auto",
    find_weights: FindWeights | None = None,
    threads: int | None = None,
) -> PatchCore | Padim:
    """Return the model in a verified bundle; raises as `load` does."""
    detector = bundle.metadata.get("detector", PATCHCORE)
    try:
        backbone = str(bundle.metadata["backbone"]["name"])
    except (KeyError, TypeError) as error:
        raise ArtifactError("artifact_damaged", file="manifest.json") from error
    weights = find_weights(backbone) if find_weights is not None else None
    if detector == PATCHCORE:
        return PatchCore.from_bundle(bundle, device=device, backbone_weights=weights, threads=threads)
    if detector == PADIM:
        return Padim.from_bundle(bundle, device=device, backbone_weights=weights, threads=threads)
    raise ModelError("detector_unknown", name=str(detector))


def verify_reference(model: Detector, bundle: Bundle) -> None:
    """Score the bundle's reference image with the model's runtime.

    Raises ModelError(`golden_mismatch`) when score or map differ by more than 1e-3, relative to the highest value.
    """
    score, anomaly_map = model.score_reference()
    check_reference(bundle, score=score, anomaly_map=anomaly_map, runtime=model.runtime.name)
