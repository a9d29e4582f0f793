"""The assistant on screen: asked, answered with a table, a draft that is discarded, own conversations."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.access import Person
from core.assistant.conversations import read_conversation
from core.services import Services
from tests.assistant_world import build_world, count_runs
from tests.pages.screen_reading import press, table_rows, texts

OpenApp = Callable[..., AppTest]
SCREEN = "pages/assistant/assistant.py"


def test_a_worker_asks_and_sees_the_table_behind_the_words(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    build_world(services, engineer)
    app = open_app(SCREEN, role="worker")
    assert "Ask about inspections" in texts(app)
    app.chat_input[0].set_value("지난주 3라인에서 가장 많은 불량은?").run()
    assert not app.exception
    assert "10건 중 7건" in texts(app).replace("\\", "")
    assert "last week" not in texts(app)
    assert table_rows(app, "많이 나온 불량 유형")[0][:2] == ["기공", "7"]
    app.chat_input[0].set_value("train a classifier on casting").run()
    assert "Your role does not allow this" in texts(app)


def test_a_draft_is_asked_for_made_and_discarded(open_app: OpenApp, services: Services, engineer: Person) -> None:
    build_world(services, engineer)
    app = open_app(SCREEN)
    app.chat_input[0].set_value("train a classifier for solar within 10 minutes").run()
    assert "Which product is it about?" in texts(app)
    press(app, "Polycrystalline solar cell \\(solar\\-poly\\)")
    assert "Nothing is started yet" in texts(app)
    stored = read_conversation(services, engineer, int(app.query_params["conversation"][0])).turns[-1]
    assert stored.draft is not None
    assert (stored.draft.product, stored.draft.mark("product")) == ("solar-poly", "said")
    press(app, "Discard")
    assert "Discarded" in texts(app)
    assert count_runs(services) == 0
