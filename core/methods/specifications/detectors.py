"""The detectors of the registry as methods: trained on good images of the training split, calibrated on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import AppError, NotReady
from core.i18n import N_
from core.methods.options import MethodOptions, read_options
from core.methods.records import ConfigField, MethodConfig, Progress, Sample, TrainedMethod, TrainedSpec, TrainingSet
from core.methods.thresholds import AUTOMATIC, ScoredSamples, choose_thresholds, load_samples, tell_progress
from core.models.weight_paths import find_added, find_weights
from inference.vision.detection.autoencoder.specification import AutoencoderSpec
from inference.vision.detection.detector import KIND
from inference.vision.detection.registry import find_detector
from inference.vision.detection.specification import AnyDetectorSpec, OptionField
from inference.vision.networks.specifications import find_backbone

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.vision.comparison.detector_method import DetectorMethod
    from inference.vision.comparison.predictions import Method
    from inference.vision.detection.detector import DetectorConfig, ImageSource

FEWEST_GOOD = 5
THRESHOLDS = ConfigField(
    name="thresholds",
    label=N_("How thresholds are chosen"),
    explanation=N_("By the validation images alone. Automatically: F1-best from ten defects on, else percentile."),
    kind="choice",
    default=AUTOMATIC,
    choices=(
        (AUTOMATIC, N_("automatically")),
        ("f1_max", N_("F1-best")),
        ("percentile", N_("percentile of the good images")),
        ("mean_std", N_("mean + k·std of the good images")),
    ),
)
_BACKBONE = "backbone"


def field_of(option: OptionField) -> ConfigField:
    """Return a detector's option as the field of a method."""
    return ConfigField(
        name=option.name,
        label=option.label,
        explanation=option.explanation,
        kind="int",
        default=option.default,
        lowest=option.lowest,
        highest=option.highest,
        step=option.step,
    )


class DetectorMethodSpec(TrainedSpec):
    """A detector of the registry, on one of its backbones where it needs one."""

    kind = KIND

    def __init__(self, name: str, title: str, description: str, *, revision: int = 1) -> None:
        self.name = name
        self.title = title
        self.description = description
        self.revision = revision
        detector = self._detector
        self.fields = (*(field_of(one) for one in detector.options), THRESHOLDS)
        if detector.backbones:
            self.fields = (_backbone_field(detector), *self.fields)

    @property
    def _detector(self) -> AnyDetectorSpec:
        return find_detector(self.name)

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values."""
        return read_options(self.name, self.fields, values)

    def find_obstacle(self, services: Any) -> AppError | None:
        """Return nothing: the default backbone is carried. Another one is asked for when the training begins."""
        return None

    def find_data_obstacle(self, training: TrainingSet) -> AppError | None:
        """Return NotReady(`method_no_good_images`, `method_no_validation_images`), or None."""
        found = len(training.of("train", image_type="normal"))
        if found < FEWEST_GOOD:
            return NotReady("method_no_good_images", found=found, needed=FEWEST_GOOD)
        if not training.of("val", image_type="normal"):
            return NotReady("method_no_validation_images")
        return None

    def train(
        self, services: Any, training: TrainingSet, config: MethodConfig, *, scratch: Path, progress: Progress
    ) -> TrainedMethod:
        """Return the detector of the good training images."""
        from inference.vision.comparison.detector_method import DetectorMethod

        assert isinstance(config, MethodOptions)
        options = dict(config.values)
        backbone = options.pop(_BACKBONE, None)
        rule = options.pop(THRESHOLDS.name)
        if backbone is not None and find_weights(services.settings, backbone) is None:
            raise NotReady("backbone_weights_missing", name=find_backbone(backbone).title)
        services.models.keep_graphs()
        spec = self._detector
        built: DetectorConfig = spec.make_config(
            backbone=backbone,
            preprocessing=training.preprocessing,
            memory_budget_bytes=services.settings.memory_budget_bytes,
            options={**{name: value for name, value in options.items() if value is not None}, "seed": config.seed},
        )
        weights = find_added(services.settings.weights_dir, backbone)
        device = services.models.device
        sources = _sources(training.of("train", image_type="normal"))
        features = spec.extract(sources, built, device=device, weights=weights, progress=progress)
        model = self._fit(spec, features, weights=weights, scratch=scratch, progress=progress)
        method = DetectorMethod(self.name, model)
        scored = score_samples(method, training.of("val"), progress)
        thresholds = choose_thresholds(
            scored.scores(defects=False),
            scored.scores(defects=True),
            method=rule,
            scale=spec.distance_scale(model),
        )
        method.boxes_at = None if thresholds is None else thresholds.reject_at
        skipped = {key: error.code for key, error in features.skipped.items()} | scored.skipped
        return TrainedMethod(method, thresholds, {**spec.describe(model), "skipped": skipped})

    def _fit(
        self, spec: AnyDetectorSpec, features: Any, *, weights: Path | None, scratch: Path, progress: Progress
    ) -> Any:
        return spec.fit(features, weights=weights, progress=progress)

    def load(self, services: Any, bundle: Bundle) -> Method:
        """Return the detector in a verified bundle."""
        from inference.vision.comparison.detector_method import DetectorMethod, read_boxes_at
        from inference.vision.detection.registry import find_bundle_detector

        model = find_bundle_detector(bundle).load(
            bundle, device=services.models.device, find_weights=services.models.find_added_weights
        )
        return DetectorMethod(self.name, model, boxes_at=read_boxes_at(bundle))


def score_samples(method: DetectorMethod, samples: Sequence[Sample], progress: Progress) -> ScoredSamples:
    """Return what the method says of the samples, one by one: no more than one image is held."""
    scored = ScoredSamples()
    for sample, pixels in load_samples(tell_progress(progress, "calibration", samples), scored.skipped):
        scored.samples.append(sample)
        scored.predictions.extend(method.predict([pixels]))
    return scored


def _backbone_field(detector: AnyDetectorSpec) -> ConfigField:
    return ConfigField(
        name=_BACKBONE,
        label=N_("Network"),
        explanation=N_("The network whose features are compared. Another one than the carried needs its weights."),
        kind="choice",
        default=detector.backbones[0],
        choices=tuple((name, find_backbone(name).title) for name in detector.backbones),
    )


def _sources(samples: Sequence[Sample]) -> list[ImageSource]:
    from inference.vision.detection.detector import ImageSource

    return [ImageSource(sample.key, sample.load, part=sample.part) for sample in samples]


PATCHCORE = DetectorMethodSpec(
    "patchcore", N_("PatchCore"), N_("A memory bank of normal patches: learns from good images alone.")
)
PADIM = DetectorMethodSpec(
    "padim", N_("PaDiM"), N_("What is normal at each place: for parts that always lie the same way.")
)


class _AutoencoderMethodSpec(DetectorMethodSpec):
    """The auto-encoder, whose training goes on where it was killed."""

    def _fit(
        self, spec: AnyDetectorSpec, features: Any, *, weights: Path | None, scratch: Path, progress: Progress
    ) -> Any:
        assert isinstance(spec, AutoencoderSpec)
        return spec.fit_with_checkpoints(features, checkpoints=scratch, progress=progress)


AUTOENCODER = _AutoencoderMethodSpec(
    "autoencoder",
    N_("Auto-encoder"),
    N_("Learns to reconstruct good parts; what it reconstructs badly is anomalous. Minutes to train."),
)
