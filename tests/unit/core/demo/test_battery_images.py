"""The demo's batteries: both views of the same piece, defects only where a view can show them, fixed by seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.demo.images.battery.catalog import BATTERY
from core.demo.images.battery.production import FLAWS, INSIDE, KINDS, OUTSIDE, VIEWS, Piece, list_pieces, picture
from core.demo.images.records import DemoImage

PIECES = list_pieces()


@cache
def all_images() -> tuple[DemoImage, ...]:
    return tuple(BATTERY.images())


def decode(content: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def one_of_each() -> list[Piece]:
    """Return pieces of the test split that show each defect, on a cell and on a module where both occur."""
    found: dict[tuple[str, str], Piece] = {}
    for piece in PIECES:
        if piece.split == "test":
            for _, code in piece.flaws:
                found.setdefault((piece.kind, code), piece)
    return list(dict.fromkeys(found.values()))


def test_every_piece_has_one_picture_of_each_view_in_one_split() -> None:
    by_part: dict[str, list[DemoImage]] = defaultdict(list)
    for image in all_images():
        by_part[image.part].append(image)
    assert len(by_part) == len(PIECES)
    assert all([image.view for image in images] == list(VIEWS) for images in by_part.values())
    assert all(len({(image.split, image.kind) for image in images}) == 1 for images in by_part.values())


def test_there_are_good_pieces_of_both_kinds_and_defects_inside_outside_and_both_in_every_split() -> None:
    for split, good, defective in (("train", 60, 40), ("val", 20, 20), ("test", 20, 24)):
        pieces = [piece for piece in PIECES if piece.split == split]
        assert Counter(bool(piece.flaws) for piece in pieces) == {False: good, True: defective}
        assert Counter(piece.kind for piece in pieces if not piece.flaws) == dict.fromkeys(KINDS, good // 2)
        assert {piece.flaws for piece in pieces} == {
            (),
            *((("ct", code),) for code in INSIDE),
            *((("rgb", code),) for code in OUTSIDE),
            *((("ct", inside), ("rgb", outside)) for inside in INSIDE for outside in OUTSIDE),
        }


def test_a_defect_is_labeled_and_masked_only_in_the_view_that_shows_it() -> None:
    for image in all_images():
        assert (image.mask_png is None) == (image.defect_code is None)
        assert image.defect_code is None or image.defect_code in FLAWS["ct" if image.view == "ct" else "rgb"]
        if image.mask_png is not None:
            mask = decode(image.mask_png)
            assert mask.shape == decode(image.content).shape[:2]
            assert set(np.unique(mask)) == {0, 255}
            assert 20 <= (mask > 0).sum() < 0.2 * mask.size


def test_no_picture_and_no_name_comes_twice_and_files_are_small() -> None:
    images = all_images()
    assert len({image.name for image in images}) == len(images)
    assert len({image.content for image in images}) == len(images)
    assert max(len(image.content) for image in images) < 120_000


def test_pictures_are_the_same_again_whatever_was_drawn_before() -> None:
    for piece in reversed(one_of_each()):
        for view in VIEWS:
            first, again = picture(piece, view), picture(piece, view)
            np.testing.assert_array_equal(first.pixels, again.pixels)
            assert (first.mask is None) == (again.mask is None)


def test_threads_do_not_change_a_picture() -> None:
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = [picture(one_of_each()[0], view).pixels for view in VIEWS]
        cv2.setNumThreads(4)
        together = [picture(one_of_each()[0], view).pixels for view in VIEWS]
    finally:
        cv2.setNumThreads(threads)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pixels_differ_inside_the_mask_and_nowhere_else() -> None:
    for piece in one_of_each():
        for view in VIEWS:
            shot, sound = picture(piece, view), picture(piece, view, repaired=True)
            change = np.abs(shot.pixels.astype(int) - sound.pixels.astype(int))
            change = change.max(axis=2) if change.ndim == 3 else change
            if shot.mask is None:
                assert change.max() == 0
                continue
            assert change[shot.mask == 0].max() <= 8
            assert np.quantile(change[shot.mask > 0], 0.8) >= 8


def test_defects_range_from_small_to_large() -> None:
    for code in (*INSIDE, *OUTSIDE):
        masks = [image.mask_png for image in all_images() if image.defect_code == code]
        areas = [int((decode(mask) > 0).sum()) for mask in masks if mask is not None]
        assert max(areas) >= 3 * min(areas)


def test_another_seed_makes_pieces_never_seen() -> None:
    known = {image.content for image in all_images()}
    (piece,) = list_pieces((("test", 1, 0, 0),), seed=77)
    shot = picture(piece, "ct")
    assert not any(np.array_equal(decode(content), shot.pixels) for content in list(known)[:40])


@pytest.mark.parametrize("view", VIEWS)
def test_good_pictures_vary_in_light(view: str) -> None:
    goods = [decode(image.content) for image in all_images() if image.view == view and image.kind == "cell"][:30]
    means = np.array([pixels.mean() for pixels in goods])
    assert 1.05 < means.max() / means.min() < 1.8
