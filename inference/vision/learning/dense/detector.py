"""The recipe of detection: boxes of every defect and its type."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

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
    from inference.vision.learning.dense.detecting import DetectorTrainee
    from inference.vision.learning.dense.preparation import Prepared

GEOMSA = "geomsa"
ARCHITECTURES = (GEOMSA, "retinanet", "rt_detr", "d_fine")
_OPTION = "architecture"
# The memory of the libraries beside everything else.
_LIBRARIES_BYTES = 900_000_000
# Bytes for each pixel of a batch's inputs while gradients are computed.
_BYTES_PER_PIXEL = 140


class DetectorRecipe(Recipe):
    """Detects defects.

    By default a small head of our own on a frozen or partly trained backbone, which learns on a CPU in minutes; with
    `options["architecture"]` RetinaNet, RT-DETR or D-FINE from weights in a local folder.
    """

    name = "detector"
    task: Task = "detection"
    goal = "map50"

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return the cost, by reading a few images and taking two steps on them. Raises ModelError, ImageError."""
        from inference.vision.learning.dense.features import KEPT_BYTES
        from inference.vision.learning.dense.preparation import QuietListener, take_sample
        from inference.vision.learning.dense.training_loop import TrainingLoop, reproducible

        _architecture(settings)
        few = take_sample(examples)
        began = time.monotonic()
        with reproducible(settings.seed):
            prepared = self._prepare(few, settings, QuietListener())
            reading = (time.monotonic() - began) / max(1, len(prepared.train))
            opened = time.monotonic()
            trainee = self._open(prepared, settings, context, QuietListener())
            opening = time.monotonic() - opened
            loop = TrainingLoop(trainee, settings.training, seed=settings.seed, single=_is_single(settings, context))
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
        seconds = reading * (count + judged) + opening + epochs * (count * step + (judged or count) * judging)
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
        """Return the detector of the best epoch, its threshold that of the best F1 over all boxes.

        Raises ModelError (`training_marks_missing` without any box), and what the listener raises.
        """
        from inference.vision.learning.dense.detecting import measure_detector
        from inference.vision.learning.dense.preparation import hash_file, identify
        from inference.vision.learning.dense.training_loop import STAGE, TrainingLoop, reproducible
        from inference.vision.learning.recipes.onnx_graph import export_onnx

        _architecture(settings)
        with reproducible(settings.seed):
            prepared = self._prepare(examples, settings, listener)
            trainee = self._open(prepared, settings, context, listener)
            identity = identify(prepared, settings, hash_file(context.weights))
            loop = TrainingLoop(trainee, settings.training, seed=settings.seed, single=_is_single(settings, context))
            result = loop.run(scratch=scratch, identity=identity, listener=listener)
            epochs = settings.training.epochs
            threshold, figures = measure_detector(
                trainee, prepared.judged, lambda: listener.progress(STAGE, epochs, epochs)
            )
            height, width = prepared.size_px
            graph = export_onnx(trainee.graph(), height_px=height, width_px=width, output_names=("boxes", "scores"))
        return TrainedNetwork(
            graph=graph,
            description=replace(trainee.description, threshold=threshold),
            best_epoch=result.best_epoch,
            epochs_done=len(result.epochs),
            val=figures.to_json(),
            figures={
                "judged_on": prepared.judged_on,
                "boxes_outside": prepared.outside,
                "architecture": _architecture(settings),
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

        architecture = _architecture(settings)
        own = architecture == GEOMSA
        spec = find_dense_backbone(settings.backbone) if own else None
        description = describe(
            examples,
            settings,
            task=self.task,
            recipe=self.name,
            backbone=spec.name if spec else architecture,
            licenses={spec.name: spec.licence} if spec and not settings.scratch else {},
        )
        return prepare(examples, description, with_masks=False, listener=listener)

    def _open(
        self, prepared: Prepared, settings: RecipeSettings, context: RecipeContext, listener: Listener
    ) -> DetectorTrainee:
        architecture = _architecture(settings)
        if architecture != GEOMSA:
            from inference.vision.learning.dense.foreign.trainee import open_foreign

            return open_foreign(architecture, prepared, settings, context)
        from inference.vision.learning.dense.anchor_free_trainee import AnchorFreeTrainee
        from inference.vision.learning.dense.opening import open_source
        from inference.vision.learning.dense.trunk import ALL_STAGES

        stages = ALL_STAGES if settings.scratch else settings.training.trained_stages
        trunk, source = open_source(prepared, settings, context, trained_stages=stages, listener=listener)
        return AnchorFreeTrainee(trunk, source, prepared, settings, device=context.device)


def _architecture(settings: RecipeSettings) -> str:
    """Return the architecture. Raises ModelError(`config_invalid`) for one that is none, or an option that is none."""
    for name in settings.options:
        if name != _OPTION:
            raise ModelError("config_invalid", field=f"options.{name}", value=settings.options[name])
    chosen = settings.options.get(_OPTION, GEOMSA)
    if chosen not in ARCHITECTURES:
        raise ModelError("config_invalid", field=f"options.{_OPTION}", value=chosen)
    return str(chosen)


def _is_single(settings: RecipeSettings, context: RecipeContext) -> bool:
    """Return whether a batch is computed as a whole: on a GPU, and as others' losses are no sums over images."""
    return context.device != "cpu" or _architecture(settings) != GEOMSA
