"""The recipes that there are. A new one is a class of its own in `inference`, and one entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.errors import NotFound
from core.i18n import N_

if TYPE_CHECKING:
    from inference.vision.learning.recipes.contract import Recipe


# The recipe whose work another program does, and the task of a recipe that is not bound to one.
ADAPTER = "adapter"
ANY_TASK = ""


@dataclass(frozen=True)
class RecipeSpec:
    """A recipe's name, task and words (msgids), where its class is, and what it starts from where nobody set a value.

    `defaults` are by section and field, as in a configuration: those of the sections hold for all others.
    """

    name: str
    task: str
    title: str
    description: str
    path: str
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    any_backbone: bool = False

    def fits(self, task: str) -> bool:
        """Return whether it can carry out the task; what an adapter knows is said by its manifest."""
        return self.task in (task, ANY_TASK)

    def open(self) -> Recipe:
        """Return the recipe; what it computes with is imported only now."""
        module, name = self.path.split(":")
        made: Recipe = getattr(import_module(module), name)()
        return made


_SPECS: dict[str, RecipeSpec] = {
    spec.name: spec
    for spec in (
        RecipeSpec(
            "probe",
            "classification",
            N_("Probe"),
            N_("A linear classifier on a network that stays as it is: minutes for thousands of images, without a GPU."),
            "inference.vision.learning.recipes.probe_recipe:ProbeRecipe",
        ),
        RecipeSpec(
            "fine_tune",
            "classification",
            N_("Fine-tuning"),
            N_("Trains the last stages of the network from the probe's head on; kept only where validation says so."),
            "inference.vision.learning.recipes.fine_tuning:FineTuningRecipe",
        ),
        RecipeSpec(
            "full",
            "classification",
            N_("Full training"),
            N_("Trains a whole network of any architecture, from a weights file or from scratch; wants a GPU."),
            "inference.vision.learning.recipes.full_training:FullTrainingRecipe",
            any_backbone=True,
        ),
        RecipeSpec(
            "segmenter",
            "segmentation",
            N_("Segmentation"),
            N_("Learns from drawn masks where each type of defect is, pixel by pixel."),
            "inference.vision.learning.dense.segmenter:SegmenterRecipe",
            {
                "input": {"width_px": 320, "height_px": 320},
                "augmentation": {"flip_horizontal": True, "flip_vertical": True},
                "training": {"epochs": 30, "batch_size": 8, "learning_rate": 0.003, "trained_stages": 0},
            },
        ),
        RecipeSpec(
            "detector",
            "detection",
            N_("Detection"),
            N_("Learns from boxes to find and name every defect in an image."),
            "inference.vision.learning.dense.detector:DetectorRecipe",
            {
                "input": {"width_px": 640, "height_px": 640, "resize": "letterbox"},
                "augmentation": {"flip_horizontal": True, "flip_vertical": True},
                "training": {"epochs": 40, "batch_size": 8, "learning_rate": 0.003, "trained_stages": 0},
            },
        ),
        RecipeSpec(
            ADAPTER,
            ANY_TASK,
            N_("Adapter"),
            N_("Trained by another program in its own environment, shut in; what it makes is measured here."),
            "inference.vision.learning.adapters.recipe:AdapterRecipe",
            any_backbone=True,
        ),
    )
}


def list_recipes(task: str | None = None) -> tuple[RecipeSpec, ...]:
    """Return the recipes of a task, or all of them, in the order in which they are offered: without adapters."""
    return tuple(spec for spec in _SPECS.values() if spec.name != ADAPTER and task in (None, spec.task))


def find_recipe(name: str) -> RecipeSpec:
    """Return the recipe of that name. Raises NotFound(`recipe_unknown`)."""
    try:
        return _SPECS[name]
    except KeyError:
        raise NotFound("recipe_unknown", name=name, choices=", ".join(_SPECS)) from None


def register(spec: RecipeSpec) -> None:
    """Offer one more recipe in this process. Raises ValueError for a name that is taken."""
    if spec.name in _SPECS:
        raise ValueError(f"there is a recipe of the name {spec.name} already")
    _SPECS[spec.name] = spec


def unregister(name: str) -> None:
    """Withdraw a recipe that was registered. Raises KeyError for one that is not there."""
    del _SPECS[name]
