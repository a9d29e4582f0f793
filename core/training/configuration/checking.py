"""Checking a configuration against what is here: product, view, dataset version, recipe, weights, marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.access import ENGINEER, Person, require_role
from core.catalog.products import find_named_product
from core.catalog.views import choose_view
from core.datasets.reading import find_dataset, list_datasets, require_intact
from core.datasets.records import DatasetHead
from core.errors import BadInput, NotFound
from core.jobs.notices import Notice
from core.services import Services
from core.training.choosing import choose_images
from core.training.configuration.nearest import show_value
from core.training.configuration.records import RunConfiguration
from core.training.recipes.opening import check_adapter
from core.training.recipes.registry import ADAPTER, RecipeSpec, find_recipe, list_recipes
from core.training.recipes.weights import find_recipe_weights
from core.transactions import reading
from storage.tables import Product


@dataclass(frozen=True)
class CheckedConfiguration:
    """What a configuration stands on: `view` is the code that is meant, `dataset` None where one has to be made first.

    `counts` are training images by class, of the view and of the classes that are asked for. `notices` speak against
    the training without forbidding it.
    """

    product: Product
    spec: RecipeSpec
    view: str
    dataset: DatasetHead | None
    counts: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


def check_configuration(services: Services, person: Person, configuration: RunConfiguration) -> CheckedConfiguration:
    """Return what the configuration stands on, and what speaks against it.

    Raises NotAllowed; NotFound for a product, view or dataset version that is not there; Conflict for a version that is
    broken; BadInput config_product_missing, config_recipe_unknown, config_recipe_of_other_task, config_adapter_missing
    with the path of the setting as `field`; what speaks against an adapter, as `check_adapter`; and as
    `find_recipe_weights` and `choose_images`.
    """
    require_role(services, person, ENGINEER)
    if not configuration.product.strip():
        raise BadInput("config_product_missing", at="", field="product")
    product = find_named_product(services, configuration.product)
    spec = _check_model(services, configuration)
    with reading(services) as session:
        view = choose_view(session, product, configuration.data.view)
    head = _find_dataset(services, product.id, configuration.data.dataset)
    if head is None:
        return CheckedConfiguration(product, spec, view, None)
    chosen = choose_images(services, head.id, view, configuration.data, task=configuration.task)
    return CheckedConfiguration(product, spec, view, head, chosen.counts, chosen.notices)


def _check_model(services: Services, configuration: RunConfiguration) -> RecipeSpec:
    model = configuration.model
    if (model.recipe == ADAPTER) != bool(model.adapter):
        raise BadInput("config_adapter_missing", at="", field="model.adapter")
    spec = _find_recipe(model.recipe, configuration.task)
    if not spec.fits(configuration.task):
        raise BadInput(
            "config_recipe_of_other_task",
            at="",
            field="model.recipe",
            recipe=model.recipe,
            task=configuration.task,
            choices=", ".join(one.name for one in list_recipes(configuration.task)),
        )
    if model.adapter:
        check_adapter(services, configuration)
    find_recipe_weights(services, model, spec)
    return spec


def _find_recipe(name: str, task: str) -> RecipeSpec:
    try:
        return find_recipe(name)
    except NotFound:
        known = ", ".join(one.name for one in list_recipes(task))
        raise BadInput(
            "config_recipe_unknown", at="", field="model.recipe", value=show_value(name), choices=known
        ) from None


def _find_dataset(services: Services, product_id: int, number: int | None) -> DatasetHead | None:
    """Return the version that is named, else the newest that is whole, None without one."""
    if number is not None:
        head = find_dataset(services, product_id, number)
        require_intact(head)
        return head
    return next((one for one in list_datasets(services, product_id) if not one.broken_reason), None)
