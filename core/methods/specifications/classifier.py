"""The classifier: a frozen network, a linear layer fitted on labeled images, class activation maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import AppError, NotReady
from core.i18n import N_
from core.methods.options import MethodOptions, read_options
from core.methods.records import (
    ConfigField,
    MethodConfig,
    Progress,
    Sample,
    TrainedMethod,
    TrainedSpec,
    TrainingSet,
)
from core.methods.specifications.detectors import THRESHOLDS
from core.methods.thresholds import (
    ScoredSamples,
    choose_thresholds,
    limit_to_probabilities,
    load_samples,
    tell_progress,
)
from core.models.weight_paths import find_added, find_weights
from inference.vision.networks.specifications import CARRIED, find_backbone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from inference.artifact import Bundle
    from inference.vision.comparison.classifier_method import ClassifierMethod
    from inference.vision.comparison.predictions import Method
    from inference.vision.learning.trunk_features import PooledFeatures
    from inference.vision.networks.graphs import GraphSpec
    from inference.vision.networks.runtime import FeatureRuntime

_BACKBONES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
_NETWORK = ConfigField(
    name="backbone",
    label=N_("Network"),
    explanation=N_("The frozen network whose features are classified."),
    kind="choice",
    default=CARRIED,
    choices=tuple((name, find_backbone(name).title) for name in _BACKBONES),
)
_INPUT = ConfigField(
    name="input_size_px",
    label=N_("Input size (px)"),
    explanation=N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
    kind="int",
    default=256,
    lowest=128,
    highest=768,
    step=32,
)


class ClassifierSpec(TrainedSpec):
    """A linear classifier on a frozen network."""

    name = "classifier"
    title = N_("Classifier")
    description = N_(
        "Learns kinds of good parts and types of defects from labeled images, and shows where it saw them. What it was "
        "never shown it may take for good."
    )
    fields = (_NETWORK, _INPUT, THRESHOLDS)
    names_types = True
    kind = "classifier"

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values."""
        return read_options(self.name, self.fields, values)

    def find_data_obstacle(self, training: TrainingSet) -> AppError | None:
        """Return NotReady(`method_one_label`) where there is nothing to tell apart, or None."""
        labels = {sample.label for sample in training.of("train")}
        return NotReady("method_one_label", label=", ".join(sorted(labels)) or "–") if len(labels) < 2 else None

    def train(
        self, services: Services, training: TrainingSet, config: MethodConfig, *, scratch: Path, progress: Progress
    ) -> TrainedMethod:
        """Return the classifier of the labeled training images."""
        from inference.vision.comparison.classifier_method import ClassifierMethod, ClassifierParts
        from inference.vision.learning.class_activation import convert_classifier
        from inference.vision.learning.probe import fit_probe
        from inference.vision.learning.trunk_features import PooledFeatures, trunk_graph
        from inference.vision.networks.backbones import hash_weights, resolve_weights

        assert isinstance(config, MethodOptions)
        backbone, size_px = str(config.values["backbone"]), _whole_steps(int(config.values["input_size_px"]))
        if find_weights(services.settings, backbone) is None:
            raise NotReady("backbone_weights_missing", name=find_backbone(backbone).title)
        services.models.keep_graphs()
        graph = trunk_graph(backbone, size_px)
        weights = resolve_weights(graph.backbone, find_added(services.settings.weights_dir, backbone))
        kept = PooledFeatures(
            services.settings.cache_dir / "pooled_features",
            graph,
            weights_sha256=hash_weights(weights),
            preprocessing=training.preprocessing,
        )
        # On the CPU, as it will be asked: the same images give the same features on every machine.
        samples = training.of("train")
        rows, used, skipped = _pool(graph, weights, kept, training, samples, progress)
        progress("fit", 0, 1)
        labels = [sample.label for sample in used]
        probe = fit_probe(rows, labels, [sample.part for sample in used], seed=config.seed)
        good = frozenset(words.label for words in training.labels if words.is_good)
        figures: dict[str, Any] = {
            "labels": list(probe.labels),
            "strength": probe.strength,
            "strengths": [list(pair) for pair in probe.strengths],
            "n_fitted": len(used),
            **probe.figures.to_json(),
        }
        method = ClassifierMethod(
            ClassifierParts(
                name=self.name,
                labels=probe.labels,
                good_labels=good & frozenset(probe.labels),
                size_px=size_px,
                preprocessing=training.preprocessing,
                portable=convert_classifier(graph, probe, weights),
                figures=figures,
            )
        )
        scored = _score(method, training.of("val"), progress)
        thresholds = limit_to_probabilities(
            choose_thresholds(
                scored.scores(defects=False), scored.scores(defects=True), method=str(config.values["thresholds"])
            )
        )
        return TrainedMethod(method, thresholds, {**figures, "skipped": skipped | scored.skipped})

    def load(self, services: Services, bundle: Bundle) -> Method:
        """Return the classifier in a verified bundle."""
        from inference.vision.comparison.classifier_method import ClassifierMethod

        return ClassifierMethod.from_bundle(bundle)


def _pool(
    graph: GraphSpec,
    weights: Path,
    kept: PooledFeatures,
    training: TrainingSet,
    samples: Sequence[Sample],
    progress: Progress,
) -> tuple[NDArray[np.float32], list[Sample], dict[str, str]]:
    """Return the pooled features of the samples that can be read, these samples, and the others with their errors."""
    import numpy as np

    from inference.errors import ImageError
    from inference.vision.learning.trunk_features import pool_features, prepare_pixels
    from inference.vision.networks.runtime import open_runtime

    runtime: FeatureRuntime = open_runtime(graph, weights=weights, device="cpu")
    rows: list[NDArray[np.float32]] = []
    used: list[Sample] = []
    skipped: dict[str, str] = {}

    def compute(sample: Sample) -> NDArray[np.float32]:
        pixels = prepare_pixels(sample.load(), training.preprocessing, graph.size_px[0])
        row: NDArray[np.float32] = pool_features(runtime, [pixels])[0]
        return row

    for sample in tell_progress(progress, "features", samples):
        try:
            rows.append(kept.get(sample.content_sha256, partial(compute, sample)))
        except ImageError as error:
            skipped[sample.key] = error.code
            continue
        used.append(sample)
    kept.keep()
    return np.stack(rows) if rows else np.zeros((0, graph.backbone.dimension), np.float32), used, skipped


def _score(method: ClassifierMethod, samples: Sequence[Sample], progress: Progress) -> ScoredSamples:
    scored = ScoredSamples()
    for sample, pixels in load_samples(tell_progress(progress, "calibration", samples), scored.skipped):
        scored.samples.append(sample)
        scored.predictions.extend(method.predict([pixels]))
    return scored


def _whole_steps(size_px: int) -> int:
    """Return the size as a multiple of the network's coarsest stride."""
    return max(128, size_px // 32 * 32)


CLASSIFIER = ClassifierSpec()
