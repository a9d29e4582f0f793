"""Drawing in a real browser: a box and a polygon on a picture, undone, saved, and still there after a reload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.images.records import IncomingFile
from core.images.regions.saving import list_regions, save_regions
from core.images.uploads import add_images
from core.services import Services, build_services
from core.settings import read_settings
from inference.vision.images.encoding import encode_png
from tests.app_server import run_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
SIDE_PX = 400


@pytest.fixture
def plates(tmp_path: Path) -> Iterator[Services]:
    """Yield services on a folder with a plate of two types of defects and one image."""
    services = build_services(
        read_settings({"GEOMSA_DATA_DIR": str(tmp_path / "data"), "GEOMSA_DEVICE": "cpu"}), migrate=True
    )
    engineer = open_person(services, "engineer")
    product = create_product(services, engineer, name="Plate", code="plate")
    made = [
        create_defect_type(services, engineer, product_id=product.id, code=code, name_ko=code, name_en=code.title())
        for code in ("dent", "scratch")
    ]
    pixels = np.random.default_rng(1).integers(90, 120, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    outcomes = add_images(
        services,
        engineer,
        product_id=product.id,
        image_type="defect",
        defect_type_id=made[0].id,
        files=[IncomingFile("plate.png", lambda: encode_png(pixels))],
    )
    assert [one.outcome for one in outcomes] == ["added"]
    yield services
    services.database.dispose()


def _open_editor(page: Page, url: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{url}/defect_images?role=engineer")
    page.locator(".tiles .open").first.click(force=True)
    page.get_by_role("button", name="Draw regions").first.click()
    expect(page.get_by_role("dialog", name="Draw regions")).to_be_visible()
    expect(page.locator("dialog.editor .regions")).to_be_attached()


def _click(page: Page, x: float, y: float) -> None:
    """Click a pixel of the image; it is shown as large as the stage allows, in its middle."""
    left, top, scale = _stage(page)
    page.mouse.click(left + x * scale, top + y * scale)


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    left, top, scale = _stage(page)
    page.mouse.move(left + start[0] * scale, top + start[1] * scale)
    page.mouse.down()
    page.mouse.move(left + end[0] * scale, top + end[1] * scale, steps=4)
    page.mouse.up()


def _stage(page: Page) -> tuple[float, float, float]:
    box = page.locator("dialog.editor .stage canvas").bounding_box()
    assert box is not None
    scale = min(box["width"] - 16, box["height"] - 16) / SIDE_PX
    return (
        box["x"] + (box["width"] - SIDE_PX * scale) / 2,
        box["y"] + (box["height"] - SIDE_PX * scale) / 2,
        scale,
    )


def test_what_is_drawn_is_saved_and_still_there(plates: Services, tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    with run_app(plates.settings.data_dir, tmp_path / "server.log") as app, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US").new_page()
        # A machine that runs other tests takes its time; what never comes still fails.
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        _open_editor(page, app.url)
        lines = page.locator("dialog.editor .regions .line")
        state = page.locator("dialog.editor header .state")
        # The picture has most of the window, and everything that decides is in view.
        stage = page.locator("dialog.editor .stage").bounding_box()
        assert stage is not None
        assert stage["width"] >= 0.7 * 1366
        for name in ("Save", "Next image", "Back to the image"):
            expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)

        page.keyboard.press("r")
        _drag(page, (40, 60), (140, 120))
        expect(lines).to_have_count(1)
        expect(lines.first).to_contain_text(re.compile(r"Dent.*Box", re.DOTALL))
        page.keyboard.press("p")
        for corner in ((220, 60), (340, 80), (300, 200)):
            _click(page, *corner)
        page.keyboard.press("Enter")
        expect(lines).to_have_count(2)
        page.keyboard.press("2")  # the chosen one is a scratch
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+z")
        expect(lines).to_have_count(1)
        page.keyboard.press("Control+y")
        page.keyboard.press("Control+y")
        expect(lines.nth(1)).to_contain_text("Scratch")
        expect(state).to_have_text("Not saved yet")

        # A reload takes nothing away that was not saved.
        page.once("dialog", lambda dialog: dialog.accept())
        page.reload()
        _open_editor(page, app.url)
        expect(lines).to_have_count(2)
        expect(state).to_have_text("Not saved yet")
        page.keyboard.press("Control+s")
        # The polygon is the larger one: what the image counts as is asked for.
        page.get_by_role("button", name="Leave it “Dent”").click()
        expect(state).to_have_text("Everything is saved")

        page.reload()
        _open_editor(page, app.url)
        expect(lines).to_have_count(2)
        expect(state).to_have_text("Everything is saved")
        found = list_regions(plates, 1)
        assert [region.shape for region in found.regions] == ["box", "polygon"]
        box = found.regions[0]
        assert (box.x, box.y, box.width, box.height) == pytest.approx((40, 60, 100, 60), abs=1.5)
        corners = [value for corner in found.regions[1].points for value in corner]
        assert corners == pytest.approx([220, 60, 340, 80, 300, 200], abs=1.5)
        assert found.image.mask_key is not None

        # Somebody else saves meanwhile: nothing is overwritten without a word, and nothing that was drawn is lost.
        save_regions(plates, open_person(plates, "engineer"), 1, found.regions[:1], row_version=found.image.row_version)
        page.keyboard.press("r")
        _drag(page, (200, 260), (260, 330))
        page.keyboard.press("Control+s")
        expect(page.get_by_text("Somebody else changed this image since you opened it")).to_be_visible()
        expect(lines).to_have_count(3)
        page.get_by_role("button", name="Show what is stored instead").click()
        expect(lines).to_have_count(1)

        # With a finger, on a phone: painted and saved.
        page.set_viewport_size({"width": 400, "height": 860})
        page.get_by_role("button", name="Brush", exact=True).click()
        _drag(page, (100, 250), (200, 260))
        expect(lines).to_have_count(2)
        for name in ("Save", "Back to the image", "Brush"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(state).to_have_text("Everything is saved")
        assert [region.shape for region in list_regions(plates, 1).regions] == ["box", "mask"]
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Back to the image").click()
        expect(page.get_by_role("button", name="Draw regions")).to_be_visible()
        assert problems == []
        browser.close()
