"""What a configuration begins with: the defaults of all, and over them those of its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import NotFound
from core.training.configuration.fields import SECTION_TYPES
from core.training.configuration.records import ModelSection, RunConfiguration
from core.training.recipes.registry import ANY_TASK, RecipeSpec, find_recipe, list_recipes


def with_recipe_defaults(recipe: str, product: str) -> RunConfiguration:
    """Return the configuration that a recipe begins with for the product of this code.

    A recipe that is not there any more has the defaults of all, one that is bound to no task the first task.
    """
    spec = _find(recipe)
    made: dict[str, Any] = {
        section: kind(**starting_values(recipe, section))
        for section, kind in SECTION_TYPES.items()
        if section != "model"
    }
    model = ModelSection(**{**starting_values(recipe, "model"), "recipe": recipe})
    if spec is None or spec.task == ANY_TASK:
        return RunConfiguration(product=product, model=model, **made)
    return RunConfiguration(product=product, task=spec.task, model=model, **made)


def starting_values(recipe: str, section: str) -> Mapping[str, Any]:
    """Return what a recipe sets in a section where nobody else did; its other settings have the defaults of all."""
    spec = _find(recipe)
    return {} if spec is None else spec.defaults.get(section, {})


def first_recipe(task: str) -> str:
    """Return the recipe that is offered first for a task."""
    return list_recipes(task)[0].name


def task_of(recipe: str) -> str | None:
    """Return the task of a recipe, None for one that is not there."""
    spec = _find(recipe)
    return None if spec is None else spec.task


def _find(recipe: str) -> RecipeSpec | None:
    try:
        return find_recipe(recipe)
    except NotFound:
        return None
