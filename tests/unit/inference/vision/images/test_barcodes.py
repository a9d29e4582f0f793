"""Codes in pictures: read as they lie on a part, and never out of a texture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inference.vision.images.barcodes import Code, read_codes
from tests.coded_images import brushed, draw_code, put_code


@pytest.mark.parametrize("symbology", ["QRCode", "MicroQRCode", "DataMatrix", "Aztec", "PDF417", "Code128", "Code39"])
def test_a_code_is_read_from_a_part_however_it_lies(symbology: str) -> None:
    part = put_code(brushed(), draw_code("SN-0042", symbology), x=40, y=60)
    for turned in range(4):
        (code,) = read_codes(np.ascontiguousarray(np.rot90(part, turned)))
        assert code.text == "SN-0042"
        assert not code.is_gs1


def test_a_code_that_is_light_on_dark_metal_is_read() -> None:
    etched = 255 - draw_code("SN-0042", "DataMatrix", scale=5)
    assert [code.text for code in read_codes(put_code(brushed(), etched, x=100, y=100))] == ["SN-0042"]


def test_a_gs1_symbol_says_so_and_keeps_its_separators() -> None:
    code = draw_code("(10)LOT7(21)S-1", "DataMatrix", scale=5, is_gs1=True)
    assert read_codes(put_code(brushed(), code, x=50, y=50)) == (Code("10LOT7\x1d21S-1", "Data Matrix", is_gs1=True),)


def test_several_codes_come_from_top_to_bottom_and_each_text_once() -> None:
    part = brushed()
    for text, y in (("second", 200), ("first", 20), ("first", 300)):
        part = put_code(part, draw_code(text, scale=3), x=100 if text == "first" else 300, y=y)
    assert [code.text for code in read_codes(part)] == ["first", "second"]


def test_a_code_on_a_picture_of_many_megapixels_is_read() -> None:
    part = np.asarray(cv2.resize(brushed(), (3600, 2400)), np.uint8)
    part = put_code(part, draw_code("SN-0042", scale=12), x=2000, y=1200)
    assert [code.text for code in read_codes(part)] == ["SN-0042"]


@pytest.mark.parametrize("kind", ["brushed", "grid", "stripes", "checkers", "black"])
def test_no_code_is_read_out_of_a_texture(kind: str) -> None:
    y, x = np.mgrid[0:400, 0:600]
    gray = {
        "grid": np.where((x % 12 < 3) | (y % 12 < 3), 230, 40),
        "stripes": np.where((x * 7919 // 31) % 5 < 2, 230, 40),
        "checkers": np.where((x // 8 + y // 8) % 2, 255, 0),
        "black": np.zeros((400, 600)),
    }.get(kind)
    pixels = brushed() if gray is None else np.repeat(gray.astype(np.uint8)[:, :, None], 3, axis=2)
    assert read_codes(pixels) == ()
