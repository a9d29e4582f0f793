"""`inspect` of many files, from the file on the disk to the committed record, against an earlier version.

    python -m benchmarks.bench_inspect [--against REF] [--images 376] [--turns 3] [--product casting] [--keep FOLDER]

Both sides run `python -m core inspect FILES --json` as a user does, each in a process of its own, in turns. The earlier
version runs from a worktree of `REF` that is made for it; it also builds the data folder (a demo product with memory
bank and similarity index), of which every run gets a fresh copy, brought up to date by its own `migrate`. Drawn images
of 0.1 megapixel that the product has not seen are inspected, 40 % of them with a defect.

The last line of stdout is one JSON object. `ratio` is that of the throughputs, a start with one image taken off on both
sides; `ratio_with_start` is that of whole runs. `engine_images_per_s` is what the detector alone does with the decoded
images in memory, in batches, and `share_of_engine` how near the whole comes to it. `same_results` says whether both
sides gave the same verdicts, scores, regions, similar images and types.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.demo.images.catalog import PRODUCTIONS

ROOT = Path(__file__).resolve().parents[1]
BASELINE = "af01748"
# Counts the statements of the process, and says so when it ends.
_COUNTED = """
import atexit, sys
from sqlalchemy import Engine, event
count = [0]
event.listen(Engine, "before_cursor_execute", lambda *_: count.__setitem__(0, count[0] + 1))
atexit.register(lambda: print("statements", count[0], file=sys.stderr))
from core.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
_ENGINE = """
import sys, time
from pathlib import Path
from core.catalog.products import find_product
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.services import build_services
from inference.vision.images.decode import decode
services = build_services()
product = find_product(services, sys.argv[1])
with services.database.reading() as session:
    model = services.models.memory_bank(active_version(session, MEMORY_BANK, product.id))
images = [decode(Path(path).read_bytes()).pixels for path in sys.argv[2:]]
list(model.inspect_many(images[:16]))
started = time.perf_counter()
list(model.inspect_many(images))
print(len(images) / (time.perf_counter() - started))
"""
# What has to be the same on both sides; times are not, and later versions may tell more.
_COMPARED = ("file", "verdict", "score", "review_at", "reject_at", "regions", "suggested_defect_type")
_COMPARED_SIMILAR = ("image", "similarity", "defect_type")


