"""The question box of the manual index, through Home.py; and the title of a manual on its screen."""

from __future__ import annotations

import pytest

from core.access import Person
from core.manuals.library import get_manual, update_manual
from core.services import Services
from pages.components.shared.screens import MANUAL_INDEX, MANUALS
from tests.inspected_part import add_inspected_part, use_passages
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.unit.inference.language.findings import PASSAGES


@pytest.mark.parametrize(("language", "ask", "cause"), [("en", "Ask", "Likely cause"), ("ko", "질문", "추정 원인")])
def test_a_type_is_asked_by_its_name_and_the_steps_are_shown(
    open_app: OpenApp,
    services: Services,
    engineer: Person,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    ask: str,
    cause: str,
) -> None:
    add_inspected_part(services, engineer)
    use_passages(monkeypatch, PASSAGES)
    app = open_app(MANUAL_INDEX, language=language)
    app.text_input(key="question_words").set_value("스크래치")
    press(app, ask)
    shown = texts(app)
    assert cause in shown
    assert ("Scratch" if language == "en" else "스크래치") in shown
    assert not app.exception


def test_nothing_asked_and_nothing_found_are_said(
    open_app: OpenApp, services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_inspected_part(services, engineer)
    use_passages(monkeypatch, ())
    app = open_app(MANUAL_INDEX)
    press(app, "Ask")
    assert "Nothing is asked" in app.error[0].value
    app.text_input(key="question_words").set_value("rust")
    press(app, "Ask")
    assert "say nothing about this defect" in texts(app)


def test_without_an_index_it_says_what_to_do(open_app: OpenApp, services: Services, engineer: Person) -> None:
    add_inspected_part(services, engineer, with_index=False)
    assert "have no index yet" in texts(open_app(MANUAL_INDEX))


def test_a_manual_gets_another_title_and_a_late_save_keeps_what_was_typed(
    open_app: OpenApp, services: Services, engineer: Person, admin: Person
) -> None:
    add_inspected_part(services, engineer)
    app = open_app(MANUALS)
    app.button(key="manual_edit_1").click().run()
    update_manual(services, admin, 1, row_version=1, title="Theirs", language="ko")
    app.text_input(key="manual_edit_title").set_value("Mine")
    press(app, "Save")
    assert "Theirs" in app.error[0].value
    assert app.text_input(key="manual_edit_title").value == "Mine"
    press(app, "Save")
    assert get_manual(services, 1).title == "Mine"
