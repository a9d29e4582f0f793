"""Home.py: roles, languages, and what is said when the app cannot start."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.accounts import sessions
from core.accounts.people import create_user, open_person
from core.accounts.sign_in import sign_in
from core.errors import NotAllowed
from core.services import Services
from pages.components.shared.screens import SCREENS, existing_screens
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

ROOT = Path(__file__).resolve().parents[2]

PASSWORD = "correct horse battery"
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
def test_every_guarded_screen_begins_with_its_guard(path: str) -> None:
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
    assert _titles(app) == ["단품 검사"]
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


@pytest.mark.parametrize(
    ("address", "headers"),
    [("203.0.113.9", {}), ("garbage", {}), (None, {"X-Forwarded-For": "127.0.0.1"}), ("", {})],
)
def test_without_sign_in_a_page_opens_for_this_machine_alone(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch, address: str | None, headers: dict[str, str]
) -> None:
    app = open_app()
    assert _titles(app) == ["Inspect a part"]
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.ip_address", address)
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.headers", headers)
    assert _titles(app.run()) == ["Geomsa is closed here"]


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


def test_with_accounts_a_page_without_a_session_shows_nothing(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The gate turns such a browser away before it comes to a page; the page itself does not rely on that.
    monkeypatch.setenv("GEOMSA_AUTH", "accounts")
    app = open_app()
    assert _titles(app) == ["Your sign-in has ended"]
    assert [block for block in app.get("html") if "/sign-in?ended=1" in block.proto.body]
    assert not app.button
    assert not app.sidebar.selectbox


def test_with_accounts_a_person_comes_in_by_the_cookie_and_leaves_by_the_button(
    open_app: OpenApp, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = open_person(services, "admin")
    create_user(services, admin, login="kim", display_name="Kim", role="worker", password=PASSWORD)
    cookie = sessions.begin(services, sign_in(services, "kim", PASSWORD, address=""), address="")
    monkeypatch.setenv("GEOMSA_AUTH", "accounts")
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {sessions.cookie_names(services)[0]: cookie})
    app = open_app()
    assert _titles(app) == ["Inspect a part"]
    assert app.session_state["person"].login == "kim"
    next(button for button in app.button if button.key == "sign_out").click().run()
    assert _titles(app) == ["Signed out"]
    assert "person" not in app.session_state
    with pytest.raises(NotAllowed):
        sessions.find(services, cookie)


def test_home_loads_no_heavy_library() -> None:
    # The first paint must not wait for torch or OpenVINO.
    code = (
        "import sys\n"
        "import pages.components.shared.session, pages.components.inspection.result_view\n"
        "import pages.components.inspection.sources\n"
        "import pages.components.deployment.deployment_view\n"
        "heavy = {'torch', 'openvino', 'anomalib', 'timm', 'faiss', 'sklearn', 'boto3'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60, capture_output=True)


def _reloads(app: AppTest) -> bool:
    return any("geomsa_open_again" in one.proto.component_name for one in app.get("bidi_component"))


def test_a_link_opened_first_after_a_start_is_loaded_once_more(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Before its first run, the server calls every screen but the first unknown, and says so in its own words.
    from pages.components.shared import session

    monkeypatch.setattr(session, "opened", threading.Event())
    app = open_app()
    assert not _reloads(app)
    monkeypatch.setattr(session, "opened", threading.Event())
    app = app.switch_page("pages/overview/dashboard.py").run()
    assert _reloads(app)
    assert "Dashboard" not in texts(app)
    assert "Dashboard" in texts(app.run())
