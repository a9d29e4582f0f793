"""From an image file's bytes to the input of an exported network, step by step as its preprocessing.json says.

Needs numpy and Pillow. OpenCV is needed for smoothing, CLAHE, and contrast on color images alone; where it is missing,
such a network is refused. A step that is not known here is refused, too, and never guessed.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

_BITS = 2048
_EDGE = 1e-9


class ClientError(Exception):
    """Something that this client cannot do, or that is not as it should be; its text says what to do."""


@dataclass(frozen=True)
class Place:
    """Where the image lies in the input, in pixels of it."""

    x: int
    y: int
    width: int
    height: int


def decode(data: bytes) -> np.ndarray:
    """Return an image file's pixels, RGB uint8 H×W×3, by the rules under `decode`."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        orientation = image.getexif().get(0x0112, 1)
        if image.mode not in {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}:
            raise ClientError(f"This client reads images of 8 bits a channel, gray or RGB; this one is {image.mode}.")
        if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
            rgba = np.asarray(image.convert("RGBA"), np.uint32)
            alpha = rgba[..., 3:]
            pixels = rgba[..., :3]
            if alpha.any():
                pixels = (pixels * alpha + 255 * (255 - alpha) + 127) // 255
            pixels = pixels.astype(np.uint8)
        else:
            pixels = np.asarray(image.convert("RGB"), np.uint8)
    return _turn(pixels, orientation if orientation in range(1, 9) else 1)


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in {5, 6, 7, 8}:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def prepare(pixels: np.ndarray, document: Mapping[str, Any]) -> tuple[np.ndarray, Place]:
    """Return the network's input, uint8 H×W×3, of RGB pixels, and where the image lies in it."""
    wanted = document["input"]
    width, height = int(wanted["width_px"]), int(wanted["height_px"])
    place = Place(0, 0, width, height)
    for step in document["steps"]:
        name = step["name"]
        if name in _CONTRAST_STEPS:
            pixels = _CONTRAST_STEPS[name](pixels, step)
        elif name == "resize":
            place = find_place(pixels.shape[1], pixels.shape[0], width, height, str(step["mode"]))
            pixels = resize(pixels, place.width, place.height)
        elif name == "mask":
            pixels = _mask(pixels, step)
        elif name == "pad":
            whole = np.full((height, width, 3), step["fill"], np.uint8)
            whole[place.y : place.y + place.height, place.x : place.x + place.width] = pixels
            pixels = whole
        else:
            raise ClientError(f"This client does not know the step “{name}” of preprocessing.json.")
    if pixels.shape != (height, width, 3):
        raise ClientError("The steps of preprocessing.json do not lead to the size of the input.")
    return np.ascontiguousarray(pixels, np.uint8), place


