"""The recipes on a GPU: figures and times beside the CPU's, mixed precision, breaking off, the exported graph."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_recipes import deal, make_cells
from benchmarks.gpu.steps import Pixels, Where, attempt, full_memory, read_memory
from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.dense.detector import DetectorRecipe
from inference.vision.learning.dense.segmenter import SegmenterRecipe
from inference.vision.learning.export.parity import find_difference
from inference.vision.learning.recipes import full_training, onnx_graph, probe_recipe
from inference.vision.learning.recipes.contract import (
    EpochFigures,
    Example,
    ExampleSet,
    LabeledBox,
    Recipe,
    RecipeContext,
    TrainedNetwork,
)
from inference.vision.learning.recipes.epochs.determinism import determined
from inference.vision.learning.recipes.epochs.processes import train_in_processes
from inference.vision.learning.recipes.fine_tuning import FineTuningRecipe
from inference.vision.learning.recipes.full_training import FullTrainingRecipe
from inference.vision.learning.recipes.inputs import prepare_images
from inference.vision.learning.recipes.probe_recipe import ProbeRecipe
from inference.vision.learning.recipes.settings import InputSettings, RecipeSettings, TrainingSettings
from inference.vision.learning.recipes.whole_network import find_architecture
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (ProbeRecipe(), FineTuningRecipe(), FullTrainingRecipe(), SegmenterRecipe(), DetectorRecipe())
}
MARKS = ("scratch", "spot")
_COMPARED = 4


class BrokenOff(Exception):
    """What ends a training from outside."""


class Log:
    """Puts down the epochs; breaks off after `epochs` of them, where that is given."""

    def __init__(self, epochs: int = 0) -> None:
        self.rows: list[EpochFigures] = []
        self._epochs = epochs

    def progress(self, _stage: str, _done: int, _total: int) -> None:
        """Hear nothing."""

    def epoch(self, figures: EpochFigures) -> None:
        """Put an epoch down."""
        self.rows.append(figures)
        if len(self.rows) == self._epochs:
            raise BrokenOff


class Exported:
    """The last network that was exported."""

    module: Any = None


def measure_training(device: Where, names: list[str], *, count: int, epochs: int, size_px: int) -> dict[str, Any]:
    """Return the figures of every recipe, each on the CPU and on the device."""
    settings = RecipeSettings(
        input=InputSettings(width_px=size_px, height_px=size_px),
        training=TrainingSettings(epochs=epochs, batch_size=16, patience=0),
    )
    cells = make_cells()
    sets = {"classification": deal(cells, train=count, seed=0)}
    sets |= dict.fromkeys(("segmentation", "detection"), mark_cells(cells, count))
    found: dict[str, Any] = {"train": count, "epochs": epochs, "size_px": size_px}
    with tempfile.TemporaryDirectory(prefix="geomsa-gpu-") as folder:
        bench = Bench(device, Path(folder))
        for recipe in (RECIPES[name] for name in names):
            examples = sets[recipe.task]
            for name, where in (("cpu", "cpu"), ("device", device)):
                attempt(
                    found,
                    f"{recipe.name}_{name}",
                    lambda: bench.train(recipe, examples, settings, where),  # noqa: B023 - called at once
                )
            if recipe.name in ("fine_tune", "full"):
                plain = replace(settings, training=replace(settings.training, mixed_precision=False))
                attempt(
                    found,
                    f"{recipe.name}_float32",
                    lambda: bench.train(recipe, examples, plain, device),  # noqa: B023
                )
            attempt(found, f"{recipe.name}_estimate", lambda: bench.estimate(recipe, examples, settings))  # noqa: B023
            if recipe.name != "probe":
                attempt(found, f"{recipe.name}_resumed", lambda: bench.resume(recipe, examples, settings))  # noqa: B023
            attempt(found, f"{recipe.name}_memory_full", lambda: bench.fill_memory(recipe, examples, settings))  # noqa: B023
        attempt(found, "one_process", lambda: bench.train_in_process(sets["classification"], settings))
        attempt(found, "two_processes", lambda: bench.train_in_two(sets["classification"], settings))
    return found


class Bench:
    """Trains in folders of its own."""

    def __init__(self, device: Where, folder: Path) -> None:
        self._device: Where = device
        self._folder = folder
        self._number = 0

    def train(self, recipe: Recipe, examples: ExampleSet, settings: RecipeSettings, where: str) -> dict[str, Any]:
        """Return the figures of one training."""
        read_memory(self._device)
        log, exported, began = Log(), Exported(), time.perf_counter()
        with watch_export(exported):
            trained = recipe.train(
                examples, settings, RecipeContext(None, where), scratch=self._scratch(), listener=log
            )
        seconds = time.perf_counter() - began
        later = [row.seconds for row in log.rows[1:]] or [row.seconds for row in log.rows]
        losses = [row.train_loss for row in log.rows if row.train_loss is not None]
        goal = trained.val.get(recipe.goal)
        found = {
            "seconds": round(seconds, 2),
            "epoch_s": [round(row.seconds, 3) for row in log.rows],
            "images_per_s": round(len(examples.of("train")) / statistics.median(later), 1),
            "losses": [round(loss, 4) for loss in losses],
            "finite": all(math.isfinite(loss) for loss in losses),
            recipe.goal: None if goal is None else round(float(goal), 4),
            "best_epoch": trained.best_epoch,
            "stopped_for": trained.stopped_for,
            "graph_difference": trained.figures.get("graph_difference"),
        }
        if where != "cpu":
            found["memory_mib"] = read_memory(self._device)
        return found | {"parity": compare_graph(trained, exported.module, examples, where)}

    def estimate(self, recipe: Recipe, examples: ExampleSet, settings: RecipeSettings) -> dict[str, Any]:
        """Return what the recipe expects to take on the device."""
        cost = recipe.estimate(examples, settings, RecipeContext(None, self._device))
        return {"seconds": round(cost.seconds, 2), "memory_mib": cost.memory_bytes >> 20}

    def resume(self, recipe: Recipe, examples: ExampleSet, settings: RecipeSettings) -> dict[str, Any]:
        """Return how a training that was broken off differs from one that was not, and two of those."""
        context = RecipeContext(None, self._device)
        calm, again = (
            recipe.train(examples, settings, context, scratch=self._scratch(), listener=Log()) for _ in range(2)
        )
        scratch = self._scratch()
        try:
            recipe.train(examples, settings, context, scratch=scratch, listener=Log(2))
        except BrokenOff:
            log = Log()
            resumed = recipe.train(examples, settings, context, scratch=scratch, listener=log)
        return {
            "epochs_told_after": [row.epoch for row in log.rows],
            "same_bytes_again": calm.graph == again.graph,
            "same_bytes_resumed": calm.graph == resumed.graph,
            "weights_again": compare_weights(calm, again),
            "weights_resumed": compare_weights(calm, resumed),
            recipe.goal: [one.val.get(recipe.goal) for one in (calm, again, resumed)],
        }

    def fill_memory(self, recipe: Recipe, examples: ExampleSet, settings: RecipeSettings) -> dict[str, Any]:
        """Return the error of a training on a full GPU."""
        with full_memory(self._device):
            try:
                recipe.train(
                    examples, settings, RecipeContext(None, self._device), scratch=self._scratch(), listener=Log()
                )
            except ModelError as error:
                return {"code": error.code, "text": str(error)}
        return {"code": ""}

    def train_in_process(self, examples: ExampleSet, settings: RecipeSettings) -> dict[str, Any]:
        """Return the figures of a training in a process of its own, as there are several of on several devices."""
        scratch, log = self._scratch(), Log()
        architecture = find_architecture(settings.backbone, None, scratch=False)
        description = full_training.describe(examples, settings, architecture)
        began = time.perf_counter()
        with determined(settings.seed, device=self._device, threads=CORES):
            images = prepare_images(examples.of("train", "val"), description, scratch, log)
            found = train_in_processes(
                architecture,
                full_training.make_batches(images, examples, settings),
                full_training.make_plan("full", images, description, architecture, settings),
                size_px=(description.height_px, description.width_px),
                device=self._device,
                scratch=scratch,
                listener=log,
            )
        losses = [row["train_loss"] for row in found.history]
        return {"seconds": round(time.perf_counter() - began, 2), "losses": losses, "told": len(log.rows)}

    def train_in_two(self, examples: ExampleSet, settings: RecipeSettings) -> dict[str, Any]:
        """Return what becomes of two processes: each wants a device of its own."""
        wanted = replace(settings, training=replace(settings.training, processes=2))
        log = Log()
        try:
            FullTrainingRecipe().train(
                examples, wanted, RecipeContext(None, self._device), scratch=self._scratch(), listener=log
            )
        except ModelError as error:
            return {"code": error.code, "text": str(error)}
        return {"losses": [row.train_loss for row in log.rows]}

    def _scratch(self) -> Path:
        self._number += 1
        return self._folder / str(self._number)


@contextmanager
def watch_export(exported: Exported) -> Iterator[None]:
    """Keep the network that is exported."""
    export = onnx_graph.export_onnx

    def keep(module: Any, **options: Any) -> bytes:
        exported.module = module
        return export(module, **options)

    with ExitStack() as stack:
        for holder in (onnx_graph, full_training, probe_recipe):
            stack.enter_context(mock.patch.object(holder, "export_onnx", keep))
        yield


def compare_graph(trained: TrainedNetwork, module: Any, examples: ExampleSet, where: str) -> dict[str, float]:
    """Return how far the network on its device is from its graph on the CPU, in shares of the largest value."""
    import onnxruntime
    import torch

    shown = [example.load() for example in examples.of("val")[:_COMPARED]]
    inputs = np.stack([prepare_input(pixels, trained.description) for pixels in shown])
    names = trained.description.outputs
    with torch.inference_mode():
        said = module.to(where).eval()(torch.from_numpy(inputs).to(where))
    outputs = dict(zip(names, (one.cpu().numpy() for one in ([said] if len(names) == 1 else said)), strict=True))
    module.to("cpu")
    session = onnxruntime.InferenceSession(trained.graph, providers=["CPUExecutionProvider"])
    found = session.run(list(names), {"images": inputs})
    return {
        "openvino": find_difference(outputs, NetworkRuntime(trained.graph, trained.description).compute(list(inputs))),
        "onnxruntime": find_difference(outputs, dict(zip(names, found, strict=True))),
    }


def compare_weights(one: TrainedNetwork, other: TrainedNetwork) -> float:
    """Return the largest difference of the weights in two graphs, in shares of a tensor's largest value."""
    import onnx
    from onnx import numpy_helper

    ours, theirs = (onnx.load_from_string(trained.graph).graph.initializer for trained in (one, other))
    if len(ours) != len(theirs):
        return math.inf
    largest = 0.0
    for mine, yours in zip(ours, theirs, strict=True):
        here, there = numpy_helper.to_array(mine), numpy_helper.to_array(yours)
        if here.shape != there.shape:
            return math.inf
        if here.dtype == np.float32 and here.size:
            largest = max(largest, float(np.abs(here - there).max() / max(1e-9, float(np.abs(here).max()))))
    return largest


