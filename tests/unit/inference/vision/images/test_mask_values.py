"""Gray edges of a mask are cut at one half; numbers of classes all mark a defect."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from inference.vision.images.decode import decode_mask

SPOT = np.zeros((96, 120), np.uint8)
cv2.circle(SPOT, (50, 40), 14, 255, -1)
cv2.rectangle(SPOT, (80, 60), (110, 64), 255, -1)


def marked_in(values: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return decode_mask(buffer.getvalue())


def ring(quality: int) -> np.ndarray:
    """Return what is left of the spot in a JPEG, as somebody saves it as PNG."""
    _done, packed = cv2.imencode(".jpg", SPOT, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 97, 100])
def test_the_ringing_of_a_jpeg_is_no_defect(quality: int) -> None:
    rung = ring(quality)
    assert quality == 100 or (rung > 0).sum() > 1.1 * (SPOT > 0).sum()
    assert (marked_in(rung) != (SPOT > 0)).sum() <= (20 if quality == 20 else 4)


@pytest.mark.parametrize("sigma", [0.7, 1.5, 4.0, 10.0])
@pytest.mark.parametrize("brightest", [255, 200, 65_535])
def test_soft_edges_are_cut_at_one_half(sigma: float, brightest: int) -> None:
    soft = cv2.GaussianBlur(SPOT.astype(np.float32) / 255, (0, 0), sigma)
    values = np.rint(soft / soft.max() * brightest).astype(np.uint16 if brightest > 255 else np.uint8)
    np.testing.assert_array_equal(marked_in(values), values > brightest // 2)


@pytest.mark.parametrize("size", [(60, 48), (40, 32), (75, 61)])
def test_a_mask_that_was_made_smaller_is_cut_at_one_half(size: tuple[int, int]) -> None:
    small = np.asarray(cv2.resize(SPOT, size, interpolation=cv2.INTER_AREA), np.uint8)
    np.testing.assert_array_equal(marked_in(small), small > small.max() // 2)


@pytest.mark.parametrize(
    "classes",
    [(1, 2), (1, 2, 3), (1, 128, 255), (85, 170, 255), (1, 2, 255), (50, 100, 150, 200), tuple(range(1, 41))],
    ids=str,
)
def test_numbers_of_classes_and_of_parts_all_mark_a_defect(classes: tuple[int, ...]) -> None:
    values = np.zeros((120, 160), np.uint8)
    for place, number in enumerate(classes):
        top, left = 14 * (place // 10) + 4, 15 * (place % 10) + 4
        values[top : top + 7, left : left + 9] = number
    np.testing.assert_array_equal(marked_in(values), values > 0)
    np.testing.assert_array_equal(marked_in(values.astype(np.uint16)), values > 0)


def test_a_thin_scratch_of_a_low_class_counts() -> None:
    values = np.zeros((64, 64), np.uint8)
    cv2.line(values, (3, 5), (60, 50), 2, 1)
    cv2.line(values, (3, 50), (60, 9), 3, 1)
    np.testing.assert_array_equal(marked_in(values), values > 0)


def test_an_empty_mask_marks_nothing_and_a_full_one_all() -> None:
    assert not marked_in(np.zeros((8, 8), np.uint8)).any()
    assert marked_in(np.full((8, 8), 255, np.uint8)).all()
    assert marked_in(np.full((1, 5), 1, np.uint8)).all()
