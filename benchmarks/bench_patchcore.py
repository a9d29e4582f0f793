"""Geomsa's PatchCore against anomalib's PatchcoreModel: the same images, weights, levels and coreset size.

    python -m benchmarks.bench_patchcore [--images 150] [--ratio 0.02] [--size 256] [--products solar-mono,…]
        [--coreset-steps 60] [--test-parts 150]

Prints progress to stderr and one JSON object as the last line of stdout. Each side runs in a process of its own on two
threads, so that peak memory is its own. Inspection is the least and the median of many, taken by both sides in one
process because other processes may want the same cores: in series of ten in turns, of which the first two do not count,
so that neither library's threads still wait for work while the other computes. Coreset and build are single runs. With
`--coreset-steps` only so many of anomalib's equally long steps are timed and the rest is reckoned
(`anomalib_coreset_reckoned` says so).

Everything is timed at `--size` pixels on both sides. `image_auroc` holds `ours` as the product is set by default (it
looks at 320 px), `ours_same_size` and `anomalib` at `--size`, on the product's whole test split. The generated products
also have `larger`: the same on a test split of `--test-parts` good and as many defective parts, of which the demo's 30
and 30 are the first; 30 of them are too few to tell differences of 0.02.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import read_bundle
from inference.vision.detection.coreset import select_coreset
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.reference_image import verify_reference
from inference.vision.detection.regions import find_regions
from inference.vision.images.decode import decode
from inference.vision.networks.backbones import load_trunk, resolve_weights
from inference.vision.networks.runtime import keep_graphs_in

THREADS = 2
SERIES, SERIES_LENGTH = 12, 10
GRAPHS = Path(tempfile.gettempdir()) / "geomsa-bench-graphs"


@dataclass(frozen=True)
class Sample:
    content: bytes
    is_defect: bool
    in_demo: bool = True


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def load_product(code: str, *, test_parts: int = 0) -> tuple[list[Sample], list[Sample]]:
    """Return normal training and all test images of a demo product; of a generated one more than the demo has."""
    from core.demo.images.catalog import PRODUCTIONS, PRODUCTS

    product = next(item for item in PRODUCTS if item.code == code)
    images = list(product.images())
    train = [Sample(i.content, False) for i in images if i.split == "train" and i.defect_code is None]
    test = [Sample(i.content, i.defect_code is not None) for i in images if i.split == "test"]
    production = PRODUCTIONS.get(code)
    if production is None or test_parts == 0:
        return train, test
    known = {sample.content for sample in test}
    kinds = len(production.defect_codes)
    more = production.images(test_normals=test_parts, test_defects=test_parts // kinds)
    drawn = [i for i in more if i.split == "test" and i.content not in known]
    return train, test + [Sample(i.content, i.defect_code is not None, in_demo=False) for i in drawn]


def to_sources(samples: list[Sample]) -> list[ImageSource]:
    def load(content: bytes) -> Callable[[], np.ndarray]:
        return lambda: decode(content).pixels

    return [ImageSource(f"image:{place}", load(sample.content)) for place, sample in enumerate(samples)]


def times_ms(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def measure_ours(train: list[Sample], test: list[Sample], config: PatchCoreConfig, folder: Path) -> dict[str, Any]:
    """Return our figures; the bundle stays in `folder`."""
    extract_patches(to_sources(train[:2]), config, device="cpu", threads=THREADS)  # opens the runtime
    started = time.perf_counter()
    features = extract_patches(to_sources(train), config, device="cpu", threads=THREADS)
    extracted = time.perf_counter()
    model = PatchCore.from_patches(features)
    chosen = time.perf_counter()
    model.save(folder)
    loaded = PatchCore.load(folder, device="cpu", threads=THREADS)
    verify_reference(loaded, read_bundle(folder, kind="memory_bank"))
    built = time.perf_counter()
    peak_mib = peak_memory_mib()
    by_default = PatchCore.fit(to_sources(train), PatchCoreConfig(), device="cpu", threads=THREADS)
    return {
        "coreset_s": chosen - extracted,
        "build_s": built - started,
        "build_peak_mib": peak_mib,
        "radius": model.figures.radius,
        "bank_size": model.bank_size,
        "even_light": model.config.even_light,
        "image_auroc": measure_auroc(score_all(by_default, test), test),
        "image_auroc_same_size": measure_auroc(score_all(loaded, test), test),
    }


def score_all(model: PatchCore, test: list[Sample]) -> np.ndarray:
    """Return the scores of all test images."""
    return np.array([found.score for found in model.inspect_many(decode(item.content).pixels for item in test)])


def measure_auroc(scores: np.ndarray, test: list[Sample]) -> dict[str, float | None]:
    """Return the AUROC of the test images on the demo's split and on all; None where a kind is missing."""
    labels, in_demo = (np.array([getattr(item, name) for item in test]) for name in ("is_defect", "in_demo"))
    return {"demo": image_auroc(scores[in_demo], labels[in_demo]), "larger": image_auroc(scores, labels)}


