"""Screens are always opened through the front door, on the data folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.roles import ENGINEER, ROLES
from core.services import Services

FRONT_DOOR = Path(__file__).resolve().parents[2] / "Home.py"
OpenScreen = Callable[..., AppTest]


@pytest.fixture
def open_screen(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenScreen]:
    """Open the screen at `path` in a role and a language; the server is this process, on the folder of `services`."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_WORKER", "external")

    def open_one(path: str, *, role: str = ENGINEER, language: str = "en") -> AppTest:
        assert role in ROLES
        app = AppTest.from_file(str(FRONT_DOOR), default_timeout=60)
        app.session_state["role"] = role
        app.session_state["language_choice"] = language
        app.run()
        app.switch_page(path).run()
        assert not app.exception
        return app

    yield open_one
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def texts() -> Callable[[AppTest], str]:
    """Everything that is written on the screen, one piece a line."""

    def read(app: AppTest) -> str:
        pieces = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
        return "\n".join(str(piece.value) for piece in [*pieces, *app.success, *app.toast])

    return read


@pytest.fixture
def press() -> Callable[[AppTest, str], AppTest]:
    """Press the button with this label."""

    def press_one(app: AppTest, label: str) -> AppTest:
        found = [button for button in app.button if button.label == label]
        assert found, f"no button {label!r} among {[button.label for button in app.button]}"
        app = found[0].click().run()
        assert not app.exception
        return app

    return press_one
