"""The import of images, as an engineer goes through it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.image_imports.results import view_import
from core.services import Services
from tests.unit.core.image_imports.conftest import draft_of, picture, start, widget_set, work

PAGE = "pages/images/image_import.py"
OpenApp = Callable[..., AppTest]


def texts(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.markdown, *app.caption, *app.title, *app.warning, *app.error])


@pytest.fixture
def with_question(services: Services, engineer: Person) -> int:
    """Return a draft with one folder that says nothing."""
    files = {**widget_set(), **{f"widget/odd pile/{n}.png": picture(500 + n) for n in range(2)}}
    return draft_of(services, engineer, files).id


def open_at(open_app: OpenApp, query: dict[str, str], **how: str) -> AppTest:
    app = open_app(**how)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def test_the_start_says_what_an_import_does(open_app: OpenApp) -> None:
    app = open_app(PAGE, language="ko")
    assert app.title[0].value == "이미지 가져오기"
    assert "확인하기 전에는 아무것도 등록되지 않습니다" in texts(app)
    app.button(key="import_plan").click().run()
    assert "이미지나 ZIP 파일" in texts(app) or app.warning


def test_a_question_is_answered_and_the_import_started(
    open_app: OpenApp, services: Services, engineer: Person, with_question: int
) -> None:
    app = open_at(open_app, {"draft": str(with_question)})
    assert {one.label: one.value for one in app.metric}["Questions"] == "1"
    assert app.button(key="import_start_button").label.startswith("Leave the rest out")
    app.button(key="import_answer_0_normal").click().run()
    assert not app.exception
    counts = {one.label: one.value for one in app.metric}
    assert (counts["Questions"], counts["Will be taken in"], counts["Good parts"]) == ("0", "9", "6")
    app.button(key="import_start_button").click().run()
    assert not app.exception
    job_id = int(app.query_params["job"][0])
    assert view_import(services, engineer, job_id).outcomes == {"": 9}


def test_folders_are_changed_in_one_go(open_app: OpenApp, with_question: int) -> None:
    app = open_at(open_app, {"draft": str(with_question)})
    app.multiselect[0].set_value(["widget/odd pile", "widget/train/good"]).run()
    next(one for one in app.selectbox if one.label == "Becomes").set_value("left_out").run()
    next(one for one in app.button if one.label == "Apply" and "import_apply" in str(one.key)).click().run()
    assert not app.exception
    counts = {one.label: one.value for one in app.metric}
    assert (counts["Questions"], counts["Will be taken in"]) == ("0", "3")


def test_what_became_of_each_file_stays_after_a_reload(open_app: OpenApp, services: Services, engineer: Person) -> None:
    files = {**widget_set(), "widget/train/good/900.png": b"no picture"}
    job_id = start(services, engineer, draft_of(services, engineer, files))
    work(services)
    app = open_at(open_app, {"job": str(job_id)}, language="ko")
    counts = {one.label: one.value for one in app.metric}
    assert (counts["등록됨"], counts["거부됨"]) == ("7", "1")
    assert "widget" in texts(app)
    assert "파일별 결과" in [one.value for one in app.subheader]


def test_what_is_not_there_is_said(open_app: OpenApp) -> None:
    assert "not there" in texts(open_at(open_app, {"job": "99"}))
    assert open_at(open_app, {"draft": "99"}).error