def measure_anomalib(
    train: list[Sample], test: list[Sample], config: PatchCoreConfig, folder: Path, *, coreset_steps: int
) -> dict[str, Any]:
    """Return anomalib's figures; our bundle in `folder` inspects in turns with it.

    With `coreset_steps` only so many of its equally long steps are timed and the rest reckoned; its bank is then chosen
    by our exact selection on its own features.
    """
    import cv2
    import torch
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel

    torch.set_num_threads(THREADS)
    spec = config.spec
    side = config.size_px
    model = PatchcoreModel(layers=list(spec.levels), backbone=spec.architecture, pre_trained=False, num_neighbors=9)
    trunk = load_trunk(spec, resolve_weights(spec, None), size_px=(side, side))
    inner = model.feature_extractor.feature_extractor
    missing = inner.load_state_dict(trunk.state_dict(), strict=False)
    used = [key for key in missing.missing_keys if not key.startswith(("blocks.5", "blocks.6"))]
    assert not used, f"weights are missing: {used[:3]}"

    def tensor(content: bytes) -> torch.Tensor:
        pixels = cv2.resize(decode(content).pixels, (side, side), interpolation=cv2.INTER_AREA)
        values = torch.from_numpy(pixels).permute(2, 0, 1).float()[None] / 255
        return (values - 0.5) / 0.5

    started = time.perf_counter()
    model.train()
    with torch.no_grad():
        for item in train:
            model(tensor(item.content))
    extracted = time.perf_counter()
    store = torch.vstack(model.embedding_store)
    wanted = int(len(store) * config.coreset_ratio)
    steps = min(coreset_steps or wanted, wanted)
    model.subsample_embedding((steps + 0.5) / len(store))
    coreset_s = (time.perf_counter() - extracted) * wanted / steps
    peak_mib = peak_memory_mib()
    if steps < wanted:
        model.memory_bank = store[select_coreset(store.numpy(), count=wanted, seed=0).indices]
    model.eval()
    ready = tensor(test[0].content)
    with torch.no_grad():
        scores = np.array([float(model(tensor(item.content)).pred_score) for item in test])
        ours = PatchCore.load(folder, device="cpu", threads=THREADS)
        sample = test[0].content

        def inspect() -> None:
            found = ours.inspect(decode(sample).pixels)
            find_regions(found.anomaly_map, threshold=found.score * 0.9, image_size_px=found.image_size_px)

        ours_ms, theirs_ms = in_series(inspect, lambda: model(ready))
    return {
        "coreset_s": coreset_s,
        "coreset_steps_timed": steps,
        "coreset_steps": wanted,
        "build_s": extracted - started + coreset_s,
        "build_peak_mib": peak_mib,
        "inspect_ms": {"ours": spread(ours_ms), "anomalib": spread(theirs_ms)},
        "bank_size": len(model.memory_bank),
        "image_auroc": measure_auroc(scores, test),
    }


