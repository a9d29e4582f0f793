"""Examples as a dense recipe learns from them: prepared inputs, and where in them (in their pixels) what is marked.

Inputs are held as PNG, a tenth of their size: a few thousand of them fit into the memory, and none is decoded from its
original twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.errors import ImageError, ModelError
from inference.vision.learning.recipes.contract import Example, LabeledBox
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import Placement, place_image, prepare_input

# A pixel of a mask that teaches nothing: another label, the border beside the image, what is ignored there.
UNKNOWN = 255
MOST_LABELS = 200
# Why an image that could be read is left out: a defective part on which nobody marked anything.
NOT_MARKED = "marks_missing"
_FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True, eq=False)
class DenseInput:
    """One image, prepared.

    `boxes` float32 M×4 (left, top, right, bottom in pixels of the input) and their `labels` int64 M, the place of each
    among the description's, −1 for others. `outside` says how many boxes showed nothing of the image.
    """

    example: Example
    image_size_px: tuple[int, int]
    placement: Placement
    boxes: NDArray[np.float32] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    marks_sha256: str
    outside: int
    image_png: bytes = field(repr=False)
    mask_png: bytes | None = field(repr=False, default=None)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Return the image, RGB uint8 H×W×3."""
        return _read_png(self.image_png, cv2.IMREAD_COLOR_RGB)

    @property
    def mask(self) -> NDArray[np.uint8]:
        """Return uint8 H×W: 0 nothing, the place of the label + 1, or UNKNOWN."""
        assert self.mask_png is not None
        return _read_png(self.mask_png, cv2.IMREAD_GRAYSCALE)

    @property
    def has_marks(self) -> bool:
        """Return whether a label of the description is marked in it."""
        return bool((self.labels >= 0).any())


@dataclass(frozen=True)
class ReadInputs:
    """The inputs that can be learned from, and the keys of the others with the code of the reason."""

    inputs: tuple[DenseInput, ...]
    skipped: Mapping[str, str]


def read_inputs(
    examples: Sequence[Example],
    description: NetworkDescription,
    *,
    with_masks: bool,
    hear: Callable[[int, int], None],
) -> ReadInputs:
    """Return examples as inputs, with masks or with boxes; `hear` gets how many are done, and of how many.

    Passed over, with the code of the reason: images that cannot be read, and defective parts without any mark: they
    would teach that what they show is nothing. Raises what `hear` raises.
    """
    found: list[DenseInput] = []
    skipped: dict[str, str] = {}
    for place, example in enumerate(examples):
        hear(place, len(examples))
        try:
            made = _read_one(example, description, with_masks=with_masks)
        except ImageError as error:
            skipped[example.key] = error.code
            continue
        if example.is_defect and not len(made.labels):
            skipped[example.key] = NOT_MARKED
        else:
            found.append(made)
    hear(len(examples), len(examples))
    return ReadInputs(tuple(found), skipped)


def require_marks(inputs: Sequence[DenseInput], *, goal: str) -> None:
    """Raise ModelError(`no_usable_images`, `training_marks_missing`) unless something is marked to learn from."""
    if not inputs:
        raise ModelError("no_usable_images")
    if not any(one.has_marks for one in inputs):
        raise ModelError("training_marks_missing", count=len(inputs), recipe=goal)


def _read_one(example: Example, description: NetworkDescription, *, with_masks: bool) -> DenseInput:
    image = example.load()
    height, width = image.shape[:2]
    placement = place_image(width, height, description)
    pixels = prepare_input(image, description)
    digest = hashlib.sha256()
    mask_png = None
    if with_masks:
        marks = {label: mask for label, mask in sorted(example.load_marks().items()) if mask.any()}
        mask = _draw_mask(marks, description, placement)
        numbers = [_number(label, description) for label in marks]
        labels = np.array(numbers, np.int64)
        boxes, outside = np.zeros((len(labels), 4), np.float32), 0
        digest.update(mask.tobytes())
        mask_png = _write_png(mask)
    else:
        boxes, labels, outside = _place_boxes(example.load_boxes(), description, placement, (width, height))
        digest.update(boxes.tobytes())
    digest.update(labels.tobytes())
    return DenseInput(
        example=example,
        image_size_px=(width, height),
        placement=placement,
        boxes=boxes,
        labels=labels,
        marks_sha256=digest.hexdigest(),
        outside=outside,
        image_png=_write_png(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)),
        mask_png=mask_png,
    )


def _number(label: str, description: NetworkDescription) -> int:
    return description.labels.index(label) if label in description.labels else -1


def _draw_mask(
    marks: Mapping[str, NDArray[np.bool_]], description: NetworkDescription, placement: Placement
) -> NDArray[np.uint8]:
    """Return the marks in pixels of the input; where two labels are marked, the smaller mark is drawn over the other.

    A mark so small that no pixel of the input is half covered by it has the pixel that it covers most.
    """
    inner = np.zeros((placement.height, placement.width), np.uint8)
    for label, mask in sorted(marks.items(), key=lambda item: -int(item[1].sum())):
        cover = cv2.resize(mask.astype(np.float32), (placement.width, placement.height), interpolation=cv2.INTER_AREA)
        number = _number(label, description)
        drawn = np.asarray(cover) >= min(0.5, float(np.max(cover)))
        inner[drawn] = UNKNOWN if number < 0 else number + 1
    valid = description.preprocessing.valid_mask(placement.height, placement.width)
    inner[~valid] = UNKNOWN
    whole = np.full((description.height_px, description.width_px), UNKNOWN, np.uint8)
    whole[placement.y : placement.y + placement.height, placement.x : placement.x + placement.width] = inner
    return whole


def _place_boxes(
    boxes: Sequence[LabeledBox],
    description: NetworkDescription,
    placement: Placement,
    image_size_px: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    """Return boxes in pixels of the input, cut to the image, their labels, and how many showed nothing of it.

    Boxes whose middle lies where nothing counts are left out; no box is smaller than a pixel of the input.
    """
    width, height = image_size_px
    across, down = placement.width / width, placement.height / height
    preprocessing = description.preprocessing
    everywhere = preprocessing.region_of_interest is None and not preprocessing.ignore
    valid = None if everywhere else preprocessing.valid_mask(height, width)
    rows: list[tuple[float, float, float, float]] = []
    labels: list[int] = []
    outside = 0
    for box in boxes:
        left, right = np.clip((box.x, box.x + box.width), 0.0, width)
        top, bottom = np.clip((box.y, box.y + box.height), 0.0, height)
        if not (right > left and bottom > top):
            outside += 1
            continue
        if valid is not None and not valid[int((top + bottom) / 2), int((left + right) / 2)]:
            continue
        x, y = left * across + placement.x, top * down + placement.y
        x_end = max(x + 1.0, right * across + placement.x)
        y_end = max(y + 1.0, bottom * down + placement.y)
        rows.append((x, y, x_end, y_end))
        labels.append(_number(box.label, description))
    return np.array(rows, np.float32).reshape(len(rows), 4), np.array(labels, np.int64), outside


def _write_png(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", pixels, _FAST_PNG)
    assert done
    return data.tobytes()


def _read_png(data: bytes, flags: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), flags), np.uint8)
