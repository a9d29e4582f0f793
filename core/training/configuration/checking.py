"""Checking a configuration against what is here: product, view, dataset version, recipe, weights, marks."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field

from core.access import ENGINEER, Person, require_role
from core.catalog.products import find_product
from core.catalog.views import choose_view
from core.datasets.reading import find_dataset, list_datasets, load_dataset, require_intact
from core.datasets.records import Dataset, DatasetHead, FrozenImage
from core.errors import BadInput, NotFound, NotReady
from core.jobs.notices import Notice
from core.models.weight_paths import find_added, find_weights
from core.services import Services
from core.training.configuration.nearest import show_value
from core.training.configuration.records import RunConfiguration
from core.training.recipes.registry import RecipeSpec, find_recipe, list_recipes
from core.transactions import reading
from inference.vision.networks.specifications import find_backbone, list_backbones
from storage.tables import Product

ADAPTER = "adapter"
_ARCHITECTURE = re.compile(r"[a-z][a-z0-9_]{1,80}(?:\.[a-z0-9_]{1,40})?")
# With fewer training images a class is hardly learned.
_FEW = 10
_MOST_NAMED = 8


@dataclass(frozen=True)
class CheckedConfiguration:
    """What a configuration stands on: `view` is the code that is meant, `dataset` None where one has to be made first.

    `counts` are training images by class, of the view and of the classes that are asked for. `notices` speak against
    the training without forbidding it.
    """

    product: Product
    view: str
    dataset: DatasetHead | None
    counts: dict[str, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


def check_configuration(services: Services, person: Person, configuration: RunConfiguration) -> CheckedConfiguration:
    """Return what the configuration stands on, and what speaks against it.

    Raises NotAllowed; NotFound for a product, view or dataset version that is not there; Conflict for a version that is
    broken; NotReady backbone_weights_missing, config_one_class, config_without_marks, config_without_val,
    config_view_without_images; and
    BadInput config_recipe_unknown, config_recipe_of_other_task, config_adapter_missing, config_backbone_unknown,
    config_label_unknown, the last with the path of the setting as `field`.
    """
    require_role(services, person, ENGINEER)
    product = find_product(services, configuration.product)
    _check_model(services, configuration)
    with reading(services) as session:
        view = choose_view(session, product, configuration.data.view)
    head = _find_dataset(services, product.id, configuration.data.dataset)
    if head is None:
        return CheckedConfiguration(product, view, None)
    counts, notices = _check_images(configuration, load_dataset(services, head.id), view)
    return CheckedConfiguration(product, view, head, counts, notices)


def _check_model(services: Services, configuration: RunConfiguration) -> None:
    model = configuration.model
    if (model.recipe == ADAPTER) != bool(model.adapter):
        raise BadInput("config_adapter_missing", at="", field="model.adapter")
    spec = _find_recipe(model.recipe, configuration.task)
    if spec.task != configuration.task:
        raise BadInput(
            "config_recipe_of_other_task",
            at="",
            field="model.recipe",
            recipe=model.recipe,
            task=configuration.task,
            choices=", ".join(one.name for one in list_recipes(configuration.task)),
        )
    if not model.adapter:
        _check_backbone(services, spec, model.backbone, from_scratch=model.scratch)


def _find_recipe(name: str, task: str) -> RecipeSpec:
    try:
        return find_recipe(name)
    except NotFound:
        known = ", ".join(one.name for one in list_recipes(task))
        raise BadInput(
            "config_recipe_unknown", at="", field="model.recipe", value=show_value(name), choices=known
        ) from None


def _check_backbone(services: Services, spec: RecipeSpec, name: str, *, from_scratch: bool) -> None:
    known = {one.name: one for one in list_backbones()}
    if name in known:
        if not from_scratch and find_weights(services.settings, name) is None:
            raise NotReady("backbone_weights_missing", name=find_backbone(name).title)
        return
    # Whether timm has the architecture is said by the dry step: importing it takes seconds.
    if not spec.any_backbone or not _ARCHITECTURE.fullmatch(name):
        near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
        raise BadInput(
            "config_backbone_unknown",
            at="",
            field="model.backbone",
            value=show_value(name),
            choices=", ".join(near or known),
        )
    if not from_scratch and find_added(services.settings.weights_dir, name) is None:
        raise NotReady("backbone_weights_missing", name=name)


def _find_dataset(services: Services, product_id: int, number: int | None) -> DatasetHead | None:
    if number is not None:
        head = find_dataset(services, product_id, number)
        require_intact(head)
        return head
    return next((one for one in list_datasets(services, product_id) if not one.broken_reason), None)


def _check_images(
    configuration: RunConfiguration, dataset: Dataset, view: str
) -> tuple[dict[str, int], tuple[Notice, ...]]:
    data = configuration.data
    images = dataset.of(view=view)
    if not images:
        raise NotReady("config_view_without_images", number=dataset.head.number, view=view or "–")
    present = dict.fromkeys(sorted(image.label for image in images))
    for label in data.labels:
        if label not in present:
            raise BadInput(
                "config_label_unknown",
                at="",
                field="data.labels",
                value=show_value(label),
                number=dataset.head.number,
                choices=", ".join(list(present)[:40]),
            )
    wanted = [image for image in images if not data.labels or image.label in data.labels]
    if configuration.task != "classification":
        return _check_marks(configuration, wanted)
    counts = Counter(image.label for image in wanted if image.split == "train")
    learned = {label: count for label, count in counts.items() if count >= data.least_images}
    if len(learned) < 2:
        raise NotReady("config_one_class", lowest=data.least_images, found=_list_counts(counts) or "–")
    left_out = {label: counts[label] for label in present if _is_wanted(data.labels, label) and label not in learned}
    return dict(sorted(learned.items())), (*_speak_of_classes(learned, left_out), *_speak_of_splits(wanted))


def _check_marks(
    configuration: RunConfiguration, images: list[FrozenImage]
) -> tuple[dict[str, int], tuple[Notice, ...]]:
    """Return what can be learned of where defects are: training images with a mask, by class."""
    defects = [image for image in images if image.split == "train" and image.is_defect]
    marked = Counter(image.label for image in defects if image.mask_sha256)
    learned = {label: count for label, count in marked.items() if count >= configuration.data.least_images}
    if not learned:
        raise NotReady("config_without_marks", lowest=configuration.data.least_images)
    left_out = {image.label: marked[image.label] for image in defects if image.label not in learned}
    notices = [*_speak_of_classes(learned, left_out), *_speak_of_splits(images)]
    unmarked = len(defects) - sum(marked.values())
    if unmarked:
        notices.append(Notice("config_warns_unmarked", {"count": unmarked, "total": len(defects)}))
    return dict(sorted(learned.items())), tuple(notices)


def _speak_of_classes(learned: dict[str, int], left_out: dict[str, int]) -> list[Notice]:
    notices = []
    if left_out:
        notices.append(Notice("config_warns_left_out", {"classes": _list_counts(left_out)}))
    few = {label: count for label, count in learned.items() if count < _FEW}
    if few:
        notices.append(Notice("config_warns_few", {"classes": _list_counts(few), "lowest": _FEW}))
    return notices


def _speak_of_splits(images: list[FrozenImage]) -> list[Notice]:
    splits = {image.split for image in images}
    if "val" not in splits:
        raise NotReady("config_without_val")
    return [] if "test" in splits else [Notice("config_warns_no_test")]


def _is_wanted(labels: tuple[str, ...], label: str) -> bool:
    return not labels or label in labels


def _list_counts(counts: dict[str, int] | Counter[str]) -> str:
    """Return `pin (3), burr (1)`, the smallest first; of many the first few."""
    ordered = sorted(counts.items(), key=lambda one: (one[1], one[0]))
    written = ", ".join(f"{label} ({count})" for label, count in ordered[:_MOST_NAMED])
    return f"{written}, …" if len(ordered) > _MOST_NAMED else written
