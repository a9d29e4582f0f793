"""From the examples of a training to what its network sees: sizes, prepared pixels, and which could not be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.errors import ImageError, ModelError
from inference.vision.learning.recipes.ticking import Ticker
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import prepare_input

if TYPE_CHECKING:
    from inference.vision.learning.recipes.contract import Example, ExampleSet, Listener
    from inference.vision.learning.recipes.settings import InputSettings, RecipeSettings

SIDE_STEP_PX = 32
_PIXELS_NAME, _LIST_NAME = "inputs.bin", "inputs.json"


def round_sides(given: InputSettings, *, step_px: int = SIDE_STEP_PX) -> tuple[int, int]:
    """Return (height, width) of the input, rounded down to multiples of `step_px`, one of them at least."""
    height, width = (max(step_px, side // step_px * step_px) for side in (given.height_px, given.width_px))
    return height, width


def describe_classifier(
    examples: ExampleSet, settings: RecipeSettings, *, recipe: str, size_px: tuple[int, int]
) -> NetworkDescription:
    """Return the description of a classifier of the labels, for inputs of `size_px` (height, width)."""
    return NetworkDescription(
        task="classification",
        recipe=recipe,
        labels=examples.labels,
        good_labels=examples.good_labels,
        width_px=size_px[1],
        height_px=size_px[0],
        resize=settings.input.resize,
        preprocessing=examples.preprocessing,
        threshold=0.5,
        backbone=settings.backbone,
    )


def check_labels(examples: ExampleSet, used: Sequence[Example]) -> None:
    """Raise ModelError unless there is something to learn and every label of an example is one of the set's.

    `no_usable_images` without training images, `classifier_one_label` for training images of fewer than two labels,
    `config_invalid` for a label that the set has not, or has twice.
    """
    unknown = sorted({example.label for example in used} - set(examples.labels))
    if unknown or len(set(examples.labels)) != len(examples.labels):
        raise ModelError("config_invalid", field="labels", value=", ".join(unknown or examples.labels))
    found = sorted({example.label for example in used if example.split == "train"})
    if not found:
        raise ModelError("no_usable_images")
    if len(found) < 2:
        raise ModelError("classifier_one_label", found=", ".join(found))


def choose_examples(examples: ExampleSet) -> tuple[Example, ...]:
    """Return the examples to learn from and to choose by: `train`, without those that weigh nothing, and `val`."""
    return tuple(one for one in examples.of("train", "val") if one.split == "val" or one.weight > 0)


def read_pixels(
    examples: Iterable[Example], description: NetworkDescription, skipped: dict[str, str]
) -> Iterator[tuple[Example, NDArray[np.uint8]]]:
    """Yield the examples that can be read with their inputs; of the others, the code of the reason is noted by key."""
    for example in examples:
        try:
            pixels = prepare_input(example.load(), description)
        except (ImageError, ModelError) as error:
            skipped[example.key] = error.code
            continue
        yield example, pixels


@dataclass(frozen=True)
class PreparedImages:
    """The inputs of all examples that could be read, in a file, so that no epoch decodes them again.

    `pixels` uint8 (N, H, W, 3), mapped into memory; `examples` (N,); `skipped` the code of the reason by key.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    examples: tuple[Example, ...]
    skipped: dict[str, str]

    def places(self, split: str) -> NDArray[np.int64]:
        """Return the numbers of the examples of a split, in order."""
        return np.array([place for place, one in enumerate(self.examples) if one.split == split], np.int64)

    def truth(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Return the number of each example's label: int64 (N,)."""
        place_of = {label: place for place, label in enumerate(labels)}
        return np.array([place_of[one.label] for one in self.examples], np.int64)


def prepare_images(
    examples: Sequence[Example], description: NetworkDescription, scratch: Path, listener: Listener
) -> PreparedImages:
    """Return the inputs of the examples, written to `scratch`, or those that were written there before.

    Raises ModelError(`no_usable_images`), OSError where the disk is full, and what the listener raises.
    """
    height, width = description.height_px, description.width_px
    listed = json.dumps([description.to_json(), [(one.key, one.content_sha256) for one in examples]], sort_keys=True)
    digest = hashlib.sha256(listed.encode()).hexdigest()
    file, names = scratch / _PIXELS_NAME, scratch / _LIST_NAME
    skipped = _read_list(names, digest) if file.is_file() else None
    if skipped is None:
        scratch.mkdir(parents=True, exist_ok=True)
        skipped = {}
        ticker = Ticker(listener, "images", len(examples))
        fresh = file.with_suffix(".part")
        with fresh.open("wb") as stream:
            for _, pixels in read_pixels(_ticking(examples, ticker), description, skipped):
                stream.write(pixels.tobytes())
        names.unlink(missing_ok=True)
        fresh.replace(file)
        fresh_names = names.with_suffix(".part")
        fresh_names.write_text(json.dumps({"digest": digest, "skipped": skipped}), encoding="utf-8")
        fresh_names.replace(names)
    kept = tuple(one for one in examples if one.key not in skipped)
    if not kept:
        raise ModelError("no_usable_images")
    pixels = np.memmap(file, np.uint8, "r", shape=(len(kept), height, width, 3))
    return PreparedImages(pixels, kept, skipped)


def _ticking(examples: Sequence[Example], ticker: Ticker) -> Iterator[Example]:
    for place, example in enumerate(examples):
        ticker.set(place)
        yield example
    ticker.set(len(examples))


def _read_list(file: Path, digest: str) -> dict[str, str] | None:
    """Return what was skipped when the same inputs were written, None where that was not the case."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return dict(found["skipped"]) if found["digest"] == digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
