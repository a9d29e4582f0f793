"""Geomsa's PatchCore against anomalib's PatchcoreModel: the same images, weights, levels and coreset size.

    python -m benchmarks.bench_patchcore [--images 150] [--ratio 0.02] [--products solar-mono,…] [--skip-anomalib]

Prints progress to stderr and one JSON object as the last line of stdout. Times are medians (inspection) or single runs
(coreset, build) with both sides in the same process, one after the other, on two threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import read_bundle
from inference.vision.backbones import load_trunk, resolve_weights
from inference.vision.coreset import select_coreset
from inference.vision.images import decode
from inference.vision.metrics import image_auroc
from inference.vision.patchcore import ImageSource, PatchCore, PatchCoreConfig, extract_patches, verify_golden
from inference.vision.regions import find_regions

THREADS = 2


@dataclass(frozen=True)
class Sample:
    content: bytes
    is_defect: bool


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def load_product(code: str) -> tuple[list[Sample], list[Sample]]:
    """Normal training images and all test images of a demo product."""
    from core.demo_images import PRODUCTS

    product = next(item for item in PRODUCTS if item.code == code)
    images = list(product.images())
    train = [Sample(i.content, False) for i in images if i.split == "train" and i.defect_code is None]
    test = [Sample(i.content, i.defect_code is not None) for i in images if i.split == "test"]
    return train, test


def to_sources(samples: list[Sample]) -> list[ImageSource]:
    def load(content: bytes) -> Callable[[], np.ndarray]:
        return lambda: decode(content).pixels

    return [ImageSource(f"image:{place}", load(sample.content)) for place, sample in enumerate(samples)]


def median_ms(call: Callable[[], Any], *, repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return float(np.median(times) * 1000)


def measure_ours(train: list[Sample], test: list[Sample], config: PatchCoreConfig) -> dict[str, Any]:
    extract_patches(to_sources(train[:2]), config, device="cpu", threads=THREADS)  # opens the runtime
    started = time.perf_counter()
    features = extract_patches(to_sources(train), config, device="cpu", threads=THREADS)
    extracted = time.perf_counter()
    model = PatchCore.from_patches(features)
    chosen = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "bundle"
        model.save(place)
        loaded = PatchCore.load(place, device="cpu", threads=THREADS)
        verify_golden(loaded, read_bundle(place, kind="memory_bank"))
    built = time.perf_counter()
    sample = test[0].content

    def inspect() -> None:
        detection = loaded.inspect(decode(sample).pixels)
        find_regions(detection.anomaly_map, threshold=detection.score * 0.9, image_size_px=detection.image_size_px)

    scores = np.array([d.score for d in loaded.inspect_many(decode(item.content).pixels for item in test)])
    return {
        "coreset_s": chosen - extracted,
        "build_s": built - started,
        "inspect_ms": median_ms(inspect, repeats=30),
        "radius": model.figures.radius,
        "bank_size": model.bank_size,
        "image_auroc": image_auroc(scores, np.array([item.is_defect for item in test])),
    }


def measure_anomalib(
    train: list[Sample], test: list[Sample], config: PatchCoreConfig, *, coreset_steps: int
) -> dict[str, Any]:
    """anomalib's figures. With `coreset_steps` only so many of its equally long steps are timed and the rest reckoned;
    its bank is then chosen by our exact selection on its own features."""
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
    if steps < wanted:
        model.memory_bank = store[select_coreset(store.numpy(), count=wanted, seed=0).indices]
    model.eval()
    ready = tensor(test[0].content)
    with torch.no_grad():
        scores = np.array([float(model(tensor(item.content)).pred_score) for item in test])
        inspect_ms = median_ms(lambda: model(ready), repeats=10)
    return {
        "coreset_s": coreset_s,
        "coreset_steps_timed": steps,
        "build_s": extracted - started + coreset_s,
        "inspect_ms": inspect_ms,
        "bank_size": len(model.memory_bank),
        "image_auroc": image_auroc(scores, np.array([item.is_defect for item in test])),
    }


def peak_memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=150)
    parser.add_argument("--ratio", type=float, default=0.02)
    parser.add_argument("--products", default="solar-mono")
    parser.add_argument("--coreset-steps", type=int, default=0, help="time only so many of anomalib's steps (0: all)")
    parser.add_argument("--skip-anomalib", action="store_true")
    options = parser.parse_args()
    config = PatchCoreConfig(coreset_ratio=options.ratio, min_bank_size=1, max_bank_size=1_000_000)
    result: dict[str, Any] = {"image_auroc": {}, "ours": {}, "anomalib": {}}
    for code in options.products.split(","):
        train, test = load_product(code)
        train = train[: options.images]
        ours = measure_ours(train, test, config)
        say(code, "ours", json.dumps(ours), f"peak {peak_memory_mib():.0f} MiB")
        result["ours"][code] = ours
        result["image_auroc"][code] = {"ours": ours["image_auroc"]}
        if options.skip_anomalib:
            continue
        theirs = measure_anomalib(train, test, config, coreset_steps=options.coreset_steps)
        say(code, "anomalib", json.dumps(theirs), f"peak {peak_memory_mib():.0f} MiB")
        result["anomalib"][code] = theirs
        result["image_auroc"][code]["anomalib"] = theirs["image_auroc"]
        result.setdefault("coreset_speedup", theirs["coreset_s"] / ours["coreset_s"])
        result.setdefault("build_speedup", theirs["build_s"] / ours["build_s"])
        result.setdefault("inspect_speedup", theirs["inspect_ms"] / ours["inspect_ms"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
