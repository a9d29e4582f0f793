"""Plain values become one frozen configuration, or a sentence that names the setting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from core.errors import BadInput
from core.training.configuration.defaults import with_recipe_defaults
from core.training.configuration.fields import find_field, list_fields, read_value
from core.training.configuration.naming import name_run
from core.training.configuration.reading import read_configuration
from core.training.configuration.records import RunConfiguration
from core.training.recipes.registry import RecipeSpec, list_recipes, register, unregister
from inference.vision.learning.trained_network.description import TASKS


@pytest.fixture
def toy_recipe() -> Iterator[RecipeSpec]:
    spec = RecipeSpec(
        "toy-segmenter", "segmentation", "Toy", "A toy.", "tests:none",
        {"training": {"epochs": 3}, "input": {"width_px": 96}, "model": {"scratch": True}},
    )  # fmt: skip
    register(spec)
    yield spec
    unregister(spec.name)


@pytest.mark.parametrize("recipe", [spec.name for spec in list_recipes()])
def test_what_a_recipe_begins_with_is_read_back_the_same(recipe: str) -> None:
    configuration = with_recipe_defaults(recipe, "pills")
    assert configuration.model.recipe == recipe
    assert read_configuration(configuration.to_json()) == configuration
    assert read_configuration(json.loads(json.dumps(configuration.to_json()))) == configuration


def test_what_nobody_set_begins_with_the_recipe(toy_recipe: RecipeSpec) -> None:
    configuration = read_configuration(
        {"product": "pills", "model": {"recipe": toy_recipe.name}, "training": {"batch_size": 4}}
    )
    assert configuration.task == "segmentation"
    assert (configuration.training.epochs, configuration.training.batch_size) == (3, 4)
    assert (configuration.input.width_px, configuration.input.height_px) == (96, 256)
    assert configuration.model.scratch
    assert read_configuration({"product": "p", "task": "detection"}).model.recipe == "detector"


def test_whole_numbers_stand_for_numbers_and_nothing_else_for_another_kind() -> None:
    configuration = read_configuration({"product": "p", "training": {"clip_norm": 1}})
    assert isinstance(configuration.training.clip_norm, float)
    assert configuration == read_configuration({"product": "p", "training": {"clip_norm": 1.0}})


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ("product: p", "config_not_a_mapping", "product:"),
        ({}, "config_product_missing", "product"),
        ({"product": ""}, "config_product_missing", "product"),
        ({"product": 12}, "config_needs_text", "quotes"),
        ({"product": "p", 3: 4}, "config_key_unknown", "3"),
        ({"product": "p", "trainning": {}}, "config_key_meant", "“training”"),
        ({"product": "p", "epochs": 3}, "config_key_meant", "“training.epochs”"),
        ({"product": "p", "training": {"lerning_rate": 1}}, "config_key_meant", "“training.learning_rate”"),
        ({"product": "p", "training.epochs": 3}, "config_key_dotted", "below “training:”"),
        ({"product": "p", "training": []}, "config_section_not_a_mapping", "“training”"),
        ({"product": "p", "training": {"epochs": True}}, "config_needs_whole", "from 1 to 1000, not true"),
        ({"product": "p", "training": {"epochs": 2.0}}, "config_needs_whole", "not 2.0"),
        ({"product": "p", "training": {"epochs": "20"}}, "config_needs_whole", "not “20”"),
        ({"product": "p", "training": {"epochs": None}}, "config_needs_whole", "not null"),
        ({"product": "p", "training": {"epochs": 0}}, "config_needs_whole", "from 1 to 1000, not 0"),
        ({"product": "p", "training": {"learning_rate": float("nan")}}, "config_needs_number", "nan"),
        ({"product": "p", "training": {"learning_rate": 10**400}}, "config_needs_number", "training.learning_rate"),
        ({"product": "p", "training": {"learning_rate": 2}}, "config_needs_number", "from 1e-06 to 1, not 2"),
        ({"product": "p", "training": {"mixed_precision": 1}}, "config_needs_switch", "not 1"),
        ({"product": "p", "task": "regression"}, "config_needs_choice", "classification, segmentation, detection"),
        ({"product": "p", "input": {"resize": ["stretch"]}}, "config_needs_choice", "stretch, letterbox"),
        ({"product": "p", "name": "a\nb"}, "config_text_invalid", "“name”"),
        ({"product": "p" * 65}, "config_text_invalid", "64"),
        ({"product": "p", "data": {"dataset": "newest"}}, "config_needs_whole", "data.dataset"),
        ({"product": "p", "data": {"labels": "a"}}, "config_needs_list", "“data.labels”"),
        ({"product": "p", "data": {"labels": [1]}}, "config_needs_text", "not 1"),
        ({"product": "p", "data": {"labels": ["a", "a"]}}, "config_label_twice", "“a”"),
        ({"product": "p", "data": {"domains": {"phone": 1}}}, "config_domain_unknown", "studio, line, field"),
        ({"product": "p", "data": {"domains": {"field": -1}}}, "config_needs_number", "data.domains.field"),
        ({"product": "p", "data": {"domains": dict.fromkeys(("studio", "line", "field"), 0)}},
         "config_domains_all_zero", "every domain"),
        ({"product": "p", "data": {"val_share": 0.5, "test_share": 0.5}}, "config_shares_too_large", "0.9"),
        ({"product": "p", "report": {"goals": [0.5]}}, "config_needs_group", "report.goals"),
        ({"product": "p", "report": {"goals": {"top1": 85}}}, "config_needs_number", "report.goals.top1"),
        ({"product": "p", "report": {"goals": {"map50": 0.5}}}, "config_goal_unknown", "macro_f1"),
        ({"product": "p", "report": {"goals": {1: 0.5}}}, "config_goal_invalid", "report.goals"),
        ({"product": "p", "model": {"options": {"a": float("inf")}}}, "config_option_invalid", "model.options.a"),
        ({"product": "p", "model": {"options": {"a": object()}}}, "config_option_invalid", "model.options.a"),
        ({"product": "p", "version": 2, "new": 1}, "config_version_newer", "version 2"),
        ({"product": "p", "version": 0}, "config_needs_whole", "from 1 to 1"),
        ({"product": "p", "version": True}, "config_needs_whole", "true"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_the_setting(values: Any, code: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_configuration(values)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert "{" not in str(caught.value) + caught.value.sentence("ko")


def test_goals_are_those_of_the_task_as_a_whole_and_of_each_domain() -> None:
    found = read_configuration({"product": "p", "report": {"goals": {"field.top1": 1, "macro_f1": 0.9}}})
    assert found.report.goals == {"field.top1": 1.0, "macro_f1": 0.9}
    dense = read_configuration({"product": "p", "task": "detection", "report": {"goals": {"line.map50": 0.5}}})
    assert dense.report.goals == {"line.map50": 0.5}
    for task, goal in (
        ("segmentation", "field.top1"),
        ("classification", "phone.top1"),
        ("classification", "field.top5"),
    ):
        with pytest.raises(BadInput):
            read_configuration({"product": "p", "task": task, "report": {"goals": {goal: 0.5}}})


def test_every_setting_has_its_limits_words_and_default() -> None:
    configuration = RunConfiguration("p")
    listed = {one.path for section in list_fields() for one in section.fields}
    for one in fields(configuration):
        value = getattr(configuration, one.name)
        expected = [f"{one.name}.{own.name}" for own in fields(value)] if is_dataclass(value) else [one.name]
        assert set(expected) <= listed
    for path in listed - {"product"}:
        spec = find_field(path)
        assert read_value(configuration, path) == spec.default
        assert spec.label
        assert spec.explanation
        if spec.lowest is not None and spec.kind in ("int", "float"):
            assert read_value(read_configuration(_set(path, spec.lowest)), path) == spec.lowest
            with pytest.raises(BadInput):
                read_configuration(_set(path, spec.highest + 1 if spec.highest is not None else "many"))


def _set(path: str, value: object) -> dict[str, object]:
    """Return values of a configuration with one setting."""
    section, _dot, name = path.rpartition(".")
    return {"product": "p", section: {name: value}} if section else {"product": "p", name: value}


@pytest.mark.parametrize("task", ["classification", "detection"])
def test_an_adapter_is_for_the_task_that_is_said_and_has_a_name(task: str) -> None:
    given = {"product": "plate", "task": task, "model": {"recipe": "adapter", "adapter": "toy"}}
    configuration = read_configuration(given)
    assert configuration.task == task
    assert name_run(configuration).startswith("plate toy")
    assert with_recipe_defaults("adapter", "plate").task in TASKS
