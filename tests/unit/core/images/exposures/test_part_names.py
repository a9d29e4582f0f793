"""The part that an image shows, read out of file names, lists and folders."""

from __future__ import annotations

import time

import pytest

from core.errors import BadInput
from core.images.exposures.assignment import name_parts
from core.images.exposures.folders import parts_of_folders
from core.images.exposures.lists import match_part_list, read_part_list
from core.images.exposures.rules import read_rule
from core.images.parts import LIST, PERSON, SIMILAR, clean_part, may_replace, part_key, part_of_trace
from storage.tables import Image


@pytest.mark.parametrize(
    ("rule", "name", "part"),
    [
        ("{part}_{n}", "IMG_0012_3.jpg", "IMG_0012"),
        ("{part}_{*}", "IMG_0012_left.jpg", "IMG_0012"),
        ("{part}_{*}_{n}", "IMG_0012_left_3.jpg", "IMG_0012"),
        ("{part}_{*}.JPG", "a/b/IMG_0012_3.jpg", "IMG_0012"),
        ("{part:5}{*}", "44000059_temp.jpg", "44000"),
        ("{part:5}{n:3}_{*}", "44000059_temp.jpg", "44000"),
        ("cam{n}-{part}", "CAM2-SN17.png", "SN17"),
        ("{part}/{*}", "2026/S0001/top.png", "S0001"),
        ("{part}/{*}/{*}", "S0001/views/top.png", "S0001"),
        ("부품{part}_{n}", "부품17_2.png", "17"),
        ("{part}_{n}", "no-number.png", ""),
        ("{part}_{n}", "IMG_12_x.jpg", ""),
        ("{part}/{*}", "alone.png", ""),
        ("{part}.png", "a.jpg", ""),
    ],
)
def test_a_rule_reads_the_part_out_of_a_name(rule: str, name: str, part: str) -> None:
    assert read_rule(rule).find(name) == part


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("", "part_rule_without_part"),
        ("{n}_{*}", "part_rule_without_part"),
        ("{part}_{part}", "part_rule_without_part"),
        ("{part}_{x}", "part_rule_field"),
        ("{part", "part_rule_field"),
        ("{part:0}", "part_rule_field"),
        ("{part}{n}", "part_rule_ambiguous"),
        ("{part}" + "x" * 200, "part_rule_too_long"),
        ("{part}" + "_{n}" * 21, "part_rule_too_long"),
    ],
)
def test_what_is_no_rule_is_refused_with_a_sentence(rule: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_rule(rule)
    assert caught.value.code == code
    assert "{rule}" not in caught.value.sentence("en")
    if code == "part_rule_field":
        assert "{part:5}" in caught.value.sentence("ko")


def test_no_rule_takes_long_whatever_the_name() -> None:
    rule = read_rule("_".join(["{*}"] * 18) + "_{part}x")
    started = time.perf_counter()
    assert rule.find("_" * 250) == ""
    assert time.perf_counter() - started < 2.0


def test_a_list_is_read_in_the_encodings_and_separators_of_spreadsheets() -> None:
    rows = "Path{0}Part{0}note\r\ntrain\\good\\1.png{0}판 7{0}x\r\n\r\n./a.png{0}{0}\r\n"
    expected = {"train/good/1.png": "판 7"}
    for separator in (",", ";", "\t"):
        text = rows.format(separator)
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp949"):
            assert read_part_list(text.encode(encoding), name="l.csv") == expected
    assert read_part_list("경로,부품\n1.png,a\n".encode(), name="l.csv") == {"1.png": "a"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "part_list_columns"),
        (b"file name,part\na,b\n", "part_list_columns"),
        (b"path,part\n,b\n", "part_list_line"),
        (b"path,part\na,b\na,c\n", "part_list_twice"),
        (b'path,part\n"a,b\n', "part_list_unreadable"),
        (b"\x89PNG\r\n\x1a\n\0\0", "part_list_unreadable"),
        (b"path,part\na," + b"x" * 200 + b"\n", "part_too_long"),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_part_list(data, name="l.csv")
    assert caught.value.code == code
    assert caught.value.sentence("en") != code


def test_a_list_names_what_it_does_not_know_and_what_it_leaves_out() -> None:
    images = ["train/good/1.png", "train/good/2.png", "test/good/2.png", "train/good/3.png"]
    listed = {"plate/train/good/1.png": "a", "3.png": "b", "2.png": "c", "gone.png": "d"}
    found = match_part_list(listed, images, root_name="plate")
    assert found.parts == {"train/good/1.png": "a", "train/good/3.png": "b"}
    # Two images are called 2.png: nobody can say which one is meant.
    assert found.unknown == ("2.png", "gone.png")
    assert found.unlisted == ("train/good/2.png", "test/good/2.png")


def test_folders_are_parts_where_their_names_say_so_for_every_image() -> None:
    real_iad = {f"OK/S{n:04d}/c{view}.png": 1 for n in range(3) for view in range(2)}
    real_iad |= {f"NG/BX/S{n:04d}/c{view}.png": 2 for n in range(2) for view in range(2)}
    found = parts_of_folders(real_iad)
    assert found["OK/S0001/c0.png"] == "OK/S0001"
    assert found["NG/BX/S0001/c0.png"] == "BX/S0001"
    assert len(set(found.values())) == 5
    assert parts_of_folders({**real_iad, "OK/extra.png": 1}) == {}
    assert parts_of_folders({f"OK/2026-03-0{day}/{n}.png": 1 for day in range(3) for n in range(2)}) == {}
    # Each with a single image: there is nothing that belongs together.
    assert parts_of_folders({f"OK/S{n}/a.png": 1 for n in range(5)}) == {}


def test_a_list_counts_before_a_rule_and_both_before_folders() -> None:
    images = {f"OK/S{n}/p{n}_{view}.png": 1 for n in range(2) for view in range(2)}
    found = name_parts(images, rule=read_rule("{part}_{n}"), listed={"OK/S0/p0_0.png": "listed"})
    assert found.parts["OK/S0/p0_0.png"] == ("listed", "list")
    assert found.parts["OK/S1/p1_1.png"] == ("p1", "file_name")
    assert found.unlisted == found.unfitting == ()
    assert name_parts(images).parts["OK/S1/p1_1.png"] == ("OK/S1", "folder")
    assert name_parts(images).n_parts == 2


def test_the_trace_of_an_inspection_names_a_part_by_its_serial() -> None:
    assert part_of_trace(lot=" L7 ", serial="12") == "L7/12"
    assert part_of_trace(serial="12") == "12"
    assert part_of_trace(lot="L7") == ""


def test_an_image_without_a_part_is_its_own() -> None:
    row = Image(id=7, product_id=1, image_type="normal")  # type: ignore[call-arg]
    assert part_key(row) == "image:7"
    row.part = "A"
    assert part_key(row) == "A"


def test_names_are_tidied_and_what_a_person_said_stays() -> None:
    assert clean_part("  a\u0007\t b ") == "a b"
    with pytest.raises(BadInput):
        clean_part("x" * 191)
    assert may_replace(LIST, earlier="file_name")
    assert not may_replace(LIST, earlier=PERSON)
    assert not may_replace(SIMILAR, earlier=SIMILAR)
