"""Signing in with a real browser: the way to the page that was asked for, a reload, and the end of a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.accounts.codes import create_code
from core.accounts.people import command_line_person, create_user, disable_user, list_users, set_password
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


def test_the_first_administrator_comes_in_by_the_code_and_others_by_theirs(tmp_path: Path) -> None:
    from playwright.sync_api import Page, expect, sync_playwright

    data = tmp_path / "data"

    def choose(page: Page, button: str, password: str, **typed: str) -> None:
        for label, value in typed.items():
            page.get_by_label(label, exact=True).fill(value)
        page.get_by_label("새 비밀번호", exact=True).fill(password)
        page.get_by_label("새 비밀번호 확인").fill(password)
        page.get_by_role("button", name=button).click()

    with run_app(data, tmp_path / "app.log", GEOMSA_AUTH="accounts") as app, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(viewport={"width": 400, "height": 800}, locale="ko-KR").new_page()
        page.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)
        page.goto(f"{app.url}/products")
        page.get_by_role("link", name="최초 관리자 등록").click()
        code = (data / "first-administrator.txt").read_text().strip()
        assert code in (tmp_path / "app.log").read_text(encoding="utf-8")
        names = {"아이디": "boss", "표시할 이름": "박관리"}
        choose(page, "등록", "password2026", 코드=code, **names)
        expect(page.get_by_role("alert")).to_contain_text("가장 먼저 시도")
        assert page.get_by_label("코드").input_value() == code
        choose(page, "등록", PASSWORD)
        expect(page.get_by_role("heading", name="제품 관리")).to_be_visible()
        assert not (data / "first-administrator.txt").exists()

        settings = read_settings({"GEOMSA_DATA_DIR": str(data), "GEOMSA_DEVICE": "cpu", "GEOMSA_AUTH": "accounts"})
        services = build_services(settings)
        admin = command_line_person(services)
        [boss] = list_users(services, admin)
        assert (boss.login, boss.display_name, boss.role) == ("boss", "박관리", "admin")
        kim = create_user(services, admin, login="kim", display_name="Kim", role="engineer", password=None)
        made = create_code(services, admin, user_id=kim.id, purpose="invitation")

        page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR").new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{app.url}/products")
        expect(page.get_by_role("link", name="최초 관리자 등록")).to_have_count(0)
        page.get_by_role("link", name="코드로 로그인").click()
        choose(page, "저장하고 로그인", PASSWORD, 코드=made.text.lower())
        expect(page.get_by_role("heading", name="제품 관리")).to_be_visible()

        set_password(services, admin, kim.id, "a word for today")
        page.goto(f"{app.url}/products")
        page.get_by_label("아이디").fill("kim")
        page.get_by_label("비밀번호").fill("a word for today")
        page.get_by_role("button", name="로그인").click()
        expect(page.get_by_role("heading", name="새 비밀번호 설정")).to_be_visible()
        # Nothing else is open: neither a page nor a file nor the line that pages are driven by.
        page.goto(f"{app.url}/defect_types")
        expect(page.get_by_role("heading", name="새 비밀번호 설정")).to_be_visible()
        assert page.request.get(f"{app.url}/_stcore/host-config").status == 401
        choose(page, "저장하고 계속", "a word of my own")
        expect(page.get_by_role("heading", name="불량 유형 관리")).to_be_visible()
        browser.close()
        services.database.dispose()
