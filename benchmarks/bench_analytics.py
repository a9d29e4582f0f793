"""How long the figures of a year's million inspections take, and what keeping them costs who inspects.

    python -m benchmarks.bench_analytics [--rows 1000000] [--keep FOLDER] [--skip NAME ...] [--server NAME]

Makes the inspections of fifty products on ten lines as rows (a folder that is kept is used again), counts them, then
takes each figure in a process of its own: the first call after the libraries are loaded, with nothing kept from before
(`load_s` is what scipy takes to load, which a server does once).
Prints progress to stderr, and one JSON object as the last line of stdout: seconds of the clock; `cpu` holds the same in
time of the processor, which another program on the machine lengthens less, `figures` each one alone.
With `--server mariadb` or `postgresql`, the rows are copied into a fresh server of that kind and read from there: what
is written, and thresholds, are left out.
`write_overhead` is what counting adds to an inspection from its bytes to its record, as a share, by the medians of
pairs that take turns (`store_s` in its figures: to what comes after the verdict alone). `memory_mb` is the largest of
all the processes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlmodel import select

from benchmarks.bench_history import THOUSANDTH, cases, say, show_first, show_page
from benchmarks.bench_threshold_step import CHROMIUM, measure_threshold_step
from benchmarks.plant_on_server import SERVERS, serve_copy
from benchmarks.plant_rows import fill_plant
from core.accounts.people import open_person
from core.analytics.agreement import read_agreement
from core.analytics.dashboard import dashboard
from core.analytics.drift import measure_drift
from core.analytics.scope import Scope
from core.analytics.score_trend import read_score_trend
from core.analytics.trend_filter import GROUPINGS, TrendFilter
from core.analytics.trends import read_trend
from core.analytics.yields import read_action_times, read_yields
from core.history.search import find_inspections
from core.inspections import inspection, storing
from core.model_report.reading import read_report
from core.rollups.calendar import read_calendar
from core.rollups.counting import count_new
from core.rollups.rebuilding import rebuild_counts
from core.services import Services, build_services
from core.settings import read_settings
from core.transactions import reading, writing
from storage.tables import Image, Product
from tests.deployed_product import build_deployed_product
from tests.scored_images import images, measure_as

LAST = date(2025, 12, 30)
YEAR = Scope(LAST - timedelta(days=364), LAST)
MONTH = replace(YEAR, first=LAST - timedelta(days=29))
ALL_TIME = replace(YEAR, first=None)
IMAGES, PAIRS = 5000, 100
WARM = 3
Ids = dict[str, list[int]]
_URL = "BENCH_DATABASE_URL"  # of the server, for the processes that measure


def figures(ids: Ids) -> dict[str, Callable[[Services], object]]:
    """Return what is measured, by its name: what a screen asks for to draw itself."""
    product, version = ids["products"][0], ids["versions"][0]
    found: dict[str, Callable[[Services], object]] = {
        "dashboard, 30 days": lambda services: dashboard(services, MONTH),
        "dashboard, a year": lambda services: dashboard(services, YEAR),
        "dashboard, all time": lambda services: dashboard(services, ALL_TIME),
        "dashboard, a product": lambda services: dashboard(services, replace(YEAR, product_id=product)),
    }
    year = TrendFilter(period="365")
    for by in GROUPINGS:
        found[f"trend by {by}"] = lambda services, by=by: read_trend(services, replace(year, by=by), today=LAST)  # type: ignore[misc]
    narrow = replace(year, product=product, line="L1")
    found |= {
        "trend of a product and line": lambda services: read_trend(services, narrow, today=LAST),
        "trend of scores": lambda services: read_score_trend(services, replace(year, product=product), today=LAST),
        "trend of yields": lambda services: read_yields(services, YEAR),
        "trend of actions": lambda services: read_action_times(services, YEAR),
        "trend of agreement": lambda services: read_agreement(services, YEAR),
        "trend of drift": lambda services: measure_drift(services, now=_end(services)),
        "model report": lambda services: read_report(services, version),
    }
    for name, wanted in cases(ids).items():
        if wanted.first_day is not None:
            wanted = replace(wanted, first_day=date(2025, 5, 1), last_day=date(2025, 5, 31))
        found[f"history, {name}"] = lambda services, wanted=wanted: show_first(services, wanted)  # type: ignore[misc]
    every = cases(ids)["everything"]
    found["history, thousandth page"] = lambda services: show_page(
        services, every, min(THOUSANDTH, find_inspections(services, every).count_pages())
    )
    return found


def _end(services: Services) -> Any:
    with reading(services) as session:
        return read_calendar(session).end_of(LAST)


def prepare(folder: Path, rows: int) -> dict[str, float]:
    """Make the inspections and the scores of a model where they are not there yet; return how long it took."""
    if (folder / "made.json").exists():
        return {}
    say("building a product that can be inspected")
    build_deployed_product(folder)
    services = open_services(folder)
    say(f"making {rows} inspections")
    started, used = time.perf_counter(), time.process_time()
    ids = fill_plant(services, rows=rows)
    made, made_cpu = time.perf_counter(), time.process_time()
    say(f"made in {made - started:.0f} s ({made_cpu - used:.0f} s of the processor); counting them")
    rebuild_counts(services)
    counted, counted_cpu = time.perf_counter(), time.process_time()
    _measure_model(services, ids)
    services.database.dispose()
    (folder / "made.json").write_text(json.dumps(ids))
    return {
        "generate_s": round(made - started, 1),
        "generate_cpu_s": round(made_cpu - used, 1),
        "rebuild_s": round(counted - made, 1),
        "rebuild_cpu_s": round(counted_cpu - made_cpu, 1),
    }


def _measure_model(services: Services, ids: Ids) -> None:
    """Store the scores of so many test images for the first product's memory bank; a fifth of them shows defects."""
    n_defects = IMAGES // 5
    good = [20 + 2 * (number % 997) / 997 for number in range(IMAGES - n_defects)]
    scored = images(good, [21.5 + 8 * (number % 499) / 499 for number in range(n_defects)], code="t0")
    with writing(services) as session:
        rows = [
            Image(
                product_id=ids["products"][0], image_type="normal", split="test", stored_name=one.name,
                original_name=one.name, object_key=f"images/{place}", thumbnail_key=f"thumbnails/{place}",
                content_sha256=f"{place:064x}", pixel_sha256=f"{place:064x}", byte_size=1, width_px=1, height_px=1,
                file_format="png",
            )
            for place, one in enumerate(scored)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        known = [
            replace(one, image_id=row.id, content_sha256=row.content_sha256)
            for one, row in zip(scored, rows, strict=True)
        ]
        session.commit()
    measure_as(services, ids["versions"][0], known)


def measure_writing(services: Services, pairs: int) -> dict[str, float]:
    """Return what counting adds to an inspection from its bytes to its record, by the medians of pairs in turns.

    `store` is the same of what comes after the verdict alone: the files and the row.
    """
    from core.demo.images.solar_cells import cell_images

    person = open_person(services, "worker")
    with reading(services) as session:
        product = session.exec(select(Product).where(Product.code == "cells")).one()
    data = next(iter(cell_images("mono"))).content
    stored: list[tuple[float, float]] = []

    def store_timed(*args: Any, **values: Any) -> Any:
        started, used = time.perf_counter(), time.process_time()
        found = storing.store(*args, **values)
        stored.append((time.perf_counter() - started, time.process_time() - used))
        return found

    whole: list[tuple[float, float]] = []
    with mock.patch.object(inspection, "store", store_timed):
        for turn in range(2 * (pairs + WARM)):
            # What is left out is the counting alone.
            count = count_new if turn % 2 == 0 else lambda _session, _rows: None
            with mock.patch.object(storing, "count_new", count):
                started, used = time.perf_counter(), time.process_time()
                inspection.inspect(services, person, product_id=product.id, data=data, file_name="cell.png")
                whole.append((time.perf_counter() - started, time.process_time() - used))

    def compare(taken: list[tuple[float, float]], which: int) -> tuple[float, float]:
        times = [one[which] for one in taken[2 * WARM :]]
        return statistics.median(times[::2]), statistics.median(times[1::2])

    figures: dict[str, float] = {}
    for name, taken in (("", whole), ("store_", stored)):
        for which, unit in enumerate(("s", "cpu")):
            counted, plain = compare(taken, which)
            figures |= {f"{name}{unit}": counted / plain - 1, f"{name}{unit}_plain_ms": plain * 1000}
    return figures


def open_services(folder: Path) -> Services:
    """Return services on the folder's SQLite database, or on the server that the environment names."""
    settings = {"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}
    if url := os.environ.get(_URL):
        return build_services(read_settings({**settings, "GEOMSA_DATABASE_URL": url}))
    return build_services(read_settings(settings), migrate=True)


def take_one(folder: Path, name: str, pairs: int) -> dict[str, float]:
    """Measure one figure in this process."""
    services = open_services(folder)
    if name == "writing":
        figure = measure_writing(services, pairs)
    else:
        work = figures(json.loads((folder / "made.json").read_text()))[name]
        started, used = time.perf_counter(), time.process_time()
        # The trends' charts load it late; a server does so once.
        importlib.import_module("scipy.stats")
        loaded, loaded_cpu = time.perf_counter(), time.process_time()
        work(services)
        figure = {"s": time.perf_counter() - loaded, "cpu": time.process_time() - loaded_cpu}
        figure |= {"load_s": loaded - started, "load_cpu": loaded_cpu - used}
    services.database.dispose()
    # Linux counts in KiB.
    return figure | {"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(folder: Path, rows: int, pairs: int, skip: list[str]) -> dict[str, Any]:
    """Take every figure in a process of its own and put them together."""
    made = prepare(folder, rows)
    taken: dict[str, dict[str, float]] = {}
    for name in [*figures(json.loads((folder / "made.json").read_text())), "writing"]:
        if any(name.startswith(start) for start in skip):
            continue
        command = [sys.executable, "-m", "benchmarks.bench_analytics", "--keep", str(folder), "--take", name]
        done = subprocess.run([*command, "--pairs", str(pairs)], stdout=subprocess.PIPE, text=True, check=True)
        taken[name] = {key: round(value, 4) for key, value in json.loads(done.stdout.splitlines()[-1]).items()}
        say(f"{name:32} {taken[name]}")
    step = None if "threshold" in skip or not CHROMIUM.exists() else measure_threshold_step()

    def worst(start: str, which: str = "s") -> float | None:
        return max((one[which] for name, one in taken.items() if name.startswith(start)), default=None)

    return {
        "rows": rows,
        **made,
        "figures": taken,
        "cpu": {
            "dashboard_s": worst("dashboard", "cpu"),
            "trend_max_s": worst("trend", "cpu"),
            "model_report_s": worst("model report", "cpu"),
            "history_page_max_s": worst("history", "cpu"),
            "write_overhead": worst("writing", "cpu"),
        },
        "dashboard_s": worst("dashboard"),
        "trend_max_s": worst("trend"),
        "model_report_s": worst("model report"),
        "threshold_step_ms": None if step is None else step["threshold_step_ms"],
        "history_page_max_s": worst("history"),
        "write_overhead": worst("writing"),
        "memory_mb": worst("", "memory_mb"),
    }


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--skip", nargs="*", default=[], help="figures to leave out, by how their names begin")
    parser.add_argument("--server", choices=tuple(SERVERS))
    parser.add_argument("--take", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.take is not None:
        print(json.dumps(take_one(options.keep, options.take, options.pairs)))
        return
    with tempfile.TemporaryDirectory(prefix="geomsa-analytics-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.server is None:
            print(json.dumps(run(folder, options.rows, options.pairs, options.skip)))
            return
        prepare(folder, options.rows)
        # Not below the temporary folder: a server that runs as another user must be able to enter.
        with tempfile.TemporaryDirectory(prefix="geomsa-", dir="/tmp") as place:
            source = open_services(folder)
            say(f"copying into {options.server}")
            with serve_copy(options.server, source, Path(place)) as url:
                source.database.dispose()
                os.environ[_URL] = url
                skip = [*options.skip, "writing", "threshold"]
                print(json.dumps({"server": options.server, **run(folder, options.rows, options.pairs, skip)}))


if __name__ == "__main__":
    main()
