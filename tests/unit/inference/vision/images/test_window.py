"""The window of values that is spread over 8 bits: what it shows, what it cuts off, and where it is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from inference.errors import InferenceError
from inference.vision.images.bit_depth import HIGHEST_VALUE, Window, read_window, to_eight_bits
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing


def _png(values: NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@given(
    low=st.integers(0, HIGHEST_VALUE - 1), span=st.integers(1, HIGHEST_VALUE), value=st.integers(0, HIGHEST_VALUE)
)
def test_a_window_spreads_its_values_evenly_and_cuts_off_the_rest(low: int, span: int, value: int) -> None:
    high = min(HIGHEST_VALUE, low + span)
    shown = int(to_eight_bits(np.array([[value]], np.uint16), Window(low, high))[0, 0])
    assert abs(shown - min(255.0, max(0.0, (value - low) * 255 / (high - low)))) <= 0.5
    assert (shown == 0) if value <= low else (shown == 255) if value >= high else True


def test_an_image_is_decoded_through_the_window_and_nothing_is_said_of_its_depth() -> None:
    values = np.array([[900, 1000, 1500, 2000, 60000]], np.uint16).repeat(3, axis=0)
    image = decode(_png(values), bit_depth=Window(1000, 2000))
    assert image.pixels[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert image.notes == ("sixteen_bit",)


def test_an_image_of_8_bits_is_the_same_through_any_window() -> None:
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    through = decode(buffer.getvalue(), bit_depth=Window(1000, 2000)).pixels
    np.testing.assert_array_equal(through, decode(buffer.getvalue()).pixels)


@pytest.mark.parametrize(("low", "high"), [(5, 5), (6, 5), (-1, 5), (0, 65536), (True, 5)])
def test_no_window_is_made_of_these(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(low, high)
    with pytest.raises(InferenceError):
        Preprocessing.from_dict({"window": {"low": low, "high": high}})


def test_a_window_travels_with_the_options_and_leaves_no_trace_where_there_is_none() -> None:
    options = Preprocessing(window=Window(1000, 2000))
    assert options.to_dict()["window"] == {"low": 1000, "high": 2000}
    assert Preprocessing.from_dict(options.to_dict()) == options
    assert options.reading == Window(1000, 2000)
    assert "window" not in Preprocessing().to_dict()
    assert read_window({"low": 1}) is None
    assert read_window([1, 2]) is None
