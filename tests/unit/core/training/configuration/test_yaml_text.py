"""A configuration as YAML: the same object back, and every error at its line."""

from __future__ import annotations

import pytest
import yaml

from core.errors import BadInput, NotReady
from core.training.configuration.reading import read_configuration
from core.training.configuration.yaml_text import LARGEST_BYTES, parse_configuration, say_line, write_yaml

WORDS = ["no", "on", "1e3", "0o17", "1:30", "0x1", "~", "null", "2026-11-27", "알약", "", " ", "a: b", "'", '"', "#",
         "&a", "=", "<<", "-", "?", "1_000", ".5", "010", "true", "y", "%"]  # fmt: skip


def test_what_is_written_is_read_back_the_same() -> None:
    configuration = read_configuration(
        {
            "product": "0123",
            "name": "첫 번째",
            "data": {"dataset": 3, "labels": [word for word in WORDS if word.strip()], "domains": {"field": 2}},
            "model": {"recipe": "full", "options": {f"o{place}": word for place, word in enumerate(WORDS)}},
            "training": {"learning_rate": 1e-6, "weight_decay": 0.1 + 0.2},
            "report": {"goals": {"top1": 0.85, "field.top1": 0.8}},
            "seed": 2**31 - 1,
        }
    )
    text = write_yaml(configuration)
    assert parse_configuration(text) == configuration
    assert write_yaml(parse_configuration(text)) == text
    # Whoever reads it with another reader finds the same values.
    assert yaml.safe_load(text) == configuration.to_json()


def test_numbers_and_switches_are_read_as_people_write_them() -> None:
    found = parse_configuration(
        "product: pills  # all of them\ntraining: {learning_rate: 1e-3}\ndata:\n  labels: [no, on, off]\n"
        "report:\n  goals: {top1: .85}\nmodel:\naugmentation:\n"
    )
    assert found.training.learning_rate == 0.001
    assert found.data.labels == ("no", "on", "off")
    assert found.report.goals == {"top1": 0.85}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("product: p\ntraining:\n  batch_size: 8\n  epohcs: 3", "config_key_meant", 4),
        ("product: p\ntraining:\n  epochs: 0", "config_needs_whole", 3),
        ("product: p\ntraining: {epochs: 3,\n  batch_size: no}", "config_needs_whole", 3),
        ("product: p\nreport:\n  goals:\n    top1: 85", "config_needs_number", 4),
        ("product: p\ndata:\n  domains:\n    field: 1\n    phone: 1", "config_domain_unknown", 3),
        ("product: p\ntraining:\n\tepochs: 3", "config_tab", 3),
        ("product: p\ntraining:\n  epochs: 3\n batch_size: 1", "config_syntax", 4),
        ("product: 'p", "config_syntax", 1),
        ("product: p\nname: \x07", "config_syntax", 2),
        ("product: p\ntraining:\n  epochs: 3\n  epochs: 4", "config_key_twice", 4),
        ("product: p\n? [a, b]\n: 3", "config_syntax", 2),
        ("product: &p pills", "config_reference", 1),
        ("product: p\ntraining: *other", "config_reference", 2),
        ("a: &a [x, x]\nb: &b [*a, *a]\nproduct: p", "config_reference", 1),
        ("product: !!str p", "config_tag", 1),
        ("product: p\nmodel: !!python/object/apply:os.system ['true']", "config_tag", 2),
        ("product: p\n<<: {seed: 1}", "config_key_unknown", 2),
        ("product: p\n---\nproduct: q", "config_several", 2),
        ("[" * 20_000, "config_too_deep", 1),
        ("product: p\nseed: " + "9" * 5000, "config_syntax", 2),
        ("version: 9\nwhatever: 1", "config_version_newer", 1),
    ],
)
def test_an_error_names_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(BadInput) as caught:
        parse_configuration(text)
    assert caught.value.code == code
    assert caught.value.sentence("en").startswith(f"Line {line}: ")
    assert caught.value.sentence("ko").startswith(f"{line}번째 줄: ")


@pytest.mark.parametrize("text", ["", "# nothing", "pills", "- product"])
def test_a_text_that_is_no_configuration_says_what_one_is(text: str) -> None:
    with pytest.raises(BadInput, match="product:"):
        parse_configuration(text)


def test_a_text_that_is_too_large_is_not_read() -> None:
    with pytest.raises(BadInput) as caught:
        parse_configuration("product: p\n#" + "x" * LARGEST_BYTES)
    assert caught.value.code == "config_too_large"


def test_an_error_that_is_found_later_is_given_its_line() -> None:
    text = "product: p\nmodel:\n  recipe: prob"
    later = BadInput("config_recipe_unknown", at="", field="model.recipe", value="“prob”", choices="probe")
    assert str(say_line(text, later)).startswith("Line 3: There is no recipe")
    elsewhere = NotReady("backbone_weights_missing", name="x")
    assert say_line(text, elsewhere) is elsewhere
    assert say_line("- nothing", later) is later
