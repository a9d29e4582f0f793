"""What is measured of an image when it is stored."""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from inference.vision.images.encoding import thumbnail
from inference.vision.images.measures.summary import difference_hash, hamming_distance, summarize
from inference.vision.images.quality import assess

Pixels = npt.NDArray[np.uint8]


def draw(height: int = 700, width: int = 900, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.uniform(60, 200, (12, 16, 3)).astype(np.float32), (width, height))
    return np.asarray(np.clip(soft + rng.normal(0, 6, soft.shape), 0, 255), np.uint8)


def test_quality_is_that_of_the_whole_assessment() -> None:
    for pixels in (
        draw(),
        draw(100, 60),
        np.zeros((50, 50, 3), np.uint8),
        np.asarray(cv2.GaussianBlur(draw(), (0, 0), 15), np.uint8),
    ):
        assert summarize(pixels).quality == assess(pixels)


@pytest.mark.parametrize("size", [(700, 900), (1024, 1024), (333, 511), (20, 1800), (1, 1)])
def test_thumbnails_look_like_those_made_of_all_pixels(size: tuple[int, int]) -> None:
    pixels = draw(*size)
    made, usual = (
        np.asarray(Image.open(io.BytesIO(data)), np.float32)
        for data in (summarize(pixels).thumbnail, thumbnail(pixels))
    )
    assert made.shape == usual.shape
    assert np.abs(made - usual).mean() < 2.0


def test_near_copies_share_their_hash_and_other_pictures_do_not() -> None:
    pixels = draw()
    hashed = difference_hash(pixels)
    assert summarize(pixels).difference_hash == hashed
    assert -(2**63) <= hashed < 2**63
    brighter = np.clip(pixels.astype(np.int16) + 12, 0, 255).astype(np.uint8)
    smaller = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert hamming_distance(hashed, difference_hash(brighter)) <= 4
    assert hamming_distance(hashed, difference_hash(np.asarray(smaller, np.uint8))) <= 4
    assert hamming_distance(hashed, difference_hash(draw(seed=1))) > 12


def test_the_distance_counts_bits_of_signed_numbers() -> None:
    assert hamming_distance(-1, 0) == 64
    assert hamming_distance(-(2**63), 2**63 - 1) == 64
    assert hamming_distance(5, 5) == 0
