"""What a run needs before it can train: its dataset version, its recipe, its images, its weights, enough memory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.datasets.freezing import create_dataset
from core.datasets.records import DatasetHead, SplitRule
from core.deployments.capacity import measure_capacity
from core.errors import AppError, NotReady, from_lower
from core.jobs.stored_error import StoredError
from core.training.configuration.checking import check_configuration
from core.training.examples import TrainingExamples, read_examples
from core.training.recipes.registry import RecipeSpec
from core.training.recipes.weights import find_recipe_weights
from inference.errors import InferenceError
from inference.processes import read_resident_bytes
from inference.vision.learning.recipes.contract import RecipeContext
from inference.vision.learning.recipes.settings import RecipeSettings

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.training.configuration.records import RunConfiguration
    from inference.vision.learning.recipes.contract import TrainingCost
    from storage.tables import Product

GIB = 1024**3


@dataclass(frozen=True)
class PreparedRun:
    """A configuration with all that it names: the product's code and the dataset version's number are written in."""

    configuration: RunConfiguration
    product: Product
    head: DatasetHead
    spec: RecipeSpec
    learned: TrainingExamples

    @property
    def settings(self) -> RecipeSettings:
        """Return what the recipe is trained with."""
        return settings_of(self.configuration)


def settings_of(configuration: RunConfiguration) -> RecipeSettings:
    """Return the part of a configuration that a recipe is trained with."""
    return RecipeSettings(
        backbone=configuration.model.backbone,
        scratch=configuration.model.scratch,
        input=configuration.input,
        augmentation=configuration.augmentation,
        training=configuration.training,
        options=dict(configuration.model.options),
        seed=configuration.seed,
    )


def prepare_run(services: Services, person: Person, configuration: RunConfiguration) -> PreparedRun:
    """Return a configuration with its dataset version and images, checked.

    Without a version named, the newest that is whole is taken, else a new one is made of the product's images. Raises
    as `check_configuration`, `create_dataset` and `read_examples`.
    """
    checked = check_configuration(services, person, configuration)
    head = checked.dataset or _make_dataset(services, person, checked.product.id, configuration)
    data = replace(configuration.data, dataset=head.number, view=checked.view)
    learned = read_examples(services, head.id, data, task=configuration.task)
    named = replace(configuration, product=checked.product.code, data=data)
    return PreparedRun(named, checked.product, head, checked.spec, learned)


def open_context(services: Services, configuration: RunConfiguration, spec: RecipeSpec) -> RecipeContext:
    """Return where the recipe computes on this machine. Raises NotReady for weights or a device that is not there."""
    from inference.vision.networks.runtime import choose_device

    services.models.keep_graphs()
    try:
        device = choose_device(services.settings.device)
    except InferenceError as error:
        raise from_lower(error) from error
    cache = services.settings.cache_dir / "training_features"
    cache.mkdir(parents=True, exist_ok=True)
    return RecipeContext(weights=find_recipe_weights(services, configuration.model, spec), device=device, cache=cache)


def limit_memory(configuration: RunConfiguration) -> int | None:
    """Return how many bytes of memory a run may take; None where only the machine sets a limit."""
    own = configuration.limits.memory_gib
    return int(own * GIB) if own > 0 else None


def refuse_memory(services: Services, configuration: RunConfiguration, cost: TrainingCost) -> AppError | None:
    """Return why a training of this size cannot begin on this machine, None where it can."""
    limit = limit_memory(configuration)
    needed = f"{cost.memory_bytes / GIB:.2f}"
    if limit is not None and cost.memory_bytes > limit:
        return NotReady("run_memory_limit", needed=needed, limit=f"{limit / GIB:.2f}")
    free = measure_capacity(services.settings).memory_bytes
    if free is not None and cost.memory_bytes > free + read_resident_bytes(os.getpid()):
        return NotReady("memory_too_small", needed=needed, free=f"{free / GIB:.2f}")
    return None


def list_warnings(run: PreparedRun, cost: TrainingCost | None = None) -> tuple[StoredError, ...]:
    """Return what a person should know before the run starts: codes of sentences, with what stands in them."""
    found = [StoredError(one.code, one.params) for one in run.learned.chosen.notices]
    if cost is not None and cost.ignored:
        found.append(StoredError("run_settings_ignored", {"settings": ", ".join(cost.ignored)}))
    minutes = run.configuration.limits.minutes
    if cost is not None and minutes and cost.seconds > 60.0 * minutes:
        params = {"minutes": f"{minutes:g}", "expected": f"{cost.seconds / 60.0:.1f}"}
        found.append(StoredError("run_longer_than_limit", params))
    return tuple(found)


def _make_dataset(services: Services, person: Person, product_id: int, configuration: RunConfiguration) -> DatasetHead:
    data = configuration.data
    rule = SplitRule(val_share=data.val_share, test_share=data.test_share, seed=configuration.seed)
    return create_dataset(services, person, product_id, rule=rule)
