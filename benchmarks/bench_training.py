"""How well and how fast trainings learn sets of images, through the command line alone.

    python -m benchmarks.bench_training [FOLDER ...] [--pills] [--recipe probe] [--set SECTION.FIELD=VALUE ...]
        [--limit N] [--resume N] [--curve 50 100 300] [--keep DIR] [--timeout S]

Each FOLDER is a set in ImageFolder layout (`{train,val,test}/<class>/…` or `<class>/…`) or with annotations in Pascal
VOC. It is imported into an installation of its own (`python -m core import`); what names no label is called like its
folder, as a person says with `--as defect:{folder}`. Then it is trained (`python -m core train`): the probe for
classes, the detector where boxes are marked (a recipe that is named goes before). `--limit` takes so many images of a
set, evenly over its classes. `--pills` draws the demo's pills and trains on both domains. `--curve` trains again with
so many training images. `--resume N` kills the worker at N random moments of more trainings, lets them go on each
time, and compares the final network with that of an undisturbed one, file by file. Progress goes to stderr; the last
line of stdout is one JSON object: by set `top1`, `macro_f1`, `map50`, `per_domain`, `train_s` (the training itself),
`total_s` (import, freezing and training), `images_per_s`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
_PRODUCT = "set"
_ROOT = Path(__file__).resolve().parent.parent


def say(text: str) -> None:
    """Write a line of progress."""
    print(text, file=sys.stderr, flush=True)


class Installation:
    """A data folder of its own, asked through the command line."""

    def __init__(self, folder: Path, timeout_s: float) -> None:
        self.folder, self._timeout_s = folder, timeout_s
        self._environment = {**os.environ, "GEOMSA_DATA_DIR": str(folder), "GEOMSA_LANGUAGE": "en"}

    def run(self, *words: str, allowed: Sequence[int] = (0,)) -> str:
        """Return what a command wrote. Raises RuntimeError with its last words where it fails."""
        made = subprocess.run(
            [sys.executable, "-m", "core", *words],
            cwd=_ROOT, env=self._environment, capture_output=True, text=True, timeout=self._timeout_s, check=False,
        )  # fmt: skip
        if made.returncode not in allowed:
            raise RuntimeError(f"{' '.join(words)}: status {made.returncode}\n{made.stderr[-3000:]}")
        return made.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command with its children in a group of their own, to be killed as one."""
        return subprocess.Popen(
            [sys.executable, "-m", "core", *words],
            cwd=_ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip


def measure_folder(folder: Path, wanted: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Return the figures of one set."""
    begun = time.perf_counter()
    source = thin_out(folder, wanted.limit, work / "limited") if wanted.limit else folder
    site = Installation(work / "data", wanted.timeout)
    said = json.loads(
        # 3: something was left out, and is counted below.
        site.run(
            "import", str(source), "--product", _PRODUCT, "--as", "defect:{folder}", "--no-check", "--json",
            allowed=(0, 3),
        )
    )  # fmt: skip
    import_s = time.perf_counter() - begun
    say(f"{folder.name}: {said['added']} images in {import_s:.1f} s, {len(said['questions'])} questions")
    recipe = wanted.recipe or ("detector" if has_boxes(folder) else "probe")
    result = train(site, _PRODUCT, recipe, wanted, folder.name)
    result |= {
        "images": said["added"],
        "questions": len(said["questions"]),
        "left_out": len(said["left_out"]),
        "import_s": round(import_s, 2),
        "total_s": round(time.perf_counter() - begun, 2),
    }
    result["images_per_s"] = round(said["added"] / result["total_s"], 2)
    if wanted.curve:
        result["curve"] = [measure_fewer(folder, count, recipe, wanted, work) for count in wanted.curve]
    if wanted.resume:
        result["resume"] = measure_resuming(site, _PRODUCT, recipe, wanted)
    return result


def measure_pills(wanted: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Return the figures of the demo's pills, those of each domain apart."""
    begun = time.perf_counter()
    site = Installation(work / "data", wanted.timeout)
    folder = work / "pills"
    count = write_pills(folder)
    drawn_s = time.perf_counter() - begun
    product = "drawn-pills"
    site.run(
        "import", str(folder), "--product", product, "--as", "normal:{folder}", "--part-rule", "{part}_{*}",
        "--no-check", "--json",
    )  # fmt: skip
    result = train(site, product, wanted.recipe or "probe", wanted, "pills")
    result |= {"images": count, "drawn_s": round(drawn_s, 2), "total_s": round(time.perf_counter() - begun, 2)}
    domains = result.get("per_domain") or {}
    result["top1_studio"] = domains.get("studio", {}).get("top1")
    result["top1_field"] = domains.get("field", {}).get("top1")
    if wanted.resume:
        result["resume"] = measure_resuming(site, product, wanted.recipe or "probe", wanted)
    return result


def write_pills(folder: Path) -> int:
    """Write the demo's pills in folders that say domain, split and kind; return how many images there are."""
    from core.demo.images.pills.production import draw_images

    count = 0
    for image in draw_images():
        path = folder / image.domain / image.split / image.kind / image.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.content)
        count += 1
    return count


def train(site: Installation, product: str, recipe: str, wanted: argparse.Namespace, name: str) -> dict[str, Any]:
    """Train one configuration to its end; return its figures."""
    configuration = write_configuration(site.folder / "train.json", product, recipe)
    begun = time.perf_counter()
    changes = [word for change in wanted.changes for word in ("--set", change)]
    told = json.loads(site.run("train", str(configuration), *changes, "--json", allowed=(0, 3)))
    wall_s = time.perf_counter() - begun
    test = told["test"]
    figures = {one: test.get(one) for one in ("top1", "top5", "macro_f1", "miou", "map50", "map50_95") if one in test}
    say(f"{name}: {recipe} in {wall_s:.1f} s: " + ", ".join(f"{one} {value}" for one, value in figures.items()))
    return {
        "recipe": recipe,
        **figures,
        "per_domain": test.get("per_domain"),
        "n_test": test.get("n"),
        "train_s": told["seconds"],
        "train_wall_s": round(wall_s, 2),
        "epochs": told["epochs_done"],
        "ms_per_image": told["ms_per_image"],
    }


def write_configuration(path: Path, product: str, recipe: str) -> Path:
    """Write the least that a training needs to be told."""
    task = {"segmenter": "segmentation", "detector": "detection"}.get(recipe, "classification")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "product": product, "task": task, "model": {"recipe": recipe}}))
    return path


