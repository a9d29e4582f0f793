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
from inference.vision.learning.recipes.epochs.determinism import determined
from inference.vision.learning.recipes.epochs.plan import Plan, Side
from inference.vision.learning.recipes.epochs.training import train_epochs
from inference.vision.learning.recipes.heads.feature_reader import Copies, FeatureReader
from inference.vision.learning.recipes.heads.logistic_head import FITS, STRENGTHS
from inference.vision.learning.recipes.heads.pooled_trunk import count_features, pooled_graph
from inference.vision.learning.recipes.inputs import (
    PreparedImages,
    check_labels,
    choose_examples,
    describe_classifier,
    prepare_images,
)
from inference.vision.networks.backbones import resolve_weights

if TYPE_CHECKING:
    import torch

    from inference.vision.learning.recipes.contract import Example, ExampleSet, RecipeContext
    from inference.vision.learning.recipes.epochs.batches import Batches
    from inference.vision.learning.recipes.settings import RecipeSettings
    from inference.vision.learning.trained_network.description import NetworkDescription

# Images that are looked at, after as many that warm caches and memory.
TIMED = 8
_MOST_TIMED = 8
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


@dataclass(frozen=True)
class EpochsCost:
    """What the epochs will take: seconds of all of them, memory."""

    seconds: float
    memory_bytes: int


def time_training(
    examples: ExampleSet,
    settings: RecipeSettings,
    description: NetworkDescription,
    module: torch.nn.Module,
    make_batches: Callable[[torch.nn.Module, PreparedImages], Batches],
    *,
    device: str,
    train_mode: bool,
) -> EpochsCost:
    """Return what reading all images and all epochs will take: two small epochs are trained, the second one is timed.

    The module is changed thereby. Raises as `prepare_images` and `train_epochs`.
    """
    used = choose_examples(examples)
    by_split = {split: tuple(one for one in used if one.split == split) for split in ("train", "val")}
    train, val = len(by_split["train"]), len(by_split["val"])
    few = 2 * min(settings.training.batch_size, _MOST_TIMED)
    chosen = [
        *spread_out(by_split["train"], few),
        *(spread_out(by_split["val"], max(1, round(few * val / train))) if val else []),
    ]
    small = replace(settings.training, epochs=2, patience=0, warmup_epochs=0.0)
    plan = Plan(settings=small, count=len(examples.labels), seed=settings.seed, digest="", train_mode=train_mode)
    with (
        tempfile.TemporaryDirectory(prefix="geomsa-estimate-") as folder,
        determined(settings.seed, device=device, threads=CORES),
    ):
        started = time.perf_counter()
        images = prepare_images(chosen, description, Path(folder), Silence())
        batches = make_batches(module, images)
        per_image = (time.perf_counter() - started) / len(chosen)
        learned = len(batches.train)
        held = _count_activations(module, batches, device) * min(settings.training.batch_size, train)
        done = train_epochs(module, batches, plan, scratch=Path(folder), listener=Silence(), side=Side(device=device))
    per_epoch = float(done.history[-1]["seconds"]) * train / max(learned, 1)
    weights = sum(one.numel() for one in module.parameters())
    return EpochsCost(
        seconds=per_image * len(used) + per_epoch * settings.training.epochs + EXPORT_S,
        # Weights, gradients, two moments, the best ones; layers' outputs and their gradients.
        memory_bytes=LIBRARIES_BYTES + 4 * 5 * weights + 4 * 2 * held,
    )


def _count_activations(module: torch.nn.Module, batches: Batches, device: str) -> int:
    """Return how many numbers the layers give for one image."""
    import torch

    counted = 0

    def count(_layer: object, _given: object, found: object) -> None:
        nonlocal counted
        counted += found.numel() if isinstance(found, torch.Tensor) else 0

    leaves = [one for one in module.modules() if not list(one.children())]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    module.to(device).eval()
    with torch.no_grad():
        module(*[one.to(device) for one in batches.unchanged(batches.train[:1])])
    for hook in hooks:
        hook.remove()
    return counted


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


def _time_product(rows: int, features: int, count: int) -> float:
    """Return the seconds of one pass over the rows, measured on some of them."""
    few = min(rows, 500)
    one, other = np.ones((few, features)), np.ones((features, max(count, 2)))
    one @ other
    started = time.perf_counter()
    one @ other
    return (time.perf_counter() - started) * rows / few
