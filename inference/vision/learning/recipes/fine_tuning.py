"""Fine-tuning: from the probe's head on, the last stages are trained; kept only where validation says so."""

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
from inference.vision.learning.recipes.augmentation import changes_pixels, fit_to_modality
from inference.vision.learning.recipes.checking import CHECKED, check_graph
from inference.vision.learning.recipes.contract import (
    ExampleSet,
    Listener,
    Recipe,
    RecipeContext,
    TrainedNetwork,
    TrainingCost,
)
from inference.vision.learning.recipes.costs import Silence, measure_head_cost, time_training
from inference.vision.learning.recipes.epochs.batches import Batches
from inference.vision.learning.recipes.epochs.checkpoints import read_checkpoint_bytes
from inference.vision.learning.recipes.epochs.determinism import determined
from inference.vision.learning.recipes.epochs.judging import compute_logits, is_better
from inference.vision.learning.recipes.epochs.plan import Epochs, Plan, Side
from inference.vision.learning.recipes.epochs.training import train_epochs
from inference.vision.learning.recipes.heads.head_training import (
    HeadTraining,
    choose_threshold,
    measure_examples,
    train_head,
)
from inference.vision.learning.recipes.heads.logistic_head import find_temperature, log_loss
from inference.vision.learning.recipes.heads.pooled_trunk import count_features, pooled_graph
from inference.vision.learning.recipes.inputs import PreparedImages, describe_classifier, prepare_images
from inference.vision.learning.recipes.probe_recipe import export_classifier, export_head
from inference.vision.learning.recipes.settings import RecipeSettings
from inference.vision.learning.recipes.staged_trunk import build_staged_classifier
from inference.vision.learning.recipes.ticking import Ticker
from inference.vision.learning.recipes.unused import list_ignored
from inference.vision.networks.backbones import resolve_weights

if TYPE_CHECKING:
    import torch

# The trunk has learned from a million images already: it is changed more slowly than the head.
RATES = {"whole.trunk.": 0.1}
# What the part that stays made of all images is kept in memory up to so much.
MOST_KEPT_BYTES = 1 << 30
NOT_BETTER, NO_VALIDATION = "not_better_than_probe", "no_validation"


