"""What people and files say is text on every screen, and no screen needs more than the policy of content allows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import find_product, update_product
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.inspections.decisions import close_action, override_verdict
from core.inspections.inspection import inspect
from core.inspections.part_details import PartDetails
from core.services import build_services
from core.settings import read_settings
from tests.app_server import run_app
from tests.manual_files import add, given, scratch_manual
from tests.plates import encode, plate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
SCRIPT = "<script>hostile=1</script><img src=x onerror=hostile=1>"
LINK = "[x](http://evil.example)[y](javascript:hostile=1)![z](http://evil.example/z.png)"
WORDS = ":material/icecream: :rainbow[r] $x^2$ **b**"
ALL = f"{SCRIPT}{LINK}{WORDS}"
# What would stand on the page if any of it were taken for more than text.
_TAKEN = """() => ({
  ran: typeof hostile !== "undefined",
  violations: window.geomsaViolations ?? [],
  links: [...document.querySelectorAll('a[href*="evil"], a[href^="javascript"]')].map((one) => one.outerHTML),
  images: [...document.querySelectorAll('img[src="x"], img[src*="evil"]')].map((one) => one.outerHTML),
  formulas: [...document.querySelectorAll(".katex")].map((one) => one.textContent),
  icons: [...document.querySelectorAll('[data-testid="stIconMaterial"]')]
    .map((one) => one.textContent).filter((text) => text.includes("icecream")),
})"""
_WATCH = """window.geomsaViolations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.geomsaViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""
_CLEAN = {"ran": False, "violations": [], "links": [], "images": [], "formulas": [], "icons": []}


@dataclass
class Planted:
    """Where the app is, and the inspection whose every text is hostile."""

    url: str
    inspection_id: int
    asked: list[str] = field(default_factory=list)


def _plant(folder: Path) -> int:
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}))
    person = open_person(services, "engineer")
    product = find_product(services, "cells")
    product = update_product(
        services, person, product.id, row_version=product.row_version,
        name=f"칸{SCRIPT}", name_en=LINK, description=ALL,
    )  # fmt: skip
    kind = create_defect_type(
        services, person, product_id=product.id, code="hostile", name_ko=f"흠{SCRIPT}", name_en=f"{LINK}{WORDS}",
        description=ALL,
    )  # fmt: skip
    picture = encode(plate(1))
    (stored,) = add_images(
        services, person, product_id=product.id, image_type="defect", defect_type_id=kind.id, split="train",
        files=[IncomingFile(f"{SCRIPT.replace('/', '_')}{WORDS}.png", lambda: picture)],
    )  # fmt: skip
    assert stored.error is None
    add(services, person, product.id, given(f"{LINK.replace('/', '_')}.pdf", scratch_manual()))
    texts = PartDetails(
        line=":material/icecream:", lot="[x](http://evil.example)", serial="<img src=x onerror=hostile=1>"
    )
    found = inspect(
        services, person, product_id=product.id, data=encode(plate(2)), file_name=f"{WORDS}<b>.png", part=texts
    )
    number = found.record.id
    decided = override_verdict(
        services, person, number, row_version=found.record.decision.row_version, verdict="reject", reason=ALL
    )
    close_action(services, person, number, row_version=decided.row_version, status="open", note=ALL)
    services.database.dispose()
    return number


@pytest.fixture(scope="module")
def planted(deployed_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Yield the app on a copy of the deployed product, with hostile texts wherever somebody may write."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(deployed_data, folder / "data")
    number = _plant(folder / "data")
    with run_app(folder / "data", folder / "server.log") as app:
        yield Planted(app.url, number)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield one Chromium for all visits."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


def _visit(page: Page, url: str) -> dict[str, object]:
    page.goto(url, timeout=180_000)
    # Line mode hides it.
    page.get_by_test_id("stSidebarNav").wait_for(state="attached", timeout=180_000)
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for(timeout=180_000)
    page.wait_for_timeout(1_500)  # charts and tables draw themselves after the run
    found: dict[str, object] = page.evaluate(_TAKEN)
    return found


@pytest.mark.full
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_hostile_texts_are_shown_and_never_run_on_any_screen(browser: Browser, planted: Planted, locale: str) -> None:
    """Every screen, in both languages: each shows other names. One visit each, because a browser takes its time."""
    from pages.components.shared.screens import address_of, existing_screens

    _check(browser, planted, locale, [address_of(screen.path) for screen in existing_screens()])


def test_hostile_texts_are_shown_and_never_run(browser: Browser, planted: Planted) -> None:
    _check(browser, planted, "ko-KR", ["/", "/dashboard", "/products"])


def _check(browser: Browser, planted: Planted, locale: str, addresses: list[str]) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale=locale)
    context.add_init_script(_WATCH)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    more = [f"/inspection_history?inspection={planted.inspection_id}", "/traceability?serial=x"]
    wrong = {}
    for address in [*addresses, *more]:
        sign = "&" if "?" in address else "?"
        found = _visit(page, f"{planted.url}{address}{sign}role=admin")
        if found != _CLEAN:
            wrong[address] = {name: value for name, value in found.items() if value != _CLEAN[name]}
    assert wrong == {}
    # Nothing was fetched from anywhere else, whatever a text may name.
    assert [url for url in asked if "evil" in url or not url.startswith((planted.url, "data:", "blob:"))] == []
    context.close()


def test_the_words_stand_on_the_page_as_they_were_written(browser: Browser, planted: Planted) -> None:
    from playwright.sync_api import expect

    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-US")
    page = context.new_page()
    _visit(page, f"{planted.url}/inspection_history?inspection={planted.inspection_id}&role=engineer")
    main = page.get_by_test_id("stMain")
    # The addresses in it stand there too, with a sign without width in each, so that they are no links.
    for text in ("<script>hostile=1</script><img src=x onerror=hostile=1>", "[x](http:", "javascript:hostile=1"):
        expect(main.get_by_text(text).first).to_be_attached(timeout=60_000)
    context.close()