@dataclass(frozen=True)
class Run:
    """One run of `inspect`: seconds of the whole process and of the cores, SQL statements, and what it printed."""

    seconds: float
    cpu_s: float
    statements: int
    results: list[dict[str, Any]]


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def write_images(folder: Path, product: str, count: int) -> list[Path]:
    """Write the product's images of the demo under `folder`/import and `count` new ones beside; return the latter."""
    production = PRODUCTIONS[product]
    kinds = len(production.defect_codes)
    demo = list(production.images())
    known = {image.content for image in demo}
    for number, image in enumerate(demo):
        place = folder / "import" / product / image.split / (image.defect_code or "good")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:04d}.{production.file_format}").write_bytes(image.content)
    defects = -(-count * 2 // (5 * kinds)) * kinds
    more = production.images(test_normals=count + 40, test_defects=(defects + 60) // kinds)
    new = [image for image in more if image.split == "test" and image.content not in known]
    good = [image for image in new if image.defect_code is None]
    bad = [image for image in new if image.defect_code is not None]
    share = min(len(bad), count * 2 // 5)
    chosen = good[: count - share] + bad[:: max(1, len(bad) // max(1, share))][:share]
    (folder / "new").mkdir()
    paths = []
    for number, image in enumerate(chosen):
        path = folder / "new" / f"{(number * 97) % len(chosen):04d}-{number:04d}.{production.file_format}"
        path.write_bytes(image.content)
        paths.append(path)
    return sorted(paths)


def call(root: Path, data_dir: Path, *arguments: object, script: str = _COUNTED) -> tuple[str, str, float]:
    """Run a script of the program in `root` on the data folder; return stdout, stderr and the seconds it took."""
    environment = {**os.environ, "GEOMSA_DATA_DIR": str(data_dir), "GEOMSA_DEVICE": "cpu", "PYTHONPATH": str(root)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"{arguments[:2]} failed in {root}:\n{done.stderr[-3000:]}")
    return done.stdout, done.stderr, seconds


def build(root: Path, data_dir: Path, images: Path, product: str) -> None:
    """Make a data folder with the product deployed."""
    call(root, data_dir, "migrate")
    call(root, data_dir, "import", images)
    call(root, data_dir, "deploy", "all", "--product", product)


def inspect(root: Path, template: Path, folder: Path, product: str, files: list[Path]) -> Run:
    """Inspect the files on a fresh copy of the data folder."""
    data_dir = folder / "run"
    shutil.rmtree(data_dir, ignore_errors=True)
    shutil.copytree(template, data_dir)
    call(root, data_dir, "migrate")
    os.sync()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out, errors, seconds = call(root, data_dir, "inspect", *files, "--product", product, "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    statements = int(errors.rsplit("statements", 1)[1])
    return Run(seconds, cpu_s, statements, [json.loads(line) for line in out.splitlines()])


def compare(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> bool:
    """Return whether both sides said the same of every file, in the same order."""
    return [_pick(result) for result in old] == [_pick(result) for result in new]


def _pick(result: dict[str, Any]) -> tuple[list[Any], list[list[Any]]]:
    similar = [[found.get(key) for key in _COMPARED_SIMILAR] for found in result.get("similar", [])]
    return [result.get(key) for key in _COMPARED], similar


def measure(arguments: argparse.Namespace, baseline: Path, folder: Path) -> dict[str, Any]:
    """Build, run in turns, and return the figures."""
    template = folder / "data"
    if not template.is_dir():
        say("drawing images")
        write_images(folder, arguments.product, arguments.images)
        say("building the product")
        build(baseline, template, folder / "import", arguments.product)
    files = sorted((folder / "new").iterdir())[: arguments.images]
    roots = {"old": baseline, "new": ROOT}
    runs: dict[str, list[Run]] = {"old": [], "new": []}
    starts: dict[str, list[Run]] = {"old": [], "new": []}
    for turn in range(arguments.turns):
        for side, root in roots.items():
            starts[side].append(inspect(root, template, folder, arguments.product, files[:1]))
            runs[side].append(inspect(root, template, folder, arguments.product, files))
            say(turn, side, f"{starts[side][-1].seconds:.2f} s for one, {runs[side][-1].seconds:.2f} s for all")
            say("cores:", f"{starts[side][-1].cpu_s:.2f} s for one, {runs[side][-1].cpu_s:.2f} s for all")
    out, _errors, _seconds = call(ROOT, folder / "run", arguments.product, *files, script=_ENGINE)
    engine = float(out)
    whole = {side: statistics.median(run.seconds for run in found) for side, found in runs.items()}
    start = {side: statistics.median(run.seconds for run in found) for side, found in starts.items()}
    more = len(files) - 1
    per_image = {side: (whole[side] - start[side]) / more for side in roots}
    cpu = {
        side: statistics.median(
            (run.cpu_s - first.cpu_s) / more for run, first in zip(runs[side], starts[side], strict=True)
        )
        for side in roots
    }
    statements = {side: (runs[side][0].statements - starts[side][0].statements) / more for side in roots}
    return {
        "product": arguments.product,
        "images": len(files),
        "against": arguments.against,
        "ratio": per_image["old"] / per_image["new"],
        "ratio_with_start": whole["old"] / whole["new"],
        "images_per_s": 1.0 / per_image["new"],
        "images_per_s_before": 1.0 / per_image["old"],
        "ms_per_image": per_image["new"] * 1000.0,
        "ms_per_image_before": per_image["old"] * 1000.0,
        "cpu_ms_per_image": cpu["new"] * 1000.0,
        "cpu_ms_per_image_before": cpu["old"] * 1000.0,
        "start_s": start["new"],
        "start_s_before": start["old"],
        "sql_statements_per_inspection": statements["new"],
        "sql_statements_per_inspection_before": statements["old"],
        "engine_images_per_s": engine,
        "share_of_engine": 1.0 / per_image["new"] / engine,
        "same_results": compare(runs["old"][0].results, runs["new"][0].results),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", default=BASELINE, metavar="REF", help="the version before")
    parser.add_argument("--images", type=int, default=376)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--product", default="casting", choices=sorted(PRODUCTIONS))
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep images and data folder here, and use them again"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-bench-") as made:
        baseline = Path(made) / "baseline"
        subprocess.run(["git", "worktree", "add", "--detach", str(baseline), arguments.against], cwd=ROOT, check=True)
        try:
            folder = arguments.keep or Path(made) / "work"
            folder.mkdir(parents=True, exist_ok=True)
            print(json.dumps(measure(arguments, baseline, folder)))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(baseline)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
