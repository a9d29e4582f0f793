"""A recipe that needs no network: it learns from mean colors in a moment, and gives a real ONNX graph.

Its options: `epoch_s` (how long an epoch takes), `log` (a file that gets a line for each epoch trained), `shuffled`
(labels are dealt anew: a model that has learned nothing), `full_disk_while` (a file: while it is
there, the disk is full at epoch 2), `memory_gib` (what it estimates).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.access import Person
from core.errors import AppError
from core.jobs import claims
from core.services import Services
from core.training.configuration.reading import read_configuration
from core.training.configuration.records import RunConfiguration
from core.training.recipes.registry import RecipeSpec, register, unregister
from core.training.runs.starting import start_run
from core.training.runs.working import work_off
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
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import prepare_input

RECIPE = "tiny"
_STEPS = 40
_GAIN = 25.0


class TinyRecipe(Recipe):
    """Softmax regression on the mean color, by gradient descent."""

    name = RECIPE
    task = "classification"
    goal = "macro_f1"
    # Called when an epoch is trained, before it is stored: for what happens in the midst of a training.
    on_epoch: ClassVar[Callable[[int], None] | None] = None

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return what it takes."""
        memory = int(float(settings.options.get("memory_gib", 0.01)) * 1024**3)
        epochs = settings.training.epochs
        seconds = 0.01 + epochs * float(settings.options.get("epoch_s", 0.0))
        return TrainingCost(seconds, memory, len(examples.of("train")), epochs, True, ("training.batch_size",))

    def train(
        self,
        examples: ExampleSet,
        settings: RecipeSettings,
        context: RecipeContext,
        *,
        scratch: Path,
        listener: Listener,
    ) -> TrainedNetwork:
        """Return the network, from where the scratch folder is."""
        options = settings.options
        description = NetworkDescription(
            task="classification",
            recipe=RECIPE,
            labels=examples.labels,
            good_labels=examples.good_labels,
            width_px=settings.input.width_px,
            height_px=settings.input.height_px,
            resize=settings.input.resize,
            preprocessing=examples.preprocessing,
            threshold=0.5,
            has_activation=True,
            backbone="",
        )
        sets = {split: _read(examples, split, description, listener) for split in ("train", "val")}
        if options.get("shuffled"):
            features, truth, weights = sets["train"]
            sets["train"] = (features, np.random.default_rng(7).permutation(truth) * 0, weights)
        count = len(examples.labels)
        state = _load(scratch) or {
            "epoch": 0,
            "weights": np.random.default_rng(settings.seed).normal(0.0, 0.01, (4, count)).tolist(),
            "best": None,
        }
        epochs, stopped_for = settings.training.epochs, ""
        try:
            while state["epoch"] < epochs:
                started = time.monotonic()
                _learn(state, sets["train"], count, settings.training.learning_rate)
                wait = float(options.get("epoch_s", 0.0))
                while time.monotonic() - started < wait:
                    listener.progress("train", state["epoch"], epochs)
                    time.sleep(0.02)
                state["epoch"] += 1
                loss, score = _judge(state["weights"], sets["val"])
                if state["best"] is None or score > state["best"]["score"]:
                    state["best"] = {"epoch": state["epoch"], "score": score, "weights": state["weights"]}
                if TinyRecipe.on_epoch is not None:
                    TinyRecipe.on_epoch(state["epoch"])
                if Path(str(options.get("full_disk_while", "-"))).exists() and state["epoch"] == 2:
                    Path("/dev/full").write_text("x" * 10_000)
                _save(scratch, state)
                if "log" in options:
                    with Path(options["log"]).open("a") as file:
                        file.write(f"{state['epoch']}\n")
                seen = state["epoch"] * len(sets["train"][1])
                figures = EpochFigures(
                    state["epoch"], epochs, seen, _judge(state["weights"], sets["train"])[0], loss,
                    {"macro_f1": score}, settings.training.learning_rate, time.monotonic() - started,
                )  # fmt: skip
                listener.epoch(figures)
        except EndEarly:
            stopped_for = TIME_LIMIT
        best = state["best"]
        graph = build_graph(np.array(best["weights"]), description)
        return TrainedNetwork(
            graph, description, best["epoch"], state["epoch"], {"macro_f1": best["score"]}, stopped_for=stopped_for
        )

    def read_checkpoint(self, scratch: Path) -> bytes | None:
        """Return the weights of the last epoch."""
        from safetensors.numpy import save

        state = _load(scratch)
        return None if state is None else save({"weights": np.array(state["weights"])})


