"""Images of more than 8 bits a channel: how many of them count, colors, planes, and what is not taken in."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.decode import decode, decode_mask

TWELVE_BITS = np.add.outer(np.arange(48) * 40, np.arange(64) * 30).astype(np.uint16)
COLORS = np.dstack([TWELVE_BITS, TWELVE_BITS // 2, TWELVE_BITS // 3])


def as_png(values: np.ndarray) -> bytes:
    drawn = values if values.ndim == 2 else values[..., [2, 1, 0, *range(3, values.shape[2])]]
    return bytes(cv2.imencode(".png", np.ascontiguousarray(drawn))[1].tobytes())


def as_tiff(
    values: np.ndarray,
    *,
    planar: bool = False,
    packed: bool = False,
    rows: int = 10,
    order: Literal["<", ">"] = "<",
    kind: int = 1,
    **changed: Any,
) -> bytes:
    """Write a TIFF of strips by hand: what it holds is what the test says, whatever a library would write."""
    height, width = values.shape[:2]
    samples = 1 if values.ndim == 2 else values.shape[2]
    lying = values.astype(values.dtype.newbyteorder(order)).reshape(height, width, samples)
    parts = [lying[..., plane : plane + 1] for plane in range(samples)] if planar else [lying]
    strips = [part[top : top + rows].tobytes() for part in parts for top in range(0, height, rows)]
    if packed:
        strips = [zlib.compress(strip) for strip in strips]
    data, offsets = bytearray(8), []
    for strip in strips:
        offsets.append(len(data))
        data += strip
    data += b"\0" * (len(data) % 2)
    tags: dict[int, list[int]] = {
        256: [width], 257: [height], 258: [values.dtype.itemsize * 8] * samples, 259: [8 if packed else 1],
        262: [2 if samples >= 3 else 1], 273: offsets, 277: [samples], 278: [rows],
        279: [len(strip) for strip in strips], 284: [2 if planar else 1], 339: [kind] * samples,
    }  # fmt: skip
    tags.update({int(tag.removeprefix("tag")): value for tag, value in changed.items()})
    start = len(data)
    behind = start + 2 + 12 * len(tags) + 4
    directory, values_behind = bytearray(struct.pack(order + "H", len(tags))), bytearray()
    for tag, numbers in sorted(tags.items()):
        letter, code = ("I", 4) if tag in {256, 257, 273, 278, 279} else ("H", 3)
        field = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        if len(field) > 4:
            place = struct.pack(order + "I", behind + len(values_behind))
            values_behind += field
            field = place
        directory += struct.pack(order + "HHI", tag, code, len(numbers)) + field.ljust(4, b"\0")
    data[:8] = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return bytes(data + directory + bytes(4) + values_behind)


def refusal_of(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as refusal:
        decode(data)
    return refusal.value


@pytest.mark.parametrize("write", [as_png, as_tiff], ids=["PNG", "TIFF"])
@pytest.mark.parametrize("values", [TWELVE_BITS, COLORS], ids=["gray", "color"])
def test_twelve_bits_in_a_file_of_sixteen_are_told_and_shown_by_their_depth(write: Any, values: np.ndarray) -> None:
    by_image = decode(write(values))
    assert by_image.notes == ("sixteen_bit", "low_range")
    expected = (values >> 8).astype(np.uint8)
    np.testing.assert_array_equal(by_image.pixels, expected if values.ndim == 3 else np.dstack([expected] * 3))
    by_depth = decode(write(values), bit_depth=12)
    assert by_depth.notes == ("sixteen_bit",)
    expected = (values >> 4).astype(np.uint8)
    np.testing.assert_array_equal(by_depth.pixels, expected if values.ndim == 3 else np.dstack([expected] * 3))


@pytest.mark.parametrize("depth", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_depth_takes_its_highest_eight_bits_and_clips_what_is_beyond(depth: int, channels: int) -> None:
    values = np.full((6, 6, channels), (1 << depth) - 1, np.uint16)
    values[2:] //= 2
    values[..., 3:] = 65_535
    whole = decode(as_png(values.squeeze()), bit_depth=depth)
    assert set(np.unique(whole.pixels)) == {127, 255}
    assert "depth_clipped" not in whole.notes
    if depth < 16:
        values[0, 0, 0] = 1 << depth
        clipped = decode(as_png(values.squeeze()), bit_depth=depth)
        assert clipped.pixels[0, 0, 0] == 255
        assert "depth_clipped" in clipped.notes


def test_a_depth_changes_no_picture_of_eight_bits() -> None:
    picture = (TWELVE_BITS >> 4).astype(np.uint8)
    for data in (as_png(picture), as_tiff(picture), bytes(cv2.imencode(".jpg", picture)[1].tobytes())):
        np.testing.assert_array_equal(decode(data, bit_depth=12).pixels, decode(data).pixels)
        assert decode(data, bit_depth=12).notes == ()
    with pytest.raises(ValueError, match="bit depth"):
        decode(as_png(picture), bit_depth=11)


def test_colors_of_sixteen_bits_are_those_that_pillow_shows() -> None:
    rng = np.random.default_rng(3)
    for channels in (3, 4):
        values = rng.integers(0, 65_536, (20, 30, channels), dtype=np.uint16)
        values[..., 3:] = 65_535
        for data in (as_png(values), as_tiff(values, order=">")):
            shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            np.testing.assert_array_equal(decode(data).pixels, shown)


def test_alpha_of_sixteen_bits_is_flattened_whatever_the_camera_has() -> None:
    values = np.dstack([COLORS, np.full(TWELVE_BITS.shape, 65_535, np.uint16)])
    values[0, 0, 3] = 0
    image = decode(as_png(values), bit_depth=12)
    assert "alpha_flattened" in image.notes
    assert image.pixels[0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(image.pixels[1:], COLORS[1:] >> 4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_colors_in_planes_are_put_together(order: Literal["<", ">"], packed: bool, bits: int) -> None:
    values = COLORS if bits == 16 else (COLORS >> 4).astype(np.uint8)
    image = decode(as_tiff(values, planar=True, packed=packed, order=order))
    np.testing.assert_array_equal(image.pixels, values >> 8 if bits == 16 else values)


@pytest.mark.parametrize("planar", [False, True])
def test_wide_colors_are_turned_as_the_camera_noted(planar: bool) -> None:
    data = as_tiff(COLORS, planar=planar, tag274=[6])
    np.testing.assert_array_equal(decode(data).pixels, np.rot90(COLORS >> 8, -1))
    marked = decode_mask(as_tiff(np.where(COLORS > 3000, np.uint16(3), np.uint16(0)), planar=planar, tag274=[6]))
    np.testing.assert_array_equal(marked, np.rot90(COLORS.max(axis=2) > 3000, -1))


@pytest.mark.parametrize(
    "data",
    [
        as_tiff(TWELVE_BITS.astype(np.float64), kind=3),
        as_tiff(TWELVE_BITS.astype(np.float16), kind=3),
        as_tiff(COLORS.astype(np.float32), kind=3),
        as_tiff(TWELVE_BITS.astype(np.int16), kind=2),
        as_tiff((TWELVE_BITS >> 5).astype(np.int8), kind=2),
        as_tiff(TWELVE_BITS.astype(np.uint64)),
        as_tiff(COLORS.astype(np.uint32), planar=True),
        as_tiff(COLORS[..., :2], tag262=[1]),
        as_tiff(COLORS, tag259=[34_712]),
    ],
    ids=["float64", "float16", "color float32", "int16", "int8", "uint64", "uint32 planes", "two", "JPEG 2000"],
)
def test_a_tiff_that_is_whole_but_unusual_is_not_called_damaged(data: bytes) -> None:
    refusal = refusal_of(data)
    assert refusal.code == "image_unsupported_format"
    assert str(refusal.params["format"]).startswith("TIFF")


@pytest.mark.parametrize(
    ("bits", "compression"),
    [(32, 3), (16, 3), (24, 4), (24, 5), (0, 5)],
    ids=["fields of 10 bits", "fields of 4 bits", "JPEG inside", "PNG inside", "no bits"],
)
def test_a_bmp_that_is_whole_but_unusual_is_not_called_damaged(bits: int, compression: int) -> None:
    fields = struct.pack("<III", *((0x3FF00000, 0xFFC00, 0x3FF) if bits == 32 else (0xF00, 0xF0, 0xF)))
    pixels = bytes(8 * 8 * 4)
    head = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    size = 14 + len(head) + len(fields)
    data = b"BM" + struct.pack("<IHHI", size + len(pixels), 0, 0, size) + head + fields + pixels
    assert refusal_of(data).code == "image_unsupported_format"
