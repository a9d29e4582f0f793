"""What every dense recipe does before it trains: description, inputs, the split that judges, the identity of it all."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inference.vision.learning.dense.augmentation import NO_CHANGE, Change, change_pixels
from inference.vision.learning.dense.features import BATCH, FrozenFeatures, Maps
from inference.vision.learning.dense.inputs import DenseInput, read_inputs, require_marks
from inference.vision.learning.dense.trunk import input_size
from inference.vision.learning.recipes.contract import Example, ExampleSet, Listener
from inference.vision.learning.recipes.settings import RecipeSettings
from inference.vision.learning.trained_network.description import NetworkDescription, Task

# Images of a split by which an estimate is measured.
_SAMPLE = 8
READ, FEATURES = "read", "features"
# A listener is told about single images no more often than this.
_HEAR_EVERY_S = 0.2


@dataclass(frozen=True)
class Prepared:
    """The inputs of a training. `judged` chooses the best epoch: those of validation, else the training images."""

    description: NetworkDescription
    train: tuple[DenseInput, ...]
    judged: tuple[DenseInput, ...]
    judged_on: str
    skipped: Mapping[str, str]

    @property
    def outside(self) -> int:
        """Return how many boxes show nothing of their image."""
        return sum(one.outside for one in (*self.train, *self.judged))

    @property
    def size_px(self) -> tuple[int, int]:
        """Return height and width of the input."""
        return self.description.height_px, self.description.width_px


class QuietListener:
    """Hears nothing: for estimates."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Pass over."""

    def epoch(self, figures: Any) -> None:
        """Pass over."""


def describe(
    examples: ExampleSet,
    settings: RecipeSettings,
    *,
    task: Task,
    recipe: str,
    backbone: str,
    licenses: Mapping[str, str],
) -> NetworkDescription:
    """Return what the network will be: its labels are those of defects, its threshold is still to be chosen."""
    height, width = input_size(settings.input.height_px, settings.input.width_px)
    return NetworkDescription(
        task=task,
        recipe=recipe,
        labels=examples.defect_labels,
        good_labels=examples.good_labels,
        width_px=width,
        height_px=height,
        resize=settings.input.resize,
        preprocessing=examples.preprocessing,
        threshold=0.5,
        backbone=backbone,
        licenses=dict(licenses),
    )


def prepare(examples: ExampleSet, description: NetworkDescription, *, with_masks: bool, listener: Listener) -> Prepared:
    """Return the inputs of training and validation.

    Where nothing is marked on the images of validation, the training images judge: it is said in `judged_on`. Raises
    ModelError (`no_usable_images`, `training_marks_missing`) and what the listener raises.
    """
    learned = [example for example in examples.of("train") if example.weight > 0.0]
    judged = examples.of("val")
    throttle = Throttle(listener, READ, len(learned) + len(judged))
    first = read_inputs(learned, description, with_masks=with_masks, hear=lambda done, _: throttle.hear(done))
    require_marks(first.inputs, goal=description.recipe)
    second = read_inputs(
        judged, description, with_masks=with_masks, hear=lambda done, _: throttle.hear(len(learned) + done)
    )
    marked = any(one.has_marks for one in second.inputs)
    return Prepared(
        description=description,
        train=first.inputs,
        judged=second.inputs if marked else first.inputs,
        judged_on="val" if marked else "train",
        skipped={**first.skipped, **second.skipped},
    )


def identify(prepared: Prepared, settings: RecipeSettings, weights_sha256: str) -> str:
    """Return the hash of all that decides about the weights of a training."""
    described = [
        settings.to_json(),
        prepared.description.to_json(),
        weights_sha256,
        prepared.judged_on,
        torch.__version__,
        [
            [one.example.content_sha256, one.example.weight, one.marks_sha256]
            for inputs in (prepared.train, prepared.judged)
            for one in inputs
        ],
    ]
    return hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()


class Throttle:
    """Tells a listener how far a stage is, a few times a second at most."""

    def __init__(self, listener: Listener, stage: str, total: int) -> None:
        self._listener, self._stage, self._total = listener, stage, total
        self._told = float("-inf")

    def hear(self, done: int) -> None:
        """Hear that so much is done."""
        now = time.monotonic()
        if done >= self._total or now - self._told >= _HEAR_EVERY_S:
            self._told = now
            self._listener.progress(self._stage, min(done, self._total), self._total)


class MapSource:
    """Gives the frozen maps of inputs under any change: those of unchanged and mirrored ones are kept."""

    def __init__(self, features: FrozenFeatures) -> None:
        self._features = features

    def maps(self, inputs: Sequence[DenseInput], changes: Sequence[Change]) -> list[Maps]:
        """Return the maps of inputs, each changed in its way."""
        found: dict[int, Maps] = {}
        missing: list[int] = []
        keys: list[Hashable] = []
        for place, (one, change) in enumerate(zip(inputs, changes, strict=True)):
            key = (one.example.key, change.flips) if change.is_flip else None
            keys.append(key)
            if key is not None and self._features.has(key):
                found[place] = self._features.kept(key)
            else:
                missing.append(place)
        pixels = [change_pixels(inputs[place].pixels, changes[place]) for place in missing]
        for place, maps in zip(missing, self._features.compute(pixels), strict=True):
            found[place] = maps
            if keys[place] is not None:
                self._features.keep(keys[place], maps)
        return [found[place] for place in range(len(inputs))]

    def fill(self, inputs: Sequence[DenseInput], listener: Listener) -> None:
        """Compute the maps of all inputs as they are, as far as they can be kept."""
        throttle = Throttle(listener, FEATURES, len(inputs))
        for start in range(0, len(inputs), BATCH):
            throttle.hear(start)
            batch = inputs[start : start + BATCH]
            self.maps(batch, [NO_CHANGE] * len(batch))
        throttle.hear(len(inputs))


def take_sample(examples: ExampleSet) -> ExampleSet:
    """Return a few images of training and of validation, those of defects first: for estimates."""
    chosen: list[Example] = []
    for own in (examples.of("train"), examples.of("val")):
        chosen += sorted(own, key=lambda example: not example.is_defect)[:_SAMPLE]
    return replace(examples, examples=tuple(chosen))


def weights_of(inputs: Sequence[DenseInput]) -> NDArray[np.float64]:
    """Return how often each input is drawn beside the others."""
    return np.array([one.example.weight for one in inputs], np.float64)


def hash_file(path: Path | None) -> str:
    """Return the SHA-256 of a weights file, empty where there is none; of a folder that of all its files."""
    if path is None:
        return ""
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256()
    for one in sorted(path.rglob("*")):
        if one.is_file():
            digest.update(f"{one.relative_to(path)}:{hash_file(one)};".encode())
    return digest.hexdigest()