def find_place(width: int, height: int, input_width: int, input_height: int, mode: str) -> Place:
    """Return where an image of this size lies in the input."""
    if mode == "stretch":
        return Place(0, 0, input_width, input_height)
    if mode != "letterbox":
        raise ClientError(f"This client does not know the resize “{mode}”.")
    share = min(input_width / width, input_height / height)
    # Python rounds halves to even, as the rule says.
    inner_width = max(1, min(input_width, round(width * share)))
    inner_height = max(1, min(input_height, round(height * share)))
    return Place((input_width - inner_width) // 2, (input_height - inner_height) // 2, inner_width, inner_height)


def resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return pixels of another size: the mean where neither side grows, else linear; both as OpenCV counts them."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.shape[0] >= height and pixels.shape[1] >= width:
        return resize_area(pixels, width, height)
    return resize_linear(pixels, width, height)


def resize_area(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the mean of the pixels below each new one, weighed by how much of them it covers (cv2.INTER_AREA)."""
    rows, columns = pixels.shape[:2]
    if rows % height == 0 and columns % width == 0:
        down, across = rows // height, columns // width
        total = pixels.reshape(height, down, width, across, 3).sum(axis=(1, 3), dtype=np.int64)
        if down == 2 and across == 2:
            return np.asarray(((total + 2) >> 2), np.uint8)
        return np.asarray(np.rint(total.astype(np.float32) * np.float32(1.0 / (down * across))), np.uint8)
    # Sums are taken in the order and precision in which OpenCV takes them: halves are rounded as there.
    x, x_weights = _area_parts(columns, width)
    y, y_weights = _area_parts(rows, height)
    values = pixels.astype(np.float32)
    across = np.zeros((rows, width, 3), np.float32)
    for place, weight in zip(x, x_weights, strict=True):
        across += values[:, place] * weight[None, :, None]
    mean = np.zeros((height, width, 3), np.float32)
    for place, weight in zip(y, y_weights, strict=True):
        mean += across[place] * weight[:, None, None]
    return np.asarray(np.rint(mean).clip(0, 255), np.uint8)


def _area_parts(side: int, new_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which old pixels lie below each new one, one after another, and by how much: both K×new_side."""
    scale = side / new_side
    parts: list[list[tuple[int, float]]] = []
    for number in range(new_side):
        begin = number * scale
        end, cell = begin + scale, min(scale, side - begin)
        last = min(math.floor(end), side - 1)
        first = min(math.ceil(begin), last)
        own = [(place, 1.0 / cell) for place in range(first, last)]
        if first - begin > 1e-3:
            own.insert(0, (first - 1, (first - begin) / cell))
        if end - last > 1e-3:
            own.append((last, min(min(end - last, 1.0), cell) / cell))
        parts.append(own)
    most = max(len(own) for own in parts)
    places = np.zeros((most, new_side), np.int64)
    weights = np.zeros((most, new_side), np.float32)
    for number, own in enumerate(parts):
        for at, (place, weight) in enumerate(own):
            places[at, number], weights[at, number] = place, weight
    return places, weights


def resize_linear(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return pixels between their neighbors, in whole numbers with weights in 1/2048 (cv2.INTER_LINEAR)."""
    rows, columns = pixels.shape[:2]
    x, x_share = _linear_places(columns, width)
    x_share[(x < 0) | (x >= columns - 1)] = 0.0
    x = x.clip(0, columns - 1)
    y, y_share = _linear_places(rows, height)
    left, right = _linear_weights(x_share)
    upper, lower = _linear_weights(y_share)
    values = pixels.astype(np.int64)
    across = values[:, x] * left[None, :, None] + values[:, np.minimum(x + 1, columns - 1)] * right[None, :, None]
    above, below = across[y.clip(0, rows - 1)] >> 4, across[(y + 1).clip(0, rows - 1)] >> 4
    mixed = ((upper[:, None, None] * above >> 16) + (lower[:, None, None] * below >> 16) + 2) >> 2
    return np.asarray(mixed.clip(0, 255), np.uint8)


def _linear_places(side: int, new_side: int) -> tuple[np.ndarray, np.ndarray]:
    at = ((np.arange(new_side) + 0.5) * (side / new_side) - 0.5).astype(np.float32)
    place = np.floor(at)
    return place.astype(np.int64), at - place


def _linear_weights(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one, bits = np.float32(1.0), np.float32(_BITS)
    return np.rint((one - share) * bits).astype(np.int64), np.rint(share * bits).astype(np.int64)


def _mask(pixels: np.ndarray, step: Mapping[str, Any]) -> np.ndarray:
    height, width = pixels.shape[:2]
    counts = np.zeros((height, width), np.bool_)
    x, y, w, h = step["region_of_interest"] or (0.0, 0.0, 1.0, 1.0)
    counts[_outer(y, h, height), _outer(x, w, width)] = True
    for x, y, w, h in step["ignore"]:
        counts[_inner(y, h, height), _inner(x, w, width)] = False
    return np.where(counts[..., None], pixels, np.uint8(step["fill"]))


def _outer(start: float, length: float, side: int) -> slice:
    return slice(math.floor(start * side + _EDGE), math.ceil((start + length) * side - _EDGE))


def _inner(start: float, length: float, side: int) -> slice:
    first = math.ceil(start * side - _EDGE)
    return slice(first, max(first, math.floor((start + length) * side + _EDGE)))


def _grayscale(pixels: np.ndarray, _step: Mapping[str, Any]) -> np.ndarray:
    weights = np.array([9798, 19235, 3735], np.int64)
    gray = (pixels.astype(np.int64) @ weights + 16384) >> 15
    return gray.astype(np.uint8)[..., None].repeat(3, axis=2)


def _smooth(pixels: np.ndarray, step: Mapping[str, Any]) -> np.ndarray:
    cv2, size, kind = _need_opencv("smoothing"), int(step["size_px"]), step["kind"]
    if kind == "gaussian":
        return np.asarray(cv2.GaussianBlur(pixels, (size, size), 0))
    if kind == "median":
        return np.asarray(cv2.medianBlur(pixels, size))
    if kind == "bilateral":
        return np.asarray(cv2.bilateralFilter(pixels, size, 40.0, size / 2))
    raise ClientError(f"This client does not know the smoothing “{kind}”.")


def _contrast(pixels: np.ndarray, step: Mapping[str, Any]) -> np.ndarray:
    """Change the gray values of a gray image, L of CIELAB of one with color."""
    for one in step["operations"]:
        if one["name"] not in _OPERATIONS:
            raise ClientError(f"This client does not know “{one['name']}” of preprocessing.json.")
    if np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 1], pixels[..., 2]):
        light = np.ascontiguousarray(pixels[..., 0])
        for one in step["operations"]:
            light = _OPERATIONS[one["name"]](light, one)
        return light[..., None].repeat(3, axis=2)
    cv2 = _need_opencv("contrast on images with color")
    lab = np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB))
    light = np.ascontiguousarray(lab[..., 0])
    for one in step["operations"]:
        light = _OPERATIONS[one["name"]](light, one)
    lab[..., 0] = light
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def _normalize(light: np.ndarray, one: Mapping[str, Any]) -> np.ndarray:
    shares = np.cumsum(np.bincount(light.ravel(), minlength=256)) / light.size * 100
    low, high = np.searchsorted(shares, [one["percent"], 100 - one["percent"]])
    if low == high:
        return light
    table = (np.arange(256) - (low + high) / 2) * (255 / max(high - low, one["least_range"])) + 127.5
    return np.asarray(np.rint(table).clip(0, 255).astype(np.uint8)[light], np.uint8)


def _equalize(light: np.ndarray, _one: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(_need_opencv("equalize").equalizeHist(light))


def _clahe(light: np.ndarray, one: Mapping[str, Any]) -> np.ndarray:
    grid = (int(one["tile_grid"]), int(one["tile_grid"]))
    return np.asarray(_need_opencv("clahe").createCLAHE(float(one["clip_limit"]), grid).apply(light))


def _need_opencv(what: str) -> Any:
    try:
        import cv2
    except ImportError:
        raise ClientError(
            f"This network's preprocessing holds {what}, which needs OpenCV: pip install opencv-python-headless"
        ) from None
    return cv2


_OPERATIONS = {"normalize": _normalize, "equalize": _equalize, "clahe": _clahe}
_CONTRAST_STEPS = {"smoothing": _smooth, "grayscale": _grayscale, "contrast": _contrast}
