"""Small drawn images with dark squares (`dent`) and bright bars (`scratch`) on gray, and where they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from inference.errors import ImageError
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.recipes.contract import EpochFigures, Example, ExampleSet, LabeledBox, Split

LABELS = ("dent", "scratch")
SIDE_PX = 64


def draw_example(
    number: int, split: Split, label: str | None, *, size_px: tuple[int, int] = (SIDE_PX, SIDE_PX)
) -> Example:
    """Return one example of `size_px` (width, height); without a label a good one."""
    width, height = size_px
    rng = np.random.default_rng(number)
    image = rng.integers(120, 136, (height, width, 3), np.uint8)
    boxes: tuple[LabeledBox, ...] = ()
    if label is not None:
        across, down = (16, 16) if label == "dent" else (32, 8)
        x, y = int(rng.integers(2, width - across - 2)), int(rng.integers(2, height - down - 2))
        image[y : y + down, x : x + across] = 10 if label == "dent" else 250
        boxes = (LabeledBox(x, y, across, down, label),)
    return make_example(number, split, image, boxes, label=label or "good", is_defect=label is not None)


def make_example(
    number: int,
    split: Split,
    image: np.ndarray,
    boxes: Sequence[LabeledBox],
    *,
    label: str = "dent",
    is_defect: bool = True,
) -> Example:
    """Return an example of an image with these boxes, and masks that fill them."""

    def load_marks() -> Mapping[str, np.ndarray]:
        marks: dict[str, np.ndarray] = {}
        for box in boxes:
            mask = marks.setdefault(box.label, np.zeros(image.shape[:2], np.bool_))
            mask[round(box.y) : round(box.y + box.height), round(box.x) : round(box.x + box.width)] = True
        return marks

    return Example(
        key=f"image:{number}",
        label=label,
        is_defect=is_defect,
        part=f"part-{number}",
        split=split,
        domain="studio" if number % 2 else "line",
        content_sha256=hashlib.sha256(image.tobytes()).hexdigest(),
        load=lambda: image,
        load_marks=load_marks,
        load_boxes=lambda: tuple(boxes),
    )


def break_image(example: Example) -> Example:
    """Return the example with a file that is no image."""

    def load() -> np.ndarray:
        raise ImageError("image_truncated")

    return replace(example, load=load)


def draw_set(train: int, val: int, *more: Example, labels: tuple[str, ...] = ("good", *LABELS)) -> ExampleSet:
    """Return so many drawn examples of each split, dents and scratches in turn, every fifth one good."""
    kinds = ("dent", "scratch", "dent", "scratch", None)
    counts: tuple[tuple[Split, int, int], ...] = (("train", train, 0), ("val", val, 1000))
    made = [
        draw_example(start + number, split, kinds[number % len(kinds)])
        for split, count, start in counts
        for number in range(count)
    ]
    return ExampleSet(labels, frozenset({"good"}), Preprocessing(), "rgb", (*made, *more))


class Heard:
    """A listener that remembers, and ends the training after so many epochs."""

    def __init__(self, *, ends_after: int | None = None, on_progress: Callable[[], None] | None = None) -> None:
        self.epochs: list[EpochFigures] = []
        self.stages: set[str] = set()
        self._ends_after = ends_after
        self._on_progress = on_progress

    def progress(self, stage: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.stages.add(stage)
        if self._on_progress is not None:
            self._on_progress()

    def epoch(self, figures: EpochFigures) -> None:
        self.epochs.append(figures)
        if len(self.epochs) == self._ends_after:
            raise InterruptedError
