"""Which settings a recipe does not look at: said once, for its estimate, for forms and for names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from inference.vision.learning.recipes.settings import AugmentationSettings, RecipeSettings, TrainingSettings

_MIXED = ("augmentation.mixup", "augmentation.cutmix")
_DENSE = (
    *_MIXED,
    "augmentation.erasing",
    "training.label_smoothing",
    "training.processes",
    "training.mixed_precision",
)
# By recipe, as a configuration names them; a recipe that is not named here uses everything.
UNUSED: Mapping[str, tuple[str, ...]] = {
    "probe": (*_MIXED, *(f"training.{one.name}" for one in fields(TrainingSettings)), "model.scratch"),
    "fine_tune": ("training.processes", "model.scratch"),
    "full": ("training.trained_stages",),
    "segmenter": (*_DENSE, "training.trained_stages"),
    "detector": _DENSE,
    # Another program brings its own network.
    "adapter": ("model.backbone", "model.scratch"),
}
_PLAIN: Mapping[str, Any] = {"augmentation": AugmentationSettings(), "training": TrainingSettings()}


def list_ignored(recipe: str, settings: RecipeSettings) -> tuple[str, ...]:
    """Return the settings that are set to something other than their default and that the recipe does not look at."""
    found = []
    for path in UNUSED.get(recipe, ()):
        section, name = path.split(".")
        value = getattr(settings if section == "model" else getattr(settings, section), name)
        # What is off asks for nothing.
        if value and (section == "model" or value != getattr(_PLAIN[section], name)):
            found.append(path)
    return tuple(found)
