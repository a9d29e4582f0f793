"""A trainer of other people's on the form: its card, its license, its options, and the run that it makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.access import ADMIN, Person
from core.adapters.registry import add_adapter, get_adapter
from core.datasets.freezing import create_dataset
from core.services import Services
from core.training.configuration.yaml_text import parse_configuration
from core.training.runs.overview import list_runs
from tests.compared_methods import build_product
from tests.pages.screen_reading import press, texts
from tests.toy_adapter import make_adapter

OpenApp = Callable[..., AppTest]
SCREEN = "pages/training/train_model.py"


def test_a_license_is_read_and_accepted_by_an_administrator_alone(
    open_app: OpenApp, services: Services, engineer: Person, admin: Person, tmp_path: Path
) -> None:
    build_product(services, engineer)
    add_adapter(services, admin, make_adapter(tmp_path / "toy"))
    waiting = open_app(SCREEN)
    assert "License MIT: not accepted yet" in texts(waiting).replace("\\", "")
    assert "An administrator reads the license and accepts it here." in texts(waiting).replace("\\", "")
    keys = {button.key for button in waiting.button}
    assert not keys & {"train_license_toy", "train_choose_adapter_toy"}
    app = open_app(SCREEN, role=ADMIN, language="ko")
    assert "라이선스 MIT: 아직 수락되지 않음" in texts(app).replace("\\", "")
    app.button(key="train_license_toy").click().run()
    assert "Do what you like with it." in " ".join(str(one.value) for one in app.text)
    app.button(key="train_license_accept").click().run()
    assert not app.exception
    assert get_adapter(services, admin, "toy").obstacle is None
    assert "라이선스 MIT: 수락됨" in texts(app.run()).replace("\\", "")
    # It does not know how to tell pixels apart, and is not offered for that.
    app.segmented_control(key="train_task").set_value("segmentation").run()
    assert "train_choose_adapter_toy" not in {button.key for button in app.button}


def test_its_options_are_fields_and_part_of_the_configuration(
    open_app: OpenApp, services: Services, engineer: Person, admin: Person, tmp_path: Path
) -> None:
    create_dataset(services, engineer, build_product(services, engineer))
    options = [
        {"name": "steps", "kind": "int", "default": 100, "lowest": 1, "highest": 1000},
        {"name": "size", "kind": "choice", "default": "n", "choices": ["n", "s"]},
        {"name": "drop", "kind": "float", "default": 0, "lowest": 0, "highest": 1},
        {"name": "note", "kind": "text", "default": ""},
    ]
    add_adapter(services, admin, make_adapter(tmp_path / "toy", options=options), accept_license=True)
    app = open_app(SCREEN)
    app.button(key="train_choose_adapter_toy").click().run()
    app.number_input(key="train_option_toy_steps").set_value(7).run()
    app.selectbox(key="train_option_toy_size").set_value("s").run()
    app.number_input(key="train_option_toy_drop").set_value(0.25).run()
    app.text_input(key="train_option_toy_note").set_value(" a  b ").run()
    assert not app.exception
    assert "train_field_model.backbone" not in {one.key for one in app.selectbox}
    app.segmented_control(key="train_side").set_value("yaml").run()
    text = str(app.text_area(key="train_yaml_text").value)
    model = parse_configuration(text).model
    assert (model.recipe, model.adapter) == ("adapter", "toy")
    assert model.options == {"steps": 7, "size": "s", "drop": 0.25, "note": "a b"}
    app.text_area(key="train_yaml_text").set_value(text.replace("steps: 7", "steps: 9")).run()
    app.segmented_control(key="train_side").set_value("form").run()
    assert app.number_input(key="train_option_toy_steps").value == 9
    press(app, "Start training")
    assert not app.exception
    (run,) = list_runs(services, engineer)
    assert (run.recipe, run.name.split()[:2]) == ("adapter", ["spots", "toy"])
    assert "lite0" not in run.name