def measure_fewer(folder: Path, count: int, recipe: str, wanted: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Return the figures with `count` images of the set in an installation of its own."""
    place = work / f"curve-{count}"
    site = Installation(place / "data", wanted.timeout)
    source = thin_out(folder, count, place / "limited")
    site.run(
        "import", str(source), "--product", _PRODUCT, "--as", "defect:{folder}", "--no-check", "--json", allowed=(0, 3)
    )
    return {"images": count, **train(site, _PRODUCT, recipe, wanted, f"{folder.name} {count}")}


def measure_resuming(site: Installation, product: str, recipe: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """Kill a training at random moments, let it go on, and compare its network with that of an undisturbed one."""
    changes = [word for change in (*wanted.changes, "seed=11") for word in ("--set", change)]
    configuration = write_configuration(site.folder / "resume.json", product, recipe)
    begun = time.perf_counter()
    calm = json.loads(site.run("train", str(configuration), *changes, "--json", allowed=(0, 3)))
    usual_s = time.perf_counter() - begun
    rng = random.Random(1)
    open_run, finished, kills = 0, [], 0
    while kills < wanted.resume:
        if not open_run:
            open_run = int(json.loads(site.run("train", str(configuration), *changes, "--no-wait", "--json"))["run"])
        worker = site.start("worker")
        time.sleep(rng.uniform(0.1, 0.9) * usual_s)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        # Whoever was done before it was hit was not killed: the next one is begun.
        if state_of(site, open_run) in {"succeeded", "failed"}:
            finished.append(open_run)
            open_run = 0
        else:
            kills += 1
            say(f"kill {kills}")
    if open_run:
        worker = site.start("worker")
        until = time.monotonic() + wanted.timeout
        while state_of(site, open_run) in {"queued", "running"} and time.monotonic() < until:
            time.sleep(1.0)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        finished.append(open_run)
    usual = hash_network(site, calm["run"])
    return {
        "kills": kills,
        "states": [state_of(site, one) for one in finished],
        "bit_equal": usual != {} and all(hash_network(site, one) == usual for one in finished),
        "files": usual,
    }


def state_of(site: Installation, run_id: int) -> str:
    """Return the state of a run."""
    return str(json.loads(site.run("runs", "show", str(run_id), "--json"))["state"])


def hash_network(site: Installation, run_id: int) -> dict[str, str]:
    """Return the hashes of the files of a run's network that hold weights."""
    import sqlite3

    with sqlite3.connect(next(site.folder.glob("*.db"))) as database:
        row = database.execute("SELECT object_prefix FROM training_runs WHERE id = ?", (run_id,)).fetchone()
    if row is None or not row[0]:
        return {}
    folder = site.folder / "objects" / row[0]
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".safetensors", ".onnx"}
    }


