"""What a quality engineer gets on images that nothing was tuned on, by the product's own commands.

    python -m benchmarks.bench_real FOLDER [--part-rule RULE] [--seeds 2] [--measures evaluate,thresholds,purity]
    python -m benchmarks.bench_real --generated [casting,leather,…]

FOLDER is what `core import` takes; a copy of DeepPCB is recognized and cut into crops that show one type of defect
each. `evaluate`: import with 60 % of the images set aside, whole parts together, so that 40 % of the defects are
labeled; deploy; `core evaluate`. `thresholds`: the default thresholds from 20, 40, 100 and 200 good images alone, on
unseen ones and on all defects, beside the best single threshold in hindsight. `purity`: 1, 2 and 4 defects hidden among
20 and 100 good images: how many are named, and how many good ones with them. Progress goes to stderr; the last line of
stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.demo.images.catalog import PRODUCTIONS
from inference.vision.detection.calibration import calibrate
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.odd_images import find_odd_images
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.purity import find_outliers
from inference.vision.images.decode import decode

Pixels = NDArray[np.uint8]
MEASURES = ("evaluate", "thresholds", "purity")
TEST_SHARE = 0.6
_DEEPPCB_TYPES = ("open", "short", "mousebite", "spur", "copper", "pinhole")
_CROP_PX = 256
_MOST_TESTED = 100


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- images ----------------------------------------------------------------------------------------------------------


def write_generated(code: str, folder: Path, *, normals: int = 240, defects: int = 20) -> None:
    """Draw a demo product's good and defective parts (of each kind) into a folder that `core import` takes."""
    production = PRODUCTIONS[code]
    for flaw in (None, *production.defect_codes):
        target = folder / ("normal" if flaw is None else f"defect/{flaw}")
        target.mkdir(parents=True)
        for index in range(normals if flaw is None else defects):
            pixels, mask = production.photograph("train", flaw, 1000 + index)
            _write(target / f"{code}_{flaw or 'normal'}_{index:04d}.png", np.asarray(pixels), mask)


def write_deeppcb(source: Path, folder: Path, *, normals: int = 240, per_type: int = 40) -> None:
    """Cut DeepPCB into crops: templates as good parts, boards around boxes of one type as defects. By seed."""
    rng = np.random.default_rng(0)
    templates = sorted(source.glob("group*/*/*_temp.jpg"))
    counts = dict.fromkeys(_DEEPPCB_TYPES, 0)
    for place in rng.permutation(len(templates)).tolist():
        template = templates[place]
        name = template.name.removesuffix("_temp.jpg")
        listed = template.parent.with_name(f"{template.parent.name}_not") / f"{name}.txt"
        boxes = np.array([[int(value) for value in line.split()] for line in listed.read_text().splitlines() if line])
        for box in boxes[rng.permutation(len(boxes))]:
            kind = _DEEPPCB_TYPES[box[4] - 1]
            middle = (box[:2] + box[2:4]) // 2
            left, top = np.clip(middle - rng.integers(40, 216, 2), 0, 640 - _CROP_PX).tolist()
            inside = (boxes[:, 2] > left) & (boxes[:, 0] < left + _CROP_PX)
            inside &= (boxes[:, 3] > top) & (boxes[:, 1] < top + _CROP_PX)
            if counts[kind] >= per_type or set(boxes[inside, 4].tolist()) != {int(box[4])}:
                continue
            board = decode((template.parent / f"{name}_test.jpg").read_bytes()).pixels
            mask = np.zeros(board.shape[:2], np.uint8)
            for x0, y0, x1, y1, _ in boxes[inside]:
                mask[y0:y1, x0:x1] = 255
            window = (slice(top, top + _CROP_PX), slice(left, left + _CROP_PX))
            target = folder / "defect" / kind
            target.mkdir(parents=True, exist_ok=True)
            _write(target / f"{name}_{kind}.png", board[window], mask[window])
            counts[kind] += 1
            break
    (folder / "normal").mkdir()
    for place in rng.permutation(len(templates))[:normals].tolist():
        left, top = rng.integers(0, 640 - _CROP_PX, 2).tolist()
        pixels = decode(templates[place].read_bytes()).pixels[top : top + _CROP_PX, left : left + _CROP_PX]
        _write(folder / "normal" / f"{templates[place].name.removesuffix('_temp.jpg')}_sound.png", pixels, None)


