"""*Inspect a part* as a person and as machines meet it: in Chromium, by HTTP and in bulk.

    python -m benchmarks.bench_inspection [--data FOLDER] [--inspections 24] [--browsers 0] [--images 96]

The real app runs on a copy of a data folder (`--data`, as `python -m core demo` makes it; without it one is made, which
takes minutes) with one-megapixel images of a product's test split, each another picture. The last line of stdout is one
JSON object; what is not there to be measured is null:

    browser_p50_s, browser_p95_s   file chosen → verdict and heat map visible, models and page warm
    key_p50_s                      digit key that confirms a defect type → the page shows it confirmed
    next_p50_s                     key for the next part → the page waits for a file again
    server_cpu_s                   the server process's own time on the cores for one inspection by the page, key and
                                   next part included (`engine_cpu_s`: `inspect` alone, of the same images)
    growth_mb                      what the server's memory grew by for each of these inspections
    eight_p50_s, eight_max_s       as browser_p50_s, with `--browsers 8` at the same time; eight_errors counts failures
    api_p95_ms                     an image of 512 px by HTTP, one client (`bench_api`)
    api_8_clients_ratio            throughput of 8 clients over the engine's
    batch_ratio                    throughput of `inspect_many` (file → committed record) over the engine's

The engine is `examine_many`: models and similarity search on decoded images in memory, in the same run, in turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from core.access import WORKER, Person
from core.accounts.people import command_line_person, open_person
from core.catalog.products import find_product
from core.images.library import get_image, read_image
from core.images.samples import pick_sample_images
from core.inspections.batch import inspect_many
from core.inspections.examination import examine_many, find_judges
from core.inspections.inspection import inspect
from core.inspections.loading import PartFile
from core.services import Services, build_services
from core.settings import read_settings
from tests.app_server import ROOT, AppServer, run_app

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS = ("browser", "api", "batch")
_CHROMIUM = Path("/usr/bin/chromium")
_CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_WARM_UPS = 3
# Eight browsers and the server on two cores: who waits longer than this has failed.
_TIMEOUT_MS = 90_000
_FILE_INPUT = '[class*="st-key-inspect_upload"] input[type=file]'
# The verdict of another part than `before`, and the heat map of its own, both on screen.
_SHOWN = """before => {
  const within = root => root.querySelector('img.heat')
    ?? [...root.querySelectorAll('*')].map(one => one.shadowRoot && within(one.shadowRoot)).find(Boolean);
  const verdict = document.querySelector('[class*="st-key-verdict_"]');
  const heat = verdict && within(document);
  if (!verdict || !heat || !heat.complete || !heat.naturalWidth || !verdict.offsetHeight) return false;
  const name = [...verdict.classList].find(one => one.startsWith('st-key-verdict_'));
  return name !== before ? name : false;
}"""
_CONFIRMED = """() => !document.querySelector('[class*="st-key-types_"]')"""


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def quantile(values: Sequence[float], share: float) -> float | None:
    return round(float(np.quantile(values, share)), 4) if values else None


def server_cpu_s(pid: int) -> float:
    """Return the time on the cores of a process and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_S


def draw_files(services: Services, product_id: int, count: int, *, side_px: int) -> list[bytes]:
    """Return `count` JPEG files of `side_px` a side, made of the product's sample images, no two of them alike."""
    sources = [
        np.asarray(PillowImage.open(io.BytesIO(read_image(services, get_image(services, image.id)))).convert("RGB"))
        for image in pick_sample_images(services, product_id, n=16)
    ]
    return [_draw_file(sources[number % len(sources)], number, side_px) for number in range(count)]