def build_graph(weights: np.ndarray, description: NetworkDescription) -> bytes:
    """Return the network as ONNX: 4×K weights of red, green, blue (shares, less .4, times a gain) and one."""
    count = weights.shape[1]
    kernel = (weights[:3] * _GAIN).T.astype(np.float32)
    bias = (weights[3] - 0.4 * _GAIN * weights[:3].sum(axis=0)).astype(np.float32)
    constants = [
        numpy_helper.from_array(kernel.reshape(count, 3, 1, 1) / np.float32(255.0), "kernel"),
        numpy_helper.from_array(bias, "bias"),
    ]
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["cells", "kernel", "bias"], ["activation"]),
        helper.make_node("GlobalAveragePool", ["activation"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    size = [description.height_px, description.width_px, 3]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", *size])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", count]),
            helper.make_tensor_value_info("activation", TensorProto.FLOAT, ["n", count, size[0] // 8, size[1] // 8]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _read(examples: ExampleSet, split: Any, description: NetworkDescription, listener: Listener) -> Any:
    own = examples.of(split)
    features = np.ones((len(own), 4))
    for number, example in enumerate(own):
        listener.progress("extract", number, len(own))
        features[number, :3] = _GAIN * (prepare_input(example.load(), description).mean(axis=(0, 1)) / 255.0 - 0.4)
    truth = np.array([examples.labels.index(example.label) for example in own])
    return features, truth, np.array([example.weight for example in own])


def _shares(weights: Any, features: np.ndarray) -> np.ndarray:
    logits = features @ np.array(weights)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return found


def _learn(state: dict[str, Any], data: Any, count: int, rate: float) -> None:
    features, truth, drawn = data
    weights = np.array(state["weights"])
    for _ in range(_STEPS):
        error = (_shares(weights, features) - np.eye(count)[truth]) * drawn[:, None]
        weights -= rate * features.T @ error / drawn.sum()
    state["weights"] = weights.tolist()


def _judge(weights: Any, data: Any) -> tuple[float, float]:
    features, truth, _ = data
    shares = _shares(weights, features)
    loss = float(-np.log(shares[np.arange(len(truth)), truth] + 1e-12).mean())
    return loss, float((shares.argmax(axis=1) == truth).mean())


def _load(scratch: Path) -> dict[str, Any] | None:
    path = scratch / "state.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


def _save(scratch: Path, state: dict[str, Any]) -> None:
    part = scratch / "state.part"
    part.write_text(json.dumps(state))
    part.replace(scratch / "state.json")


@contextmanager
def tiny_recipe() -> Iterator[None]:
    """Offer the recipe for a while."""
    register(RecipeSpec(RECIPE, "classification", "Tiny", "Learns mean colors.", "tests.trained_runs:TinyRecipe"))
    try:
        yield
    finally:
        TinyRecipe.on_epoch = None
        unregister(RECIPE)


def tiny_configuration(product: str = "spots", **more: Mapping[str, Any] | Any) -> RunConfiguration:
    """Return a configuration of the recipe; `options` are those of its model, other sections add to what it has."""
    options = more.pop("options", {})
    values: dict[str, Any] = {
        "product": product,
        "model": {"recipe": RECIPE, "scratch": True, "options": dict(options)},
        "input": {"width_px": 64, "height_px": 64},
        "training": {"epochs": 3, "learning_rate": 1.0},
    }
    for name, value in more.items():
        values[name] = {**values.get(name, {}), **value} if isinstance(value, Mapping) else value
    return read_configuration(values)


def train(services: Services, person: Person, **more: Any) -> int:
    """Start a run, work it off in this process, and return its id."""
    run_id = start_run(services, person, tiny_configuration(**more))
    error = work_next(services)
    assert error is None, error
    return run_id


def work_next(services: Services) -> AppError | None:
    """Work the next job off in this process, as the child of a worker does."""
    claim = claims.claim_next(services, "tests", lease_s=600.0)
    assert claim is not None
    error = work_off(services, claim)
    claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
    return error
