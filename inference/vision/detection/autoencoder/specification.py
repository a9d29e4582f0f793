"""The auto-encoder as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.build_cost import BuildCost
from inference.i18n import N_
from inference.vision.detection.autoencoder import NAME
from inference.vision.detection.detector import FindWeights, ImageSource, Progress, UnseenScores
from inference.vision.detection.specification import DetectorSpec, OptionField

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.vision.detection.autoencoder.autoencoder import AutoencoderDetector
    from inference.vision.detection.autoencoder.config import AutoencoderConfig
    from inference.vision.detection.autoencoder.features import AutoencoderInputs
    from inference.vision.networks.runtime import Device

_INPUT_PX = 128
_EPOCHS = 60
_INPUT = OptionField(
    name="input_size_px",
    label=N_("Input size (px)"),
    explanation=N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
    lowest=64,
    highest=512,
    step=16,
    default=_INPUT_PX,
)
_EPOCH_LIMIT = OptionField(
    name="epochs",
    label=N_("Most epochs"),
    explanation=N_("Training ends earlier when images held out are not reconstructed better any more."),
    lowest=2,
    highest=400,
    step=2,
    default=_EPOCHS,
)
_CODE = OptionField(
    name="code_channels",
    label=N_("Channels of the code"),
    explanation=N_("Fewer reconstruct less, defects included; too few lose what belongs to good parts."),
    lowest=2,
    highest=256,
    step=2,
    default=32,
)
# One epoch of one image of the default size, measured on one core: forward, backward, and the loss of those held out.
_IMAGE_EPOCH_S = 0.05
# Few images are trained on four times: three times for the calibration.
_TRAININGS = 3


class AutoencoderSpec(DetectorSpec["AutoencoderConfig", "AutoencoderInputs", "AutoencoderDetector"]):
    """A network that learns to reconstruct good parts."""

    name = NAME
    title = N_("Auto-encoder")
    description = N_(
        "Learns to reconstruct good parts; what it reconstructs badly is anomalous. For parts that always lie the same "
        "way. Takes minutes to train."
    )
    options = (_INPUT, _EPOCH_LIMIT, _CODE)
    no_tiles = N_("An auto-encoder has no tiles: it learns the picture of a whole part.")

    def cost(
        self, of_network: BuildCost, *, backbone: str | None, size_px: int, options: Mapping[str, Any]
    ) -> BuildCost:
        """Return what training costs: time grows with images, epochs and the area of the input."""
        epochs = int(options.get(_EPOCH_LIMIT.name) or _EPOCHS)
        share = (size_px / _INPUT_PX) ** 2
        return replace(
            of_network,
            image_s=of_network.image_s + _IMAGE_EPOCH_S * epochs * share * _TRAININGS,
            image_bytes=3 * size_px**2,
            bundle_bytes=4_000_000,
        )

    def input_size_px(self, backbone: str | None) -> int:
        """Return the side of the input where no other is set."""
        return _INPUT_PX

    def read_config(self, values: Mapping[str, Any]) -> AutoencoderConfig:
        """Return the configuration in plain values; absent ones have their default."""
        from inference.vision.detection.autoencoder.config import AutoencoderConfig

        return AutoencoderConfig.from_dict(values)

    def extract(
        self,
        sources: Sequence[ImageSource],
        config: AutoencoderConfig,
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> AutoencoderInputs:
        """Return the prepared inputs of all images, of very many those of an even part."""
        from inference.vision.detection.autoencoder.features import take_inputs

        return take_inputs(sources, config, progress=progress)

    def fit(
        self, features: AutoencoderInputs, *, weights: Path | None = None, progress: Progress | None = None
    ) -> AutoencoderDetector:
        """Return the detector trained on the inputs."""
        return self.fit_with_checkpoints(features, checkpoints=None, progress=progress)

    def fit_with_checkpoints(
        self, features: AutoencoderInputs, *, checkpoints: Path | None, progress: Progress | None = None
    ) -> AutoencoderDetector:
        """Return the same detector; a training that was killed goes on from the last checkpoint in the folder."""
        from inference.vision.detection.autoencoder.building import build_detector

        return build_detector(features, checkpoints=checkpoints, progress=progress)

    def cross_fit(self, features: AutoencoderInputs, *, progress: Progress | None = None) -> UnseenScores:
        """Return the scores of normal images by networks trained without them."""
        from inference.vision.detection.autoencoder.building import cross_fit_autoencoder

        return cross_fit_autoencoder(features, progress=progress)

    def leave_out(self, features: AutoencoderInputs, keys: Collection[str]) -> AutoencoderInputs | None:
        """Return the inputs without these images."""
        return features.leave_out(keys)

    def distance_scale(self, model: AutoencoderDetector) -> float:
        """Return one spread beyond what is usual: scores are in spreads."""
        return 1.0

    def describe(self, model: AutoencoderDetector) -> dict[str, float | int | str | None]:
        """Return how the training went."""
        figures = model.figures
        return {
            "detector": self.name,
            "n_fitted": figures.image_count,
            "epochs": figures.epochs,
            "best_epoch": figures.best_epoch,
            "val_loss": figures.val_loss,
        }

    def load(
        self,
        bundle: Bundle,
        *,
        device: Device = "auto",
        find_weights: FindWeights | None = None,
        threads: int | None = None,
    ) -> AutoencoderDetector:
        """Return the network in a verified bundle, with its runtime: always on the CPU, it is small."""
        from inference.vision.detection.autoencoder.autoencoder import AutoencoderDetector

        return AutoencoderDetector.from_bundle(bundle, threads=threads)


SPECIFICATION = AutoencoderSpec()
