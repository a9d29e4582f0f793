"""Taking in images from a ZIP file: checked, decoded, hashed, measured, with thumbnails, stored and committed.

    python -m benchmarks.bench_intake [--images 1000] [--against REF] [--turns 1] [--formats jpeg png]

Images of one megapixel (1,024 × 1,024, drawn surfaces with grain, no two alike) lie in a ZIP file for each format.
Each turn takes them into a fresh data folder in a process of its own, as the import does: the archive is opened where
it lies, and its entries are read one by one. With `--against`, a worktree of that commit does the same in turns.

The last line of stdout is one JSON object, with an object for each format: `images_per_s` and `cpu_ms_per_image` of
the taking in alone (no start of the interpreter), `memory_mb` (the most that the process held) and
`memory_added_mb` (that, less what it held when it began). With `--against` also those `_before`, `ratio` of the
throughputs and `cpu_ratio` (steadier on a busy machine), and `same_results`: whether both sides gave every file the
same hashes, size and notes, and thumbnails of the same bytes; `thumbnail_difference` is by how many gray levels the
thumbnails differ on average, where they do.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SIDE_PX = 1024
_SEED = 20
# Runs in either version: only names that both have.
_TAKE_IN = """
import hashlib, json, resource, sys, time
from pathlib import Path
from core.accounts.people import open_person
from core.catalog.products import create_product
from core.files.archives import open_archive
from core.images.ingest import ingest_images
from core.images.library import list_images
from core.images.records import IncomingFile, IngestItem, Label
from core.services import build_services
from core.settings import read_settings

archive_path, data_dir, listing = sys.argv[1:]
services = build_services(read_settings({"GEOMSA_DATA_DIR": data_dir}), migrate=True)
person = open_person(services, "engineer")
product = create_product(services, person, name="bench", code="bench")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
cpu = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
held, busy, started = peak(), cpu(), time.perf_counter()
with open_archive(Path(archive_path), name="bench.zip") as archive:
    items = (IngestItem(IncomingFile(entry.name, entry.read), Label("normal", "train")) for entry in archive.entries)
    outcomes = list(ingest_images(services, person, product, items))
took, busy = time.perf_counter() - started, cpu() - busy
assert all(outcome.outcome == "added" for outcome in outcomes), outcomes[:3]
figures = {"seconds": took, "cpu_s": busy, "memory_mb": peak(), "memory_added_mb": peak() - held}
from sqlmodel import select
from storage.tables import Image
with services.database.reading() as session:
    rows = session.exec(select(Image).order_by(Image.id)).all()
with open(listing, "w") as file:
    for row in rows:
        thumbnail = services.objects.get(row.thumbnail_key)
        same = [row.original_name, row.stored_name, row.content_sha256, row.pixel_sha256, row.byte_size]
        same += [row.width_px, row.height_px, row.notes]
        file.write(json.dumps({"row": same, "thumbnail": thumbnail.hex()}) + "\\n")
print(json.dumps(figures))
services.database.dispose()
"""


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def write_archive(path: Path, image_format: str, count: int) -> None:
    """Write a ZIP file of so many images, stored without compression as cameras' archives are."""
    rng = np.random.default_rng(_SEED)
    ending = ".jpg" if image_format == "jpeg" else ".png"
    options: dict[str, Any] = {"quality": 92} if image_format == "jpeg" else {"compress_level": 3}
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    grain = rng.normal(0, 6, (SIDE_PX * 2, SIDE_PX * 2)).astype(np.float32)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            left, top = rng.integers(0, SIDE_PX, 2)
            soft = cv2.resize(rng.normal(0, 18, (24, 24)).astype(np.float32), (SIDE_PX, SIDE_PX))
            light = 150 + 30 * np.sin(x / rng.uniform(150, 400)) * np.cos(y / rng.uniform(150, 400))
            gray = light + soft + grain[top : top + SIDE_PX, left : left + SIDE_PX]
            for _ in range(6):
                center = tuple(int(value) for value in rng.integers(60, SIDE_PX - 60, 2))
                cv2.circle(gray, center, int(rng.integers(10, 55)), float(rng.uniform(30, 110)), -1)
            tinted = np.stack([gray, gray * 0.97 + 4, gray * 0.92 + 9], axis=-1)
            out = io.BytesIO()
            Image.fromarray(np.clip(tinted, 0, 255).astype(np.uint8)).save(out, image_format.upper(), **options)
            archive.writestr(f"line 1/part_{number:05d}{ending}", out.getvalue())


