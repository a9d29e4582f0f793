"""The name, the hash and the differences of configurations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.training.configuration.defaults import with_recipe_defaults
from core.training.configuration.differences import find_differences
from core.training.configuration.fields import fields_by_path, read_value
from core.training.configuration.hashing import hash_configuration
from core.training.configuration.naming import name_run
from core.training.configuration.reading import read_configuration
from core.training.configuration.yaml_text import parse_configuration, write_yaml


def test_the_name_says_the_key_values() -> None:
    probe = with_recipe_defaults("probe", "pills")
    assert name_run(probe) == "pills probe lite0 256px s0"
    tuned = read_configuration(
        {
            "product": "pills",
            "data": {"dataset": 3, "view": "top"},
            "model": {"recipe": "fine_tune"},
            "input": {"width_px": 320, "height_px": 256},
            "training": {"learning_rate": 2.5e-4, "epochs": 77, "mixed_precision": False},
            "augmentation": {"mixup": 0.2},
            "seed": 7,
        }
    )
    name = name_run(tuned)
    assert name.startswith("pills top fine_tune lite0 d3 320x256px lr2.5e-4 ")
    assert {"mixup0.2", "e77", "no-mixed_precision"} <= set(name.split())
    assert name.endswith(" s7")
    assert name_run(replace(tuned, name="mine")) == "mine"


def test_a_name_never_outgrows_its_column() -> None:
    settings = {path: one for path, one in fields_by_path().items() if one.section == "augmentation"}
    values = {one.name: True if one.kind == "bool" else one.highest for one in settings.values()}
    long = read_configuration(
        {
            "product": "p" * 64,
            "data": {"view": "v" * 64},
            "model": {"recipe": "full", "backbone": "b" * 120},
            "augmentation": values,
        }
    )
    name = name_run(long)
    assert len(name) <= 190
    assert name.endswith(" s0")


def test_the_hash_stands_for_all_but_names() -> None:
    one = read_configuration({"product": "p", "model": {"recipe": "fine_tune"}, "report": {"goals": {"top1": 1}}})
    same = [
        replace(one, name="x", experiment="y"),
        parse_configuration(write_yaml(one)),
        replace(one, training=replace(one.training, clip_norm=1)),
        replace(one, report=replace(one.report, goals={"top1": 1.0})),
    ]
    assert {hash_configuration(each) for each in same} == {hash_configuration(one)}
    assert len(hash_configuration(one)) == 64
    # As it was written into rows before: another one would make every run of before a stranger.
    assert hash_configuration(read_configuration({"product": "p"})) == (
        "5cdf84ebceb553838eb6e0d5b9a543d029e714577c9bcb76fb7a3404117326c3"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 1},
        {"training": {"epochs": 19}},
        {"data": {"labels": ["a", "b"]}},
        {"data": {"domains": {"field": 2}}},
        {"model": {"options": {"a": 1}}},
        {"report": {"goals": {"top1": 0.9}}},
        {"limits": {"minutes": 10}},
    ],
)
def test_every_other_value_makes_another_hash(values: dict[str, object]) -> None:
    plain = read_configuration({"product": "p"})
    assert hash_configuration(read_configuration({"product": "p", **values})) != hash_configuration(plain)


def test_differences_are_told_setting_by_setting() -> None:
    base = {"product": "p", "model": {"recipe": "fine_tune"}}
    runs = [
        read_configuration({**base, "name": "a", "report": {"goals": {"top1": 0.9}}}),
        read_configuration({**base, "name": "b", "training": {"epochs": 5}}),
        read_configuration({**base, "name": "c", "training": {"epochs": 5}, "report": {"goals": {"top1": 0.8}}}),
    ]
    found = {one.path: one for one in find_differences(runs)}
    assert set(found) == {"training.epochs", "report.goals.top1"}
    standard = read_value(runs[0], "training.epochs")
    assert found["training.epochs"].values == (standard, 5, 5)
    assert found["training.epochs"].label == "Epochs"
    assert found["report.goals.top1"].values == (0.9, None, 0.8)
    assert find_differences(runs, with_names=True)[0].path == "name"
    assert find_differences(runs[:1]) == ()
