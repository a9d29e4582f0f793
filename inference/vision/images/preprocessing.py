"""The one preprocessing chain, between `images.decode` and every model.

The order is fixed, whatever the order in which the options were set:

1. smoothing, before contrast is raised, so that noise is not raised with it;
2. grayscale (ITU-R BT.601 luma);
3. normalize: the 0.5–99.5 % range of the luminance is stretched to 0–255, at most eightfold;
4. histogram equalization (global);
5. CLAHE (local; Zuiderveld, Graphics Gems IV, 1994).

Steps 3–5 work on the gray values, or on L of CIELAB where the image has color, so that hues stay. Every image is
treated by itself: no figure of the data set enters, therefore one image gives the same result everywhere.

The region of interest and the ignored rectangles move no pixel. They are a mask that the detector applies to its map.
Nor do tiles: they say how large a part of the image the detector looks at at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from inference.errors import InferenceError
from inference.vision.images.bit_depth import BIT_DEPTHS, BY_IMAGE, Reading, Window, read_window

Pixels = npt.NDArray[np.uint8]
Rectangle = tuple[float, float, float, float]
Smoothing = Literal["none", "gaussian", "median", "bilateral"]

SMALLEST_TILE_PX, LARGEST_TILE_PX = 128, 4096
# A tile that is no square: its shorter side, and how many times as long the other may be.
SMALLEST_TILE_SIDE_PX, LONGEST_TILE = 16, 16
# Options that bundles did not always have, and what they are without.
LATER: Mapping[str, Any] = {"tile_height_px": 0, "bit_depth": BY_IMAGE, "window": None}
_STRETCH_PERCENT = 0.5
_SMALLEST_RANGE = 32  # levels; a narrower range is noise, and stretching it further would show only that
_BILATERAL_COLOR_SIGMA = 40.0
_SMOOTHING_SIZES_PX = (3, 5, 7, 9, 11, 13, 15)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Preprocessing:
    """The options of one product. Rectangles are (x, y, width, height) as fractions of the image, from its top left.

    `tile_size_px` is the side, in pixels of the image, of the overlapping squares in which a large image is inspected;
    0: the whole image at once. Where `tile_height_px` is not 0, tiles are rectangles of that height, and
    `tile_size_px` is their width.
    `bit_depth`, one of BIT_DEPTHS, is how many bits the camera's values have in images with more than 8 (`decode`
    applies it, before everything else); BY_IMAGE: those that the file declares. Where there is a `window`, only its
    values are spread over the 8 bits, whatever the bit depth.
    Raises InferenceError preprocessing_invalid (field, value) for a value outside its range, and
    preprocessing_nothing_left when the ignored rectangles cover the whole region of interest,
    preprocessing_tile_shape (width_px, height_px) for rectangular tiles that are too long or too small.
    """

    grayscale: bool = False
    clahe: bool = False
    clahe_clip_limit: float = 2.0
    clahe_tile_grid: int = 8
    equalize: bool = False
    smoothing: Smoothing = "none"
    smoothing_size_px: int = 3
    normalize: bool = False
    region_of_interest: Rectangle | None = None
    ignore: tuple[Rectangle, ...] = ()
    tile_size_px: int = 0
    tile_height_px: int = 0
    bit_depth: int = BY_IMAGE
    window: Window | None = None

    def __post_init__(self) -> None:
        for name in ("grayscale", "clahe", "equalize", "normalize"):
            _require(isinstance(getattr(self, name), bool), name, getattr(self, name))
        _require(_is_number(self.clahe_clip_limit, 0.1, 40), "clahe_clip_limit", self.clahe_clip_limit)
        _require(_is_whole(self.clahe_tile_grid, 1, 32), "clahe_tile_grid", self.clahe_tile_grid)
        _require(self.smoothing in get_args(Smoothing), "smoothing", self.smoothing)
        known_size = _is_whole(self.smoothing_size_px, 3, 15) and self.smoothing_size_px in _SMOOTHING_SIZES_PX
        _require(known_size, "smoothing_size_px", self.smoothing_size_px)
        self._check_tiles()
        _require(_is_whole(self.bit_depth, 0, 16) and self.bit_depth in BIT_DEPTHS, "bit_depth", self.bit_depth)
        _require(self.window is None or isinstance(self.window, Window), "window", self.window)
        region = self.region_of_interest
        _require(region is None or _is_rectangle(region), "region_of_interest", region)
        _require(isinstance(self.ignore, tuple) and all(map(_is_rectangle, self.ignore)), "ignore", self.ignore)
        if not _anything_left(region or (0.0, 0.0, 1.0, 1.0), self.ignore):
            raise InferenceError("preprocessing_nothing_left")

    @property
    def reading(self) -> Reading:
        """How `decode` is to read images of more than 8 bits a channel."""
        return self.bit_depth if self.window is None else self.window

    @property
    def tile_px(self) -> tuple[int, int]:
        """Height and width of a tile in pixels of the image; (0, 0) where there are none."""
        return (self.tile_height_px or self.tile_size_px, self.tile_size_px)

    def _check_tiles(self) -> None:
        width, height = self.tile_size_px, self.tile_height_px
        if height == 0:
            square = width == 0 or _is_whole(width, SMALLEST_TILE_PX, LARGEST_TILE_PX)
            _require(_is_whole(width, 0, LARGEST_TILE_PX) and square, "tile_size_px", width)
            _require(_is_whole(height, 0, 0), "tile_height_px", height)
            return
        for name, side in (("tile_size_px", width), ("tile_height_px", height)):
            _require(_is_whole(side, SMALLEST_TILE_SIDE_PX, LARGEST_TILE_PX), name, side)
        longest = max(width, height)
        fits = longest >= SMALLEST_TILE_PX and longest <= LONGEST_TILE * min(width, height)
        if not fits:
            raise InferenceError("preprocessing_tile_shape", width_px=width, height_px=height)

    def apply(self, pixels: Pixels) -> Pixels:
        """Apply the options to RGB uint8 (H, W, 3) and return the same shape; the input is never written to.

        Without any option on, it is returned as it is.
        """
        if self.smoothing != "none":
            pixels = self._smooth(pixels)
        if self.grayscale:
            pixels = np.asarray(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
        if not (self.normalize or self.equalize or self.clahe):
            return pixels
        if _is_gray(pixels):
            light = self._raise_contrast(np.ascontiguousarray(pixels[..., 0]))
            return np.asarray(cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), np.uint8)
        lab = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), np.uint8)
        lab[..., 0] = self._raise_contrast(np.ascontiguousarray(lab[..., 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)

    def valid_mask(self, height: int, width: int) -> npt.NDArray[np.bool_]:
        """Return where findings count: bool, height × width.

        A pixel that the region of interest merely touches counts; one that an ignored rectangle merely touches does
        so too: a doubtful pixel is looked at.
        """
        mask = np.zeros((height, width), np.bool_)
        x, y, w, h = self.region_of_interest or (0.0, 0.0, 1.0, 1.0)
        mask[_outer(y, h, height), _outer(x, w, width)] = True
        for x, y, w, h in self.ignore:
            mask[_inner(y, h, height), _inner(x, w, width)] = False
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` reads them back.

        The options in LATER are left out where they have no effect: what does without them is read, and is the same,
        in earlier releases.
        """
        values: dict[str, Any] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in LATER or getattr(self, field.name) != LATER[field.name]
        }
        values["region_of_interest"] = None if self.region_of_interest is None else list(self.region_of_interest)
        if self.window is not None:
            values["window"] = self.window.to_dict()
        values["ignore"] = [list(rectangle) for rectangle in self.ignore]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Return the options in `values`; what is absent has its default.

        Raises InferenceError preprocessing_unknown (field) for a key that is none, preprocessing_invalid for a value
        of the wrong type or range.
        """
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise InferenceError("preprocessing_unknown", field=str(name))
        given = dict(values)
        if isinstance(given.get("region_of_interest"), list):
            given["region_of_interest"] = tuple(given["region_of_interest"])
        if given.get("window") is not None and not isinstance(given["window"], Window):
            window = read_window(given["window"])
            _require(window is not None, "window", given["window"])
            given["window"] = window
        if "ignore" in given:
            _require(isinstance(given["ignore"], list | tuple), "ignore", given["ignore"])
            given["ignore"] = tuple(tuple(item) if isinstance(item, list) else item for item in given["ignore"])
        return cls(**given)

    def _smooth(self, pixels: Pixels) -> Pixels:
        size_px = self.smoothing_size_px
        if self.smoothing == "gaussian":
            smooth = cv2.GaussianBlur(pixels, (size_px, size_px), 0)
        elif self.smoothing == "median":
            smooth = cv2.medianBlur(pixels, size_px)
        else:
            smooth = cv2.bilateralFilter(pixels, size_px, _BILATERAL_COLOR_SIGMA, size_px / 2)
        return np.asarray(smooth, np.uint8)

    def _raise_contrast(self, light: Pixels) -> Pixels:
        if self.normalize:
            light = _stretch(light)
        if self.equalize:
            light = np.asarray(cv2.equalizeHist(light), np.uint8)
        if self.clahe:
            grid = (self.clahe_tile_grid, self.clahe_tile_grid)
            # A new one each time: a CLAHE object keeps buffers between calls and is not safe to share.
            light = np.asarray(cv2.createCLAHE(self.clahe_clip_limit, grid).apply(light), np.uint8)
        return light


def _stretch(light: Pixels) -> Pixels:
    shares = np.cumsum(np.bincount(light.ravel(), minlength=256)) / light.size * 100
    low, high = np.searchsorted(shares, [_STRETCH_PERCENT, 100 - _STRETCH_PERCENT])
    middle, span = (low + high) / 2, max(high - low, _SMALLEST_RANGE)
    if high == low:
        return light
    table = (np.arange(256) - middle) * (255 / span) + 127.5
    return np.asarray(np.rint(table).clip(0, 255).astype(np.uint8)[light], np.uint8)


def _is_gray(pixels: Pixels) -> bool:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))


def _outer(start: float, length: float, size: int) -> slice:
    return slice(math.floor(start * size + _ROUNDING), math.ceil((start + length) * size - _ROUNDING))


def _inner(start: float, length: float, size: int) -> slice:
    first = math.ceil(start * size - _ROUNDING)
    return slice(first, max(first, math.floor((start + length) * size + _ROUNDING)))


def _anything_left(region: Rectangle, ignore: tuple[Rectangle, ...]) -> bool:
    """Return whether any part of the region is outside all ignored rectangles: one test point between all edges."""
    every = (region, *ignore)
    columns = sorted({edge for x, _, w, _ in every for edge in (x, x + w)})
    rows = sorted({edge for _, y, _, h in every for edge in (y, y + h)})
    middles_x = [(a + b) / 2 for a, b in pairwise(columns) if b - a > _ROUNDING]
    middles_y = [(a + b) / 2 for a, b in pairwise(rows) if b - a > _ROUNDING]
    return any(
        _contains(region, x, y) and not any(_contains(rectangle, x, y) for rectangle in ignore)
        for x in middles_x
        for y in middles_y
    )


def _contains(rectangle: Rectangle, x: float, y: float) -> bool:
    left, top, width, height = rectangle
    return left <= x <= left + width and top <= y <= top + height


def _require(right: bool, field: str, value: object) -> None:
    if not right:
        raise InferenceError("preprocessing_invalid", field=field, value=repr(value)[:80])


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_rectangle(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) != 4 or not all(_is_number(item, 0, 1) for item in value):
        return False
    x, y, width, height = value
    return bool(width > 0 and height > 0 and x + width <= 1 + _ROUNDING and y + height <= 1 + _ROUNDING)
