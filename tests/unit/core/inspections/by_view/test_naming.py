"""Which view and part a file's name tells; nothing is guessed."""

from __future__ import annotations

import pytest

from core.inspections.by_view.naming import assign_views, group_by_part, read_name

VIEWS = ("ct", "rgb", "ct-top")


@pytest.mark.parametrize(
    ("name", "view", "part"),
    [
        ("P001_ct.png", "ct", "P001"),
        ("P001_CT.PNG", "ct", "P001"),
        ("rgb-P001.jpg", "rgb", "P001"),
        ("P001_rgb_2.png", "rgb", "P001"),
        ("P001_rgb(12).png", "rgb", "P001"),
        ("P001_ct-top.png", "ct-top", "P001"),
        ("셀 001 ct.tif", "ct", "셀 001"),
        ("lot7_ct_cell.png", "ct", "lot7 cell"),
        ("ct_17.png", "ct", "17"),
        ("P001/ct.png", "ct", "P001"),
        ("P001/ct_2.png", "ct", "P001"),
        ("ct/P001.png", "ct", "P001"),
        ("shift/RGB/P001.png", "rgb", "P001"),
        ("P001.png", "", ""),
        ("P001_ct_rgb.png", "", ""),
        ("contact.png", "", ""),
        ("../ct.png", "ct", ""),
    ],
)
def test_a_name_tells_its_view_and_its_part(name: str, view: str, part: str) -> None:
    found = read_name(name, VIEWS)
    assert (found.view, found.part) == (view, part)


def test_the_one_file_left_gets_the_one_view_left() -> None:
    assert assign_views(["a_ct.png", "photo.png"], ["ct", "rgb"]) == ("ct", "rgb")
    assert assign_views(["one.png", "two.png"], ["ct", "rgb"]) == ("", "")
    assert assign_views(["one.png"], ["ct"]) == ("",)
    assert assign_views(["a_ct.png", "x.png"], ["ct", "rgb", "top"]) == ("ct", "")


def test_files_are_grouped_by_part() -> None:
    parts, untold = group_by_part(
        ["2_rgb.png", "1_ct.png", "2_ct.png", "readme.png", "1_rgb_2.png", "1_rgb_1.png"], VIEWS
    )
    assert {part: [one.name for one in files] for part, files in parts.items()} == {
        "1": ["1_ct.png", "1_rgb_1.png", "1_rgb_2.png"],
        "2": ["2_ct.png", "2_rgb.png"],
    }
    assert untold == ["readme.png"]
