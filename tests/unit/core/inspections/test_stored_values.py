"""The JSON columns of an inspection: what rows of earlier versions hold, literally, is read as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.inspections.stored_values import DefectRegion, read_preprocessing, read_regions
from inference.vision.detection.regions import Region
from inference.vision.images.preprocessing import Preprocessing

OLD_REGIONS = """[
    {"x": 288, "y": 192, "w": 64, "h": 55, "area": 2410, "score": 34.796653747558594},
    {"x": 0, "y": 0, "w": 16, "h": 16, "area": 200, "score": 21}
]"""
OLD_PREPROCESSING = """{
    "grayscale": true, "clahe": false, "clahe_clip_limit": 2.0, "clahe_tile_grid": 8, "equalize": false,
    "smoothing": "median", "smoothing_size_px": 5, "normalize": false,
    "region_of_interest": [0.1, 0.1, 0.8, 0.8], "ignore": [[0.2, 0.2, 0.1, 0.1]], "tile_size_px": 0
}"""


def test_old_regions_are_read_in_their_order_and_written_as_they_were() -> None:
    stored = json.loads(OLD_REGIONS)
    regions = read_regions(stored)
    assert regions == (
        DefectRegion(288, 192, 64, 55, 2410, 34.796653747558594),
        DefectRegion(0, 0, 16, 16, 200, 21.0),
    )
    assert [region.to_json() for region in regions] == stored


def test_a_detected_region_is_stored_with_all_its_figures() -> None:
    region = DefectRegion.from_detected(Region(x=1, y=2, w=3, h=4, area=5, score=6.5))
    assert region.to_json() == {"x": 1, "y": 2, "w": 3, "h": 4, "area": 5, "score": 6.5}
    assert DefectRegion.from_json(region.to_json()) == region


@pytest.mark.parametrize(
    ("stored", "regions"),
    [
        (
            [{"x": 1, "y": 2, "w": 3, "h": 4, "area": 5, "score": 6.5, "label": "new"}],
            (DefectRegion(1, 2, 3, 4, 5, 6.5),),
        ),
        ([{"x": 1, "y": 2, "w": 3, "h": 4}], (DefectRegion(1, 2, 3, 4, 0, 0.0),)),
        ([{"x": 1, "y": 2, "w": 3}, None, "x"], ()),
        ([], ()),
        (None, ()),
    ],
)
def test_regions_with_more_or_less_than_expected_are_read_as_far_as_they_go(
    stored: Any, regions: tuple[DefectRegion, ...]
) -> None:
    assert read_regions(stored) == regions


def test_old_preprocessing_is_read_and_what_it_lacks_has_its_default() -> None:
    read = read_preprocessing(json.loads(OLD_PREPROCESSING))
    assert read == Preprocessing(
        grayscale=True,
        smoothing="median",
        smoothing_size_px=5,
        region_of_interest=(0.1, 0.1, 0.8, 0.8),
        ignore=((0.2, 0.2, 0.1, 0.1),),
    )
    assert read.to_dict() == json.loads(OLD_PREPROCESSING)
    assert read_preprocessing({"clahe": True}) == Preprocessing(clahe=True)
    assert read_preprocessing({}) == read_preprocessing(None) == Preprocessing()


def test_preprocessing_of_a_later_version_is_unknown_and_stops_nothing() -> None:
    assert read_preprocessing({"denoise": "tomorrow"}) is None
    assert read_preprocessing({"smoothing": "magic"}) is None
