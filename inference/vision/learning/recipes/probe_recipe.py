"""The probe: a frozen network, a linear classifier on what it sees, one graph of both."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inference.vision.learning.recipes.checking import CHECKED, check_graph
from inference.vision.learning.recipes.contract import (
    EndEarly,
    EpochFigures,
    ExampleSet,
    Listener,
    Recipe,
    RecipeContext,
    TrainedNetwork,
    TrainingCost,
)
from inference.vision.learning.recipes.costs import measure_head_cost
from inference.vision.learning.recipes.epochs.checkpoints import (
    Checkpoint,
    read_checkpoint_bytes,
    write_checkpoint,
)
from inference.vision.learning.recipes.heads.head_training import HeadTraining, train_head
from inference.vision.learning.recipes.heads.pooled_trunk import build_pooled_classifier
from inference.vision.learning.recipes.inputs import read_pixels
from inference.vision.learning.recipes.onnx_graph import export_onnx
from inference.vision.learning.recipes.settings import RecipeSettings
from inference.vision.learning.recipes.ticking import Ticker
from inference.vision.learning.recipes.unused import list_ignored

if TYPE_CHECKING:
    import torch


class ProbeRecipe(Recipe):
    """Logistic regression on mean and maximum of a frozen network's levels: no chance, no epochs, no GPU."""

    name = "probe"
    task = "classification"
    goal = "macro_f1"

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return what the training will take: a few images are read and looked at."""
        cost = measure_head_cost(examples, settings, context, recipe=self.name)
        return TrainingCost(
            seconds=cost.seconds,
            memory_bytes=cost.memory_bytes,
            images=cost.images,
            epochs=1,
            measured=cost.measured,
            ignored=list_ignored(self.name, settings),
        )

    def train(
        self,
        examples: ExampleSet,
        settings: RecipeSettings,
        context: RecipeContext,
        *,
        scratch: Path,
        listener: Listener,
    ) -> TrainedNetwork:
        """Return the probe of the training images. Raises as `train_head`, and ModelError(`graph_differs`)."""
        started = time.monotonic()
        fitted = train_head(examples, settings, context, recipe=self.name, scratch=scratch, listener=listener)
        trained = export_head(fitted, listener)
        import torch

        head = fitted.head
        tensors = {"head.weight": torch.from_numpy(head.weights), "head.bias": torch.from_numpy(head.bias)}
        write_checkpoint(scratch, Checkpoint(tensors, {"digest": self.name, "labels": list(examples.labels)}))
        with suppress(EndEarly):  # nothing is left to be done
            listener.epoch(tell_head(fitted, time.monotonic() - started))
        return trained

    def read_checkpoint(self, scratch: Path) -> bytes | None:
        """Return the head as safetensors."""
        return read_checkpoint_bytes(scratch)


def export_head(fitted: HeadTraining, listener: Listener, *, stopped_for: str = "") -> TrainedNetwork:
    """Return the network of a head, proven to say what the head says of some images. Raises ModelError."""
    ticker = Ticker(listener, "export", 1)
    started = time.monotonic()
    module = build_pooled_classifier(fitted.graph, fitted.weights, fitted.head.weights, fitted.head.bias)
    graph = export_classifier(module, fitted)
    ticker.tick()
    places = (list(fitted.places("val")) or list(fitted.places("train")))[:CHECKED]
    shown = [pixels for _, pixels in read_pixels([fitted.examples[place] for place in places], fitted.description, {})]
    difference = 0.0
    if len(shown) == len(places):
        expected = fitted.head.probabilities(fitted.rows[places])
        difference = check_graph(graph, fitted.description, np.stack(shown), expected)
    ticker.set(1)
    seconds = fitted.seconds | {"export": time.monotonic() - started}
    return TrainedNetwork(
        graph=graph,
        description=fitted.description,
        best_epoch=1,
        epochs_done=1,
        val=fitted.val,
        figures=fitted.to_json() | {"graph_difference": difference, "seconds": seconds},
        skipped=fitted.skipped,
        stopped_for=stopped_for,
    )


def export_classifier(module: torch.nn.Module, fitted: HeadTraining) -> bytes:
    """Return the graph of a module that gives what the head's description says."""
    height, width = fitted.graph.size_px
    return export_onnx(module, height_px=height, width_px=width, output_names=fitted.description.outputs)


def tell_head(fitted: HeadTraining, seconds: float) -> EpochFigures:
    """Return the head's figures as those of an epoch."""
    chosen = min(fitted.head.strengths, key=lambda one: abs(one[0] - fitted.head.strength))
    names: tuple[str, ...] = ("macro_f1", "top1", "top5")
    val = {name: float(fitted.val[name]) for name in names if name in fitted.val}
    return EpochFigures(
        epoch=1,
        epochs=1,
        images_seen=len(fitted.examples),
        train_loss=chosen[2],
        val_loss=fitted.val.get("log_loss"),
        val=val,
        learning_rate=None,
        seconds=seconds,
    )
