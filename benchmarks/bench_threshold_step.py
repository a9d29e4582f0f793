"""How long one step of a threshold takes in the browser, from the key to the picture with all its counts.

    python -m benchmarks.bench_threshold_step [--scores N] [--steps N]

The board of the model report alone, on made-up scores, in Chromium. The last line is JSON: medians and the slowest in
ms; `threshold_step_ms` ends when the next frame is drawn, `script_ms` when all counts stand in the page.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from tests.app_server import run_app

CHROMIUM = Path("/usr/bin/chromium")
SCORES, STEPS = 5000, 50
_TYPES = 5
_APP = """
import numpy as np
import streamlit as st

from core.model_report.records import GOOD, type_label
from pages.components.analysis.model_report.threshold_handles import (
    LineCosts, ScoreGroup, ThresholdBoard, show_threshold_board,
)

random = np.random.default_rng(1)
n_defects = {scores} // 5
n_good = {scores} - n_defects
groups = [ScoreGroup(GOOD, "Good parts", False, random.normal(20, 2, n_good).tolist())]
for number in range({types}):
    found = random.normal(25 + 3 * number, 3, n_defects // {types}).tolist()
    groups.append(ScoreGroup(type_label(str(number)), f"Type {{number}}", True, found))
board = ThresholdBoard(
    groups=groups, pair=(25.0, 27.0), token="bench", in_force=(25.0, 27.0),
    escape_upper=[0.1] * (n_defects + 1), overkill_upper=[0.1] * (n_good + 1),
    defect_rate=0.02, costs=LineCosts(50000, 800, 300, "KRW"),
)
show_threshold_board(board, key="board", on_moved=lambda pair: None, on_opened=lambda *cell: None)
"""
_MEASURE = """async (steps) => {
  const root = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".board")).shadowRoot;
  const handle = root.querySelector(".handle.review"), found = [];
  // Twenty steps down, twenty up: what is counted changes at each.
  for (let number = 0; number < steps; number++) {
    const key = Math.floor(number / 20) % 2 ? "ArrowRight" : "ArrowLeft", start = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    handle.getBoundingClientRect();
    const counted = performance.now() - start;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    found.push([counted, performance.now() - start]);
  }
  return found;
}"""


def measure_threshold_step(scores: int = SCORES, steps: int = STEPS) -> dict[str, float]:
    """Return the medians in ms of so many steps over so many scores, and the slowest step."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as play:
        script = Path(name) / "board.py"
        script.write_text(_APP.format(scores=scores, types=_TYPES), encoding="utf-8")
        with run_app(Path(name), Path(name) / "server.log", script=str(script)) as app:
            browser = play.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(app.url)
            page.locator(".handle.review").wait_for(timeout=60_000)
            found: list[list[float]] = page.evaluate(_MEASURE, steps)
            browser.close()
    drawn = [step[1] for step in found]
    return {
        "threshold_step_ms": round(statistics.median(drawn), 2),
        "script_ms": round(statistics.median(step[0] for step in found), 2),
        "slowest_ms": round(max(drawn), 2),
    }


def main() -> None:
    """Measure and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, default=SCORES)
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    if not CHROMIUM.exists():
        sys.exit(f"{CHROMIUM} is not installed")
    print(json.dumps({"scores": asked.scores, **measure_threshold_step(asked.scores, asked.steps)}))


if __name__ == "__main__":
    main()
