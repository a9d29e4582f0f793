"""A box drawn in to what stands out inside it."""

from __future__ import annotations

import numpy as np

from inference.vision.detection.tightening import tighten


def _spot(size: tuple[int, int] = (90, 120)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    pixels = rng.integers(90, 110, (*size, 3), dtype=np.uint8)
    rows, columns = np.mgrid[: size[0], : size[1]]
    marked = ((rows - 40) / 12) ** 2 + ((columns - 60) / 18) ** 2 <= 1
    pixels[marked] = rng.integers(20, 40, (int(marked.sum()), 3), dtype=np.uint8)
    return pixels, marked


def test_a_spot_is_found_inside_its_box_and_nothing_outside() -> None:
    pixels, marked = _spot()
    found = tighten(pixels, (36, 22, 48, 38))
    assert found is not None
    assert (found & marked).sum() / (found | marked).sum() > 0.9
    assert not found[:22].any()
    again = tighten(pixels, (36, 22, 48, 38))
    assert again is not None
    assert np.array_equal(again, found)


def test_a_box_over_the_edge_is_cut_off_and_an_endless_one_has_nothing_around_it() -> None:
    pixels, _marked = _spot()
    assert tighten(pixels, (-10, -10, 500, 500)) is None
    assert tighten(pixels, (30, 20, 2, 40)) is None
    found = tighten(pixels, (30, -20, 200, 90))
    assert found is None or not found[70:].any()


def test_one_color_throughout_has_no_outline() -> None:
    assert tighten(np.full((60, 60, 3), 120, np.uint8), (10, 10, 30, 30)) is None
