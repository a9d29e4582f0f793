"""Small drawn images as the examples of a training, and a listener that remembers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.recipes.contract import EPOCH_STAGES, EndEarly, EpochFigures, Example, ExampleSet, Split
from inference.vision.learning.recipes.settings import InputSettings

LABELS = ("good", "scratch", "spot")
SMALL = InputSettings(width_px=64, height_px=64)


def draw(label: str, seed: int) -> np.ndarray:
    """Return a part with what its label says: RGB uint8 (70, 76, 3)."""
    rng = np.random.default_rng(seed)
    image = rng.normal(120, 12, (70, 76, 3))
    if label == "scratch":
        image[30:36, 8:60] = 20
    elif label == "spot":
        image[18:45, 20:48] = (230, 40, 40)
    return np.asarray(image.clip(0, 255), np.uint8)


def make_example(number: int, label: str, split: Split, load: Callable[[], np.ndarray] | None = None) -> Example:
    """Return one drawn image as an example, its own part."""
    return Example(
        key=f"image:{number}",
        label=label,
        is_defect=label != "good",
        part=f"part {number}",
        split=split,
        domain="studio" if number % 2 else "field",
        content_sha256=hashlib.sha256(f"{number}:{label}".encode()).hexdigest(),
        load=load or (lambda: draw(label, number)),
        load_marks=dict,
        load_boxes=tuple,
    )


def make_set(*, train: int = 18, val: int = 9, more: tuple[Example, ...] = ()) -> ExampleSet:
    """Return so many drawn images of three labels by split, and those given."""
    first: Split = "train"
    second: Split = "val"
    splits = [first] * train + [second] * val
    examples = [make_example(number, LABELS[number % 3], split) for number, split in enumerate(splits)]
    return ExampleSet(LABELS, frozenset({"good"}), Preprocessing(), "rgb", (*examples, *more))


class StoppedError(Exception):
    """The listener wants no more."""


@dataclass
class Remembering:
    """Remembers epochs and stages; raises after `stop_after` epochs, or at the first sign of `stop_at`.

    The time is up after the epoch of the number `time_is_up`; `within_next` says so only in the next one.
    """

    stop_after: int = 0
    time_is_up: int = 0
    within_next: bool = False
    stop_at: str = ""
    epochs: list[EpochFigures] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Remember the stage."""
        assert 0 <= done <= total
        self.stages.append(stage)
        if stage == self.stop_at:
            raise StoppedError
        if self.within_next and stage in EPOCH_STAGES and done < total and self._is_time_up():
            self.within_next = False
            raise EndEarly

    def epoch(self, figures: EpochFigures) -> None:
        """Remember the epoch."""
        self.epochs.append(figures)
        if self.stop_after and len(self.epochs) >= self.stop_after:
            raise StoppedError
        if self._is_time_up() and not self.within_next:
            raise EndEarly

    def _is_time_up(self) -> bool:
        return bool(self.time_is_up and self.epochs and self.epochs[-1].epoch >= self.time_is_up)
