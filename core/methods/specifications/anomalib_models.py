"""anomalib's own models as methods: trained in a process of their own, kept and asked as all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import AppError, NotReady
from core.i18n import N_
from core.methods import efficient_ad_files
from core.methods.options import MethodOptions, read_options
from core.methods.records import ConfigField, MethodConfig, Progress, Sample, TrainedMethod, TrainedSpec, TrainingSet
from core.methods.specifications.detectors import FEWEST_GOOD, THRESHOLDS
from core.methods.thresholds import (
    ScoredSamples,
    choose_thresholds,
    limit_to_probabilities,
    load_samples,
    tell_progress,
)
from core.models.weight_paths import find_weights
from inference.vision.learning.anomalib_models.models import AnomalibModel, find_anomalib_model
from inference.vision.networks.specifications import find_backbone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from core.settings import Settings
    from inference.artifact import Bundle
    from inference.vision.comparison.anomalib_method import AnomalibMethod
    from inference.vision.comparison.predictions import Method

_EPOCHS = "epochs"
_SIZE = "input_size_px"
_KIND = "anomalib"
# A share of the good validation images' highest places lies below the map's threshold for boxes.
_BOXES_QUANTILE = 0.95


class AnomalibSpec(TrainedSpec):
    """One of anomalib's models."""

    kind = _KIND

    def __init__(self, name: str, title: str, description: str) -> None:
        self.name = name
        self.title = title
        self.description = description
        self.fields = (_size_field(self._model), _epochs_field(self._model), THRESHOLDS)

    @property
    def _model(self) -> AnomalibModel:
        return find_anomalib_model(self.name)

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values. A size may be a number, as it is typed into a file."""
        size = values.get(_SIZE)
        typed = {_SIZE: str(size)} if isinstance(size, int) and not isinstance(size, bool) else {}
        return read_options(self.name, self.fields, {**values, **typed})

    def find_obstacle(self, services: Services) -> AppError | None:
        """Return NotReady(`anomalib_missing`, `method_weights_missing`, `outside_images_missing`), or None."""
        from importlib.util import find_spec

        if find_spec("anomalib") is None:
            return NotReady("anomalib_missing", model=self._model.title)
        if self._model.needs_outside_images:
            return _find_efficient_ad_obstacle(services.settings, self._model.title)
        network = self._model.network
        if network is not None and find_weights(services.settings, network) is None:
            return NotReady(
                "method_weights_missing",
                model=self._model.title,
                network=find_backbone(network).title,
                source=find_backbone(network).source,
                command=f"python -m core weights add {network} FILE",
            )
        return None

    def _find_weights(self, settings: Settings) -> Path | None:
        if self._model.needs_outside_images:
            return efficient_ad_files.find_teacher(settings)
        return None if self._model.network is None else find_weights(settings, self._model.network)

    def find_data_obstacle(self, training: TrainingSet) -> AppError | None:
        """Return NotReady(`method_no_good_images`, `method_no_validation_images`), or None."""
        found = len(training.of("train", image_type="normal"))
        if found < FEWEST_GOOD:
            return NotReady("method_no_good_images", found=found, needed=FEWEST_GOOD)
        if not training.of("val", image_type="normal"):
            return NotReady("method_no_validation_images")
        return None

    def train(
        self, services: Services, training: TrainingSet, config: MethodConfig, *, scratch: Path, progress: Progress
    ) -> TrainedMethod:
        """Return the model trained on the good training images."""
        from inference.vision.comparison.anomalib_method import AnomalibMethod, AnomalibParts
        from inference.vision.learning.anomalib_models.process import AnomalibConfig, train_anomalib

        assert isinstance(config, MethodOptions)
        size_px, epochs = int(config.values[_SIZE]), int(config.values[_EPOCHS])
        skipped: dict[str, str] = {}
        samples = training.of("train", image_type="normal")
        outside = self._model.needs_outside_images
        validation = training.of("val", image_type="normal") if outside else ()
        shown = min(efficient_ad_files.MOST_SHOWN, epochs * len(samples))
        made = train_anomalib(
            _prepare(training, samples, size_px, skipped, progress),
            AnomalibConfig(self.name, size_px, epochs, seed=config.seed),
            folder=scratch / _KIND,
            weights=self._find_weights(services.settings),
            validation=_prepare(training, validation, size_px, {}, progress),
            outside=(efficient_ad_files.read_outside_images(services.settings, size_px, most=shown) if outside else ()),
            progress=progress,
        )
        figures: dict[str, Any] = {"epochs": epochs, "losses": list(made.losses), "paper": self._model.paper}
        method = AnomalibMethod(
            AnomalibParts(
                name=self.name,
                size_px=size_px,
                preprocessing=training.preprocessing,
                portable=made.portable,
                figures=figures,
            )
        )
        scored = _score(method, training.of("val"), progress)
        thresholds = choose_thresholds(
            scored.scores(defects=False), scored.scores(defects=True), method=str(config.values[THRESHOLDS.name])
        )
        if self._model.score_is_probability:
            thresholds = limit_to_probabilities(thresholds)
        method = method.with_thresholds(
            stopped_at=None if thresholds is None else thresholds.reject_at, boxes_at=_place_boxes(scored)
        )
        return TrainedMethod(method, thresholds, {**figures, "skipped": skipped | scored.skipped})

    def load(self, services: Services, bundle: Bundle) -> Method:
        """Return the model in a verified bundle."""
        from inference.vision.comparison.anomalib_method import AnomalibMethod

        return AnomalibMethod.from_bundle(bundle)


def _find_efficient_ad_obstacle(settings: Settings, title: str) -> AppError | None:
    weights, images = efficient_ad_files.list_files(settings)
    if weights.path is None:
        return NotReady(
            "method_weights_missing",
            model=title,
            network=weights.title,
            source=weights.source,
            command=f"python -m core weights add {weights.name} FILE",
        )
    if images.path is None:
        return NotReady(
            "outside_images_missing",
            model=title,
            needed=efficient_ad_files.FEWEST_IMAGES,
            command=f"python -m core weights add {images.name} FOLDER",
        )
    return None


def _prepare(
    training: TrainingSet,
    samples: Sequence[Sample],
    size_px: int,
    skipped: dict[str, str],
    progress: Progress,
) -> Iterator[NDArray[np.uint8]]:
    """Yield images as they will be judged: preprocessed, resized."""
    from inference.vision.learning.trunk_features import prepare_pixels

    for _sample, pixels in load_samples(tell_progress(progress, "prepare", samples), skipped):
        yield prepare_pixels(pixels, training.preprocessing, size_px)


def _score(method: AnomalibMethod, samples: Sequence[Sample], progress: Progress) -> ScoredSamples:
    """Return what the method says of the samples; of their maps no more than the highest value is kept."""
    from dataclasses import replace

    scored = ScoredSamples()
    for sample, pixels in load_samples(tell_progress(progress, "calibration", samples), scored.skipped):
        (found,) = method.predict([pixels])
        drawn = found.anomaly_map
        scored.samples.append(sample)
        scored.predictions.append(replace(found, anomaly_map=None if drawn is None else drawn.max(keepdims=True)))
    return scored


def _place_boxes(scored: ScoredSamples) -> float | None:
    """Return the value that the maps of good validation images hardly reach; None without such maps."""
    import numpy as np

    peaks = [
        float(found.anomaly_map.max())
        for sample, found in zip(scored.samples, scored.predictions, strict=True)
        if not sample.is_defect and found.anomaly_map is not None
    ]
    return float(np.quantile(peaks, _BOXES_QUANTILE)) if peaks else None


def _size_field(model: AnomalibModel) -> ConfigField:
    return ConfigField(
        name=_SIZE,
        label=N_("Input size (px)"),
        explanation=N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
        kind="choice",
        default=str(model.default_size_px),
        choices=tuple((str(size), str(size)) for size in model.sizes_px),
    )


def _epochs_field(model: AnomalibModel) -> ConfigField:
    return ConfigField(
        name=_EPOCHS,
        label=N_("Epochs"),
        explanation=N_("How many times all images are gone through. Each takes as long as the one before."),
        kind="int",
        default=model.default_epochs,
        lowest=1,
        highest=1000,
    )


GANOMALY = AnomalibSpec(
    "ganomaly",
    N_("GANomaly"),
    N_(
        "Learns to reconstruct good parts against a second network that tells them apart (anomalib). A yardstick "
        "rather than a first choice: it seldom finds small defects. Minutes to train."
    ),
)
SUPERSIMPLENET = AnomalibSpec(
    "supersimplenet",
    N_("SuperSimpleNet"),
    N_(
        "Learns to tell good parts from noise laid over their features (anomalib). Needs the weights of WideResNet50-2."
    ),
)
DINOMALY = AnomalibSpec(
    "dinomaly",
    N_("Dinomaly"),
    N_("Reconstructs the features of a vision transformer (anomalib). Needs the weights of DINOv2 ViT-S/14."),
)
EFFICIENT_AD = AnomalibSpec(
    "efficientad",
    N_("EfficientAD"),
    N_(
        "A small network learns from a teacher what good parts look like; where both differ is the defect (anomalib). "
        "Needs the teacher's weights and a folder of everyday pictures. Trains for hours."
    ),
)
