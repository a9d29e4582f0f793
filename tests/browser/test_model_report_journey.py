"""Moving the thresholds in a real browser: by mouse, by keys and by typing; saved, they judge the next part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app_server import run_app

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture
def page(deployed_data: Path, tmp_path: Path) -> Iterator[Page]:
    """Yield the model report of the deployed product, on a data folder of its own: its thresholds are changed."""
    from playwright.sync_api import expect, sync_playwright

    folder = tmp_path / "data"
    shutil.copytree(deployed_data, folder)
    with run_app(folder, tmp_path / "server.log") as app, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US").new_page()
        # A machine that runs other tests takes its time; what never comes still fails.
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.goto(f"{app.url}/model_report")
        yield page
        browser.close()


def _value(handle: Locator) -> float:
    return float(handle.get_attribute("aria-valuenow") or "nan")


def test_thresholds_are_dragged_pressed_typed_and_saved(page: Page) -> None:
    from playwright.sync_api import expect

    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.reload()
    review, reject = page.locator(".handle.review"), page.locator(".handle.reject")
    expect(review).to_be_visible()
    expect(page.get_by_role("button", name="Back to those in force")).to_be_disabled()
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')")
    counts = page.locator(".matrix tbody tr").first
    before, at = counts.inner_text(), _value(review)
    frame = review.bounding_box()
    assert frame is not None
    x, y = frame["x"] + frame["width"] - 8, frame["y"] + frame["height"] / 2
    n_sent = len(sent)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(x - 25 * step, y)
    assert _value(review) < at
    assert counts.inner_text() != before
    assert len(sent) == n_sent  # nothing was asked of the server so far
    page.mouse.up()
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    assert len(sent) > n_sent
    at = _value(review)
    review.press("ArrowRight")
    small = _value(review) - at
    review.press("Shift+ArrowRight")
    assert _value(review) - at - small > 5 * small > 0
    reject.press("Home")
    assert _value(reject) == _value(review)
    reject.press("ArrowLeft")
    assert _value(reject) == _value(review)
    page.get_by_role("textbox", name="Review from").fill("1e9")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="must not start above NG")).to_be_visible()
    page.get_by_role("textbox", name="Review from").fill("1.5")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="NG from").fill("2")
    page.keyboard.press("Enter")
    expect(counts.get_by_role("button").nth(2)).not_to_have_text("0")
    page.get_by_role("textbox", name="Reason").fill("everything is to be stopped")
    page.get_by_role("button", name="Save these thresholds").click()
    expect(page.get_by_text("They hold from the next inspection on.").first).to_be_visible()
    expect(page.get_by_text("everything is to be stopped")).to_be_visible()
    counts.get_by_role("button").nth(2).click()
    expect(page.get_by_role("dialog")).to_contain_text("cells_normal")
    page.goto(page.url.partition("/model_report")[0] + "/?role=worker")
    page.get_by_role("radio", name="Samples").click()
    page.get_by_role("button", name="Inspect cell_normal").or_(
        page.get_by_role("button", name="Inspect normal")
    ).first.click()
    expect(page.locator('[class*="st-key-verdict_reject"]')).to_be_visible(timeout=90_000)
