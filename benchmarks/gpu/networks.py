"""Networks on a GPU: features, banks and verdicts beside those of the CPU."""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.gpu.steps import Pixels, Where, attempt, differ, full_memory, load_cells, measure_ms, read_memory
from inference.artifact import read_bundle
from inference.errors import ModelError
from inference.vision.detection.calibration import calibrate, verdict
from inference.vision.detection.detector import KIND, ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.runtime_check import verify_runtimes
from inference.vision.networks.pooling.embedder import open_embedder
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime

THREADS = 4


@dataclass(frozen=True)
class Built:
    """A bank with its limits, and how long it took."""

    model: PatchCore
    review_at: float
    reject_at: float
    seconds: dict[str, float]


def measure_networks(device: Where, *, count: int) -> dict[str, Any]:
    """Return the figures of networks, of `count` normal images and of as many that are scored."""
    normal, defective = load_cells()
    shown = [*normal[count : count + count // 2], *defective[: count // 2]]
    labels = np.array([False] * (len(shown) - count // 2) + [True] * (count // 2))
    sources = [ImageSource(str(place), lambda place=place: normal[place]) for place in range(min(count, len(normal)))]  # type: ignore[misc]
    built: dict[str, Built] = {}
    found: dict[str, Any] = {"images": len(sources), "scored": len(shown)}

    def build(name: str, where: Device) -> dict[str, Any]:
        built[name] = build_bank(sources, where)
        return {"rows": built[name].model.bank_size, "runtime": built[name].model.runtime_name} | built[name].seconds

    # Opening a device for the first time belongs to no side.
    attempt(found, "opening", lambda: open_both(device))
    attempt(found, "bank_cpu", lambda: build("cpu", "cpu"))
    attempt(found, "bank_device", lambda: build("device", device))
    if len(built) < 2:
        return found
    attempt(found, "features", lambda: compare_features(built["cpu"].model, shown, device))
    attempt(found, "verdicts", lambda: compare_banks(built["cpu"], built["device"], shown, labels))
    attempt(found, "same_bank", lambda: compare_loaded(built["cpu"], shown, device))
    attempt(found, "threads", lambda: ask_by_threads(built["device"].model, shown, device))
    attempt(found, "embedder", lambda: compare_embedders(shown, device))
    attempt(found, "memory_mib", lambda: read_memory(device))
    attempt(found, "memory_full", lambda: fill_memory(built["device"].model.runtime, shown, device))
    return found


def open_both(device: Where) -> dict[str, float]:
    """Return how long it takes to open the embedder and look at the first image, by side, in seconds."""
    found = {}
    for name, where in (("cpu", "cpu"), ("device", device)):
        began = time.perf_counter()
        open_embedder(device=where).embed([np.zeros((64, 64, 3), np.uint8)])  # type: ignore[arg-type]
        found[name] = round(time.perf_counter() - began, 2)
    return found


def build_bank(sources: list[ImageSource], where: Device) -> Built:
    """Return a bank of the default settings, with limits from its own cross-fitted scores."""
    began = time.perf_counter()
    features = extract_patches(sources, PatchCoreConfig(), device=where)
    extracted = time.perf_counter()
    model = PatchCore.from_patches(features)
    limits = calibrate(list(cross_fit(features).scores.values()), [])
    ended = time.perf_counter()
    seconds = {"extract_s": round(extracted - began, 3), "bank_s": round(ended - extracted, 3)}
    return Built(model, limits.review_at, limits.reject_at, seconds)


def compare_features(model: PatchCore, shown: list[Pixels], device: Where) -> dict[str, Any]:
    """Return times and differences of the bank's graph by runtime, the differences to OpenVINO's."""
    graph = model.runtime.graph
    batch = stack_inputs(shown, graph.size_px)
    runtimes: dict[str, FeatureRuntime] = {
        "openvino": model.runtime,
        "torch_cpu": open_runtime(graph, device="cpu", with_openvino=False),
        "device": open_runtime(graph, device=device),
    }
    expected = model.runtime.features(batch)
    return {
        name: {
            "runtime": runtime.name,
            "ms_single": measure_ms(lambda: runtime.features(batch[:1])),  # noqa: B023 - called at once
            "ms_per_image_of_8": round(measure_ms(lambda: runtime.features(batch)) / len(batch), 3),  # noqa: B023
            "difference": max(differ(one, other) for one, other in zip(expected, runtime.features(batch), strict=True)),
        }
        for name, runtime in runtimes.items()
    }


def stack_inputs(shown: list[Pixels], size_px: tuple[int, int]) -> Pixels:
    """Return a batch of images of that height and width."""
    height, width = size_px
    return np.stack([np.asarray(cv2.resize(pixels, (width, height)), np.uint8) for pixels in shown[:BATCH_SIZE]])


def score(model: PatchCore, shown: list[Pixels]) -> tuple[list[float], float]:
    """Return the scores of images one by one, and the median time of one in milliseconds."""
    scores, times = [], []
    for pixels in shown:
        began = time.perf_counter()
        scores.append(model.inspect(pixels).score)
        times.append(1000 * (time.perf_counter() - began))
    return scores, round(statistics.median(times), 2)


def compare_banks(cpu: Built, other: Built, shown: list[Pixels], labels: np.ndarray) -> dict[str, Any]:
    """Return scores and verdicts of two banks, each built where it inspects."""
    found: dict[str, Any] = {}
    scores: dict[str, list[float]] = {}
    verdicts: dict[str, list[str]] = {}
    for name, built in (("cpu", cpu), ("device", other)):
        scores[name], ms = score(built.model, shown)
        verdicts[name] = [verdict(one, built.review_at, built.reject_at) for one in scores[name]]
        found[name] = {
            "ms_per_image": ms,
            "review_at": round(built.review_at, 5),
            "reject_at": round(built.reject_at, 5),
            "image_auroc": round(image_auroc(np.array(scores[name]), labels) or 0.0, 4),
        }
    pairs = zip(verdicts["cpu"], verdicts["device"], strict=True)
    changed = [(place, *pair) for place, pair in enumerate(pairs) if pair[0] != pair[1]]
    return found | {
        "score_difference": differ(np.array(scores["cpu"]), np.array(scores["device"])),
        "verdicts_changed": changed,
    }


def compare_loaded(cpu: Built, shown: list[Pixels], device: Where) -> dict[str, Any]:
    """Return how the CPU's bank judges on the device, and which runtimes agree on its reference image."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "bundle"
        cpu.model.save(place)
        bundle = read_bundle(place, kind=KIND)
        loaded = PatchCore.from_bundle(bundle, device=device)
        agreed = verify_runtimes(loaded, bundle, extent="all", device=device)
    (here, _), (there, ms) = score(cpu.model, shown), score(loaded, shown)
    ours, theirs = ([verdict(one, cpu.review_at, cpu.reject_at) for one in scores] for scores in (here, there))
    together = [detection.score for detection in loaded.inspect_many(shown)]
    return {
        "score_difference": differ(np.array(here), np.array(there)),
        "verdicts_changed": sum(one != other for one, other in zip(ours, theirs, strict=True)),
        "ms_per_image": ms,
        "batch_difference": differ(np.array(there), np.array(together)),
        "agreed": agreed,
    }


def ask_by_threads(model: PatchCore, shown: list[Pixels], device: Where) -> dict[str, Any]:
    """Return whether threads get the same as one after the other, where they share networks and where not."""
    alone, _ = score(model, shown)
    other = open_embedder(device=device)
    vectors = other.embed(shown)
    with ThreadPoolExecutor(1) as pool:
        began = time.perf_counter()
        pool.submit(model.inspect, shown[0]).result()
        new_thread_s = time.perf_counter() - began
    with ThreadPoolExecutor(THREADS) as pool:
        began = time.perf_counter()
        shared = list(pool.map(lambda pixels: model.inspect(pixels).score, shown))
        seconds = time.perf_counter() - began
        beside = [pool.submit(other.embed, shown) for _ in range(2)]
        mixed = list(pool.map(lambda pixels: model.inspect(pixels).score, shown))
        embedded = [one.result() for one in beside]
    return {
        "threads": THREADS,
        "images_per_s": round(len(shown) / seconds, 1),
        "new_thread_ms": round(1000 * new_thread_s, 1),
        "difference": differ(np.array(alone), np.array(shared)),
        "difference_beside_another": differ(np.array(alone), np.array(mixed)),
        "difference_of_the_other": max(differ(vectors, one) for one in embedded),
    }


def compare_embedders(shown: list[Pixels], device: Where) -> dict[str, Any]:
    """Return times and differences of the vectors for similarity."""
    cpu, other = open_embedder(device="cpu"), open_embedder(device=device)
    here, there = cpu.embed(shown), other.embed(shown)
    return {
        "ms_per_image_cpu": round(measure_ms(lambda: cpu.embed(shown), turns=5) / len(shown), 3),
        "ms_per_image_device": round(measure_ms(lambda: other.embed(shown), turns=5) / len(shown), 3),
        "least_cosine": float((here * there).sum(axis=1).min()),
        "difference": differ(here, there),
    }


def fill_memory(runtime: FeatureRuntime, shown: list[Pixels], device: Where) -> dict[str, Any]:
    """Return the error of a full GPU, and whether the same is computed on the CPU meanwhile, and there again after."""
    batch = stack_inputs(shown, runtime.graph.size_px)
    spared = open_runtime(runtime.graph, device="auto" if device == "cuda" else "cpu")
    before = runtime.features(batch)
    code = ""
    with full_memory(device):
        try:
            runtime.features(batch)
        except ModelError as error:
            code = error.code
        meanwhile = spared.features(batch)
    after = runtime.features(batch)
    return {
        "code": code,
        "difference": max(differ(one, two) for one, two in zip(before, after, strict=True)),
        "difference_meanwhile": max(differ(one, two) for one, two in zip(before, meanwhile, strict=True)),
    }
