"""What a run needs before it can train: its dataset version, its recipe, its images, its weights, room in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.catalog.products import find_named_product
from core.datasets.freezing import create_dataset
from core.datasets.reading import find_dataset, list_datasets, require_intact
from core.datasets.records import DatasetHead, SplitRule
from core.deployments.capacity import measure_capacity
from core.errors import AppError, BadInput, NotReady, from_lower
from core.jobs.stored_error import StoredError
from core.models.weight_paths import find_added, find_weights
from core.training.examples import TrainingExamples, read_examples
from core.training.recipes.registry import RecipeSpec, find_recipe
from inference.errors import InferenceError
from inference.vision.learning.recipes.contract import RecipeContext
from inference.vision.learning.recipes.settings import RecipeSettings

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.training.configuration.records import RunConfiguration
    from inference.vision.learning.recipes.contract import TrainingCost
    from storage.tables import Product

GIB = 1024**3
# Fewer test parts than this say little.
_FEWEST_TEST = 10


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
    NotFound for a product, version or recipe that is not there, Conflict for a version that is broken, NotReady
    (`run_weights_missing`), BadInput (`run_without_product`, `run_recipe_task`, and as `read_examples`).
    """
    if not configuration.product.strip():
        raise BadInput("run_without_product")
    spec = find_recipe(configuration.model.recipe)
    if spec.task != configuration.task:
        raise BadInput("run_recipe_task", recipe=spec.name, task=configuration.task, own_task=spec.task)
    find_run_weights(services, configuration, spec)
    product = find_named_product(services, configuration.product)
    head = _choose_dataset(services, person, product.id, configuration)
    require_intact(head)
    learned = read_examples(services, head.id, configuration.data, task=configuration.task)
    named = replace(configuration, product=product.code, data=replace(configuration.data, dataset=head.number))
    return PreparedRun(named, product, head, spec, learned)


def find_run_weights(services: Services, configuration: RunConfiguration, spec: RecipeSpec) -> Path | None:
    """Return the file of weights that a run begins with, None for one from scratch.

    Raises NotReady(`run_weights_missing`), and for a network that is not known, ModelError's code.
    """
    model = configuration.model
    if model.scratch:
        return None
    added = find_added(services.settings.weights_dir, Path(model.backbone).name)
    if spec.any_backbone and added is not None:
        return added
    try:
        found = find_weights(services.settings, model.backbone)
    except InferenceError as error:
        if spec.any_backbone:
            raise NotReady("run_weights_missing", backbone=model.backbone) from error
        raise from_lower(error) from error
    if found is None:
        raise NotReady("run_weights_missing", backbone=model.backbone)
    return found


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
    return RecipeContext(weights=find_run_weights(services, configuration, spec), device=device, cache=cache)


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
    if free is not None and cost.memory_bytes > free + read_own_memory():
        return NotReady("memory_too_small", needed=needed, free=f"{free / GIB:.2f}")
    return None


def read_own_memory() -> int:
    """Return how many bytes of memory this process has in use; 0 where the system does not say."""
    try:
        words = Path("/proc/self/statm").read_text(encoding="ascii").split()
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def list_warnings(run: PreparedRun, cost: TrainingCost | None = None) -> tuple[StoredError, ...]:
    """Return what a person should know before the run starts: codes of sentences, with what stands in them."""
    learned, configuration = run.learned, run.configuration
    found = [
        StoredError(one.reason, {"label": one.label, "count": one.images, "fewest": configuration.data.least_images})
        for one in learned.left_out
    ]
    if learned.absent_domains:
        found.append(StoredError("run_domains_absent", {"domains": ", ".join(learned.absent_domains)}))
    parts = {one.part for one in learned.examples.of("test")}
    if not parts:
        found.append(StoredError("run_without_test", {}))
    elif len(parts) < _FEWEST_TEST:
        found.append(StoredError("run_small_test", {"count": len(parts)}))
    taught = {one.label for one in learned.examples.of("train")}
    measured = {one.label for one in learned.examples.of("test")}
    unseen = sorted(set(learned.examples.labels) & taught - measured)
    if parts and unseen:
        found.append(StoredError("run_labels_untested", {"labels": ", ".join(unseen)}))
    if cost is not None and cost.ignored:
        found.append(StoredError("run_settings_ignored", {"settings": ", ".join(cost.ignored)}))
    minutes = configuration.limits.minutes
    if cost is not None and minutes and cost.seconds > 60.0 * minutes:
        params = {"minutes": f"{minutes:g}", "expected": f"{cost.seconds / 60.0:.1f}"}
        found.append(StoredError("run_longer_than_limit", params))
    return tuple(found)


def _choose_dataset(
    services: Services, person: Person, product_id: int, configuration: RunConfiguration
) -> DatasetHead:
    number = configuration.data.dataset
    if number is not None:
        return find_dataset(services, product_id, number)
    whole = next((head for head in list_datasets(services, product_id) if not head.broken_reason), None)
    if whole is not None:
        return whole
    data = configuration.data
    rule = SplitRule(val_share=data.val_share, test_share=data.test_share, seed=configuration.seed)
    return create_dataset(services, person, product_id, rule=rule)