def in_series(*calls: Callable[[], Any]) -> list[np.ndarray]:
    """Return milliseconds of each of the calls, in series in turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(SERIES):
        for call, taken in zip(calls, times, strict=True):
            time.sleep(0.05)
            taken += [times_ms(call) for _ in range(SERIES_LENGTH)][2:]
    return [np.array(taken) for taken in times]


def spread(times: np.ndarray) -> dict[str, float]:
    return {"least": float(times.min()), "median": float(np.median(times))}


def sort_by_split(found: dict[str, dict[str, float | None]]) -> dict[str, Any]:
    """Return the figures on the demo's split by side, and those on the larger one apart."""
    figures: dict[str, Any] = {side: figure["demo"] for side, figure in found.items()}
    return {**figures, "larger": {side: figure["larger"] for side, figure in found.items()}}


def peak_memory_mib() -> float:
    """Return this process's own peak of resident memory; `ru_maxrss` would begin with that of its parent process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmHWM in /proc/self/status")


def measure_side(side: str, code: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one side on one product, in this process."""
    keep_graphs_in(GRAPHS)
    config = PatchCoreConfig(
        coreset_ratio=options.ratio, min_bank_size=1, max_bank_size=1_000_000, input_size_px=options.size
    )
    train, test = load_product(code, test_parts=options.test_parts)
    train = train[: options.images]
    if side == "ours":
        return measure_ours(train, test, config, folder)
    return measure_anomalib(train, test, config, folder, coreset_steps=options.coreset_steps)


def run_side(side: str, code: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one side on one product, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_patchcore", "--side", side, "--products", code]
    command += ["--images", str(options.images), "--ratio", str(options.ratio), "--size", str(options.size)]
    command += ["--coreset-steps", str(options.coreset_steps), "--test-parts", str(options.test_parts)]
    command += ["--folder", str(folder)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    say(code, side, json.dumps(figures))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=150)
    parser.add_argument("--ratio", type=float, default=0.02)
    parser.add_argument("--size", type=int, default=256, help="side of the input in pixels, on both sides")
    parser.add_argument("--products", default="solar-mono")
    parser.add_argument("--coreset-steps", type=int, default=0, help="time only so many of anomalib's steps (0: all)")
    parser.add_argument("--test-parts", type=int, default=150, help="good and as many defective of generated products")
    parser.add_argument("--skip-anomalib", action="store_true")
    parser.add_argument("--side", choices=("ours", "anomalib"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure_side(options.side, options.products, options, options.folder)))
        return
    # Converting the graph imports torch; a build finds it in the cache, and so does this one.
    keep_graphs_in(GRAPHS)
    for size_px in (None, options.size):
        gray = ImageSource("grey", lambda: np.full((64, 64, 3), 128, np.uint8))
        extract_patches([gray], PatchCoreConfig(input_size_px=size_px), device="cpu")
    result: dict[str, Any] = {"image_auroc": {}, "ours": {}, "anomalib": {}}
    result["anomalib_coreset_reckoned"] = options.coreset_steps > 0
    with tempfile.TemporaryDirectory() as scratch:
        for code in options.products.split(","):
            folder = Path(scratch) / code
            ours = run_side("ours", code, options, folder)
            result["ours"][code] = ours
            found = {"ours": ours["image_auroc"], "ours_same_size": ours["image_auroc_same_size"]}
            if options.skip_anomalib:
                result["image_auroc"][code] = sort_by_split(found)
                continue
            theirs = run_side("anomalib", code, options, folder)
            result["anomalib"][code] = theirs
            result["image_auroc"][code] = sort_by_split({**found, "anomalib": theirs["image_auroc"]})
            inspections = theirs["inspect_ms"]
            result.setdefault("coreset_speedup", theirs["coreset_s"] / ours["coreset_s"])
            result.setdefault("build_speedup", theirs["build_s"] / ours["build_s"])
            result.setdefault("inspect_speedup", inspections["anomalib"]["median"] / inspections["ours"]["median"])
            result.setdefault("inspect_speedup_least", inspections["anomalib"]["least"] / inspections["ours"]["least"])
            result.setdefault("build_peak_memory_ratio", ours["build_peak_mib"] / theirs["build_peak_mib"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
