"""Screens are always opened through Home.py, on the data folder of the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.access import ENGINEER, ROLES
from core.services import Services, build_services, close_kept_services
from core.settings import read_settings
from tests.deployed_product import build_deployed_product

HOME = Path(__file__).resolve().parents[2] / "Home.py"
OpenApp = Callable[..., AppTest]


@pytest.fixture(autouse=True, scope="session")
def _installed_components() -> Iterator[None]:
    """Let Streamlit look once for what installed packages bring: each opened app reads the metadata of all of them."""
    from streamlit.components.v2 import manifest_scanner

    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda *_, **__: found)
        yield


@pytest.fixture(autouse=True, scope="session")
def _compiled_once() -> Iterator[None]:
    """Keep what is compiled from one opened app to the next: a server compiles each screen once, a test's app anew."""
    from streamlit.runtime.scriptrunner.script_cache import ScriptCache

    shared, compile_once = ScriptCache(), ScriptCache.get_bytecode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptCache, "get_bytecode", lambda _own, path: compile_once(shared, path))
        yield


@pytest.fixture(autouse=True, scope="session")
def _server_is_known() -> None:
    """Let Home.py take this process for one that has run before: its first run only has the browser load it again."""
    from pages.components.shared.session import opened

    opened.set()


@pytest.fixture
def open_app(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenApp]:
    """Yield a function that opens the screen at `path` in a role and a language; the server is this process."""
    yield _opener(services, monkeypatch)
    st.cache_resource.clear()
    st.cache_data.clear()
    close_kept_services()


@pytest.fixture
def open_deployed(deployed: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenApp]:
    """Yield the same function, on the folder with the deployed product."""
    yield _opener(deployed, monkeypatch)
    st.cache_resource.clear()
    st.cache_data.clear()
    close_kept_services()


def _opener(services: Services, monkeypatch: pytest.MonkeyPatch) -> OpenApp:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_WORKER", "external")
    # Without a browser Streamlit knows of no connection: what its context would say for one of this machine.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.ip_address", None)
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.headers", {})
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {})

    def open_one(path: str | None = None, *, role: str = ENGINEER, language: str = "en") -> AppTest:
        assert role in ROLES
        app = AppTest.from_file(str(HOME), default_timeout=60)
        app.session_state["role"] = role
        app.session_state["language_choice"] = language
        if path is not None:
            app.switch_page(path)
        app.run()
        assert not app.exception
        return app

    return open_one


@pytest.fixture(scope="session")
def deployed_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with real solar cells, their memory bank and their similarity indexes, built once."""
    folder = tmp_path_factory.mktemp("deployed") / "data"
    build_deployed_product(folder)
    return folder


@pytest.fixture
def deployed(deployed_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services on a copy of the deployed data folder."""
    folder = tmp_path / "deployed"
    shutil.copytree(deployed_template, folder)
    built = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}))
    yield built
    built.database.dispose()
