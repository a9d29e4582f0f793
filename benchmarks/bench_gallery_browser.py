"""How long the gallery of a hundred thousand images takes in a real browser, until its thumbnails are drawn.

    python -m benchmarks.bench_gallery_browser [--rows 100000] [--turns 5] [--keep FOLDER]

Makes the images as rows of one product (a folder that is kept is used again), starts the app on them and opens the
screen of normal images in Chromium. `first_ms` is the first visit of the process, `opened_ms` the median of further
ones in new browser sessions, each from the address typed until every thumbnail that is in sight has its pixels;
`page_ms` the same of page 1,000 by its address, and `filtered_ms` of one filter. It needs /usr/bin/chromium and
playwright. Progress goes to stderr; the last line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gallery_rows import fill_gallery
from core.services import build_services
from core.settings import read_settings
from tests.app_server import run_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
_LONGEST_MS = 180_000
# Every picture of a tile that is in sight has pixels; tiles are drawn by a component, whose frame is the page itself.
_DRAWN = """() => {
  const inSight = (one) => { const box = one.getBoundingClientRect();
    return box.width > 0 && box.top < innerHeight && box.bottom > 0 };
  const roots = [document];
  for (const one of document.querySelectorAll('*')) if (one.shadowRoot) roots.push(one.shadowRoot);
  const pictures = roots.flatMap((root) => [...root.querySelectorAll('.tiles img')]);
  const seen = pictures.filter(inSight);
  return pictures.length > 0 && seen.every((one) => one.complete && one.naturalWidth > 0);
}"""


def visit(browser: Browser, address: str) -> float:
    """Return after how many milliseconds the thumbnails in sight are drawn, in a browser session of its own."""
    context = browser.new_context(viewport={"width": 1366, "height": 1400}, locale="en-US")
    try:
        page = context.new_page()
        started = time.perf_counter()
        page.goto(address, wait_until="commit", timeout=_LONGEST_MS)
        page.wait_for_function(_DRAWN, timeout=_LONGEST_MS, polling=50)
        return (time.perf_counter() - started) * 1000
    finally:
        context.close()


def run(folder: Path, rows: int, turns: int) -> dict[str, Any]:
    """Make the images where they are not there yet, and measure."""
    from playwright.sync_api import sync_playwright

    made = folder / "made.json"
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}), migrate=True)
    if not made.exists():
        print(f"making {rows} images", file=sys.stderr, flush=True)
        made.write_text(json.dumps(fill_gallery(services, rows=rows)))
    product_id = json.loads(made.read_text())["products"][0]
    services.database.dispose()
    with run_app(folder, folder / "server.log") as app, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        address = f"{app.url}/normal_images?role=engineer&product={product_id}"
        result: dict[str, Any] = {"rows": rows, "first_ms": round(visit(browser, address))}
        for name, more in (("opened_ms", ""), ("page_ms", "&page=1000"), ("filtered_ms", "&split=test&view=top")):
            taken = [visit(browser, address + more) for _ in range(turns)]
            result[name] = round(statistics.median(taken))
            print(name, [round(one) for one in taken], file=sys.stderr, flush=True)
        browser.close()
    return result


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        print(json.dumps(run(options.keep, options.rows, options.turns)))
        return
    with tempfile.TemporaryDirectory(prefix="geomsa-gallery-") as folder:
        print(json.dumps(run(Path(folder), options.rows, options.turns)))


if __name__ == "__main__":
    main()
