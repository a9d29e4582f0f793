"""The side navigation: what each role finds first, what is unfolded, and the box that finds a screen."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from core.access import ROLES, reaches
from pages.components.shared.screens import LINE_MODE, PRODUCTS, groups_open_at_first, listed_screens
from tests.pages.conftest import OpenApp


def _groups(role: str) -> list[str]:
    return list(dict.fromkeys(screen.group for screen in listed_screens(role)))


def _state(app: AppTest) -> dict[str, object]:
    """Return what the script that folds the groups goes by."""
    mounted = [one.proto for one in app.get("bidi_component") if "geomsa_navigation" in one.proto.component_name]
    assert len(mounted) == 1
    state = json.loads(mounted[0].json)
    assert isinstance(state, dict)
    return state


def test_what_a_role_needs_stands_first() -> None:
    assert _groups("worker")[0] == "Inspection"
    assert _groups("engineer")[:2] == ["Overview", "Inspection"]
    assert _groups("admin")[0] == "Administration"


@pytest.mark.parametrize("role", ROLES)
def test_the_screens_of_a_group_stand_together_and_within_the_role(role: str) -> None:
    listed = listed_screens(role)
    groups = [screen.group for screen in listed]
    assert len([group for place, group in enumerate(groups) if place == 0 or groups[place - 1] != group]) == len(
        set(groups)
    )
    assert all(reaches(role, screen.role) for screen in listed)
    assert groups_open_at_first(role) & set(groups)


def test_groups_are_told_by_their_names_in_the_language_of_the_run(open_app: OpenApp) -> None:
    state = _state(open_app(PRODUCTS, language="ko"))
    groups = state["groups"]
    assert isinstance(groups, dict)
    assert groups["검사"] == {"id": "Inspection", "open": True}
    assert groups["시스템 설정"] == {"id": "Settings", "open": False}
    # The group of the screen that is open is unfolded when it is come to.
    assert (state["page"], state["here"]) == ("/products", "Products and manuals")
    assert state["who"] == "품질 엔지니어 · 한국어"
    assert _state(open_app(role="worker"))["store"] == "geomsa-nav-worker"
    assert _state(open_app(LINE_MODE))["who"] == ""


def test_the_box_finds_a_screen_and_is_empty_again(open_app: OpenApp) -> None:
    app = open_app(role="worker")
    box = app.selectbox(key="jump")
    assert "Products · Products and manuals" not in box.options
    box.set_value("pages/overview/dashboard.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Dashboard"]
    assert app.selectbox(key="jump").value is None
