"""Bringing images to the input's size: gray ones by one channel, to the same pixels."""

import cv2
import numpy as np
import pytest

from inference.vision.images.input_pixels import resize_pixels


@pytest.mark.parametrize("shape", [(300, 300), (1201, 977), (90, 110), (40, 700)])
def test_a_gray_image_is_resized_to_the_pixels_of_its_three_channels(shape: tuple[int, int]) -> None:
    channel = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    shrinking = shape[0] >= 192 and shape[1] >= 256
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    gray = np.repeat(channel[..., None], 3, axis=2)
    resized = resize_pixels(gray, height=192, width=256)
    assert np.array_equal(resized, cv2.resize(gray, (256, 192), interpolation=interpolation))
    assert resized.flags.c_contiguous


def test_one_colored_pixel_keeps_its_color() -> None:
    image = np.full((600, 600, 3), 90, np.uint8)
    image[301, 299] = (250, 20, 20)
    resized = resize_pixels(image, height=300, width=300)
    red, green, blue = (int(value) for value in resized[150, 149])
    assert red > green
    assert red > blue
    assert np.array_equal(resized, cv2.resize(image, (300, 300), interpolation=cv2.INTER_AREA))


def test_an_image_of_the_right_size_is_left_as_it_is() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    assert resize_pixels(image, height=64, width=96) is image
