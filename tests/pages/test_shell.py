"""The front door: roles, languages, and what is said when the app cannot start."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.accounts import create_user, open_person
from core.services import Services
from pages.components.screens import SCREENS, existing_screens
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

ROOT = Path(__file__).resolve().parents[2]

_HANGUL = re.compile("[가-힣]")
PATHS = [screen.path for screen in existing_screens()]
GUARDED = [screen.path for screen in existing_screens() if screen.role != "worker"]


def _titles(app: AppTest) -> list[str]:
    return [title.value for title in app.title]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("path", PATHS)
def test_every_screen_opens_without_any_data(open_app: OpenApp, path: str, language: str) -> None:
    app = open_app(path, role="admin", language=language)
    assert not app.exception
    assert len(app.title) == 1
    assert bool(_HANGUL.search(app.title[0].value)) == (language == "ko")


@pytest.mark.parametrize("path", GUARDED)
def test_a_worker_is_told_which_role_an_address_needs(open_app: OpenApp, path: str) -> None:
    app = open_app(path, role="worker")
    assert _titles(app) == ["This screen is not open to you"]
    assert "Quality engineer" in app.error[0].value or "Administrator" in app.error[0].value
    assert not app.button


@pytest.mark.parametrize("path", GUARDED)
def test_no_guarded_screen_runs_without_the_front_door(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(r"^require\((ENGINEER|ADMIN)\)$", source, re.MULTILINE)


def test_screens_have_addresses_of_their_own() -> None:
    names = [Path(screen.path).stem for screen in SCREENS]
    assert len(set(names)) == len(names)
    assert not set(names) & set(sys.stdlib_module_names)
    assert all(len(Path(screen.path).parts) == 3 for screen in SCREENS)


def test_the_language_switch_is_kept_with_the_person(open_app: OpenApp, services: Services) -> None:
    app = open_app(language="en")
    assert _titles(app) == ["Inspect a part"]
    app.segmented_control(key="language_choice").set_value("ko").run()
    assert _titles(app) == ["검사"]
    assert open_person(services, "engineer").language == "ko"


def test_the_role_switch_changes_who_acts(open_app: OpenApp) -> None:
    app = open_app(role="engineer")
    app.selectbox(key="role").set_value("worker").run()
    assert app.session_state["person"].role == "worker"
    assert "worker" in app.query_params["role"]


def test_a_wrong_setting_is_one_clear_page(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_DEVICE", "abacus")
    app = open_app()
    assert _titles(app) == ["Geomsa cannot start"]
    assert "GEOMSA_DEVICE" in app.error[0].value
    assert "abacus" in app.error[0].value
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    app.button[0].click().run()
    assert _titles(app) == ["Inspect a part"]


def test_a_database_that_is_gone_is_one_clear_page(
    open_app: OpenApp, services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("GEOMSA_DATABASE_URL", f"sqlite:///{broken}")
    app = open_app(language="ko")
    assert _titles(app) == ["Geomsa를 시작할 수 없습니다"]
    assert _HANGUL.search(app.error[0].value)
    assert not app.exception


def test_with_accounts_nobody_enters_without_a_password(
    open_app: OpenApp, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_user(
        services,
        open_person(services, "admin"),
        login="kim",
        display_name="Kim",
        role="worker",
        password="correct horse battery",
    )
    monkeypatch.setenv("GEOMSA_AUTH", "accounts")
    app = open_app()
    assert _titles(app) == ["Sign in"]
    app.text_input[0].set_value("kim")
    app.text_input[1].set_value("wrong password")
    app.button[0].click().run()
    assert _titles(app) == ["Sign in"]
    assert "not right" in app.error[0].value
    app.text_input[0].set_value("kim")
    app.text_input[1].set_value("correct horse battery")
    app.button[0].click().run()
    assert _titles(app) == ["Inspect a part"]
    assert app.session_state["person"].login == "kim"


def test_the_front_door_loads_no_heavy_library() -> None:
    """The first paint must not wait for torch or OpenVINO."""
    code = (
        "import sys\n"
        "import pages.components.session, pages.components.result_view, pages.components.inspection_sources\n"
        "import pages.components.deployment_view\n"
        "heavy = {'torch', 'openvino', 'anomalib', 'timm', 'faiss', 'sklearn', 'boto3'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60, capture_output=True)


def test_a_link_opened_first_after_a_start_is_loaded_once_more(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its first run, the server calls every screen but the first unknown, and says so in its own words."""
    from pages.components import session

    monkeypatch.setattr(session, "_opened", threading.Event())
    app = open_app()
    assert not [block for block in app.get("html") if "reload" in block.proto.body]
    monkeypatch.setattr(session, "_opened", threading.Event())
    app = app.switch_page("pages/overview/dashboard.py").run()
    assert [block for block in app.get("html") if "reload" in block.proto.body]
    assert "Dashboard" not in texts(app)
    assert "Dashboard" in texts(app.run())
