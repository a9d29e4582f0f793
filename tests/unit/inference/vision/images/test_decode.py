"""The one decoder: what is accepted and made right, and the encoders beside it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from inference.errors import ImageError
from inference.vision.images.decode import (
    content_hash,
    decode,
    decode_map,
    decode_mask,
    encode_jpeg,
    encode_map,
    encode_png,
    pixel_hash,
    thumbnail,
)

RNG = np.random.default_rng(7)
PICTURE = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
SMOOTH = np.repeat(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)


def save(image: Image.Image | np.ndarray, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_formats_give_the_pixels_that_were_written(image_format: str, options: dict[str, Any]) -> None:
    image = decode(save(PICTURE, image_format, **options))
    np.testing.assert_array_equal(image.pixels, PICTURE)
    assert image.format == image_format
    assert image.notes == ()
    assert image.pixels.flags.c_contiguous
    assert image.pixels.flags.writeable


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 40}])
def test_jpeg_pixels_equal_those_of_pillow(options: dict[str, Any]) -> None:
    data = save(SMOOTH, "JPEG", **options)
    np.testing.assert_array_equal(decode(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_webp_pixels_equal_those_of_pillow() -> None:
    data = save(SMOOTH, "WEBP", quality=70)
    np.testing.assert_array_equal(decode(data).pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "BMP", "TIFF"])
def test_gray_images_have_three_equal_channels(image_format: str) -> None:
    pixels = decode(save(SMOOTH[..., 0], image_format)).pixels
    assert pixels.shape == (48, 64, 3)
    assert np.ptp(pixels.astype(int), axis=2).max() == 0
    assert np.abs(pixels.astype(int) - SMOOTH).max() <= 2


def test_one_bit_images_become_black_and_white() -> None:
    pixels = decode(save(Image.fromarray(SMOOTH[..., 0] > 127), "PNG")).pixels
    assert set(np.unique(pixels)) == {0, 255}


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_sixteen_bit_is_scaled_by_depth_not_by_content(image_format: str) -> None:
    bright = np.full((4, 5), 0x8000, np.uint16)
    bright[0, 0] = 0xFFFF
    image = decode(save(Image.fromarray(bright), image_format))
    assert image.pixels[1, 1].tolist() == [128, 128, 128]
    assert image.pixels[0, 0].tolist() == [255, 255, 255]
    assert image.notes == ("sixteen_bit",)
    half = decode(save(Image.fromarray(bright // 2), image_format)).pixels
    assert half[1, 1, 0] == 64, "a darker exposure stays darker"


def test_an_unscaled_twelve_bit_camera_is_pointed_out() -> None:
    image = decode(save(Image.fromarray(np.full((4, 5), 4095, np.uint16)), "PNG"))
    assert image.notes == ("sixteen_bit", "low_range")


def test_alpha_is_flattened_on_white_and_an_unused_alpha_ignored() -> None:
    rgba = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)])
    rgba[0, 0, 3], rgba[1, 1, 3] = 0, 51
    for image_format, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        image = decode(save(rgba, image_format, **options))
        assert image.notes == ("alpha_flattened",)
        assert image.pixels[0, 0].tolist() == [255, 255, 255]
        np.testing.assert_allclose(image.pixels[1, 1], 0.2 * PICTURE[1, 1] + 0.8 * 255, atol=1)
        np.testing.assert_array_equal(image.pixels[2:], PICTURE[2:])
    rgba[..., 3] = 0
    unused = decode(save(rgba, "PNG"))
    np.testing.assert_array_equal(unused.pixels, PICTURE)
    assert unused.notes == ("alpha_ignored",)


def test_palette_images_show_their_colors() -> None:
    palette = Image.fromarray(PICTURE).quantize(16)
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(decode(save(palette, "PNG")).pixels, expected)
    see_through = decode(save(palette, "PNG", transparency=int(np.asarray(palette)[0, 0])))
    assert see_through.pixels[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("image_format", ["JPEG", "TIFF"])
def test_cmyk_is_converted(image_format: str) -> None:
    image = decode(save(Image.new("CMYK", (8, 6), (0, 255, 255, 0)), image_format))
    assert image.notes == ("cmyk_converted",)
    assert np.abs(image.pixels.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied_as_pillow_does(image_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = save(PICTURE, image_format, exif=exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    image = decode(data)
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.pixels.flags.c_contiguous


def test_a_broken_exif_block_spoils_no_picture() -> None:
    data = save(SMOOTH, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode(data).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("image_format", ["WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken_and_said(image_format: str) -> None:
    frames = [Image.new("RGB", (10, 8), color) for color in ("red", "blue", "green")]
    options = {"lossless": True} if image_format == "WEBP" else {}
    image = decode(save(frames[0], image_format, save_all=True, append_images=frames[1:], **options))
    assert "first_frame" in image.notes
    assert image.pixels.shape == (8, 10, 3)
    assert image.pixels[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (20_000, 64), (64, 20_000), (1, 3000)])
@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "BMP", "TIFF"])
def test_any_shape_is_decoded(image_format: str, height: int, width: int) -> None:
    picture = np.full((height, width, 3), 90, np.uint8)
    assert decode(save(picture, image_format)).pixels.shape == (height, width, 3)


@pytest.mark.parametrize(
    "name", ["a.PNG", "a.png", "한글 이름.Png", "dir/a.png", "C:\\parts\\a.png", "a.jpg.png", ".hidden.png"]
)
def test_endings_of_the_right_family_pass(name: str) -> None:
    decode(save(PICTURE, "PNG"), file_name=name)


@pytest.mark.parametrize("name", ["a.jpg", "a", "png", "a.gif", "a.png.exe", "a.png "])
def test_endings_of_another_family_are_refused(name: str) -> None:
    with pytest.raises(ImageError) as refusal:
        decode(save(PICTURE, "PNG"), file_name=name)
    assert refusal.value.code == "image_wrong_ending"


def test_floating_point_tiff_is_taken_between_zero_and_one_only() -> None:
    image = decode(save(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF"))
    assert image.pixels[0, :, 0].tolist() == [0, 128, 255]
    for values, code in (([[0, 300.0]], "image_unsupported_format"), ([[0, np.nan]], "image_damaged")):
        with pytest.raises(ImageError) as refusal:
            decode(save(Image.fromarray(np.array(values, np.float32)), "TIFF"))
        assert refusal.value.code == code


def test_padding_and_a_second_camera_picture_are_no_polyglot() -> None:
    jpeg = save(SMOOTH, "JPEG")
    assert decode(jpeg + b"\0" * 512).notes == ()
    assert decode(jpeg + jpeg).notes == ("trailing_data",)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>"
    assert decode(save(SMOOTH, "JPEG", exif=b"", comment=xmp)).notes == ()


@pytest.mark.parametrize(
    "mask",
    [
        np.eye(6, dtype=np.uint8) * 255,
        np.eye(6, dtype=np.uint8),
        np.eye(6, dtype=np.uint16),
        np.eye(6).astype(bool),
        np.dstack([np.eye(6, dtype=np.uint8) * 200, np.zeros((6, 12), np.uint8).reshape(6, 6, 2)]),
        np.dstack([np.zeros((6, 6, 3), np.uint8), np.eye(6, dtype=np.uint8) * 255]),
    ],
    ids=["0/255", "0/1", "16-bit", "1-bit", "colour", "paint on transparent"],
)
def test_masks_of_every_custom_mark_the_same_pixels(mask: np.ndarray) -> None:
    found = decode_mask(save(Image.fromarray(mask), "PNG"))
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, np.eye(6, dtype=bool))


def test_jpeg_masks_are_cut_at_one_half() -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    np.testing.assert_array_equal(decode_mask(save(mask, "JPEG")), mask > 127)


def test_pixel_hash_is_that_of_the_picture_and_content_hash_that_of_the_file() -> None:
    png, bmp = save(PICTURE, "PNG"), save(PICTURE, "BMP")
    assert content_hash(png) != content_hash(bmp)
    assert len(content_hash(png)) == 64
    assert pixel_hash(decode(png).pixels) == pixel_hash(decode(bmp).pixels)
    assert pixel_hash(PICTURE) != pixel_hash(PICTURE.reshape(20, 12, 3))


def test_encoders_round_trip_through_the_decoder() -> None:
    np.testing.assert_array_equal(decode(encode_png(PICTURE)).pixels, PICTURE)
    assert encode_png(PICTURE) == encode_png(PICTURE)
    transparent = np.dstack([PICTURE, np.arange(PICTURE[..., 0].size, dtype=np.uint8).reshape(PICTURE.shape[:2])])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(transparent)))), transparent)
    assert np.abs(decode(encode_jpeg(SMOOTH)).pixels.astype(int) - SMOOTH).max() <= 4
    with pytest.raises(ValueError, match="65500"):
        encode_jpeg(np.zeros((65_501, 1, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        encode_png(PICTURE.astype(float))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(300, 600, (128, 256)), (20_000, 64, (256, 1)), (10, 10, (10, 10)), (1, 1, (1, 1))],
)
def test_thumbnails_keep_the_shape_and_never_enlarge(height: int, width: int, expected: tuple[int, int]) -> None:
    assert decode(thumbnail(np.zeros((height, width, 3), np.uint8))).pixels.shape[:2] == expected


def test_anomaly_maps_survive_with_their_scale() -> None:
    anomaly_map = RNG.gamma(2.0, 3.0, (40, 30)).astype(np.float32)
    restored = decode_map(encode_map(anomaly_map))
    assert restored.dtype == np.float32
    np.testing.assert_allclose(restored, anomaly_map, atol=float(np.ptp(anomaly_map)) / 131_000)
    assert decode(encode_map(anomaly_map)).pixels.shape == (40, 30, 3), "any viewer can open it"
    np.testing.assert_array_equal(decode_map(encode_map(np.full((3, 4), 2.5))), np.full((3, 4), np.float32(2.5)))
    with pytest.raises(ValueError, match="finite"):
        encode_map(np.array([[np.nan]]))
    with pytest.raises(ImageError):
        decode_map(encode_png(PICTURE))
