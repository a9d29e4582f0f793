"""Opening the recipe of a configuration: a class of ours, or an adapter as it is started on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.adapters.registry import open_adapter
from core.errors import BadInput, from_lower
from core.training.recipes.registry import ADAPTER, RecipeSpec
from inference.errors import InferenceError

if TYPE_CHECKING:
    from core.services import Services
    from core.training.configuration.records import RunConfiguration
    from inference.vision.learning.recipes.contract import Recipe


def open_recipe(services: Services, configuration: RunConfiguration, spec: RecipeSpec) -> Recipe:
    """Return the recipe. Raises what `core.adapters.registry.open_adapter` raises, and BadInput adapter_task."""
    if spec.name != ADAPTER:
        return spec.open()
    from inference.vision.learning.adapters.recipe import AdapterRecipe

    try:
        return AdapterRecipe(open_adapter(services, configuration.model.adapter), configuration.task)  # type: ignore[arg-type]
    except InferenceError as error:
        raise BadInput(error.code, **error.params) from error


def check_adapter(services: Services, configuration: RunConfiguration) -> None:
    """Raise what speaks against the adapter of a configuration, its task and its options, before anything is started.

    Raises as `open_recipe`, and BadInput config_invalid for an option.
    """
    launch = open_adapter(services, configuration.model.adapter)
    if configuration.task not in launch.manifest.tasks:
        raise BadInput("adapter_task", name=launch.manifest.name, task=configuration.task)
    try:
        launch.manifest.read_options(configuration.model.options)
    except InferenceError as error:
        raise from_lower(error) from error
