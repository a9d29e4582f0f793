"""Full training: every weight of a network of any architecture, on one device or on several."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.parallel import CORES
from inference.vision.learning.probe import softmax
from inference.vision.learning.recipes.augmentation import fit_to_modality
from inference.vision.learning.recipes.checking import CHECKED, check_graph
from inference.vision.learning.recipes.contract import (
    ExampleSet,
    Listener,
    Recipe,
    RecipeContext,
    TrainedNetwork,
    TrainingCost,
)
from inference.vision.learning.recipes.costs import time_training
from inference.vision.learning.recipes.epochs.batches import Batches
from inference.vision.learning.recipes.epochs.checkpoints import read_checkpoint_bytes
from inference.vision.learning.recipes.epochs.determinism import determined
from inference.vision.learning.recipes.epochs.judging import compute_logits
from inference.vision.learning.recipes.epochs.plan import Epochs, Plan, Side
from inference.vision.learning.recipes.epochs.processes import train_in_processes
from inference.vision.learning.recipes.epochs.training import train_epochs
from inference.vision.learning.recipes.heads.head_training import choose_threshold, measure_examples
from inference.vision.learning.recipes.heads.logistic_head import find_temperature, log_loss
from inference.vision.learning.recipes.inputs import (
    PreparedImages,
    check_labels,
    choose_examples,
    describe_classifier,
    prepare_images,
    round_sides,
)
from inference.vision.learning.recipes.onnx_graph import export_onnx
from inference.vision.learning.recipes.settings import RecipeSettings
from inference.vision.learning.recipes.ticking import Ticker
from inference.vision.learning.recipes.unused import list_ignored
from inference.vision.learning.recipes.whole_network import (
    Architecture,
    build_exported,
    build_network,
    find_architecture,
    has_evidence,
)
from inference.vision.networks.backbones import hash_weights

if TYPE_CHECKING:
    import torch

    from inference.vision.learning.trained_network.description import NetworkDescription

NO_VALIDATION = "no_validation"


class FullTrainingRecipe(Recipe):
    """Every weight of any of timm's architectures, from a weights file or from scratch."""

    name = "full"
    task = "classification"
    goal = "macro_f1"

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return what the training will take: a few steps are timed on one device, and divided among the processes."""
        used = choose_examples(examples)
        check_labels(examples, used)
        architecture = find_architecture(settings.backbone, context.weights, scratch=settings.scratch)
        description = describe(examples, settings, architecture)
        size_px = (description.height_px, description.width_px)
        module = build_network(architecture, labels=len(examples.labels), size_px=size_px, seed=settings.seed)
        cost = time_training(
            examples,
            settings,
            description,
            module,
            lambda _module, images: make_batches(images, examples, settings),
            device=context.device,
            train_mode=True,
        )
        return TrainingCost(
            seconds=cost.seconds / (settings.training.processes if context.device != "cpu" else 1),
            memory_bytes=cost.memory_bytes,
            images=len(used),
            epochs=settings.training.epochs,
            measured=True,
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
        """Return the best epoch's network; without validation that is the last one, and `stopped_for` says so.

        Raises ModelError: those of `check_labels`, `find_architecture` and `build_network`, `training_diverged`,
        `training_process_failed`, `out_of_memory`, `graph_differs`; and what the listener raises.
        """
        used = choose_examples(examples)
        check_labels(examples, used)
        architecture = find_architecture(settings.backbone, context.weights, scratch=settings.scratch)
        description = describe(examples, settings, architecture)
        size_px = (description.height_px, description.width_px)
        with determined(settings.seed, device=context.device, threads=CORES):
            images = prepare_images(used, description, scratch, listener)
            check_labels(examples, images.examples)
            batches = make_batches(images, examples, settings)
            plan = make_plan(self.name, images, description, architecture, settings)
            if settings.training.processes > 1:
                found = train_in_processes(
                    architecture,
                    batches,
                    plan,
                    size_px=size_px,
                    device=context.device,
                    scratch=scratch,
                    listener=listener,
                )
            else:
                module = build_network(architecture, labels=plan.count, size_px=size_px, seed=plan.seed)
                found = train_epochs(
                    module, batches, plan, scratch=scratch, listener=listener, side=Side(device=context.device)
                )
            # The best epoch's weights in a network that knows nothing of the last one's.
            module = build_network(architecture, labels=plan.count, size_px=size_px, seed=plan.seed)
            module.load_state_dict({**module.state_dict(), **found.best_state})
            return _finish(module, found, images, batches, plan, description, examples, context, listener)

    def read_checkpoint(self, scratch: Path) -> bytes | None:
        """Return weights, optimizer and best epoch as safetensors."""
        return read_checkpoint_bytes(scratch)


def describe(examples: ExampleSet, settings: RecipeSettings, architecture: Architecture) -> NetworkDescription:
    """Return what the network will be, as far as that is known before it is trained."""
    size_px = round_sides(settings.input)
    plain = describe_classifier(examples, settings, recipe=FullTrainingRecipe.name, size_px=size_px)
    return replace(plain, licenses={architecture.title: architecture.license} if architecture.license else {})


def make_batches(images: PreparedImages, examples: ExampleSet, settings: RecipeSettings) -> Batches:
    """Return what the epochs are fed with."""
    return Batches(
        images.pixels,
        images.truth(examples.labels),
        train=images.places("train"),
        val=images.places("val"),
        weights=np.array([one.weight for one in images.examples], np.float64),
        augmentation=fit_to_modality(settings.augmentation, examples.modality),
        seed=settings.seed,
    )


def make_plan(
    recipe: str,
    images: PreparedImages,
    description: NetworkDescription,
    architecture: Architecture,
    settings: RecipeSettings,
) -> Plan:
    """Return what is trained how; its digest stands for all that the weights depend on."""
    described = [
        recipe,
        settings.to_json(),
        description.to_json(),
        [(one.key, one.content_sha256, one.label, one.split, one.weight) for one in images.examples],
        hash_weights(architecture.weights) if architecture.weights is not None else "",
    ]
    minutes = settings.options.get("minutes", 0.0)
    return Plan(
        settings=settings.training,
        count=len(description.labels),
        seed=settings.seed,
        digest=hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest(),
        minutes=float(minutes) if isinstance(minutes, int | float) else 0.0,
    )


def _finish(
    module: torch.nn.Module,
    found: Epochs,
    images: PreparedImages,
    batches: Batches,
    plan: Plan,
    description: NetworkDescription,
    examples: ExampleSet,
    context: RecipeContext,
    listener: Listener,
) -> TrainedNetwork:
    """Measure the best epoch on validation, calibrate it, and export it. Raises ModelError(`graph_differs`)."""
    size_px = (description.height_px, description.width_px)
    places = batches.val if len(batches.val) else batches.train[:CHECKED]
    module.to(context.device)
    logits = compute_logits(module, batches, places, plan, listener=listener, side=Side(device=context.device))
    temperature, val, threshold = 1.0, dict[str, Any](), 0.5
    if len(batches.val):
        truth, chosen = batches.truth[places], [images.examples[place] for place in places]
        temperature = find_temperature(logits, truth)
        shares: NDArray[np.float64] = softmax(logits / temperature)
        val = measure_examples(examples, chosen, shares) | {"log_loss": log_loss(logits / temperature, truth)}
        threshold = choose_threshold(examples, chosen, shares)
    ticker, started = Ticker(listener, "export", 1), time.monotonic()
    module.to("cpu")
    description = replace(description, threshold=threshold, has_activation=has_evidence(module, size_px))
    whole = build_exported(module, temperature=temperature, with_activation=description.has_activation)
    graph = export_onnx(whole, height_px=size_px[0], width_px=size_px[1], output_names=description.outputs)
    expected = softmax(logits[:CHECKED] / temperature)
    difference = check_graph(graph, description, np.array(images.pixels[places[:CHECKED]]), expected)
    ticker.set(1)
    epochs_s = sum(row["seconds"] for row in found.history)
    return TrainedNetwork(
        graph=graph,
        description=description,
        best_epoch=found.best_epoch,
        epochs_done=found.done,
        val=val,
        figures={
            "temperature": temperature,
            "graph_difference": difference,
            "history": list(found.history),
            "seconds": {"epochs": epochs_s, "export": time.monotonic() - started},
        },
        skipped=images.skipped,
        stopped_for=found.stopped_for if len(batches.val) or found.stopped_for else NO_VALIDATION,
    )
