"""PaDiM (Defard et al., ICPR 2020): a Gaussian of normal features at each place; what is far from it is anomalous.

Everything around the Gaussians is the same as for every detector on a backbone's patches: the input path, the evened
light, the runtimes, the score (mean of the highest patches), the map, the bundle and its reference image. It suits
parts that always lie in the same place. Distances are Mahalanobis', float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.anomaly_map import draw_map
from inference.vision.detection.detection import Detection, locate
from inference.vision.detection.detector import FindWeights, Progress
from inference.vision.detection.even_sample import spread_evenly
from inference.vision.detection.features.model_parts import NOTHING, ModelParts, begin_parts, read_parts, write_model
from inference.vision.detection.features.patch_detector import PatchDetector
from inference.vision.detection.padim import NAME
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.fitting import PadimFeatures, draw_channels, gather_patches
from inference.vision.detection.padim.gaussians import Gaussians, fit_gaussians
from inference.vision.detection.scoring import score_distances, valid_cells
from inference.vision.networks.runtime import Device

# Training images whose features are kept, to name the one that looks most like the part where the part looks worst.
_EXEMPLARS = 40


@dataclass(frozen=True)
class PadimFigures:
    """How the model came to be."""

    image_count: int
    channel_count: int


@dataclass(frozen=True)
class FittedPlaces:
    """What was learnt of each place: its Gaussian, of the `channels` int32 (d,) that are looked at.

    `exemplars` float16 (n, P, d) are the features, divided by their spread, of the training images `owners` int32 (n,).
    """

    gaussians: Gaussians
    channels: np.ndarray
    exemplars: np.ndarray
    owners: np.ndarray
    figures: PadimFigures


class Padim(PatchDetector[PadimConfig]):
    """A fitted model with its runtime: read-only, safe to share between threads."""

    def __init__(self, parts: ModelParts[PadimConfig], places: FittedPlaces) -> None:
        super().__init__(parts)
        self._places = places

    @property
    def figures(self) -> PadimFigures:
        """How the model came to be."""
        return self._places.figures

    @classmethod
    def from_patches(
        cls, features: PadimFeatures, *, weights: Path | None = None, progress: Progress | None = None
    ) -> Padim:
        """Fit the Gaussians to patches that were already taken.

        Raises ModelError(`out_of_memory`, `backbone_weights_missing`) and what `progress` raises.
        """
        if progress is not None:
            progress("fit", 0, 1)
        channels = draw_channels(features.config, features)
        try:
            members, patches = gather_patches(features, channels)
            gaussians = fit_gaussians(patches)
        except MemoryError as error:
            raise ModelError("out_of_memory") from error
        if progress is not None:
            progress("fit", 1, 1)
        kept = spread_evenly(len(members), _EXEMPLARS)
        places = FittedPlaces(
            gaussians=gaussians,
            channels=channels,
            exemplars=(patches[kept] / gaussians.spread).astype(np.float16),
            owners=np.asarray([members[place] for place in kept], dtype=np.int32),
            figures=PadimFigures(image_count=len(members), channel_count=len(channels)),
        )
        return cls(begin_parts(features, weights=weights), places)

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = NOTHING) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own. Raises as `write_bundle`."""
        places = self._places
        return write_model(
            folder,
            replace(self.parts, metadata=metadata),
            detector=NAME,
            figures=asdict(places.figures),
            tensors={
                "mean": places.gaussians.mean,
                "inverse_covariance": places.gaussians.inverse_covariance,
                "spread": places.gaussians.spread,
                "channels": places.channels,
                "exemplars": places.exemplars,
                "exemplar_owners": places.owners,
            },
            reference=self.score_reference(),
        )

    @classmethod
    def from_bundle(
        cls,
        bundle: Bundle,
        *,
        device: Device = "auto",
        find_weights: FindWeights | None = None,
        threads: int | None = None,
    ) -> Padim:
        """Return the model in a verified bundle.

        Raises ArtifactError(`artifact_damaged`) and ModelError: `backbone_weights_changed`, `device_…`,
        `config_invalid`.
        """
        parts = read_parts(bundle, PadimConfig.from_dict)
        tensors = bundle.tensors
        try:
            places = FittedPlaces(
                gaussians=Gaussians(tensors["mean"], tensors["inverse_covariance"], tensors["spread"]),
                channels=tensors["channels"],
                exemplars=tensors["exemplars"],
                owners=tensors["exemplar_owners"],
                figures=PadimFigures(**bundle.metadata["figures"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error
        if not _fit_together(places, key_count=len(parts.training_keys)):
            raise ArtifactError("artifact_damaged", file="tensors.safetensors")
        return cls(parts.open(device=device, find_weights=find_weights, threads=threads), places)

    def _describe(self, patches: np.ndarray, grid: tuple[int, int], *, height: int, width: int) -> Detection:
        config, places = self.config, self._places
        rows = np.ascontiguousarray(patches[places.channels].T)
        distances = places.gaussians.distances(rows)
        valid = valid_cells(config.preprocessing, grid)
        score, highest = score_distances(distances, valid=valid, share=config.score_share)
        place = locate(int(highest[0]), grid)
        off = places.exemplars[:, highest].astype(np.float32) - rows[highest] / places.gaussians.spread
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
            nearest_key=self.training_keys[int(places.owners[nearest])],
            nearest_cell=place,
            highest_cell=place,
        )


def _fit_together(places: FittedPlaces, *, key_count: int) -> bool:
    """Return whether the parts of a model that was read belong together."""
    gaussians, owners = places.gaussians, places.owners
    count, dimension = gaussians.mean.shape if gaussians.mean.ndim == 2 else (0, 0)
    return (
        count > 0
        and gaussians.inverse_covariance.shape == (count, dimension, dimension)
        and gaussians.spread.shape == places.channels.shape == (dimension,)
        and places.exemplars.shape == (len(owners), count, dimension)
        and len(owners) > 0
        and 0 <= int(owners.min()) <= int(owners.max()) < key_count
        and bool(np.isfinite(gaussians.mean).all() and np.isfinite(gaussians.inverse_covariance).all())
    )
