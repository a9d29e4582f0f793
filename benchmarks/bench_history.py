"""How long the history takes to find what it is asked for among a million inspections, on SQLite.

    python -m benchmarks.bench_history [--rows 1000000] [--turns 5] [--keep FOLDER]

Makes the inspections as rows (two to three minutes; a folder that is kept is used again), then asks for each filter,
alone and with others, for its first and its thousandth page (or its last, where there are fewer), as the screen does.
`first` is until the rows of the first page can be drawn, `counted` until the whole list is known (at most 50,000),
`thousandth` from an address alone until its rows can be drawn, `turned` the same of a list that is known. Prints
progress to stderr, and one JSON object as the last line of stdout: median and worst milliseconds of each, and the worst
of all; `cpu` is the time of the processor, which another program on the machine lengthens less.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.history_rows import fill_history
from core.history.filters import HistoryFilter
from core.history.lines import load_lines
from core.history.review_queue import list_waiting
from core.history.search import PAGE_SIZE, find_inspections
from core.services import Services, build_services
from core.settings import read_settings

THOUSANDTH = 1000


def cases(ids: dict[str, list[int]]) -> dict[str, HistoryFilter]:
    """Return what is asked for: every filter alone, common combinations, and the worst that can be asked."""
    product, kind, person, batch = (ids[name][0] for name in ("products", "types", "people", "jobs"))
    other = ids["products"][1]
    alone = {
        "everything": HistoryFilter(),
        "product": HistoryFilter(product=product),
        "verdict ok": HistoryFilter(verdict="ok"),
        "verdict ng": HistoryFilter(verdict="reject"),
        "model verdict": HistoryFilter(model_verdict="review"),
        "type": HistoryFilter(defect_type=kind),
        "action done": HistoryFilter(action="done"),
        "action open": HistoryFilter(action="open"),
        "review waiting": HistoryFilter(review="waiting"),
        "one month": HistoryFilter(first_day=date(2024, 5, 1), last_day=date(2024, 5, 31)),
        "line": HistoryFilter(line="L1"),
        "lot": HistoryFilter(lot="3000"),
        "serial, few": HistoryFilter(serial="SN00000012"),
        "serial, most": HistoryFilter(serial="SN0"),
        "person": HistoryFilter(person=person),
        "source": HistoryFilter(source="api"),
        "batch": HistoryFilter(batch=batch),
        "file name, half": HistoryFilter(name="side"),
        "file name, one": HistoryFilter(name="0500000"),
        "file name, none": HistoryFilter(name="nothing"),
    }
    together = {
        "product and ng": HistoryFilter(product=product, verdict="reject"),
        "product and line": HistoryFilter(product=product, line="L1"),
        "product and foreign line": HistoryFilter(product=product, line="L8"),
        "product, line and ng": HistoryFilter(product=product, line="L1", verdict="reject"),
        "product and open": HistoryFilter(product=other, action="open"),
        "type and line": HistoryFilter(defect_type=kind, line="L1"),
        "product, ok, source": HistoryFilter(product=product, verdict="ok", source="api"),
        "ok, person, source, name": HistoryFilter(verdict="ok", person=person, source="api", name="top"),
        "product, month, ng": HistoryFilter(
            product=product, first_day=date(2024, 5, 1), last_day=date(2024, 5, 31), verdict="reject"
        ),
    }
    return alone | together


def timed(work: Callable[[], object], turns: int) -> dict[str, float]:
    """Return the milliseconds of some turns."""
    wall, cpu = [], []
    for _ in range(turns):
        started, used = time.perf_counter(), time.process_time()
        work()
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return {
        "median": round(statistics.median(wall), 1),
        "worst": round(max(wall), 1),
        "cpu": round(statistics.median(cpu), 1),
    }


def show_first(services: Services, wanted: HistoryFilter) -> None:
    """Find the first page alone and load it."""
    load_lines(services, find_inspections(services, wanted, limit=PAGE_SIZE).page(1))


def show_page(services: Services, wanted: HistoryFilter, page: int) -> None:
    """Find the list and load one of its pages."""
    load_lines(services, find_inspections(services, wanted).page(page))


def measure(services: Services, ids: dict[str, list[int]], turns: int) -> dict[str, Any]:
    """Return the figures of every case."""
    figures: dict[str, Any] = {}
    for name, wanted in cases(ids).items():
        found = find_inspections(services, wanted)
        last = min(THOUSANDTH, found.count_pages())
        figures[name] = {
            "found": found.total,
            "first": timed(lambda wanted=wanted: show_first(services, wanted), turns),  # type: ignore[misc]
            "counted": timed(lambda wanted=wanted: find_inspections(services, wanted), turns),  # type: ignore[misc]
            "page": last,
            "thousandth": timed(lambda wanted=wanted, last=last: show_page(services, wanted, last), turns),  # type: ignore[misc]
            "turned": timed(lambda found=found, last=last: load_lines(services, found.page(last)), turns),  # type: ignore[misc]
        }
        told = {which: (one["median"], one["cpu"]) for which, one in figures[name].items() if isinstance(one, dict)}
        say(f"{name:26} {found.total:6} (median, cpu) {told}")
    figures["review queue, riskiest"] = {
        "found": list_waiting(services).total,
        "first": timed(lambda: list_waiting(services, order="riskiest"), turns),
    }
    return figures


def say(text: str) -> None:
    """Print progress."""
    print(text, file=sys.stderr, flush=True)


def run(folder: Path, rows: int, turns: int) -> dict[str, Any]:
    """Make the inspections where they are not there yet, and measure."""
    made = folder / "made.json"
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}), migrate=True)
    if not made.exists():
        say(f"making {rows} inspections")
        made.write_text(json.dumps(fill_history(services, rows=rows)))
    figures = measure(services, json.loads(made.read_text()), turns)
    services.database.dispose()
    pages = [one[which] for one in figures.values() for which in ("first", "counted", "thousandth") if which in one]
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
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.keep is not None:
        print(json.dumps(run(options.keep, options.rows, options.turns)))
        return
    with tempfile.TemporaryDirectory(prefix="geomsa-history-") as folder:
        print(json.dumps(run(Path(folder), options.rows, options.turns)))


if __name__ == "__main__":
    main()
