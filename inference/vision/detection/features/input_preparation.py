"""From an image of any size to what the backbone gets: preprocessed, resized, its light evened out where that helps."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from inference.vision.detection.features.config import PatchConfig
from inference.vision.images.input_pixels import (
    LIGHT_MEAN,
    check_image,
    even_light,
    even_local_contrast,
    resize_pixels,
)

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing

MAX_ASPECT = 4.0
_FEWEST_FOR_LIGHT = 8
_LIGHT_VARIATION = 0.10


class InputConfig(Protocol):
    """What is done with an image before a network sees it, whichever network that is."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done with every image first."""
        ...

    @property
    def even_light(self) -> bool | None:
        """Whether images are brought to one mean and contrast; None: not known yet."""
        ...

    @property
    def local_contrast(self) -> float:
        """The window of doing so place by place, as a share of the shorter side; 0: not at all."""
        ...


def choose_input_shape(shapes: Sequence[tuple[int, int]], config: PatchConfig) -> tuple[int, int]:
    """Return (height, width) of the input: the median shape of the images, at the area of the configured square.

    `shapes` are (height, width) of images; sides come in steps of twice the coarsest stride of the backbone
    (a step of 14 for vision transformers) and the ratio of the sides is kept within 1:4.
    """
    return choose_shape(shapes, side_px=config.size_px, step=input_step(config))


def choose_shape(shapes: Sequence[tuple[int, int]], *, side_px: int, step: int) -> tuple[int, int]:
    """Return (height, width), multiples of `step`: the median shape, at the area of a square of `side_px`.

    `shapes` are (height, width) of images; the ratio of the sides is kept within 1:4.
    """
    aspect = statistics.median(width / height for height, width in shapes)
    aspect = min(max(aspect, 1.0 / MAX_ASPECT), MAX_ASPECT)
    height = max(1, round(side_px / math.sqrt(aspect) / step)) * step
    width = max(1, round(side_px * math.sqrt(aspect) / step)) * step
    return height, width


def input_step(config: PatchConfig) -> int:
    """Return what the sides of an input are multiples of, px."""
    coarsest = config.spec.strides[-1]
    return coarsest if coarsest == 14 else 2 * coarsest


def prepare_input(image: np.ndarray, config: InputConfig, *, size_px: tuple[int, int]) -> np.ndarray:
    """Preprocess, resize and even out the light: RGB uint8 of any size to RGB uint8 of `size_px` (height, width).

    What lies outside of the region of interest or is ignored becomes one gray and has no say in the light, because a
    backbone sees far around each patch: masking the map alone would let an ignored label show beside its mask.
    """
    return finish_input(resize_input(image, config, size_px=size_px), config)


def resize_input(image: np.ndarray, config: InputConfig, *, size_px: tuple[int, int]) -> np.ndarray:
    """Return the first half of `prepare_input`: what does not depend on the light of other images."""
    image = check_image(image)
    height, width = size_px
    pixels = config.preprocessing.apply(image)
    return resize_pixels(pixels, height=height, width=width)


def finish_input(pixels: np.ndarray, config: InputConfig) -> np.ndarray:
    """Return the second half of `prepare_input`: the light, and what is masked."""
    valid = _valid_pixels(config, pixels)
    if config.local_contrast:
        pixels = even_local_contrast(pixels, share=config.local_contrast, valid=valid)
    elif config.even_light is not False:
        # Until the training images have said whether it is needed, the careful answer holds.
        pixels = even_light(pixels, valid=valid)
    if valid is not None:
        pixels = np.where(valid[..., None], pixels, np.uint8(LIGHT_MEAN))
    return pixels


def _valid_pixels(config: InputConfig, pixels: np.ndarray) -> np.ndarray | None:
    options = config.preprocessing
    if options.region_of_interest is None and not options.ignore:
        return None
    return options.valid_mask(*pixels.shape[:2])


def light_varies(inputs: Sequence[np.ndarray], config: InputConfig) -> bool:
    """Return whether resized images of good parts differ so much in brightness that it has to be evened out.

    A bank learns small differences by itself, and evening them out costs: a stain or a dark part moves the mean and
    so everything beside it. Above 10 % (standard deviation of the mean luminance), or with too few images to tell,
    a new image may well be lit as none of them was. Where contrast is evened out place by place, nothing is left to do.
    """
    if config.local_contrast:
        return False
    if len(inputs) < _FEWEST_FOR_LIGHT:
        return True
    means = []
    for pixels in inputs:
        valid = _valid_pixels(config, pixels)
        gray = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        means.append(float(gray.mean() if valid is None else gray[valid].mean()))
    return float(np.std(means)) > _LIGHT_VARIATION * max(float(np.mean(means)), 1.0)
