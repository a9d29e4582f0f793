"""What a browser or a program sends as regions: read with care, whatever it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.errors import BadInput
from core.images.regions.checks import crosses_itself, read_region
from core.images.regions.records import Region, rasterize
from core.images.regions.run_lengths import bound_runs, decode_columns, decode_runs, encode_runs


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"shape": "star"},
        {"shape": "box", "x": "a", "y": 0, "width": 1, "height": 1},
        {"shape": "box", "x": 0, "y": 0, "width": 1},
        {"shape": "polygon", "points": [[0, 0], [1, 1]]},
        {"shape": "polygon", "points": [0, 1, 2]},
        {"shape": "polygon", "points": None},
        {"shape": "mask", "counts": [1, 2, 3]},
        {"shape": "mask", "counts": [20, -3, 31]},
        {"shape": "mask", "counts": [20.5, 3, 24.5]},
        {"shape": "mask", "counts": [True, 47]},
        {"shape": "mask", "counts": [2**70, 3]},
        {"shape": "mask", "counts": "48"},
        {"shape": "box", "x": 0, "y": 0, "width": 1, "height": 1, "defect_type_id": "one"},
    ],
)
def test_what_is_no_region_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        read_region(value, number=3, width_px=8, height_px=6)
    assert refused.value.code == "region_unreadable"
    assert refused.value.params == {"number": 3}


def test_an_empty_mask_and_an_endless_one_have_their_own_sentences() -> None:
    for value, code in (
        ({"shape": "mask", "counts": [48]}, "region_too_small"),
        ({"shape": "mask", "counts": [1] * 400_001}, "region_too_detailed"),
        ({"shape": "polygon", "points": [[0, 0]] * 501}, "region_too_detailed"),
    ):
        with pytest.raises(BadInput) as refused:
            read_region(value, number=1, width_px=8, height_px=6)
        assert refused.value.code == code


def test_regions_are_read_as_they_are_described() -> None:
    about: dict[str, Any] = {"defect_type_id": 7, "origin": "model"}
    box = read_region(
        {"shape": "box", "x": 1, "y": 2, "width": 3.5, "height": 2, **about}, number=1, width_px=8, height_px=6
    )
    assert box == Region.of_box(1, 2, 3.5, 2, **about)
    marked = np.zeros((6, 8), np.bool_)
    marked[2:4, 3:7] = True
    mask = read_region({"shape": "mask", "counts": encode_runs(marked), **about}, number=1, width_px=8, height_px=6)
    assert mask == Region.of_mask(marked, **about)


def test_polygons_cross_themselves_where_two_sides_do() -> None:
    assert crosses_itself([(0, 0), (4, 4), (4, 0), (0, 4)])
    assert not crosses_itself([(0, 0), (4, 0), (4, 4), (0, 4)])
    assert not crosses_itself([(0, 0), (4, 0), (4, 4), (2, 1), (0, 4)])
    assert not crosses_itself([(0, 0), (4, 0), (0, 4)])


def test_runs_are_bounded_and_cut_as_their_mask_is() -> None:
    rng = np.random.default_rng(4)
    for seed in range(40):
        height, width = (int(side) for side in rng.integers(1, 9, 2))
        marked = rng.random((height, width)) < (0.1, 0.5, 0.95)[seed % 3]
        counts = encode_runs(marked)
        bounds = bound_runs(counts, width_px=width, height_px=height)
        if bounds is None:
            assert not marked.any()
            continue
        region = Region.of_mask(marked)
        assert list(bounds) == [region.x, region.y, region.width, region.height]
        assert Region.of_runs(counts, width_px=width, height_px=height) == region
        assert region.area == int(marked.sum())
        cut = decode_columns(counts, columns=(1, 3), height_px=height, width_px=width)
        assert (cut == decode_runs(counts, height_px=height, width_px=width)[:, 1:3]).all()
        assert (rasterize([region], width_px=width, height_px=height) == marked).all()


def test_areas_are_those_of_the_forms() -> None:
    assert Region.of_box(1, 1, 4, 2.5).area == 10
    assert Region.of_polygon([(0, 0), (4, 0), (0, 3)]).area == 6
