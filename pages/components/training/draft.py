"""The configuration that a person is making: one object for each product, which form and YAML show and change.

A text that cannot be read yet is kept as it was typed, and the object stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.catalog.products import find_product
from core.errors import AppError
from core.training.configuration.defaults import first_recipe, with_recipe_defaults
from core.training.configuration.fields import SECTION_TYPES, find_field, is_used, list_fields, read_value
from core.training.configuration.goals import list_goals
from core.training.configuration.records import RunConfiguration
from core.training.configuration.yaml_text import parse_configuration, write_yaml
from core.training.recipes.registry import ADAPTER
from pages.components.shared.pickers import remember_product
from pages.components.shared.session import services

FORM, YAML = "form", "yaml"
_DRAFTS, _TEXTS, _SIDE = "train_drafts", "train_texts", "train_side_chosen"
_FIRST_TASK = "classification"
# What is kept when another recipe is chosen: it says what is learned and wanted, not how.
_KEPT_SECTIONS = ("data", "report", "limits", "threshold", "input")


@dataclass(frozen=True)
class TypedText:
    """A YAML text as a person typed it, the configuration in it, and what is wrong with it where there is none."""

    text: str
    made: RunConfiguration | None
    error: AppError | None = None


def read_draft(code: str) -> RunConfiguration:
    """Return the configuration in the making for the product of this code."""
    drafts = st.session_state.setdefault(_DRAFTS, {})
    if code not in drafts:
        drafts[code] = with_recipe_defaults(first_recipe(_FIRST_TASK), code)
    found = drafts[code]
    assert isinstance(found, RunConfiguration)
    return found


def keep_draft(configuration: RunConfiguration) -> None:
    """Make this the configuration in the making for its product."""
    st.session_state.setdefault(_DRAFTS, {})[configuration.product] = configuration


def change_draft(code: str, path: str, value: Any) -> None:
    """Set one value, from a callback; the value is one that its field allows."""
    draft, spec = read_draft(code), find_field(path)
    if spec.section:
        section = replace(getattr(draft, spec.section), **{spec.name: value})
        keep_draft(replace(draft, **{spec.section: section}))
    else:
        keep_draft(replace(draft, **{spec.name: value}))


def choose_recipe(code: str, recipe: str, *, task: str = "") -> None:
    """Take another recipe with its defaults, from a callback; what was set for data, goals and limits stays.

    `task` is that of a recipe that is not bound to one.
    """
    before = read_draft(code)
    now = with_recipe_defaults(recipe, code)
    now = replace(now, task=task or now.task)
    started = with_recipe_defaults(before.model.recipe, code)
    for name in _KEPT_SECTIONS:
        now = replace(now, **{name: _keep_changed(name, before, started, now)})
    goals = {goal: value for goal, value in before.report.goals.items() if goal in list_goals(now.task)}
    now = replace(
        now,
        report=replace(now.report, goals=goals),
        name=before.name,
        experiment=before.experiment,
        seed=before.seed,
        version=before.version,
    )
    keep_draft(now)


def choose_adapter(code: str, task: str, name: str) -> None:
    """Take the adapter of that name for the task, from a callback; what was set for data, goals and limits stays."""
    choose_recipe(code, ADAPTER, task=task)
    draft = read_draft(code)
    keep_draft(replace(draft, model=replace(draft.model, adapter=name)))


def change_option(code: str, name: str, value: Any) -> None:
    """Set one option of the recipe or adapter, from a callback."""
    draft = read_draft(code)
    change_draft(code, "model.options", {**draft.model.options, name: value})


def _keep_changed(section: str, before: RunConfiguration, started: RunConfiguration, now: RunConfiguration) -> Any:
    """Return the section of `now` with those values that a person had set in `before`."""
    old, first, new = getattr(before, section), getattr(started, section), getattr(now, section)
    fields = [one.name for own in list_fields() if own.name == section for one in own.fields]
    return replace(new, **{name: getattr(old, name) for name in fields if getattr(old, name) != getattr(first, name)})


def list_changed(configuration: RunConfiguration) -> list[str]:
    """Return the paths of the settings that the recipe uses and that are not at its defaults."""
    standard = with_recipe_defaults(configuration.model.recipe, configuration.product)
    return [
        one.path
        for section in list_fields()
        if section.name in SECTION_TYPES
        for one in section.fields
        if is_used(configuration.model.recipe, one.path)
        and read_value(configuration, one.path) != read_value(standard, one.path)
    ]


def read_text(code: str) -> TypedText:
    """Return the YAML of the draft: as it was typed where it says the same, or cannot be read yet."""
    draft = read_draft(code)
    typed = st.session_state.setdefault(_TEXTS, {}).get(code)
    if isinstance(typed, TypedText) and (typed.error is not None or typed.made == draft):
        return typed
    return TypedText(write_yaml(draft), draft)


def type_text(code: str, text: str) -> None:
    """Take what was typed, from a callback: the draft becomes what it says, or the error is kept beside the text."""
    texts = st.session_state.setdefault(_TEXTS, {})
    try:
        made = parse_configuration(text)
        if made.product != code:
            found = find_product(services(), made.product)
            made = replace(made, product=found.code)
            if found.code != code:
                # The text is of another product: the screen goes there with it.
                st.session_state.pop("train_product", None)
                remember_product(found.id)
                texts.pop(code, None)
    except AppError as error:
        texts[code] = TypedText(text, None, error)
        return
    keep_draft(made)
    texts[made.product] = TypedText(text, made)


def drop_text(code: str) -> None:
    """Forget what was typed, from a callback: the YAML is that of the draft again."""
    st.session_state.setdefault(_TEXTS, {}).pop(code, None)


def read_side() -> str:
    """Return which side of the draft is shown: the form or the YAML."""
    return YAML if st.session_state.get(_SIDE) == YAML else FORM


def choose_side(side: str) -> None:
    """Show the form or the YAML, from a callback."""
    st.session_state[_SIDE] = side
