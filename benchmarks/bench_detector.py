"""Measure the detection recipe on DeepPCB (github tangsanli5201/DeepPCB, MIT): mAP50 and minutes by training images.

    python benchmarks/bench_detector.py FOLDER [--counts 50,100,300] [--epochs N] [--size PX] [--drawn FOLDER]

Boards, named by the first five digits of a file, are never divided: three are learned from, one chooses the epoch and
the threshold, and one is tested on, through the exported graph. The last line is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from inference.vision.images.preprocessing import Preprocessing  # noqa: E402
from inference.vision.learning.dense.detector import DetectorRecipe  # noqa: E402
from inference.vision.learning.measures.detection import measure_detection  # noqa: E402
from inference.vision.learning.recipes.contract import (  # noqa: E402
    EpochFigures,
    Example,
    ExampleSet,
    LabeledBox,
    RecipeContext,
    Split,
)
from inference.vision.learning.recipes.settings import (  # noqa: E402
    AugmentationSettings,
    InputSettings,
    RecipeSettings,
    TrainingSettings,
)
from inference.vision.learning.trained_network.decoding import ScoredBox, decode_boxes  # noqa: E402
from inference.vision.learning.trained_network.input import place_image, prepare_input  # noqa: E402
from inference.vision.learning.trained_network.runtime import NetworkRuntime  # noqa: E402

LABELS = ("open", "short", "mousebite", "spur", "copper", "pinhole")
VAL_BOARDS, TEST_BOARDS = ("50600",), ("92000",)
_LOWEST_SCORE = 0.05


class Printer:
    """Says on stderr what an epoch gave."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Pass over."""

    def epoch(self, figures: EpochFigures) -> None:
        """Print the epoch's figures."""
        print(
            f"epoch {figures.epoch}: loss {figures.train_loss:.3f} / {figures.val_loss:.3f}, "
            f"mAP50 {figures.val['map50']:.3f}, {figures.seconds:.1f} s",
            file=sys.stderr,
        )


def read_examples(folder: Path) -> list[Example]:
    """Return one example for each board image that has a file of boxes."""
    found = []
    for notes in sorted(folder.glob("group*/*_not/*.txt")):
        image = notes.parent.parent / notes.parent.name.removesuffix("_not") / f"{notes.stem}_test.jpg"
        if not image.is_file():
            continue
        board = notes.stem[:5]
        split: Split = "val" if board in VAL_BOARDS else "test" if board in TEST_BOARDS else "train"
        found.append(_example(image, notes, board, split))
    return found


def _example(image: Path, notes: Path, board: str, split: Split) -> Example:
    def load() -> np.ndarray:
        return np.asarray(cv2.imread(str(image), cv2.IMREAD_COLOR_RGB), np.uint8)

    def load_boxes() -> tuple[LabeledBox, ...]:
        rows = [tuple(int(part) for part in line.split()) for line in notes.read_text().splitlines() if line.strip()]
        return tuple(LabeledBox(x, y, right - x, bottom - y, LABELS[kind - 1]) for x, y, right, bottom, kind in rows)

    return Example(
        key=f"image:{image.stem}",
        label=LABELS[0],
        is_defect=True,
        part=board,
        split=split,
        domain="line",
        content_sha256=hashlib.sha256(image.read_bytes()).hexdigest(),
        load=load,
        load_marks=dict,
        load_boxes=load_boxes,
    )


