"""The worker's screens hold what axe asks of them: no critical and no serious finding of ours, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.app_server import run_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
# Drawn by Streamlit itself, which gives no way to change them: its frame, its menu, its navigation.
NOT_OURS = [
    ["[data-testid=stSidebarNav]"],
    ["[data-testid=stHeader]"],
    ["[data-testid=stSidebarHeader]"],
    ["[data-testid=stToolbar]"],
]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
SCREENS = ("", "line_mode", "batch_inspection", "inspection_history", "dashboard")
# The others are looked at in `make test-full`.
OFTEN = ("", "line_mode")


@pytest.fixture(scope="module")
def app_url(deployed_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the app on the data folder with the deployed product."""
    with run_app(deployed_data, tmp_path_factory.mktemp("axe") / "server.log") as app:
        yield app.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield one Chromium for all screens."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


def _open(browser: Browser, address: str, locale: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale=locale, bypass_csp=True).new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    page.get_by_test_id("stMain").get_by_role("button").first.wait_for()
    _wait_until_still(page)
    return page


def _wait_until_still(page: Page) -> None:
    from playwright.sync_api import expect

    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')")
    # What a component draws by script is hidden until it has: axe would not see it, and so not judge it.
    expect(page.locator("[data-undrawn]")).to_have_count(0, timeout=60_000)
    page.wait_for_timeout(300)


def _find_grave(page: Page) -> list[str]:
    """Return what is critical or serious, a line each: the rule, and where."""
    from axe_playwright_python.sync_playwright import Axe

    found: dict[str, Any] = Axe().run(page, context={"exclude": NOT_OURS}, options=RULES).response
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:160]}"
        for rule in found["violations"]
        if rule["impact"] in {"critical", "serious"}
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("locale", ["ko-KR", pytest.param("en-US", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "screen", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.full) for name in SCREENS]
)
def test_a_screen_has_no_grave_finding(browser: Browser, app_url: str, screen: str, locale: str) -> None:
    page = _open(browser, f"{app_url}/{screen}?role=worker", locale)
    assert _find_grave(page) == []
    page.context.close()


@pytest.mark.parametrize("locale", ["ko-KR", pytest.param("en-US", marks=pytest.mark.full)])
def test_the_model_report_has_no_grave_finding(browser: Browser, app_url: str, locale: str) -> None:
    page = _open(browser, f"{app_url}/model_report", locale)
    page.locator(".handle.review").wait_for()
    _wait_until_still(page)
    assert _find_grave(page) == []
    page.context.close()


@pytest.mark.parametrize("locale", ["ko-KR", pytest.param("en-US", marks=pytest.mark.full)])
def test_the_way_to_the_first_inspection_has_no_grave_finding(browser: Browser, app_url: str, locale: str) -> None:
    for address in ("first_inspection", "first_inspection?product=1"):
        page = _open(browser, f"{app_url}/{address}", locale)
        assert _find_grave(page) == []
        page.context.close()


def test_a_result_has_no_grave_finding(browser: Browser, app_url: str) -> None:
    page = _open(browser, f"{app_url}/?role=worker", "ko-KR")
    page.get_by_role("radio", name="샘플").click()
    page.get_by_role("button", name="cell_defect").last.click()
    page.locator('[class*="st-key-verdict_"]').wait_for()
    page.get_by_role("button", name="판정 변경").wait_for()
    _wait_until_still(page)
    assert _find_grave(page) == []
    page.context.close()


@pytest.mark.parametrize("screen", ["dashboard", pytest.param("reports", marks=pytest.mark.full)])
def test_no_choice_hides_its_last_words_on_a_phone(browser: Browser, app_url: str, screen: str) -> None:
    page = _open(browser, f"{app_url}/{screen}?role=engineer", "en-US")
    page.set_viewport_size({"width": 320, "height": 800})
    page.locator(".stMain [data-testid=stButtonGroup]").first.wait_for()
    _wait_until_still(page)
    hidden = """() => [...document.querySelectorAll(".stMain [data-testid=stButtonGroup] > [role]")]
        .filter((group) => group.scrollWidth > group.clientWidth + 2).map((group) => group.innerText)"""
    assert page.evaluate(hidden) == []
    page.context.close()
