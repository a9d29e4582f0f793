"""From an image to a network's input, and places in the input back to the image: the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.vision.images.input_pixels import check_image, resize_pixels
from inference.vision.learning.trained_network.description import LETTERBOX_GRAY, NetworkDescription


@dataclass(frozen=True)
class Placement:
    """Where the image lies in the input, in its pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int


def place_image(width: int, height: int, description: NetworkDescription) -> Placement:
    """Return where an image of this size lies in the network's input."""
    if description.resize == "stretch":
        return Placement(0, 0, description.width_px, description.height_px)
    share = min(description.width_px / width, description.height_px / height)
    inner_width = max(1, min(description.width_px, round(width * share)))
    inner_height = max(1, min(description.height_px, round(height * share)))
    x, y = (description.width_px - inner_width) // 2, (description.height_px - inner_height) // 2
    return Placement(x, y, inner_width, inner_height)


def prepare_input(image: np.ndarray, description: NetworkDescription) -> NDArray[np.uint8]:
    """Return an image, RGB uint8 H×W×3 as the camera gave it, as the network's input: RGB uint8 (height, width, 3).

    It is preprocessed, then resized; what lies outside of the region of interest or is ignored becomes one gray. Raises
    ModelError(`image_wrong_shape`).
    """
    preprocessing = description.preprocessing
    pixels = preprocessing.apply(check_image(image))
    place = place_image(pixels.shape[1], pixels.shape[0], description)
    inner = resize_pixels(pixels, height=place.height, width=place.width)
    if preprocessing.region_of_interest is not None or preprocessing.ignore:
        valid = preprocessing.valid_mask(place.height, place.width)
        inner = np.where(valid[..., None], inner, np.uint8(LETTERBOX_GRAY))
    if (place.width, place.height) == (description.width_px, description.height_px):
        return np.ascontiguousarray(inner, np.uint8)
    whole = np.full((description.height_px, description.width_px, 3), LETTERBOX_GRAY, np.uint8)
    whole[place.y : place.y + place.height, place.x : place.x + place.width] = inner
    return whole