def measure(examples: ExampleSet, settings: RecipeSettings, drawn: Path | None) -> dict[str, object]:
    """Train, and return the figures of the test boards through the exported graph."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-detector-") as scratch:
        trained = DetectorRecipe().train(
            examples, settings, RecipeContext(None), scratch=Path(scratch), listener=Printer()
        )
    minutes = (time.monotonic() - began) / 60.0
    runtime = NetworkRuntime(trained.graph, trained.description)
    truth, found = [], []
    spent = 0.0
    for example in examples.of("test"):
        image = example.load()
        started = time.monotonic()
        outputs = runtime.compute([prepare_input(image, trained.description)])
        size_px = (image.shape[1], image.shape[0])
        boxes = decode_boxes(
            outputs["boxes"][0],
            outputs["scores"][0],
            trained.description,
            place_image(*size_px, trained.description),
            size_px,
            threshold=_LOWEST_SCORE,
        )
        spent += time.monotonic() - started
        truth.append(example.load_boxes())
        found.append(boxes)
        if drawn is not None and len(found) % 40 == 1:
            _draw(image, truth[-1], boxes, trained.description.threshold, drawn / f"{example.key[6:]}.png")
    figures = measure_detection(LABELS, truth, found, threshold=trained.description.threshold)
    return {
        "train_images": len(examples.of("train")),
        "minutes": round(minutes, 2),
        "test_images": len(truth),
        "map50": figures.map50,
        "map50_95": figures.map50_95,
        "f1": figures.f1,
        "threshold": trained.description.threshold,
        "val_map50": trained.val["map50"],
        "best_epoch": trained.best_epoch,
        "ap50": {one.label: round(one.ap50, 3) for one in figures.labels},
        "ms_per_image": round(1000.0 * spent / len(truth), 1),
    }


def _draw(
    image: np.ndarray, truth: tuple[LabeledBox, ...], found: tuple[ScoredBox, ...], threshold: float, place: Path
) -> None:
    canvas = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    for box in truth:
        start, end = (round(box.x), round(box.y)), (round(box.x + box.width), round(box.y + box.height))
        cv2.rectangle(canvas, start, end, (0, 160, 0), 2)
        cv2.putText(canvas, box.label, (start[0], start[1] - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 160, 0), 1)
    for claimed in found:
        if claimed.score < threshold:
            continue
        start = (round(claimed.x), round(claimed.y))
        end = (round(claimed.x + claimed.width), round(claimed.y + claimed.height))
        cv2.rectangle(canvas, start, end, (0, 0, 255), 1)
        words = f"{claimed.label} {claimed.score:.2f}"
        cv2.putText(canvas, words, (start[0], end[1] + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 255), 1)
    place.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(place), canvas)


def main() -> None:
    """Measure each number of training images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--counts", default="50,100,300")
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--stages", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.003)
    parser.add_argument("--val", type=int, default=24)
    parser.add_argument("--drawn", type=Path)
    asked = parser.parse_args()
    every = read_examples(asked.folder)
    if not every:
        print(json.dumps({"error": f"no boards in {asked.folder}"}))
        raise SystemExit(1)
    by_split = {split: [one for one in every if one.split == split] for split in ("train", "val", "test")}
    rng = np.random.default_rng(0)
    order = rng.permutation(len(by_split["train"]))
    val = [by_split["val"][place] for place in rng.permutation(len(by_split["val"]))[: asked.val]]
    rows = []
    for count in (int(part) for part in asked.counts.split(",")):
        chosen = [replace(by_split["train"][place]) for place in order[:count]]
        settings = RecipeSettings(
            input=InputSettings(width_px=asked.size, height_px=asked.size),
            augmentation=AugmentationSettings(flip_horizontal=True, flip_vertical=True),
            training=TrainingSettings(
                epochs=asked.epochs or max(8, round(2000 / count) + 3),
                batch_size=8,
                learning_rate=asked.rate,
                patience=0,
                trained_stages=asked.stages,
            ),
        )
        examples = ExampleSet(LABELS, frozenset(), Preprocessing(), "rgb", (*chosen, *val, *by_split["test"]))
        rows.append(measure(examples, settings, asked.drawn))
        print(json.dumps(rows[-1]), file=sys.stderr)
    print(json.dumps({"set": "deeppcb", "size_px": asked.size, "runs": rows}))


if __name__ == "__main__":
    main()
