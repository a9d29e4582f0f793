"""How good the recipes for classification are, and how long they take: drawn steel surfaces, photographed solar cells.

    python -m benchmarks.bench_recipes [--only steel|cells] [--train 1440] [--fine-tune] [--plain] [--epochs 10]
        [--size 256]

`steel` draws six classes of rolled steel (crazing, inclusion, patches, pitted, rolled-in scale, scratches), gray, 200
px, as a well-known public set has them: this is a stand-in that says that the way works, not how good it is there.
`cells` are the electroluminescence images of the package `elpv-dataset`: cells that are certainly functional beside
those that are certainly defective, one cell a part. Each is learned from 60 % and from 120 images, chosen on 10 %, and
measured on 30 %. `--plain` puts beside the probe what scikit-learn's logistic regression makes of the same features, so
that a set that is hard can be told from a probe that is bad. Progress goes to stderr; the last line of stdout is one
JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.measures.classification import measure_classification
from inference.vision.learning.recipes.contract import (
    EpochFigures,
    Example,
    ExampleSet,
    Recipe,
    RecipeContext,
    Split,
    TrainedNetwork,
)
from inference.vision.learning.recipes.fine_tuning import FineTuningRecipe
from inference.vision.learning.recipes.heads.head_training import train_head
from inference.vision.learning.recipes.probe_recipe import ProbeRecipe
from inference.vision.learning.recipes.settings import InputSettings, RecipeSettings, TrainingSettings
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime

Pixels = NDArray[np.uint8]
STEEL = ("crazing", "inclusion", "patches", "pitted", "rolled_in", "scratches")
_SIDE_PX = 200


def draw_steel(kind: str, seed: int) -> Pixels:
    """Return a rolled steel surface with defects of one kind: RGB uint8 (200, 200, 3), gray."""
    rng = np.random.default_rng((seed, STEEL.index(kind)))
    side = _SIDE_PX
    base = rng.uniform(70, 170)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), rng.uniform(0.6, 1.4))
    rolled = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), sigmaX=0.8, sigmaY=18)
    picture = base + 14 * grain + rng.uniform(10, 30) * rolled / max(float(rolled.std()), 1e-6) * 0.35
    picture += np.linspace(-1, 1, side)[:, None] * rng.uniform(-18, 18)
    depth = rng.uniform(18, 60)
    drawn = np.zeros((side, side), np.float32)
    if kind == "crazing":
        for _ in range(int(rng.integers(18, 45))):
            y, x = rng.uniform(0, side, 2)
            for _ in range(int(rng.integers(3, 9))):
                to = (x + rng.normal(4, 9), y + rng.normal(0, 4))
                cv2.line(drawn, (int(x), int(y)), (int(to[0]), int(to[1])), float(rng.uniform(0.3, 0.9)), 1)
                x, y = to
    elif kind == "inclusion":
        for _ in range(int(rng.integers(1, 5))):
            x, y, long = rng.uniform(10, side - 10), rng.uniform(10, side - 10), rng.uniform(15, 70)
            for step in np.linspace(-long / 2, long / 2, 24):
                center = (int(x + rng.normal(0, 1.5)), int(y + step))
                cv2.circle(drawn, center, int(rng.integers(1, 5)), float(rng.uniform(0.6, 1)), -1)
    elif kind == "patches":
        for _ in range(int(rng.integers(1, 5))):
            field = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), rng.uniform(9, 16))
            y, x = np.mgrid[0:side, 0:side]
            away = np.hypot(x - rng.uniform(0, side), y - rng.uniform(0, side)) / rng.uniform(25, 60)
            drawn = np.maximum(drawn, (field / field.std() * 0.4 - away + 1 > 0).astype(np.float32))
    elif kind == "pitted":
        for _ in range(int(rng.integers(60, 260))):
            center = (int(rng.normal(side / 2, 55)), int(rng.uniform(0, side)))
            cv2.circle(drawn, center, int(rng.integers(1, 3)), float(rng.uniform(0.4, 1)), -1)
    elif kind == "rolled_in":
        field = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), sigmaX=rng.uniform(3, 5), sigmaY=2)
        rough = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), 1)
        drawn = ((field / field.std() > rng.uniform(0.4, 1.1)) * (0.6 + 0.3 * rough / rough.std())).astype(np.float32)
    else:
        depth = -depth if rng.random() < 0.75 else depth
        for _ in range(int(rng.integers(1, 6))):
            x, y, long, turn = rng.uniform(30, 170), rng.uniform(5, 100), rng.uniform(50, 200), rng.normal(90, 12)
            to = (int(x + long * np.cos(np.deg2rad(turn))), int(y + long * np.sin(np.deg2rad(turn))))
            cv2.line(drawn, (int(x), int(y)), to, float(rng.uniform(0.6, 1)), int(rng.integers(1, 4)))
    soft = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.5, 1.2))
    gray = np.rint(picture - depth * soft).clip(0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def make_steel(count: int) -> list[tuple[str, Callable[[], Pixels]]]:
    """Return so many surfaces by label, drawn when they are asked for, as files are read."""
    made: list[tuple[str, Callable[[], Pixels]]] = []
    for number in range(count):
        kind = STEEL[number % len(STEEL)]
        made.append((kind, partial(_draw_file, kind, number)))
    return made


def _draw_file(kind: str, number: int) -> Pixels:
    pixels = draw_steel(kind, number)
    written = cv2.imencode(".jpg", pixels[..., 0], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    read = np.asarray(cv2.imdecode(written, cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.repeat(read[..., None], 3, axis=2)


def make_cells() -> list[tuple[str, Callable[[], Pixels]]]:
    """Return photographed solar cells that are certainly functional or certainly defective, by label."""
    import elpv_dataset.utils

    images, shares, _ = elpv_dataset.utils.load_dataset()
    certain = [place for place, share in enumerate(shares) if share in (0.0, 1.0)]
    return [
        (
            "good" if shares[place] == 0.0 else "defective",
            partial(_widen, images[place]),
        )
        for place in certain
    ]


def _widen(gray: np.ndarray) -> Pixels:
    return np.repeat(np.asarray(gray, np.uint8)[..., None], 3, axis=2)


def deal(images: list[tuple[str, Callable[[], Pixels]]], *, train: int, seed: int) -> ExampleSet:
    """Return the images as a set: 30 % test, 10 % val, of the others `train` to learn from, every label alike."""
    rng = np.random.default_rng(seed)
    labels = sorted({label for label, _ in images})
    examples = []
    for label in labels:
        places = rng.permutation([place for place, (one, _) in enumerate(images) if one == label])
        test, val = round(len(places) * 0.3), round(len(places) * 0.1)
        wanted = max(2, round(train * len(places) / len(images)))
        for order, place in enumerate(places[: test + val + wanted]):
            split: Split = "test" if order < test else "val" if order < test + val else "train"
            examples.append(
                Example(
                    key=f"image:{place}",
                    label=label,
                    is_defect=label != "good",
                    part=str(place),
                    split=split,
                    domain="line",
                    content_sha256=hashlib.sha256(f"{label}:{place}:{len(images)}".encode()).hexdigest(),
                    load=images[place][1],
                    load_marks=dict,
                    load_boxes=tuple,
                )
            )
    good = frozenset({"good"} & set(labels))
    return ExampleSet(tuple(labels), good, Preprocessing(), "gray", tuple(examples))


class Progress:
    """Says on stderr how far it is."""

    def __init__(self) -> None:
        self.last = ""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Say when another stage begins."""
        if stage not in (self.last, "validation"):
            self.last = stage
            say(f"  {stage} {done}/{total}")

    def epoch(self, figures: EpochFigures) -> None:
        """Say what an epoch gave."""
        say(f"  epoch {figures.epoch}: loss {figures.train_loss} val {figures.val_loss} {dict(figures.val)}")


