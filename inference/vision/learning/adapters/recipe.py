"""A recipe that an adapter carries out: handed the images, heard, and its graph taken as a graph among others."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.errors import ModelError
from inference.vision.learning.adapters.exchange import (
    AdapterResult,
    read_figures,
    read_made,
    remove_given,
    write_given,
)
from inference.vision.learning.adapters.graph import adapt_graph
from inference.vision.learning.adapters.launch import AdapterLaunch
from inference.vision.learning.adapters.process import LONGEST_S, AdapterLimits, run_adapter
from inference.vision.learning.recipes.contract import (
    TIME_LIMIT,
    EndEarly,
    EpochFigures,
    ExampleSet,
    Listener,
    Recipe,
    RecipeContext,
    TrainedNetwork,
    TrainingCost,
)
from inference.vision.learning.recipes.settings import RecipeSettings
from inference.vision.learning.trained_network.description import PRIMARY_FIGURES, NetworkDescription, Task

_START_THRESHOLD = 0.5
_STAGES = ("start", "epochs", "export")


class AdapterRecipe(Recipe):
    """Training by an adapter, for one task of those that it knows.

    What its graph is worth is measured here, on images that the adapter has not been handed; the figures that it
    reports are shown as its own. It goes on from `state` where it kept something there.
    """

    name = "adapter"

    def __init__(self, launch: AdapterLaunch, task: Task, *, longest_s: float = LONGEST_S) -> None:
        if task not in launch.manifest.tasks:
            raise ModelError("adapter_task", name=launch.manifest.name, task=task)
        self.launch, self.task, self.goal = launch, task, PRIMARY_FIGURES[task]
        self._longest_s = longest_s

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return what is known before: the images and epochs. No step of somebody else's is timed here."""
        self.launch.manifest.read_options(settings.options)
        memory_bytes = round(self.launch.manifest.memory_gib * 1024**3)
        return TrainingCost(0.0, memory_bytes, len(examples.of("train")), settings.training.epochs, measured=False)

    def train(
        self,
        examples: ExampleSet,
        settings: RecipeSettings,
        context: RecipeContext,
        *,
        scratch: Path,
        listener: Listener,
    ) -> TrainedNetwork:
        """Return what the adapter made.

        Raises ModelError: `adapter_failed`, `adapter_timeout`, `adapter_silent`, `adapter_memory`,
        `adapter_result_invalid`, `adapter_graph_invalid`, `config_invalid`; and what the listener raises.
        """
        manifest = self.launch.manifest
        options = manifest.read_options(settings.options)
        given, made, state = scratch / "given", scratch / "made", scratch / "state"
        remove_given(given)
        for folder in (made, state):
            folder.mkdir(parents=True, exist_ok=True)
        for left in made.iterdir():
            if left.is_file() or left.is_symlink():
                left.unlink()
        skipped = write_given(
            examples, settings, self.task, options, given,
            tell=lambda done, total: listener.progress("extract", done, total),
        )  # fmt: skip
        heard = _Heard(listener, settings.training.epochs)
        try:
            held = run_adapter(
                self.launch,
                ["train"],
                given=given,
                made=made,
                state=state,
                limits=AdapterLimits(self._longest_s, manifest.silent_s, round(manifest.memory_gib * 1024**3)),
                hear=heard.hear,
                wait=heard.wait,
            )
        except EndEarly:
            # It cannot be told to end: begun once more, from its own state, with as many epochs as it has done.
            fewer = replace(settings.training, epochs=max(1, heard.epochs_done))
            fewer_settings = replace(settings, training=fewer)
            found = self.train(examples, fewer_settings, context, scratch=scratch, listener=listener)
            return replace(found, stopped_for=TIME_LIMIT)
        finally:
            remove_given(given)
        listener.progress("export", 0, 1)
        labels = examples.labels if self.task == "classification" else examples.defect_labels
        content, result = read_made(made, self.task, labels, name=manifest.name)
        graph = adapt_graph(content, result, self.task, name=manifest.name)
        return TrainedNetwork(
            graph=graph,
            description=self._describe(examples, result),
            best_epoch=result.best_epoch,
            epochs_done=max(result.epochs_done, heard.epochs_done),
            val={},
            figures={
                "adapter": {"name": manifest.name, "version": manifest.version, "manifest_sha256": manifest.sha256},
                "held_apart": dict(held),
                "reported": dict(result.reported),
                "log": heard.log[-50:],
            },
            skipped=skipped,
        )

    def _describe(self, examples: ExampleSet, result: AdapterResult) -> NetworkDescription:
        manifest = self.launch.manifest
        licenses = {manifest.name: manifest.license.name}
        if result.license:
            licenses["model"] = result.license
        return NetworkDescription(
            task=self.task,
            recipe=self.name,
            labels=result.labels,
            good_labels=examples.good_labels & frozenset(result.labels),
            width_px=result.width_px,
            height_px=result.height_px,
            resize=result.resize,
            preprocessing=examples.preprocessing,
            threshold=_START_THRESHOLD,
            backbone=f"{manifest.name} {manifest.version}".strip(),
            licenses=licenses,
        )


class _Heard:
    """What an adapter's lines say, passed on as long as it makes sense."""

    def __init__(self, listener: Listener, epochs: int) -> None:
        self._listener, self._epochs = listener, epochs
        self._stage = ("start", 0, 0)
        self._since = time.monotonic()
        self.epochs_done = 0
        self.log: list[str] = []

    def wait(self) -> None:
        self._listener.progress(*self._stage)

    def hear(self, said: Mapping[str, Any]) -> None:
        event = said.get("event")
        if event == "progress" and said.get("stage") in _STAGES:
            done, total = said.get("done"), said.get("total")
            if type(done) is int and type(total) is int and 0 <= done <= total <= 10**9:
                self._stage = (str(said["stage"]), done, total)
        elif event == "log" and isinstance(said.get("text"), str) and len(self.log) < 200:
            self.log.append(str(said["text"])[:300])
        elif event == "epoch":
            self._hear_epoch(said)

    def _hear_epoch(self, said: Mapping[str, Any]) -> None:
        epoch = said.get("epoch")
        # Each epoch once, in order: a line that is told twice is no epoch more.
        if type(epoch) is not int or not self.epochs_done < epoch <= 100_000:
            return
        self.epochs_done = epoch
        figures = read_figures({name: said.get(name) for name in ("train_loss", "val_loss", "learning_rate")})
        seen = said.get("images_seen")
        now = time.monotonic()
        self._stage = ("epochs", min(epoch, self._epochs), max(epoch, self._epochs))
        self._listener.epoch(
            EpochFigures(
                epoch=epoch,
                epochs=max(epoch, self._epochs),
                images_seen=seen if type(seen) is int and 0 <= seen <= 10**12 else 0,
                train_loss=figures.get("train_loss"),
                val_loss=figures.get("val_loss"),
                val=read_figures(said.get("val", {})),
                learning_rate=figures.get("learning_rate"),
                seconds=now - self._since,
            )
        )
        self._since = now
