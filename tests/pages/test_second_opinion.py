"""The second opinion beside the verdict, and the vision-language model chosen under Models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.catalog.defect_types import list_defect_types
from core.catalog.products import find_product
from core.comparisons.opinion_choice import choose_second_opinion
from core.comparisons.second_opinion import list_second_opinions
from core.inspections.records import load_record
from core.methods.visual.choice import VisualChoice, choose_visual_model, current_visual_choice
from core.methods.visual.prompts import find_prompt
from core.services import Services
from pages.components.shared.screens import INSPECT_PART
from tests.inspected_part import add_inspected_part
from tests.language_servers import LanguageServer, language_server
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

SAID = json.dumps(
    {
        "verdict": "good",
        "confidence": 0.6,
        "type": "good",
        "boxes": [],
        "reason": "Sound <b>metal</b>, see [here](http://evil.example).",
    }
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LanguageServer]:
    with language_server() as running:
        running.response = SAID
        monkeypatch.setenv("GEOMSA_VLM_BASE_URL", f"{running.url}/v1")
        yield running


@pytest.fixture
def part(services: Services, engineer: Person) -> int:
    return add_inspected_part(services, engineer)


def _choose(services: Services, engineer: Person) -> None:
    product = find_product(services, "bracket")
    choose_second_opinion(services, engineer, product.id, "vlm", row_version=product.row_version)


def _open(open_app: OpenApp, part: int, *, language: str = "en") -> AppTest:
    app = open_app(INSPECT_PART, role="worker", language=language)
    app.query_params["inspection"] = str(part)
    app.session_state[f"result_tabs_{part}"] = {"en": "Second opinion", "ko": "2차 의견"}[language]
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_worker_asks_and_sees_verdict_words_and_that_nothing_is_decided(
    open_app: OpenApp, services: Services, engineer: Person, server: LanguageServer, part: int, language: str
) -> None:
    connected = replace(services, settings=replace(services.settings, vlm_base_url=f"{server.url}/v1"))
    choose_visual_model(connected, engineer, VisualChoice("compatible", "seer"))
    _choose(services, engineer)
    app = _open(open_app, part, language=language)
    app.button(key=f"second_opinion_ask_{part}").click().run()
    assert not app.exception
    shown = texts(app)
    assert {"en": "It decides nothing", "ko": "판정은 바뀌지 않습니다"}[language] in shown
    assert "<b>" not in shown
    assert "evil.example" not in shown
    assert "seer" in shown
    assert len(list_second_opinions(services, part)) == 1
    assert load_record(services, part).decision.verdict == "reject"
    # It is there again when the inspection is opened later.
    assert "seer" in texts(_open(open_app, part, language=language))


def test_without_a_server_the_button_is_off_and_says_what_to_set(
    open_app: OpenApp, services: Services, engineer: Person, part: int
) -> None:
    _choose(services, engineer)
    app = _open(open_app, part)
    assert app.button(key=f"second_opinion_ask_{part}").disabled
    assert "GEOMSA_VLM_BASE_URL" in texts(app)


def test_a_product_without_a_chosen_method_has_no_such_tab(open_app: OpenApp, part: int) -> None:
    app = open_app(INSPECT_PART, role="worker")
    app.query_params["inspection"] = str(part)
    app.run()
    assert not app.exception
    assert "Second opinion" not in [tab.label for tab in app.tabs]


def test_an_engineer_chooses_the_model_and_turns_it_off(
    open_app: OpenApp, services: Services, server: LanguageServer
) -> None:
    app = open_app("pages/settings/models.py")
    app.segmented_control(key="models_purpose").set_value("visual_questions").run()
    assert current_visual_choice(services).server == "off"
    app.radio(key="visual_server").set_value("compatible").run()
    app.button(key="visual_list_compatible").click().run()
    app.selectbox(key="visual_model_compatible").set_value("claude-haiku-4-5").run()
    app.button(key="visual_choose").click().run()
    assert not app.exception
    assert current_visual_choice(services).model == "claude-haiku-4-5"
    app.radio(key="visual_server").set_value("off").run()
    app.button(key="visual_choose").click().run()
    assert current_visual_choice(services).server == "off"


def test_a_prompt_is_edited_and_undone(open_app: OpenApp, services: Services) -> None:
    app = open_app("pages/settings/models.py")
    app.segmented_control(key="models_purpose").set_value("visual_questions").run()
    app.selectbox(key="visual_prompt_kind").set_value("ct").run()
    app.text_area(key="visual_prompt_text_0_ct_0").input("Look for pores alone.").run()
    app.button(key="visual_prompt_save").click().run()
    assert not app.exception
    assert find_prompt(services, None, "ct").text == "Look for pores alone."
    app.button(key="visual_prompt_undo").click().run()
    assert find_prompt(services, None, "ct").source == "own"
    assert "Version 1" in texts(app)


def test_a_method_is_chosen_on_products_and_a_phrase_on_defect_types(
    open_app: OpenApp, services: Services, part: int
) -> None:
    product = find_product(services, "bracket")
    app = open_app("pages/catalog/products.py")
    app.button(key=f"product_edit_{product.id}").click().run()
    app.selectbox(key="product_edit_second_opinion").set_value("vlg")
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    assert find_product(services, "bracket").second_opinion == "vlg"
    (scratch,) = list_defect_types(services, product.id)
    app = open_app("pages/catalog/defect_types.py")
    app.button(key=f"defect_type_edit_{scratch.id}").click().run()
    app.text_input(key="defect_type_edit_phrase").input("deep scratch on metal")
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    assert list_defect_types(services, product.id)[0].phrase == "deep scratch on metal"