def ingest(root: Path, archive: Path, folder: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Take the archive into a fresh data folder with the version in `root`; return its figures and what it stored."""
    with tempfile.TemporaryDirectory(dir=folder) as data_dir:
        listing = Path(data_dir) / "stored.jsonl"
        environment = {**os.environ, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-c", _TAKE_IN, str(archive), f"{data_dir}/data", str(listing)],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"taking in failed in {root}:\n{done.stderr[-3000:]}")
        stored = [json.loads(line) for line in listing.read_text().splitlines()]
    return json.loads(done.stdout.splitlines()[-1]), stored


def measure(image_format: str, roots: dict[str, Path], wanted: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Take the images of a format in, turn by turn, and return the figures."""
    archive = folder / f"{image_format}.zip"
    say("drawing", wanted.images, image_format)
    write_archive(archive, image_format, wanted.images)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in roots}
    stored: dict[str, list[dict[str, Any]]] = {}
    for turn in range(wanted.turns):
        for side, root in roots.items():
            figures, stored[side] = ingest(root, archive, folder)
            found[side].append(figures)
            say(turn, image_format, side, f"{wanted.images / figures['seconds']:.1f} images/s", figures)

    def middle(side: str, name: str) -> float:
        return statistics.median(figures[name] for figures in found[side])

    result: dict[str, Any] = {"file_mb": archive.stat().st_size / 1e6 / wanted.images}
    for side, ending in (("new", ""), ("old", "_before")):
        if side in roots:
            result[f"images_per_s{ending}"] = wanted.images / middle(side, "seconds")
            result[f"cpu_ms_per_image{ending}"] = middle(side, "cpu_s") * 1000 / wanted.images
            result[f"memory_mb{ending}"] = middle(side, "memory_mb")
            result[f"memory_added_mb{ending}"] = middle(side, "memory_added_mb")
    if "old" in roots:
        result["ratio"] = result["images_per_s"] / result["images_per_s_before"]
        result["cpu_ratio"] = result["cpu_ms_per_image_before"] / result["cpu_ms_per_image"]
        result["same_results"] = stored["new"] == stored["old"]
        result["same_rows"] = [one["row"] for one in stored["new"]] == [one["row"] for one in stored["old"]]
        result["thumbnail_difference"] = compare_thumbnails(stored["old"], stored["new"])
    archive.unlink()
    return result


def compare_thumbnails(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> float:
    """Return by how many gray levels the thumbnails differ on average, pixel by pixel."""
    differences = [0.0]
    for before, after in zip(old, new, strict=True):
        if before["thumbnail"] != after["thumbnail"]:
            differences.append(float(np.abs(_open(before) - _open(after)).mean()))
    return float(np.mean(differences))


def _open(stored: dict[str, Any]) -> Any:
    return np.asarray(Image.open(io.BytesIO(bytes.fromhex(stored["thumbnail"]))), dtype=np.float32)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--against", metavar="REF", help="the version before")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--formats", nargs="+", default=["jpeg", "png"], choices=["jpeg", "png"])
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-bench-") as made:
        roots = {"new": ROOT}
        if wanted.against:
            baseline = Path(made) / "baseline"
            subprocess.run(["git", "worktree", "add", "--detach", str(baseline), wanted.against], cwd=ROOT, check=True)
            roots = {"old": baseline, "new": ROOT}
        try:
            figures = {name: measure(name, roots, wanted, Path(made)) for name in wanted.formats}
        finally:
            if wanted.against:
                subprocess.run(["git", "worktree", "remove", "--force", str(roots["old"])], cwd=ROOT, check=True)
    print(json.dumps({"images": wanted.images, "against": wanted.against, **figures}))


if __name__ == "__main__":
    main()