def _write(path: Path, pixels: Pixels, mask: NDArray[Any] | None) -> None:
    cv2.imwrite(str(path), pixels if pixels.ndim == 2 else pixels[..., ::-1])
    if mask is not None:
        marked = np.where(np.asarray(mask) > 0, 255, 0).astype(np.uint8)
        cv2.imwrite(str(path.with_name(f"{path.stem}_mask.png")), marked)


# --- by the commands -------------------------------------------------------------------------------------------------


def run_core(data_dir: Path, *arguments: str) -> str:
    """Run a command of the product in a data directory and return its standard output."""
    environment = {**os.environ, "GEOMSA_DATA_DIR": str(data_dir)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 3):  # 3: built, but it waits for a person
        raise SystemExit(f"core {arguments[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def evaluate(folder: Path, code: str, *, part_rule: str | None, seed: int, data_dir: Path) -> dict[str, Any]:
    """Import, deploy and evaluate; return what `evaluate --json` prints."""
    rule = () if part_rule is None else ("--part-rule", part_rule)
    share = ("--test-share", str(TEST_SHARE), "--split-seed", str(seed))
    run_core(data_dir, "import", str(folder), "--product", code, *rule, *share)
    run_core(data_dir, "deploy", "memory-bank", "--product", code, "--activate")
    run_core(data_dir, "deploy", "similarity-index", "--product", code, "--activate")
    found: dict[str, Any] = json.loads(run_core(data_dir, "evaluate", "--product", code, "--json").splitlines()[-1])
    say(f"{code} seed {seed}: AUROC {found['image_auroc']:.3f}, types {found['types']}")
    return found


# --- by the engine ---------------------------------------------------------------------------------------------------


def load_images(folder: Path) -> tuple[list[Pixels], list[Pixels]]:
    """Return good and defective images under `normal/` and `defect/` of a prepared folder."""
    normal = [decode(path.read_bytes()).pixels for path in sorted((folder / "normal").rglob("*.png"))]
    defects = [
        decode(path.read_bytes()).pixels
        for path in sorted((folder / "defect").rglob("*.png"))
        if not path.stem.endswith("_mask")
    ]
    return normal, defects


def _sources(images: Sequence[Pixels], places: Sequence[int], name: str = "") -> list[ImageSource]:
    return [ImageSource(f"{name}{place}", lambda place=place: images[place]) for place in places]  # type: ignore[misc]


def measure_thresholds(normal: list[Pixels], defects: list[Pixels], *, seed: int) -> list[dict[str, float]]:
    """Return overkill and escape at review of the defaults, beside the best threshold in hindsight, by images given."""
    rows: list[dict[str, float]] = []
    for count in (20, 40, 100, 200):
        rng = np.random.default_rng((seed, count))
        order = rng.permutation(len(normal)).tolist()
        if count + 20 > len(order):
            continue
        features = extract_patches(_sources(normal, order[:count]), PatchCoreConfig(), device="cpu")
        limits = calibrate(list(cross_fit(features).scores.values()), [])
        model = PatchCore.from_patches(features)
        shown = [normal[place] for place in order[-min(_MOST_TESTED, len(order) - count) :]]
        hidden = [defects[place] for place in rng.permutation(len(defects))[:_MOST_TESTED].tolist()]
        sound = np.array([one.score for one in model.inspect_many(shown)])
        bad = np.array([one.score for one in model.inspect_many(hidden)])
        candidates = np.unique(np.concatenate([sound, bad, [np.inf]]))
        best = min(float((sound >= limit).mean() + (bad < limit).mean()) for limit in candidates)
        overkill, escape = float((sound >= limits.review_at).mean()), float((bad < limits.review_at).mean())
        auroc = image_auroc(np.concatenate([sound, bad]), np.arange(len(sound) + len(bad)) >= len(sound))
        regret = overkill + escape - best
        found = {"n": count, "overkill": overkill, "escape": escape, "regret": regret, "auroc": auroc or 0.0}
        rows.append(found)
        say(f"  {rows[-1]}")
    return rows


def measure_purity(normal: list[Pixels], defects: list[Pixels], *, seed: int) -> list[dict[str, float]]:
    """Return how many of some hidden defects are named, and how many good images with them.

    `clear` are the hidden defects that score above every good image where they are not among those learnt from.
    """
    rows: list[dict[str, float]] = []
    for count in (20, 100):
        for hidden in (1, 2, 4):
            rng = np.random.default_rng((seed, count, hidden))
            sound = rng.permutation(len(normal))[:count].tolist()
            bad = rng.permutation(len(defects))[:hidden].tolist()
            sources = _sources(normal, sound, "good-") + _sources(defects, bad, "bad-")
            features = extract_patches(sources, PatchCoreConfig(), device="cpu")
            clean = features.leave_out({f"bad-{place}" for place in bad})
            assert clean is not None
            highest = max(cross_fit(clean).scores.values())
            model = PatchCore.from_patches(clean)
            clear = {f"bad-{place}" for place in bad if model.inspect(defects[place]).score > highest}
            named: set[str] = set()
            for _round in range(2):
                remaining = features.leave_out(named)
                assert remaining is not None
                outliers = find_outliers(cross_fit(remaining).scores)
                found = set((outliers.join(find_odd_images(remaining)) if _round == 0 else outliers).scores)
                if not found:
                    break
                named |= found
            rows.append(
                {
                    "n": count,
                    "hidden": hidden,
                    "named": sum(key.startswith("bad-") for key in named),
                    "clear": len(clear),
                    "clear_named": len(clear & named),
                    "good_named": sum(key.startswith("good-") for key in named),
                }
            )
            say(f"  {rows[-1]}")
    return rows


def measure_set(folder: Path, code: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all figures that were asked for of one set of images."""
    figures: dict[str, Any] = {}
    wanted = arguments.measures.split(",")
    if "evaluate" in wanted:
        runs = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory(prefix="bench-real-") as data_dir:
                part_rule = arguments.part_rule
                runs.append(evaluate(folder, code, part_rule=part_rule, seed=seed, data_dir=Path(data_dir)))
        figures["evaluate"] = runs
        figures["image_auroc"] = statistics.mean(run["image_auroc"] for run in runs)
        pixel = [run["pixel_auroc"] for run in runs if run["pixel_auroc"] is not None]
        top1 = [run["types"]["top1_accuracy"] for run in runs if run["types"]["top1_accuracy"] is not None]
        figures["pixel_auroc"] = statistics.mean(pixel) if pixel else None
        figures["type_top1"] = statistics.mean(top1) if top1 else None
    if {"thresholds", "purity"} & set(wanted):
        normal, defects = load_images(folder)
        seeds = range(arguments.seeds)
        if "thresholds" in wanted:
            figures["thresholds"] = [row for seed in seeds for row in measure_thresholds(normal, defects, seed=seed)]
        if "purity" in wanted:
            figures["purity"] = [row for seed in seeds for row in measure_purity(normal, defects, seed=seed)]
    return figures


def summarize(sets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures over all sets."""

    def mean(name: str) -> float | None:
        found = [one[name] for one in sets.values() if one.get(name) is not None]
        return statistics.mean(found) if found else None

    thresholds = [row for one in sets.values() for row in one.get("thresholds", [])]
    purity = [row for one in sets.values() for row in one.get("purity", [])]
    summary: dict[str, Any] = {name: mean(name) for name in ("image_auroc", "pixel_auroc", "type_top1")}
    if thresholds:
        summary["regret_median"] = statistics.median(row["regret"] for row in thresholds)
        summary["overkill_mean"] = statistics.mean(row["overkill"] for row in thresholds)
        summary["overkill_max"] = max(row["overkill"] for row in thresholds)
    if purity:
        summary["clear_named"] = sum(row["clear_named"] for row in purity)
        summary["clear"] = sum(row["clear"] for row in purity)
        summary["good_named_share"] = sum(row["good_named"] for row in purity) / sum(row["n"] for row in purity)
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--generated", nargs="?", const=",".join(PRODUCTIONS))
    parser.add_argument("--part-rule")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--measures", default=",".join(MEASURES))
    arguments = parser.parse_args()
    if arguments.folder is None and arguments.generated is None:
        raise SystemExit("Name a folder of images, or --generated for drawn ones.")
    if arguments.folder is not None and not arguments.folder.exists():
        raise SystemExit(f"There is no {arguments.folder}: this measurement needs images that are not carried.")
    sets: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-real-images-") as work:
        for code in arguments.generated.split(",") if arguments.generated else []:
            write_generated(code, Path(work, code))
            sets[code] = measure_set(Path(work, code), code, arguments)
        if arguments.folder is not None:
            folder, code = arguments.folder, arguments.folder.resolve().name
            if any(folder.glob("group*/*_not")):
                folder = Path(work, code)
                write_deeppcb(arguments.folder, folder)
                arguments.part_rule = arguments.part_rule or "{part:5}{*}"
            sets[code] = measure_set(folder, code, arguments)
    print(json.dumps({"sets": sets, **summarize(sets)}))


if __name__ == "__main__":
    main()
