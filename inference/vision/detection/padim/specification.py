"""PaDiM as the rest of the program sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.build_cost import BuildCost
from inference.i18n import N_
from inference.vision.detection.detector import FindWeights, GraphDetector, ImageSource, Progress, UnseenScores
from inference.vision.detection.features.options import INPUT_SIZE
from inference.vision.detection.padim import NAME
from inference.vision.detection.specification import DetectorSpec, OptionField
from inference.vision.networks.specifications import find_backbone

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.vision.detection.padim.config import PadimConfig
    from inference.vision.detection.padim.fitting import PadimFeatures
    from inference.vision.detection.padim.padim import Padim
    from inference.vision.networks.runtime import Device

_CHANNELS = OptionField(
    name="channel_count",
    label=N_("Channels of each place"),
    explanation=N_("How many of the network's channels are drawn. Memory grows with the square."),
    lowest=16,
    highest=150,
    step=2,
    default=100,
)
# It turns a matrix for each place of the grid, at every fit: a fixed time for each product (measured with 1,024 places
# and 100 channels: one fit and ten of cross-fitting), and up to six times the memory of all matrices.
_STANDARD_PLACES = 1024
_STANDARD_CHANNELS = 100
_PRODUCT_S = 4.0
_MATRIX_COPIES = 6


class PadimSpec(DetectorSpec["PadimConfig", "PadimFeatures", "Padim"]):
    """A Gaussian of normal features at each place."""

    name = NAME
    title = N_("PaDiM on {backbone}")
    description = N_("Learns what is normal at each place: for parts that always lie the same way.")
    backbones = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "resnet18", "wide_resnet50_2")
    options = (INPUT_SIZE, _CHANNELS)
    no_tiles = N_("PaDiM has no tiles: it compares each place with the same place of other parts.")

    def cost(
        self, of_network: BuildCost, *, backbone: str | None, size_px: int, options: Mapping[str, Any]
    ) -> BuildCost:
        """Return what the Gaussians cost: time and memory grow with the square of the channels."""
        assert backbone is not None
        places = (size_px // find_backbone(backbone).strides[0]) ** 2
        channels = int(options.get(_CHANNELS.name) or _CHANNELS.default or 0)
        matrices_bytes = 4 * places * channels * (channels + 1)
        share = places / _STANDARD_PLACES * (channels / _STANDARD_CHANNELS) ** 2
        return replace(
            of_network,
            product_s=of_network.product_s + _PRODUCT_S * share,
            base_bytes=of_network.base_bytes + _MATRIX_COPIES * matrices_bytes,
            bundle_bytes=of_network.bundle_bytes + matrices_bytes,
        )

    def as_graph(self, model: Padim) -> GraphDetector | None:
        """Return the model as one that several runtimes can compute."""
        return model

    def input_size_px(self, backbone: str | None) -> int:
        """Return the side of the input where no other is set: the network's own.

        The covariances of all places grow with the input's area.
        """
        assert backbone is not None
        return find_backbone(backbone).input_size_px

    def read_config(self, values: Mapping[str, Any]) -> PadimConfig:
        """Return the configuration in plain values; absent ones have their default."""
        from inference.vision.detection.padim.config import PadimConfig

        return PadimConfig.from_dict(values)

    def extract(
        self,
        sources: Sequence[ImageSource],
        config: PadimConfig,
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> PadimFeatures:
        """Return the patches of all images, of very many those of an even part: a Gaussian needs no more."""
        from inference.vision.detection.features.patch_extraction import extract_patches

        limit = config.image_limit
        if len(sources) > limit:
            sources = [sources[place * len(sources) // limit] for place in range(limit)]
        return extract_patches(sources, config, device=device, weights=weights, progress=progress)

    def fit(self, features: PadimFeatures, *, weights: Path | None = None, progress: Progress | None = None) -> Padim:
        """Return the Gaussians of the features."""
        from inference.vision.detection.padim.padim import Padim

        return Padim.from_patches(features, weights=weights, progress=progress)

    def cross_fit(self, features: PadimFeatures, *, progress: Progress | None = None) -> UnseenScores:
        """Return the scores of normal images by Gaussians of the others."""
        from inference.vision.detection.padim.fitting import cross_fit_padim

        return UnseenScores(cross_fit_padim(features, progress=progress))

    def distance_scale(self, model: Padim) -> float:
        """Return the expected distance from a Gaussian of so many channels."""
        return math.sqrt(model.figures.channel_count)

    def describe(self, model: Padim) -> dict[str, float | int | str | None]:
        """Return how many channels are looked at, and how many images were fitted."""
        return {
            "detector": self.name,
            "channel_count": model.figures.channel_count,
            "n_fitted": model.figures.image_count,
        }

    def load(
        self,
        bundle: Bundle,
        *,
        device: Device = "auto",
        find_weights: FindWeights | None = None,
        threads: int | None = None,
    ) -> Padim:
        """Return the Gaussians in a verified bundle, with their runtime."""
        from inference.vision.detection.padim.padim import Padim

        return Padim.from_bundle(bundle, device=device, find_weights=find_weights, threads=threads)


SPECIFICATION = PadimSpec()
