"""The side navigation and the newcomer's path in a real browser, in Korean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app_server import run_app
from tests.plates import encode, plate
from tests.zip_files import make_zip

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the app as it is installed: without data, with its own worker."""
    folder = tmp_path_factory.mktemp("navigation")
    with run_app(folder / "data", folder / "server.log", GEOMSA_WORKER="embedded") as app:
        yield app.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield one Chromium for all journeys."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        # A machine that runs other tests takes its time; what never comes still fails.
        expect.set_options(timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page of a person who has never been here."""
    context = browser.new_context(viewport={"width": 1366, "height": 600}, locale="ko-KR")
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def _heading(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stSidebarNav").get_by_role("button", name=name)


def test_groups_fold_by_keyboard_and_stay_as_they_were_left(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{app_url}/dashboard")
    expect(_heading(page, "검사")).to_have_attribute("aria-expanded", "true")
    expect(_heading(page, "시스템 설정")).to_have_attribute("aria-expanded", "false")
    _heading(page, "시스템 설정").press("Enter")
    expect(page.get_by_role("link", name="이미지 전처리 설정")).to_be_visible()
    _heading(page, "검사").click()
    expect(page.get_by_role("link", name="일괄 검사")).to_have_count(0)
    page.reload()
    expect(_heading(page, "시스템 설정")).to_have_attribute("aria-expanded", "true")
    expect(_heading(page, "검사")).to_have_attribute("aria-expanded", "false")
    # The group of the screen that is open is never hidden by what was folded on another one.
    page.goto(f"{app_url}/batch_inspection")
    expect(page.get_by_role("link", name="일괄 검사")).to_have_attribute("aria-current", "page")


def test_role_and_language_are_in_view_and_a_key_finds_a_screen(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{app_url}/dashboard?role=admin")
    foot = page.locator(".st-key-side_foot")
    for width, height in ((1366, 600), (1366, 768), (768, 1024), (400, 860)):
        page.set_viewport_size({"width": width, "height": height})
        if width <= 768:
            # The side bar is folded away: what it would say stands at the top, and leads to it.
            page.get_by_role("button", name="관리자 · 한국어").click()
        expect(foot.get_by_role("radio", name="English")).to_be_in_viewport(ratio=1)
        expect(foot.get_by_role("combobox").last).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1366, "height": 768})
    page.keyboard.press("Control+k")
    expect(foot.get_by_role("combobox").first).to_be_focused()
    page.keyboard.type("전처리")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="이미지 전처리 설정")).to_be_visible()


def test_an_address_that_no_screen_has_is_said_to_be_missing(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    answer = page.goto(f"{app_url}/no_such_screen?role=worker")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="페이지를 찾을 수 없습니다")).to_be_visible()
    page.get_by_role("link", name="통합 대시보드").click()
    expect(page.get_by_role("heading", name="통합 대시보드")).to_be_visible()
    assert "role=worker" in page.url


def test_two_clicks_lead_from_a_zip_of_good_images_to_the_inspection(page: Page, app_url: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    packed = tmp_path / "정상.zip"
    packed.write_bytes(make_zip({f"{seed}.png": encode(plate(seed)) for seed in range(8)}))
    page.goto(app_url)
    page.get_by_test_id("stMain").get_by_role("link", name="첫 검사 시작").click()
    page.get_by_role("textbox", name="제품 이름").fill("브래킷 A형")
    page.locator("input[type=file]").first.set_input_files(packed)
    expect(page.get_by_text("정상 이미지 8장").first).to_be_visible()
    page.get_by_role("button", name="가져와서 배포").click()
    expect(page.get_by_text("“브래킷 A형”").first).to_be_visible()
    page.wait_for_url("**job=*")
    page.reload()
    page.get_by_role("button", name="지금 검사하기").click(timeout=180_000)
    expect(page.get_by_role("heading", name="단품 검사")).to_be_visible()
    expect(page.locator('[class*="st-key-inspect_upload"] input[type=file]')).to_be_attached()
