"""The hands of a worker in a real browser: a hand scanner, a file that is too large, line mode by keys alone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.app_server import run_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
VERDICT = ", ".join(f".st-key-line_verdict_{verdict}" for verdict in ("ok", "review", "reject"))


@pytest.fixture
def app_url(deployed_data: Path, tmp_path: Path) -> Iterator[str]:
    """Yield the address of the app as `make run` starts it, on the data folder with the deployed product."""
    with run_app(deployed_data, tmp_path / "server.log") as app:
        yield app.url


@contextmanager
def _open_page(size: tuple[int, int] = (1280, 800)) -> Iterator[Page]:
    from playwright.sync_api import expect, sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    arguments += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="en-US", permissions=["camera"]
        )
        page = context.new_page()
        # A machine that runs other tests takes its time; what never comes still fails.
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        yield page
        browser.close()


def _inspections(data_dir: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data_dir / "geomsa.db")) as connection:
        return connection.execute("SELECT source, lot, serial, line FROM inspections ORDER BY id").fetchall()


def _scan(page: Page, text: str) -> None:
    """Type as a hand scanner does, however busy this machine is."""
    page.evaluate(
        """(text) => [...text, "Enter"].forEach((key) => document.body.dispatchEvent(new KeyboardEvent("keydown",
             {key, bubbles: true, cancelable: true, composed: true})))""",
        text,
    )


def test_a_scan_fills_in_the_part_and_presses_no_keys_of_the_page(app_url: str, deployed_data: Path) -> None:
    from playwright.sync_api import expect

    with _open_page() as page:
        page.goto(f"{app_url}/?role=worker")
        page.get_by_role("radio", name="Samples").click()
        page.get_by_role("button", name="Inspect cell_defect").first.click()
        expect(page.locator('[class*="st-key-verdict_"]')).to_contain_text(re.compile("NG|Review"), timeout=90_000)
        before = _inspections(deployed_data)
        # Digits and letters are keys of the result: 1 would confirm a type, D would close the action.
        _scan(page, "(10)1D2(21)N0-1")
        expect(page.get_by_text("Scanned:")).to_contain_text("Lot 1D2 · Serial number N0-1")
        with closing(sqlite3.connect(deployed_data / "geomsa.db")) as connection:
            last = connection.execute("SELECT confirmed_at, action_status FROM inspections ORDER BY id DESC").fetchone()
        assert last == (None, "open")
        # With a Korean layout on, a scanner's letters arrive as Hangul.
        page.evaluate(
            """() => [["ㅁ", "KeyA"], ["ㅠ", "KeyB"], ["7", "Digit7"], ["8", "Digit8"], ["Enter", "Enter"]].forEach(
                 ([key, code]) => document.body.dispatchEvent(
                   new KeyboardEvent("keydown", {key, code, bubbles: true, cancelable: true, composed: true})))"""
        )
        expect(page.get_by_text("Scanned:")).to_contain_text("Serial number ab78")
        page.get_by_role("button", name="Inspect cell_normal").or_(
            page.get_by_role("button", name="Inspect normal")
        ).first.click()
        expect(page.locator('[class*="st-key-verdict_"]')).to_be_visible()
        assert _inspections(deployed_data)[len(before) :] == [("sample", "1D2", "ab78", "")]


def test_a_file_that_is_too_large_is_refused_before_it_travels(app_url: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    large, text = tmp_path / "large.png", tmp_path / "text.png"
    large.write_bytes(bytes(55_000_000))
    text.write_bytes(b"not an image")
    with _open_page() as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
        page.goto(f"{app_url}/?role=worker")
        expect(page.get_by_role("button", name="Choose files")).to_be_visible()
        chooser = page.locator('[class*="st-key-inspect_upload"] input[type=file]')
        chooser.set_input_files(text)
        expect(page.get_by_test_id("stAlert")).to_contain_text("text.png is not an image")
        sent.clear()
        chooser.set_input_files(large)
        expect(page.get_by_test_id("stAlert")).to_contain_text("large.png has 55.0 MB")
        expect(page.get_by_test_id("stAlert")).to_have_count(1)
        assert sent == []


def test_line_mode_takes_one_picture_a_press_and_is_heard_on_ng(app_url: str, deployed_data: Path) -> None:
    from playwright.sync_api import expect

    with _open_page() as page:
        page.goto(f"{app_url}/line_mode?role=worker&line=L7")
        page.get_by_role("radio", name="Camera").click()
        page.get_by_role("button", name="Use this device's camera").click()
        expect(page.get_by_role("button", name="Take the picture")).to_be_visible()
        before = len(_inspections(deployed_data))
        _scan(page, "LOT9;SN-55")
        expect(page.locator(".st-key-line_verdict_ready")).to_contain_text("9 · 55")
        page.keyboard.press("Space")
        page.keyboard.press("Space")
        # What the made-up camera shows is no solar cell.
        expect(page.locator(".st-key-line_verdict_reject")).to_contain_text("NG", timeout=90_000)
        share = page.locator(VERDICT).bounding_box()
        assert share is not None
        assert share["height"] == pytest.approx(0.6 * 800, abs=2)
        page.wait_for_function("document.querySelector('[data-alarms]')?.dataset.alarms === '1'")
        assert _inspections(deployed_data)[before:] == [("camera", "9", "55", "L7")]
        page.get_by_role("button", name="Foot switch").click()
        page.keyboard.press("F9")
        expect(page.get_by_role("button", name="Foot switch: F9")).to_be_visible()
        for number, key in enumerate(["F9", "Enter", "n"], start=2):
            page.keyboard.press(key)
            expect(page.get_by_test_id("stMetric").last).to_contain_text(str(number))
        assert len(_inspections(deployed_data)) == before + 4
        page.keyboard.press("o")
        expect(page.get_by_role("heading", name="Inspect a part")).to_be_visible()
        expect(page.locator('[class*="st-key-verdict_reject"]')).to_be_visible()


def test_on_a_phone_the_camera_comes_first(app_url: str) -> None:
    from playwright.sync_api import expect

    with _open_page((400, 860)) as page:
        page.goto(f"{app_url}/?role=worker")
        expect(page.locator(".st-key-inspect_source").get_by_role("radio").first).to_have_accessible_name(
            re.compile("Camera")
        )
        expect(page.get_by_role("radio", name="Camera")).to_be_checked()
        expect(page.get_by_role("button", name="Use this device's camera")).to_be_in_viewport(ratio=1)