def say(text: str) -> None:
    """Write to stderr."""
    print(text, file=sys.stderr, flush=True)


def measure(recipe: Recipe, examples: ExampleSet, settings: RecipeSettings, folder: Path) -> dict[str, Any]:
    """Return what a recipe costs and how well its graph names the test images, through the runtime of inspection."""
    context = RecipeContext(weights=None, cache=folder / "features")
    expected = recipe.estimate(examples, settings, context)
    started, worked = time.perf_counter(), time.process_time()
    trained = recipe.train(
        examples, settings, context, scratch=folder / f"scratch-{time.monotonic_ns()}", listener=Progress()
    )
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    test = examples.of("test")
    runtime = NetworkRuntime(trained.graph, trained.description)
    rows, times = [], []
    for example in test:
        pixels = example.load()
        began = time.perf_counter()
        rows.append(runtime.compute([prepare_input(pixels, trained.description)])["probabilities"][0])
        times.append(1000 * (time.perf_counter() - began))
    figures = measure_classification(
        examples.labels,
        examples.good_labels,
        [one.label for one in test],
        np.stack(rows).astype(np.float64),
        [one.domain for one in test],
    )
    return {
        "train": len(examples.of("train")),
        "val": len(examples.of("val")),
        "test": figures.n,
        "top1": round(figures.top1, 4),
        "macro_f1": round(figures.macro_f1, 4),
        "val_macro_f1": round(float(trained.val["macro_f1"]), 4),
        "seconds": round(seconds, 1),
        # What a machine that does nothing else would take on one core.
        "cpu_seconds": round(worked, 1),
        "estimated_seconds": round(expected.seconds, 1),
        "ms_openvino": round(statistics.median(times), 2),
        "ms_onnxruntime": round(time_onnxruntime(trained, test[0].load()), 2),
        **{name: trained.figures.get(name) for name in ("strength", "temperature", "graph_difference")},
        "best_epoch": trained.best_epoch,
        "stopped_for": trained.stopped_for,
        "steps_s": {name: round(value, 1) for name, value in trained.figures["seconds"].items()},
    }


