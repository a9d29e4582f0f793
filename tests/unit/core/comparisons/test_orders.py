"""What is compared, as YAML, JSON and form: one object, and what cannot be is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.comparisons.orders import ComparisonOrder, order_to_yaml, parse_order, read_order
from core.errors import AppError, BadInput, NotFound
from tests.compared_methods import ToySpec, toy_methods


@pytest.fixture
def toy() -> Iterator[ToySpec]:
    with toy_methods() as found:
        yield found["gray"]


def test_yaml_json_and_plain_values_are_the_same_order(toy: ToySpec) -> None:
    order = read_order(
        {
            "product": "cell",
            "dataset": 2,
            "seed": 7,
            "methods": [toy.name, {"method": toy.name, "name": "둘째", "views": ["ct"], "options": {"level": 90.0}}],
            "combinations": [{"name": "both", "members": {"ct": "둘째", "rgb": toy.name}}],
        }
    )
    assert parse_order(order_to_yaml(order)) == order
    assert read_order(order.to_json()) == order
    assert ComparisonOrder.from_json(order.to_json()) == order
    assert order.methods[0].name == toy.name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("methods: [", "comparison_unreadable"),
        ("!!python/object/apply:os.system ['true']", "comparison_unreadable"),
        ("- 1", "comparison_not_a_mapping"),
        ("methods: []", "comparison_without_methods"),
        ("methods: [TOY]\nmehtods: 1", "comparison_key_unknown"),
        ("methods: [{method: TOY, level: 1}]", "comparison_key_unknown"),
        ("methods: [TOY, TOY]", "comparison_name_twice"),
        ("methods: [nonsense]", "method_name_unknown"),
        ("methods: [TOY]\nseed: -1", "comparison_field_invalid"),
        ("methods: [TOY]\nseed: true", "comparison_field_invalid"),
        ("methods: [TOY]\ndataset: first", "comparison_field_invalid"),
        ("methods: [{method: TOY, name: 'a@b'}]", "comparison_field_invalid"),
        ("methods: [{method: TOY, name: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'}]", "comparison_field_invalid"),
        ("methods: [{method: TOY, views: ct}]", "comparison_field_invalid"),
        ("methods: [TOY]\ncombinations: [{name: c, members: {ct: TOY}}]", "comparison_field_invalid"),
        ("methods: [TOY]\ncombinations: [{name: c, members: {ct: TOY, rgb: other}}]", "comparison_member_unknown"),
        ("methods: [{method: TOY, views: [ct]}]\ncombinations: [{name: c, members: {ct: TOY, rgb: TOY}}]",
         "comparison_member_unknown"),
        ("methods: [TOY]\n#" + "x" * 100_001, "comparison_unreadable"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(toy: ToySpec, text: str, code: str) -> None:
    with pytest.raises((BadInput, NotFound)) as raised:
        parse_order(text.replace("TOY", toy.name))
    assert raised.value.code == code
    assert raised.value.sentence("en") != code


def test_more_than_can_be_shown_is_refused(toy: ToySpec) -> None:
    methods = [{"method": toy.name, "name": f"m{number}"} for number in range(21)]
    with pytest.raises(AppError, match="At most 20"):
        read_order({"methods": methods})
