"""Signing in with a real browser: the way to the page that was asked for, a reload, and the end of a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.accounts.people import command_line_person, create_user, disable_user
from core.services import build_services
from core.settings import read_settings
from tests.app_server import run_app
from tests.browser.test_inspection_journey import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]

PASSWORD = "correct horse battery"


def test_a_person_signs_in_reloads_and_is_shut_out_when_disabled(tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    settings = read_settings({"GEOMSA_DATA_DIR": str(tmp_path / "data"), "GEOMSA_DEVICE": "cpu"})
    services = build_services(settings, migrate=True)
    admin = command_line_person(services)
    kim = create_user(services, admin, login="kim", display_name="김품질", role="engineer", password=PASSWORD)
    with run_app(tmp_path / "data", tmp_path / "app.log", GEOMSA_AUTH="accounts") as app, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR").new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(f"{app.url}/products")
        expect(page.get_by_role("heading", name="로그인")).to_be_visible()
        page.get_by_label("아이디").fill("kim")
        page.get_by_label("비밀번호").fill("wrong password")
        page.get_by_role("button", name="로그인").click()
        expect(page.get_by_role("alert")).to_contain_text("맞지 않습니다")
        # What was typed as the name has stayed, and the password is asked for again.
        expect(page.get_by_label("아이디")).to_have_value("kim")
        expect(page.get_by_label("비밀번호")).to_be_focused()
        page.get_by_label("비밀번호").fill(PASSWORD)
        page.get_by_role("button", name="로그인").click()
        expect(page.get_by_role("heading", name="제품 관리")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="제품 관리")).to_be_visible()
        assert page.evaluate("document.cookie").find("geomsa") == -1

        disable_user(services, admin, kim.id)
        page.get_by_role("link", name="불량 유형 관리").click()
        page.wait_for_url("**/sign-in?ended=1*")
        expect(page.get_by_role("alert")).to_contain_text("로그인이 종료되었습니다")
        browser.close()
    services.database.dispose()