def measure_plain(examples: ExampleSet, settings: RecipeSettings, folder: Path) -> dict[str, float]:
    """Return the top-1 of the probe's head and of a plain one on the test images, both fitted on the same features."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kept = [replace(one, split="val") if one.split == "test" else one for one in examples.examples]
    shown = [one for one, before in zip(kept, examples.examples, strict=True) if before.split != "val"]
    fitted = train_head(
        replace(examples, examples=tuple(shown)), settings, RecipeContext(weights=None, cache=folder / "features"),
        recipe="probe", scratch=folder / "plain", listener=Progress(),
    )  # fmt: skip
    train, test = fitted.places("train"), fitted.places("val")
    plain = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=[0.001, 0.01, 0.1, 1.0], cv=4, max_iter=500))
    plain.fit(fitted.rows[train], fitted.truth[train])
    ours = fitted.head.probabilities(fitted.rows[test]).argmax(axis=1)
    return {
        "head_top1": round(float((ours == fitted.truth[test]).mean()), 4),
        "plain_top1": round(float(plain.score(fitted.rows[test], fitted.truth[test])), 4),
    }


def time_onnxruntime(trained: TrainedNetwork, pixels: Pixels) -> float:
    """Return the milliseconds of one image through ONNX Runtime, preparation included."""
    import onnxruntime

    session = onnxruntime.InferenceSession(trained.graph, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(30):
        began = time.perf_counter()
        session.run(None, {"images": prepare_input(pixels, trained.description)[None]})
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("steel", "cells"))
    parser.add_argument("--train", type=int, nargs="*", default=[1440, 120])
    parser.add_argument("--fine-tune", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=2400, help="steel surfaces that are drawn")
    given = parser.parse_args()
    settings = RecipeSettings(
        input=InputSettings(width_px=given.size, height_px=given.size),
        training=TrainingSettings(epochs=given.epochs),
        seed=given.seed,
    )
    recipes: list[Recipe] = [ProbeRecipe(), *([FineTuningRecipe()] if given.fine_tune else [])]
    found: dict[str, Any] = {"size_px": given.size}
    with tempfile.TemporaryDirectory(prefix="geomsa-recipes-") as folder:
        for name in ("steel", "cells"):
            if given.only in (None, name):
                images = make_steel(given.images) if name == "steel" else make_cells()
                for train in given.train:
                    examples = deal(images, train=min(train, round(len(images) * 0.6)), seed=given.seed)
                    for recipe in recipes:
                        say(f"{name}, {train} images, {recipe.name}")
                        key = f"{name}_{train}_{recipe.name}"
                        found[key] = measure(recipe, examples, settings, Path(folder))
                        if given.plain and recipe.name == ProbeRecipe.name:
                            found[key] |= measure_plain(examples, settings, Path(folder))
                        say(json.dumps(found[key]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