class FineTuningRecipe(Recipe):
    """The last stages of a network trained from the probe's head on. Validation decides between it and the probe."""

    name = "fine_tune"
    task = "classification"
    goal = "macro_f1"

    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return what the training will take: the probe, and a few steps that are timed."""
        cost = measure_head_cost(examples, settings, context, recipe=self.name)
        graph = pooled_graph(settings.backbone, settings.input)
        weights = resolve_weights(graph.backbone, context.weights)
        blank = np.zeros((len(examples.labels), count_features(graph.backbone)), np.float32)
        stages = settings.training.trained_stages
        epochs = time_training(
            examples,
            settings,
            describe_classifier(examples, settings, recipe=self.name, size_px=graph.size_px),
            build_staged_classifier(graph, weights, blank, blank[:, 0], stages=stages),
            lambda module, images: make_batches(module, images, examples, settings, context.device, Silence()),
            device=context.device,
            train_mode=False,
        )
        return TrainingCost(
            seconds=cost.seconds + epochs.seconds,
            memory_bytes=max(cost.memory_bytes, epochs.memory_bytes),
            images=cost.images,
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
        """Return the best epoch's network where it is better than the probe on validation, else the probe's.

        Better is the higher macro-F1, among equal ones the lower log loss, each with the temperature that suits it.
        Without validation nothing can be said: the probe is returned, and `stopped_for` says `no_validation`. Raises
        as `train_head`, and ModelError(`training_diverged`, `out_of_memory`, `graph_differs`).
        """
        started = time.monotonic()
        fitted = train_head(examples, settings, context, recipe=self.name, scratch=scratch, listener=listener)
        if not fitted.val:
            return _keep_probe(fitted, listener, NO_VALIDATION, None, {})
        with determined(settings.seed, device=context.device, threads=CORES):
            images = prepare_images(fitted.examples, fitted.description, scratch, listener)
            if not len(images.places("val")):
                return _keep_probe(fitted, listener, NO_VALIDATION, None, {})
            module = _build(fitted, settings)
            batches = make_batches(module, images, examples, settings, context.device, listener)
            plan = make_plan(self.name, fitted, settings, examples)
            head_s = time.monotonic() - started
            found = train_epochs(
                module, batches, plan, scratch=scratch, listener=listener, side=Side(device=context.device)
            )
            module = _restore(_build(fitted, settings), found).to(context.device)
            logits = compute_logits(
                module, batches, batches.val, plan, listener=listener, side=Side(device=context.device)
            )
            return self._choose(fitted, images, examples, module, found, logits, listener, head_s)

    def read_checkpoint(self, scratch: Path) -> bytes | None:
        """Return weights, optimizer and best epoch as safetensors."""
        return read_checkpoint_bytes(scratch)

    def _choose(
        self,
        fitted: HeadTraining,
        images: PreparedImages,
        examples: ExampleSet,
        module: torch.nn.Module,
        found: Epochs,
        logits: NDArray[np.float64],
        listener: Listener,
        head_s: float,
    ) -> TrainedNetwork:
        # What could be looked at once may be gone by now: both are measured on the same images.
        places, row_of = images.places("val"), {one.key: place for place, one in enumerate(fitted.examples)}
        chosen = [images.examples[place] for place in places]
        rows = [row_of[one.key] for one in chosen]
        truth = fitted.truth[rows]
        temperature = find_temperature(logits, truth)
        shares = softmax(logits / temperature)
        val = measure_examples(examples, chosen, shares) | {"log_loss": log_loss(logits / temperature, truth)}
        # The probe's temperature, too, is that of these images alone: a comparison of equals.
        theirs = fitted.head.probabilities(fitted.rows[rows])
        probe = measure_examples(examples, chosen, theirs)["macro_f1"]
        said = np.log(theirs.clip(1e-12))
        probe_loss = log_loss(said / find_temperature(said, truth), truth)
        seconds = {"head": head_s, "epochs": sum(row["seconds"] for row in found.history)}
        better = is_better((val["macro_f1"], val["log_loss"]), (probe, probe_loss))
        if not better:
            return _keep_probe(fitted, listener, NOT_BETTER, found, val)
        import torch

        ticker = Ticker(listener, "export", 1)
        whole: Any = module.whole
        with torch.no_grad():
            whole.head.weight.div_(temperature)
            whole.head.bias.div_(temperature)
        graph = export_classifier(whole, fitted)
        description = replace(fitted.description, threshold=choose_threshold(examples, chosen, shares))
        difference = check_graph(graph, description, images.pixels[places[:CHECKED]], shares[:CHECKED])
        ticker.set(1)
        own = {"temperature": temperature, "graph_difference": difference, "seconds": fitted.seconds | seconds}
        return TrainedNetwork(
            graph=graph,
            description=description,
            best_epoch=found.best_epoch,
            epochs_done=found.done,
            val=val,
            figures=_join(fitted, own, found, val),
            skipped=fitted.skipped | images.skipped,
            stopped_for=found.stopped_for,
        )


def _keep_probe(
    fitted: HeadTraining, listener: Listener, reason: str, found: Epochs | None, val: dict[str, Any]
) -> TrainedNetwork:
    kept = export_head(fitted, listener, stopped_for=reason)
    figures = _join(fitted, kept.figures, found, val)
    return replace(kept, best_epoch=0, epochs_done=found.done if found else 0, figures=figures)


def make_plan(recipe: str, fitted: HeadTraining, settings: RecipeSettings, examples: ExampleSet) -> Plan:
    """Return what is trained how; its digest stands for all that the weights depend on."""
    described = [
        recipe,
        settings.to_json(),
        fitted.description.to_json(),
        [(one.key, one.content_sha256, one.label, one.part, one.split, one.weight) for one in fitted.examples],
        hashlib.sha256(fitted.head.weights.tobytes() + fitted.head.bias.tobytes()).hexdigest(),
    ]
    minutes = settings.options.get("minutes", 0.0)
    return Plan(
        settings=settings.training,
        count=len(examples.labels),
        seed=settings.seed,
        digest=hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest(),
        rates=RATES,
        train_mode=False,
        minutes=float(minutes) if isinstance(minutes, int | float) else 0.0,
    )


def make_batches(
    module: torch.nn.Module,
    images: PreparedImages,
    examples: ExampleSet,
    settings: RecipeSettings,
    device: str,
    listener: Listener,
) -> Batches:
    """Return what the epochs are fed with: what the part that stays makes of the images, where that may be kept."""
    augmentation = fit_to_modality(settings.augmentation, examples.modality)
    kept = None if changes_pixels(augmentation) else _freeze(module, images, settings, device, listener)
    return Batches(
        images.pixels,
        images.truth(examples.labels),
        train=images.places("train"),
        val=images.places("val"),
        weights=np.array([one.weight for one in images.examples], np.float64),
        augmentation=augmentation,
        seed=settings.seed,
        kept=kept,
    )


def _freeze(
    module: Any, images: PreparedImages, settings: RecipeSettings, device: str, listener: Listener
) -> list[torch.Tensor] | None:
    """Return what the part that stays makes of all images, float32 tensors (N, …), None where that is too much."""
    import torch

    if not module.can_freeze:
        return None
    module.to(device)
    count, size = len(images.examples), max(1, settings.training.batch_size)
    kept: list[torch.Tensor] = []
    ticker = Ticker(listener, "images", count)
    with torch.no_grad():
        for start in range(0, count, size):
            batch = torch.from_numpy(np.array(images.pixels[start : start + size])).to(device)
            made = [one.cpu() for one in module.before(batch)]
            if not kept:
                if sum(one[0].numel() * 4 for one in made) * count > MOST_KEPT_BYTES:
                    return None
                kept = [torch.empty((count, *one.shape[1:])) for one in made]
            for whole, part in zip(kept, made, strict=True):
                whole[start : start + size] = part
            ticker.set(min(start + size, count))
    return kept


def _build(fitted: HeadTraining, settings: RecipeSettings) -> Any:
    stages = settings.training.trained_stages
    return build_staged_classifier(fitted.graph, fitted.weights, fitted.head.weights, fitted.head.bias, stages=stages)


def _restore(module: Any, found: Epochs) -> Any:
    import torch

    names = dict(module.named_parameters())
    with torch.no_grad():
        for name, one in found.best_state.items():
            names[name].copy_(one)
    return module


def _join(fitted: HeadTraining, own: Any, found: Epochs | None, val: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of both, so that what was decided can be seen."""
    return {
        **fitted.to_json(),
        **own,
        "probe": fitted.val,
        "fine_tuned": val,
        "fine_tuned_epoch": found.best_epoch if found else 0,
        "epochs_stopped_for": found.stopped_for if found else "",
        "history": list(found.history) if found else [],
    }
