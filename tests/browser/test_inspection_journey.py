"""One journey in a real browser: open the app, inspect a real solar cell, see the verdict and the heat map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app_server import run_app

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture
def app_url(deployed_data: Path, tmp_path: Path) -> Iterator[str]:
    """Yield the address of the app as `make run` starts it, on the data folder with the deployed product."""
    with run_app(deployed_data, tmp_path / "server.log") as app:
        yield app.url


def test_a_worker_inspects_a_solar_cell_and_sees_why_it_failed(app_url: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US").new_page()
        # A machine that runs other tests takes its time; what never comes still fails.
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{app_url}/?role=worker")
        expect(page.get_by_role("heading", name="Inspect a part")).to_be_visible()
        page.get_by_role("radio", name="Samples").click()
        page.get_by_role("button", name="Inspect cell_defect").first.click()

        verdict = page.locator('[class*="st-key-verdict_"]')
        expect(verdict).to_be_visible(timeout=90_000)
        # The frame of the verdict stands a moment before its text.
        expect(verdict).to_contain_text(re.compile("NG|Review"))
        expect(page.get_by_role("img", name="Anomaly score")).to_be_visible()

        heat = page.get_by_alt_text("Heat map: where the part differs from normal parts")
        expect(heat).to_be_visible()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=heat.element_handle())
        # The verdict, the whole picture and its slider are on the first screen.
        slider = page.get_by_role("slider", name="Heat map")
        expect(slider).to_be_in_viewport(ratio=1)
        # Moving the slider changes the picture at once and asks the server nothing.
        before = len(asked)
        slider.fill("15")
        assert heat.evaluate("image => image.style.opacity") == "0.15"
        assert len(asked) == before

        page.get_by_role("tab", name="Comparison").click()
        expect(page.get_by_text("Nearest normal image")).to_be_visible()
        page.get_by_role("tab", name="Similar images").click()
        expect(page.get_by_text("Similar defects")).to_be_visible()
        page.get_by_role("tab", name="Decision").click()
        # Picture, verdict, score and the bar of decisions are in view on every screen, and the page does not scroll.
        for width, height in ((1366, 768), (400, 860), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            for place in (verdict, page.get_by_role("img", name="Anomaly score"), heat):
                expect(place).to_be_in_viewport(ratio=0.95)
            for name in ("Action done", "Leave open", "Override", "Next part"):
                expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
            assert (
                page.evaluate("(main => main.scrollHeight - main.clientHeight)(document.querySelector('.stMain'))") <= 1
            )

        # A note that was typed is there after a reload, although nothing was decided.
        page.get_by_label("What was done").press_sequentially("cell taken out")
        note = page.get_by_label("What was done")
        page.wait_for_timeout(2500)
        page.reload()
        expect(note).to_have_value("cell taken out")
        # The override opens on a key with the focus in it, and Escape closes it.
        page.keyboard.press("o")
        expect(page.get_by_label("Reason")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_label("Reason")).to_have_count(0)
        page.keyboard.press("o")
        expect(page.get_by_label("Reason")).to_be_focused()
        page.keyboard.type("only dust")
        page.keyboard.press("Enter")
        expect(verdict).to_contain_text("Changed by a person")
        expect(page.get_by_text("“only dust”")).to_be_visible()
        page.keyboard.press("o")
        expect(page.get_by_label("Reason")).to_be_focused()
        page.keyboard.type("no, a crack")
        page.keyboard.press("Enter")
        expect(page.get_by_text("“no, a crack”")).to_be_visible()
        expect(page.get_by_role("button", name="Action done")).to_be_visible()
        page.keyboard.press("d")
        expect(page.get_by_text("The action was closed.")).to_be_visible()
        # An open box takes no key from the page where nobody types.
        page.locator(".st-key-inspect_product input").focus()
        # Nothing of the app comes from elsewhere.
        own = app_url.split("://")[1]
        elsewhere = [url for url in asked if not url.startswith(("data:", "blob:")) and own not in url]
        assert not elsewhere, elsewhere
        page.keyboard.press("n")
        # The next part comes the same way.
        expect(page.get_by_role("radio", name="Samples")).to_be_checked()
        browser.close()