def has_boxes(folder: Path) -> bool:
    """Return whether annotations in Pascal VOC lie in a set."""
    found = next(folder.rglob("*.xml"), None)
    return found is not None and "<bndbox>" in found.read_text(encoding="utf-8", errors="replace")


def thin_out(folder: Path, count: int, target: Path) -> Path:
    """Link so many images of a set, evenly over its folders, with the annotations of the same name."""
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    others: list[Path] = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        if path.suffix.lower() in _IMAGES:
            by_folder[path.parent].append(path)
        else:
            others.append(path)
    queues = [random.Random(0).sample(paths, len(paths)) for paths in by_folder.values()]
    chosen: list[Path] = []
    while len(chosen) < count and any(queues):
        chosen += [queue.pop() for queue in queues if queue]
    chosen = chosen[:count]
    stems = {path.stem for path in chosen}
    for path in [*chosen, *(one for one in others if one.stem in stems)]:
        place = target / folder.name / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copyfile(path, place)
    return target / folder.name


def main() -> int:
    """Measure every set, and write one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--pills", action="store_true", help="the demo's pills as well")
    parser.add_argument("--recipe", default="", help="default: probe, or detector where boxes are marked")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="SECTION.FIELD=VALUE")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="so many images of each set")
    parser.add_argument("--curve", type=int, nargs="+", default=[], metavar="N", help="again with so many images")
    parser.add_argument("--resume", type=int, default=0, metavar="N", help="kill a training at N random moments")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the installations stay (default: removed)")
    parser.add_argument("--timeout", type=float, default=3600.0, metavar="S", help="for one command (default: 3600)")
    wanted = parser.parse_args()
    missing = [str(folder) for folder in wanted.folders if not folder.is_dir()]
    if missing or not (wanted.folders or wanted.pills):
        parser.error(f"no such folder: {', '.join(missing)}" if missing else "name a FOLDER, or --pills")
    sets: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="geomsa-training-") as scratch:
        top = wanted.keep or Path(scratch)
        for number, folder in enumerate(wanted.folders, start=1):
            work = top / f"{number}-{folder.name}"
            work.mkdir(parents=True, exist_ok=True)
            sets[folder.name if folder.name not in sets else f"{folder.name}-{number}"] = measure_folder(
                folder.resolve(), wanted, work
            )
        if wanted.pills:
            work = top / "pills"
            work.mkdir(parents=True, exist_ok=True)
            sets["pills"] = measure_pills(wanted, work)
    print(json.dumps({"benchmark": "training", "cores": os.cpu_count(), "sets": sets}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
