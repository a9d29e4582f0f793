"""Making a draft of what was understood, and changing it: checked like YAML, nothing is started."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.access import ENGINEER, require_role
from core.assistant.drafting.draft import Draft, Missing, flatten, nest
from core.assistant.names import product_choices
from core.assistant.tools.contract import ToolContext
from core.catalog.names import ProductName
from core.catalog.products import list_products
from core.datasets.reading import list_datasets
from core.errors import AppError, BadInput
from core.inspections.records import load_record
from core.training.recipes.registry import list_recipes

_OWN_TASK = "task"
_RECIPE, _BACKBONE = "model.recipe", "model.backbone"


def make_draft(
    context: ToolContext, said: Mapping[str, Any], products: Sequence[str], *, before: Draft | None = None
) -> Draft:
    """Return the draft of a training; with `before`, that one with what is said now over it.

    `products` are the codes that the words may mean. What cannot be is told in `problem`, never raised. Raises
    NotAllowed for whoever is no quality engineer, and BadInput where there is no product at all.
    """
    require_role(context.services, context.person, ENGINEER)
    if not context.names.products:
        raise BadInput("assistant_no_products")
    all_said = dict(before.said) if before is not None else {}
    from_data = dict(before.from_data) if before is not None else {}
    if len(products) == 1 and products[0] != (before.product if before is not None else None):
        # What came from another product's data does not hold for this one.
        from_data, all_said = {}, {path: one for path, one in all_said.items() if not path.startswith("data.")}
    all_said |= _with_whole_network(said)
    if "report.goals" in said and before is not None:
        all_said["report.goals"] = {**before.said.get("report.goals", {}), **said["report.goals"]}
    if len(products) == 1:
        all_said["product"] = products[0]
    if before is not None and _OWN_TASK in said and _RECIPE not in said:
        all_said.pop(_RECIPE, None)
    draft = Draft(all_said, from_data)
    if not draft.product:
        draft = _find_product(context, draft, products)
    return check_draft(context, draft)


def _with_whole_network(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said with the whole name of a network of which only the family was: `dinov2`."""
    from inference.vision.networks.catalog import list_networks

    name = str(said.get(_BACKBONE) or "")
    known = [network.name for network in list_networks()] if name else []
    if not name or name in known:
        return dict(said)
    bare = _bare(name)
    family = [one for one in known if _bare(one) == bare] or [one for one in known if _bare(one).startswith(bare)]
    return {**said, _BACKBONE: family[0]} if len(family) == 1 else dict(said)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name)


def check_draft(context: ToolContext, draft: Draft) -> Draft:
    """Return the draft with what comes from the data, what is missing, and its configuration where it is whole."""
    if not draft.product:
        return _with_problem_of_values(draft)
    product = context.names.product(draft.product)
    if product is None:
        choices = tuple(product_choices(context.names.products, context.speech.language))
        said = {path: value for path, value in draft.said.items() if path != "product"}
        return replace(draft, said=said, missing=(Missing("product", choices),), configuration={})
    from_data = {**draft.from_data, **_read_data(context, product, draft)}
    draft = replace(draft, from_data={path: one for path, one in from_data.items() if path not in draft.said})
    views = context.names.views_of(product.id)
    if len(views) > 1 and not draft.said.get("data.view"):
        draft = replace(draft, missing=(Missing("data.view", tuple((view, view) for view in views)),))
        return _with_problem_of_values(draft)
    return _complete(draft)


def draft_of_yaml(context: ToolContext, text: str, before: Draft) -> Draft:
    """Return the draft that a person wrote as YAML: what differs from the one before was said. Raises BadInput."""
    from core.training.configuration.yaml_text import parse_configuration

    require_role(context.services, context.person, ENGINEER)
    whole = parse_configuration(text).to_json()
    values, old = flatten(whole), flatten(before.configuration)
    changed = {path: value for path, value in values.items() if old.get(path) != value}
    said = {**{path: values[path] for path in before.said if path in values}, **changed}
    from_data = {path: values[path] for path in before.from_data if path in values and path not in said}
    if context.names.product(str(values.get("product"))) is None:
        raise BadInput("assistant_product_gone", product=str(values.get("product"))[:64])
    return Draft(said, from_data, (), whole)


def write_draft_yaml(draft: Draft) -> str:
    """Return the draft's configuration as YAML. Raises BadInput where it is not whole."""
    from core.training.configuration.reading import read_configuration
    from core.training.configuration.yaml_text import write_yaml

    return write_yaml(read_configuration(draft.configuration))


def _find_product(context: ToolContext, draft: Draft, products: Sequence[str]) -> Draft:
    known = context.names.products
    if len(known) == 1:
        return replace(draft, from_data={**draft.from_data, "product": known[0].code})
    if not products and context.inspection_id is not None:
        code = _opened_product(context)
        if code:
            return replace(draft, from_data={**draft.from_data, "product": code})
    meant: Sequence[ProductName] = [one for one in known if one.code in products] or known
    return replace(draft, missing=(Missing("product", tuple(product_choices(meant, context.speech.language))),))


def _opened_product(context: ToolContext) -> str:
    assert context.inspection_id is not None
    try:
        code = load_record(context.services, context.inspection_id).product.code
    except AppError:
        return ""
    return code if context.names.product(code) is not None else ""


def _read_data(context: ToolContext, product: ProductName, draft: Draft) -> dict[str, Any]:
    """Return the settings that the product's own data give: its dataset version, its only view, its only task."""
    found: dict[str, Any] = {}
    views = context.names.views_of(product.id)
    if len(views) == 1:
        found["data.view"] = views[0]
    newest = next((head for head in list_datasets(context.services, product.id) if not head.broken_reason), None)
    if newest is not None:
        found["data.dataset"] = newest.number
    return found


def count_images(context: ToolContext, product_code: str) -> tuple[int, int]:
    """Return how many normal and defect images a product has, whatever their split."""
    own = next((one for one in list_products(context.services) if one.product.code == product_code), None)
    if own is None:
        return 0, 0
    normal = own.n_normal_train + own.n_normal_val + own.n_normal_test
    return normal, own.n_defect_train + own.n_defect_val + own.n_defect_test


def _complete(draft: Draft) -> Draft:
    """Return the draft with its whole configuration: the recipe's defaults, over them the data's and what was said."""
    from core.training.configuration.reading import read_configuration

    values = {**draft.from_data, **draft.said}
    task = str(values.get(_OWN_TASK) or "classification")
    if _RECIPE not in values:
        values[_RECIPE] = list_recipes(task)[0].name
    values[_OWN_TASK] = task
    try:
        whole = read_configuration(nest(values)).to_json()
    except AppError as error:
        return replace(draft, configuration={}, problem=(error.code, _plain(error.params)), missing=())
    return replace(draft, configuration=whole, problem=None, missing=())


def _with_problem_of_values(draft: Draft) -> Draft:
    """Return the draft with what is wrong with the values that were said, while something else is missing."""
    stand_in = replace(draft, said={**draft.said, "product": draft.product or "-"})
    checked = _complete(stand_in)
    return replace(draft, configuration={}, problem=checked.problem)


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name): value if isinstance(value, str | int | float | bool) or value is None else str(value)
        for name, value in params.items()
    }