def _draw_file(source: NDArray[np.uint8], number: int, side_px: int) -> bytes:
    scaled = PillowImage.fromarray(source).resize((side_px, side_px), PillowImage.Resampling.BICUBIC)
    noise = np.random.default_rng(number).normal(0.0, 1.5, (side_px, side_px, 1))
    out = io.BytesIO()
    pixels = np.clip(np.asarray(scaled, np.float32) + noise, 0, 255).astype(np.uint8)
    PillowImage.fromarray(pixels).save(out, "JPEG", quality=92)
    return out.getvalue()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a Chromium without a window: the machine's own where there is one, else Playwright's."""
    path = str(_CHROMIUM) if _CHROMIUM.exists() else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


class Worker:
    """A worker's browser on the page: `inspect` gives it the next part, of the product that was inspected last."""

    def __init__(self, browser: Browser, server: AppServer) -> None:
        context = browser.new_context(locale="en-US", viewport={"width": 1366, "height": 768})
        self.page: Page = context.new_page()
        self.page.set_default_timeout(_TIMEOUT_MS)
        self.page.goto(f"{server.url}/?role=worker")
        self.page.locator(_FILE_INPUT).wait_for(state="attached")
        self._before = ""
        self.result_s: list[float] = []
        self.key_s: list[float] = []
        self.next_s: list[float] = []

    def inspect(self, file: Path) -> None:
        """Give a file, wait for the result, confirm its type where one is asked for, and go to the next part."""
        started = time.perf_counter()
        self.page.locator(_FILE_INPUT).set_input_files(file)
        shown = self.page.wait_for_function(_SHOWN, arg=self._before, polling="raf")
        self.result_s.append(time.perf_counter() - started)
        self._before = str(shown.json_value())
        # What the new page holds is there: a person's next key is never that fast.
        self.page.locator(_FILE_INPUT).wait_for(state="detached")
        self.page.wait_for_timeout(300)
        if "verdict_ok" not in self._before:
            started = time.perf_counter()
            self.page.keyboard.press("1")
            self.page.wait_for_function(_CONFIRMED, polling="raf")
            self.key_s.append(time.perf_counter() - started)
            self.page.wait_for_timeout(300)
        started = time.perf_counter()
        self.page.keyboard.press("n")
        self.page.locator(_FILE_INPUT).wait_for(state="attached")
        self.next_s.append(time.perf_counter() - started)
        self.page.wait_for_timeout(300)

    def forget(self) -> None:
        """Drop what was timed so far."""
        self.result_s, self.key_s, self.next_s = [], [], []


def measure_browser(server: AppServer, files: Sequence[Path], *, inspections: int) -> dict[str, float | None]:
    """Return what one browser waits for, and what the server spends on it."""
    with chromium() as browser:
        worker = Worker(browser, server)
        for file in files[:_WARM_UPS]:
            worker.inspect(file)
        worker.forget()
        memory, before = server.memory_bytes(), server_cpu_s(server.process.pid)
        chosen = files[_WARM_UPS : _WARM_UPS + inspections]
        for file in chosen:
            worker.inspect(file)
        spent = server_cpu_s(server.process.pid) - before
    return {
        "browser_p50_s": quantile(worker.result_s, 0.5),
        "browser_p95_s": quantile(worker.result_s, 0.95),
        "key_p50_s": quantile(worker.key_s, 0.5),
        "next_p50_s": quantile(worker.next_s, 0.5),
        "server_cpu_s": round(spent / len(chosen), 3),
        "growth_mb": round((server.memory_bytes() - memory) / len(chosen) / 1e6, 2),
    }


def measure_browsers(
    server: AppServer, files: Sequence[Path], *, browsers: int, each: int = 3
) -> dict[str, float | None]:
    """Return what several browsers wait for at the same time, each driven by a thread (and Playwright) of its own."""
    waited: list[float] = []
    failed: list[str] = []
    ready = threading.Barrier(browsers)

    def work(number: int) -> None:
        try:
            with chromium() as browser:
                worker = Worker(browser, server)
                ready.wait(timeout=240)
                for turn in range(each):
                    worker.inspect(files[(number * each + turn) % len(files)])
                waited.extend(worker.result_s)
        except (PlaywrightError, threading.BrokenBarrierError) as error:
            failed.append(str(error))
            say("a browser failed:", str(error)[:300])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "eight_p50_s": quantile(waited, 0.5),
        "eight_max_s": quantile(waited, 1.0),
        "eight_errors": len(failed),
        "server_memory_mb": round(server.memory_bytes() / 1e6),
    }


def measure_engine_cpu(services: Services, person: Person, product_id: int, files: Sequence[bytes]) -> float:
    """Return the time on the cores of `inspect` alone, in this process."""
    for data in files[:_WARM_UPS]:
        inspect(services, person, product_id=product_id, data=data, file_name="part.jpg")
    before = resource.getrusage(resource.RUSAGE_SELF)
    for data in files[_WARM_UPS : _WARM_UPS + 10]:
        inspect(services, person, product_id=product_id, data=data, file_name="part.jpg")
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(spent / len(files[_WARM_UPS : _WARM_UPS + 10]), 3)


def measure_engine(services: Services, product_id: int, files: Sequence[bytes]) -> float:
    """Return the images a second of the engine on decoded images in memory."""
    from inference.vision.images.decode import decode

    judges = find_judges(services, product_id)
    images = [decode(data, bit_depth=judges.bit_depth) for data in files]
    list(examine_many(services, judges, images[:16]))
    started = time.perf_counter()
    list(examine_many(services, judges, images))
    return len(images) / (time.perf_counter() - started)