def mark_cells(cells: list[tuple[str, Callable[[], Pixels]]], count: int) -> ExampleSet:
    """Return functional cells, most of them with drawn defects whose place is known."""
    good = [load for label, load in cells if label == "good"]
    examples = []
    for place in range(min(len(good), count + count // 4)):
        label = ("good", *MARKS)[place % 3]
        pixels, mask = draw_mark(good[place](), label, place)
        marks: Mapping[str, NDArray[np.bool_]] = {} if label == "good" else {label: mask}
        x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
        boxes = () if label == "good" else (LabeledBox(x, y, width, height, label),)
        examples.append(
            Example(
                key=f"image:{place}",
                label=label,
                is_defect=label != "good",
                part=str(place),
                split="train" if place < count else "val",
                domain="line",
                content_sha256=f"{place:064d}",
                load=lambda pixels=pixels: pixels,  # type: ignore[misc]
                load_marks=lambda marks=marks: marks,  # type: ignore[misc]
                load_boxes=lambda boxes=boxes: boxes,  # type: ignore[misc]
            )
        )
    return ExampleSet(("good", *MARKS), frozenset({"good"}), Preprocessing(), "gray", tuple(examples))


def draw_mark(pixels: Pixels, label: str, seed: int) -> tuple[Pixels, NDArray[np.bool_]]:
    """Return a cell with a bright scratch or a dark spot, and where it is."""
    rng = np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    drawn = np.zeros((height, width), np.uint8)
    x, y = (int(rng.uniform(0.25, 0.75) * side) for side in (width, height))
    if label == "scratch":
        turn, long = rng.uniform(0, np.pi), 0.2 * width
        ends = [(int(x + side * long * np.cos(turn)), int(y + side * long * np.sin(turn))) for side in (-1, 1)]
        cv2.line(drawn, ends[0], ends[1], 1, max(2, width // 40))
    elif label == "spot":
        cv2.circle(drawn, (x, y), int(rng.uniform(0.05, 0.12) * width), 1, -1)
    mask = drawn.astype(np.bool_)
    changed = pixels.copy()
    changed[mask] = 240 if label == "scratch" else 10
    return changed, mask
