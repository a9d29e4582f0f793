"""The recipe of segmentation: where in the image each type of defect is, pixel by pixel."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import ModelError
from inference.vision.learning.recipes.contract import (
    ExampleSet,
    Listener,
    Recipe,
    RecipeContext,
    TrainedNetwork,
    TrainingCost,
)
from inference.vision.learning.recipes.settings import RecipeSettings
from inference.vision.learning.recipes.unused import list_ignored
from inference.vision.learning.trained_network.description import Task

if TYPE_CHECKING:
    from inference.vision.learning.dense.preparation import Prepared

CELLS, DECODER = "cells", "decoder"
_LIBRARIES_BYTES = 900_000_000
_BYTES_PER_PIXEL = 90
# Fitting the cell head takes at most so long, whatever the number of images.
_FIT_S = 15.0


class SegmenterRecipe(Recipe):
    """Segments defects: a linear head on every cell first, then a light decoder, kept only where validation says so."""

    name = "segmenter"
    task: Task = "segmentation"
    goal = "miou"

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return the cost, by reading a few images and taking two steps on them. Raises ModelError, ImageError."""
        from inference.vision.learning.dense.features import KEPT_BYTES
        from inference.vision.learning.dense.opening import open_source
        from inference.vision.learning.dense.preparation import QuietListener, take_sample
        from inference.vision.learning.dense.segmenter_trainee import SegmenterTrainee
        from inference.vision.learning.dense.training_loop import TrainingLoop, reproducible

        _check(settings)
        began = time.monotonic()
        with reproducible(settings.seed):
            prepared = self._prepare(take_sample(examples), settings, QuietListener())
            reading = (time.monotonic() - began) / (len(prepared.train) + len(prepared.judged))
            began = time.monotonic()
            trunk, source = open_source(prepared, settings, context, trained_stages=0, listener=QuietListener())
            trainee = SegmenterTrainee(trunk, source, prepared, settings, device=context.device)
            opening = time.monotonic() - began
            loop = TrainingLoop(trainee, settings.training, seed=settings.seed, single=context.device != "cpu")
            batch = np.arange(settings.training.batch_size) % len(prepared.train)
            rng = np.random.default_rng(settings.seed)
            loop.step(0, [batch], rng)
            began = time.monotonic()
            loop.step(1, [batch], rng)
            step = (time.monotonic() - began) / len(batch)
            began = time.monotonic()
            trainee.judge(lambda: None)
            judging = (time.monotonic() - began) / len(prepared.judged)
        count, judged = len(examples.of("train")), len(examples.of("val"))
        epochs = settings.training.epochs
        each = epochs * (count * step + (judged or count) * judging)
        seconds = reading * (count + judged) + opening + _FIT_S + each
        pixels = prepared.size_px[0] * prepared.size_px[1]
        memory = _LIBRARIES_BYTES + KEPT_BYTES + settings.training.batch_size * pixels * _BYTES_PER_PIXEL
        return TrainingCost(seconds, memory, count, epochs, True, list_ignored(self.name, settings))

    def train(
        self,
        examples: ExampleSet,
        settings: RecipeSettings,
        context: RecipeContext,
        *,
        scratch: Path,
        listener: Listener,
    ) -> TrainedNetwork:
        """Return the better of the two heads on validation, its threshold that of the best F1 of pixels.

        Raises ModelError (`training_marks_missing` without any mark), and what the listener raises.
        """
        from inference.vision.learning.dense.cell_head import CellNetwork, SegmenterGraph, fit_cells
        from inference.vision.learning.dense.decoder import DecoderNetwork
        from inference.vision.learning.dense.opening import open_source
        from inference.vision.learning.dense.preparation import Throttle, hash_file, identify
        from inference.vision.learning.dense.segmenter_trainee import SegmenterTrainee, judge_head
        from inference.vision.learning.dense.training_loop import STAGE, TrainingLoop, reproducible
        from inference.vision.learning.recipes.onnx_graph import export_onnx

        _check(settings)
        with reproducible(settings.seed):
            prepared = self._prepare(examples, settings, listener)
            labels = prepared.description.labels
            trunk, source = open_source(prepared, settings, context, trained_stages=0, listener=listener)
            throttle = Throttle(listener, CELLS, len(prepared.train))
            cells = fit_cells(source, prepared.train, len(labels), seed=settings.seed, hear=throttle.hear)
            cell_head = CellNetwork(cells).eval().to(context.device)
            by_cells = judge_head(
                cell_head, source, prepared, lambda: throttle.hear(len(prepared.train)), device=context.device
            )
            trainee = SegmenterTrainee(trunk, source, prepared, settings, device=context.device)
            loop = TrainingLoop(trainee, settings.training, seed=settings.seed, single=context.device != "cpu")
            identity = identify(prepared, settings, hash_file(context.weights))
            result = loop.run(scratch=scratch, identity=identity, listener=listener)
            epochs = settings.training.epochs
            by_decoder = trainee.judge_decoder(lambda: listener.progress(STAGE, epochs, epochs))
            better = (by_decoder.figures.miou or 0.0) > (by_cells.figures.miou or 0.0)
            chosen = by_decoder if better else by_cells
            head = DecoderNetwork(trainee.decoder) if better else cell_head
            module = SegmenterGraph(trunk, head).to("cpu").eval()
            height, width = prepared.size_px
            graph = export_onnx(module, height_px=height, width_px=width, output_names=("probabilities",))
        val: dict[str, Any] = chosen.figures.to_json()
        return TrainedNetwork(
            graph=graph,
            description=replace(prepared.description, threshold=chosen.threshold),
            best_epoch=result.best_epoch if better else 0,
            epochs_done=len(result.epochs),
            val=val | {"per_domain": chosen.per_domain(labels, prepared.judged)},
            figures={
                "judged_on": prepared.judged_on,
                "kept": DECODER if better else CELLS,
                "cells_miou": by_cells.figures.miou,
                "decoder_miou": by_decoder.figures.miou,
                "cells_learned": {"nothing": cells.sound_cells, "marked": cells.marked_cells},
            },
            skipped=prepared.skipped,
            stopped_for=result.stopped_for,
        )

    def read_checkpoint(self, scratch: Path) -> bytes | None:
        """Return the state of the last whole epoch."""
        from inference.vision.learning.dense.checkpoints import checkpoint_bytes

        return checkpoint_bytes(scratch)

    def _prepare(self, examples: ExampleSet, settings: RecipeSettings, listener: Listener) -> Prepared:
        from inference.vision.learning.dense.preparation import describe, prepare
        from inference.vision.learning.dense.trunk import find_dense_backbone

        spec = find_dense_backbone(settings.backbone)
        description = describe(
            examples,
            settings,
            task=self.task,
            recipe=self.name,
            backbone=spec.name,
            licenses={} if settings.scratch else {spec.name: spec.licence},
        )
        return prepare(examples, description, with_masks=True, listener=listener)


def _check(settings: RecipeSettings) -> None:
    """Raise ModelError(`config_invalid`) for an option, there is none, and for random weights: nothing trains them."""
    if settings.scratch:
        raise ModelError("config_invalid", field="scratch", value=True)
    for name, value in settings.options.items():
        raise ModelError("config_invalid", field=f"options.{name}", value=value)
