"""How long the gallery takes to find what it is asked for among a hundred thousand images, on SQLite.

    python -m benchmarks.bench_gallery [--rows 100000] [--turns 5] [--keep FOLDER]

Makes the images as rows of one product (a folder that is kept is used again), then asks for each filter, alone and with
others, and for what the screen asks besides. `found` is the number that fit, `first` until the rows of the first page
can be drawn, with the list counted, `thousandth` the same of the thousandth page (or the last, where there are fewer)
from an address alone, `turned` of a list that is known. Prints progress to stderr, and one JSON object as the last line
of stdout: median and worst milliseconds of each, and the worst of all; `cpu` is the time of the processor, which
another program on the machine lengthens less.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.bench_history import THOUSANDTH, timed
from benchmarks.gallery_rows import fill_gallery
from core.catalog.products import list_products
from core.deployments.start import list_stale
from core.images.exports.records import ExportChoice
from core.images.exports.selection import count_images as count_to_export
from core.images.exposures.leaks import find_leaks
from core.images.gallery.filters import GalleryFilter
from core.images.gallery.search import (
    Asked,
    FoundImages,
    count_images,
    count_regions,
    find_page,
    load_choices,
    load_images,
)
from core.images.outliers import list_kept
from core.inspections.normal_check import explain_suspected
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services, build_services
from core.settings import read_settings


def cases(ids: dict[str, list[int]]) -> dict[str, tuple[str, GalleryFilter]]:
    """Return what is asked for: every filter alone, common combinations, and the worst that can be asked."""
    first, second = ids["types"][:2]
    start, end = date(2024, 5, 1), date(2024, 5, 31)
    return {
        "everything": ("normal", GalleryFilter()),
        "all defects": ("defect", GalleryFilter()),
        "one type": ("defect", GalleryFilter(type=(first,))),
        "two types": ("defect", GalleryFilter(type=(first, second))),
        "test": ("normal", GalleryFilter(split="test")),
        "part": ("normal", GalleryFilter(part="P0123")),
        "view": ("normal", GalleryFilter(view="top")),
        "no view": ("normal", GalleryFilter(view="none")),
        "one month": ("normal", GalleryFilter(first_day=start, last_day=end)),
        "where taken": ("normal", GalleryFilter(domain="line")),
        "origin": ("normal", GalleryFilter(origin="api")),
        "name, half": ("normal", GalleryFilter(name="side")),
        "name, one": ("normal", GalleryFilter(name="0050001")),
        "name, none": ("normal", GalleryFilter(name="nothing")),
        "any fault": ("normal", GalleryFilter(quality="fault")),
        "blurred": ("normal", GalleryFilter(quality="blurred")),
        "suspected": ("normal", GalleryFilter(state="suspected")),
        "with mask": ("defect", GalleryFilter(mask="with")),
        "without mask": ("defect", GalleryFilter(mask="without")),
        "test, view, name": ("normal", GalleryFilter(split="test", view="top", name="side")),
        "fine, name": ("normal", GalleryFilter(quality="fine", name="side")),
        "type, mask, month": ("defect", GalleryFilter(type=(first,), mask="with", first_day=start, last_day=end)),
    }


def show_page(services: Services, asked: Asked, page: int) -> None:
    """Count what fits and load one of its pages, as the screen does from an address."""
    load_page(services, find_page(services, asked, count_images(services, asked), page))


def load_page(services: Services, ids: list[int]) -> None:
    """Load the rows of a page and what is marked in them."""
    load_images(services, ids)
    count_regions(services, ids)


def measure(services: Services, ids: dict[str, list[int]], turns: int) -> dict[str, Any]:
    """Return the figures of every case."""
    figures: dict[str, Any] = {}
    product_id = ids["products"][0]
    for name, (kind, wanted) in cases(ids).items():
        asked = Asked(product_id, kind, wanted)
        found = count_images(services, asked)
        last = min(THOUSANDTH, found.count_pages())

        def show(page: int, asked: Asked = asked) -> None:
            show_page(services, asked, page)

        def turn(page: int, asked: Asked = asked, found: FoundImages = found) -> None:
            load_page(services, find_page(services, asked, found, page))

        figures[name] = {
            "found": found.total,
            "first": timed(lambda show=show: show(1), turns),  # type: ignore[misc]
            "page": last,
            "thousandth": timed(lambda show=show, last=last: show(last), turns),  # type: ignore[misc]
            "turned": timed(lambda turn=turn, last=last: turn(last), turns),  # type: ignore[misc]
        }
        told = {which: (one["median"], one["cpu"]) for which, one in figures[name].items() if isinstance(one, dict)}
        say(f"{name:20} {found.total:6} (median, cpu) {told}")
    for name, ask in beside(services, product_id).items():
        figures[name] = {"first": timed(ask, turns)}
        say(f"{name:20} {figures[name]['first']}")
    return figures


def beside(services: Services, product_id: int) -> dict[str, Callable[[], object]]:
    """Return what the screen asks besides the list, each time it is drawn as a whole."""
    return {
        "choices of the filter": lambda: load_choices(services, product_id, "normal"),
        "counts of products": lambda: list_products(services),
        "models out of date": lambda: list_stale(services, [product_id], kinds=(MEMORY_BANK, SIMILARITY_INDEX)),
        "parts in two splits": lambda: find_leaks(services, product_id),
        "images set apart": lambda: explain_suspected(services, product_id),
        "images kept": lambda: list_kept(services, product_id),
        "size of an export": lambda: count_to_export(services, product_id, ExportChoice("folders", (), "")),
    }


def say(text: str) -> None:
    """Print progress."""
    print(text, file=sys.stderr, flush=True)


def run(folder: Path, rows: int, turns: int) -> dict[str, Any]:
    """Make the images where they are not there yet, and measure."""
    made = folder / "made.json"
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}), migrate=True)
    if not made.exists():
        say(f"making {rows} images")
        made.write_text(json.dumps(fill_gallery(services, rows=rows)))
    figures = measure(services, json.loads(made.read_text()), turns)
    services.database.dispose()
    pages = [one[which] for one in figures.values() for which in ("first", "thousandth") if which in one]
    return {
        "rows": rows,
        "worst_ms": max(one["worst"] for one in pages),
        "worst_median_ms": max(one["median"] for one in pages),
        "worst_cpu_ms": max(one["cpu"] for one in pages),
        "cases": figures,
    }


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.keep is not None:
        print(json.dumps(run(options.keep, options.rows, options.turns)))
        return
    with tempfile.TemporaryDirectory(prefix="geomsa-gallery-") as folder:
        print(json.dumps(run(Path(folder), options.rows, options.turns)))


if __name__ == "__main__":
    main()