def measure_batch(services: Services, person: Person, product_id: int, files: Sequence[bytes]) -> float:
    """Return the images a second from the file to the committed record."""
    parts = [
        PartFile(name=f"part-{number}.jpg", read=lambda data=data: data)  # type: ignore[misc]
        for number, data in enumerate(files)
    ]
    started = time.perf_counter()
    done = list(inspect_many(services, person, product_id=product_id, files=parts))
    seconds = time.perf_counter() - started
    failed = [outcome.error for outcome in done if outcome.error is not None]
    if failed:
        raise SystemExit(f"{len(failed)} files failed, the first with {failed[0].code}")
    return len(files) / seconds


def measure_api(data_dir: Path, product: str) -> dict[str, float]:
    """Return the figures of `bench_api`, run in a process of its own; none where it is not there."""
    if importlib.util.find_spec("benchmarks.bench_api") is None:
        return {}
    environment = {**os.environ, "GEOMSA_DATA_DIR": str(data_dir), "GEOMSA_DEVICE": "cpu"}
    command = [sys.executable, "-m", "benchmarks.bench_api", "--product", product, "--images", "40", "--turns", "2"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {name: found[name] for name in ("api_p95_ms", "api_8_clients_ratio")}


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure the parts that were asked for."""
    data_dir = folder / "data"
    if arguments.data is None:
        say("making a demo data folder")
        environment = {**os.environ, "GEOMSA_DATA_DIR": str(data_dir)}
        subprocess.run([sys.executable, "-m", "core", "demo"], cwd=ROOT, env=environment, check=True)
    else:
        shutil.copytree(arguments.data, data_dir)
    settings = read_settings({"GEOMSA_DATA_DIR": str(data_dir), "GEOMSA_DEVICE": "cpu"})
    services = build_services(settings, migrate=True)
    person = command_line_person(services)
    product = find_product(services, arguments.product)
    figures: dict[str, Any] = dict.fromkeys(
        (
            *("browser_p50_s", "browser_p95_s", "key_p50_s", "next_p50_s", "server_cpu_s", "engine_cpu_s", "growth_mb"),
            *("eight_p50_s", "eight_max_s", "eight_errors", "server_memory_mb"),
            *("api_p95_ms", "api_8_clients_ratio", "batch_ratio", "engine_images_per_s", "batch_images_per_s"),
        )
    )
    if "browser" in arguments.only:
        drawn = draw_files(services, product.id, arguments.inspections + _WARM_UPS, side_px=1024)
        files = []
        for number, data in enumerate(drawn):
            files.append(folder / f"part-{number:03d}.jpg")
            files[-1].write_bytes(data)
        # The page comes back to the product that its person inspected last.
        worker = open_person(services, WORKER)
        inspect(services, worker, product_id=product.id, data=drawn[0], file_name="part.jpg")
        with run_app(data_dir, folder / "app.log") as server:
            figures |= measure_browser(server, files, inspections=arguments.inspections)
            say(figures)
            if arguments.browsers:
                figures |= measure_browsers(server, files, browsers=arguments.browsers)
            shutil.copy(folder / "app.log", arguments.log) if arguments.log else None
        figures["engine_cpu_s"] = measure_engine_cpu(services, person, product.id, drawn)
    if "api" in arguments.only:
        figures |= measure_api(data_dir, product.code)
    if "batch" in arguments.only:
        small = draw_files(services, product.id, arguments.images, side_px=512)
        engine, batch = [], []
        for _turn in range(2):
            engine.append(measure_engine(services, product.id, small))
            batch.append(measure_batch(services, person, product.id, small))
        figures["engine_images_per_s"] = round(statistics.median(engine), 2)
        figures["batch_images_per_s"] = round(statistics.median(batch), 2)
        figures["batch_ratio"] = round(statistics.median(batch) / statistics.median(engine), 3)
    services.database.dispose()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a data folder with the demo; it is copied")
    parser.add_argument("--product", default="casting")
    parser.add_argument("--inspections", type=int, default=24)
    parser.add_argument("--browsers", type=int, default=0, help="so many browsers at the same time, after the one")
    parser.add_argument("--images", type=int, default=96, help="for the batch")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--log", type=Path, help="keep the server's log here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-bench-") as made:
        print(json.dumps(measure(arguments, Path(made))))


if __name__ == "__main__":
    main()
