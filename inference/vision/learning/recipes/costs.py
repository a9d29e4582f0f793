"""What a training will take, from a few of its steps that are timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inference.parallel import CORES
from inference.vision.learning.recipes.augmentation import changes_pixels
from inference.vision.learning.recipes.feature_reader import Copies, FeatureReader
from inference.vision.learning.recipes.inputs import check_labels, choose_examples, describe_classifier
from inference.vision.learning.recipes.logistic_head import FITS, STRENGTHS
from inference.vision.learning.recipes.pooled_trunk import count_features, pooled_graph
from inference.vision.networks.backbones import resolve_weights

if TYPE_CHECKING:
    from inference.vision.learning.recipes.contract import Example, ExampleSet, RecipeContext
    from inference.vision.learning.recipes.settings import RecipeSettings

# Images that are looked at, after as many that warm caches and memory.
TIMED = 8
# torch, OpenVINO and scikit-learn themselves; and the export of the graph.
LIBRARIES_BYTES, EXPORT_S = 900_000_000, 8.0
# Steps of L-BFGS of one fit, as measured; each reads the rows four times over.
_FIT_STEPS, _FIT_PASSES = 120, 4


class Silence:
    """A listener that hears nothing."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Hear nothing."""

    def epoch(self, figures: object) -> None:
        """Hear nothing."""


@dataclass(frozen=True)
class HeadCost:
    """What a head will take: seconds, memory, how many images."""

    seconds: float
    memory_bytes: int
    images: int
    measured: bool


def measure_head_cost(
    examples: ExampleSet, settings: RecipeSettings, context: RecipeContext, *, recipe: str
) -> HeadCost:
    """Return what reading all images, looking at them and fitting will take. Raises as `train_head`."""
    used = choose_examples(examples)
    check_labels(examples, used)
    graph = pooled_graph(settings.backbone, settings.input)
    weights = resolve_weights(graph.backbone, context.weights)
    description = describe_classifier(examples, settings, recipe=recipe, size_px=graph.size_px)
    copies = Copies.of(settings, examples.modality)
    train = sum(one.split == "train" for one in used)
    looks = len(used) + train * copies.count
    with tempfile.TemporaryDirectory(prefix="geomsa-estimate-") as folder:
        # A folder of its own: what is kept already would be read in no time.
        reader = FeatureReader(graph, weights, description, context, Path(folder))

        def look(few: list[Example]) -> None:
            plain = replace(copies, count=0)
            reader.read(few, plain, {}, Silence())

        per_image = time_each(look, spread_out(used))
    rows, features, count = train * (1 + copies.count), count_features(graph.backbone), len(examples.labels)
    fit_s = _FIT_STEPS * _FIT_PASSES * len(STRENGTHS) * FITS * _time_product(rows, features, count) / min(CORES, FITS)
    return HeadCost(
        seconds=per_image * looks + fit_s + EXPORT_S,
        memory_bytes=LIBRARIES_BYTES + rows * features * 8 * (2 + 2 * min(CORES, FITS)),
        images=len(used),
        measured=True,
    )


def spread_out(examples: tuple[Example, ...], count: int = 2 * TIMED) -> list[Example]:
    """Return some of the examples, from all over."""
    places = np.unique(np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int))
    return [examples[int(place)] for place in places]


def time_each(step: Callable[[list[Example]], None], chosen: list[Example]) -> float:
    """Return the seconds that one example takes; the first half of those given is a warm-up, where there are two."""
    half = len(chosen) // 2
    if half:
        step(chosen[:half])
    started = time.perf_counter()
    step(chosen[half:])
    return (time.perf_counter() - started) / max(len(chosen) - half, 1)


def keeps_features(settings: RecipeSettings) -> bool:
    """Return whether what the frozen part makes of a training image is the same in every epoch."""
    return not changes_pixels(settings.augmentation)


def _time_product(rows: int, features: int, count: int) -> float:
    """Return the seconds of one pass over the rows, measured on some of them."""
    few = min(rows, 500)
    one, other = np.ones((few, features)), np.ones((features, max(count, 2)))
    one @ other
    started = time.perf_counter()
    one @ other
    return (time.perf_counter() - started) * rows / few
