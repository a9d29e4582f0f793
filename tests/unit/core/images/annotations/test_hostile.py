"""Annotation files from anywhere: what makes no sense is named and left out, and never taken for a good part."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from core.images.annotations.finding import find_annotations
from core.images.annotations.records import Annotations
from tests.annotated_files import HEIGHT, WIDTH, coco, coco_image, label_studio, labelme, picture, read, readers, voc

BOX = [4, 5, 10, 6]


def codes(found: Annotations) -> list[str]:
    return [problem.code for problem in found.problems]


def read_one(annotation: dict[str, Any], **image: Any) -> Annotations:
    """Read a COCO file with one annotation of one image."""
    line = {**coco_image(1, "a.jpg"), **image}
    return read({"a.jpg": picture(), "c.json": coco([line], [{"image_id": 1, "category_id": 1, **annotation}])})


@pytest.mark.parametrize(
    "annotation",
    [
        {"bbox": [0, 0, 0, 5]},
        {"bbox": [1, 1, -4, 5]},
        {"bbox": [1, 1, "x", 5]},
        {"bbox": [1, 1, None, 5]},
        {"bbox": [1, 1, 1e400, 5]},
        {"bbox": [1, 1, float("nan"), 5]},
        {"bbox": [1, 1, True, 5]},
        {"bbox": [1, 2, 3]},
        {"bbox": "1,2,3,4"},
        {},
        {"segmentation": [[1, 1, 2, 2]]},
        {"segmentation": [[1, 1, 2, 2, 3]]},
        {"segmentation": [[1, 1, 5, 1, 9, 1]]},
        {"segmentation": [[[1, 1], [2, 2]]]},
        {"segmentation": [[float("inf")] * 6]},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": [1, 2, 3]}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": [10**30, 5]}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": ["a", {}]}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": 7}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": "\x00\x01"}},
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": "oooooooooooooooooooo"}},
        {"segmentation": {"size": [10**6, 10**6], "counts": [10**12]}},
        {"segmentation": {"size": "large", "counts": [3]}},
        {"bbox": BOX, "segmentation": {"counts": None}},
    ],
)
def test_a_place_that_makes_no_sense_is_named_and_the_image_waits_for_a_person(annotation: dict[str, Any]) -> None:
    found = read_one(annotation)
    assert codes(found) == ["annotation_shape_wrong"]
    assert (found.images["a.jpg"].is_good, found.images["a.jpg"].regions) == (None, ())


def test_a_place_outside_is_left_out_and_one_over_the_edge_is_cut() -> None:
    found = read_one({"bbox": [100, 100, 5, 5]})
    assert codes(found) == ["annotation_outside"]
    assert found.images["a.jpg"].is_good is None
    found = read_one({"bbox": [WIDTH - 4, -6, 20, 12]})
    (region,) = found.images["a.jpg"].regions
    assert codes(found) == ["annotation_cut"]
    assert (region.x, region.y, region.width, region.height) == (WIDTH - 4, 0, 4, 6)
    found = read_one({"segmentation": [[-10, 5, 10, 5, 10, 15, -10, 15]]})
    (region,) = found.images["a.jpg"].regions
    assert (region.x, region.y, region.width, region.height) == (0, 5, 10, 10)


def test_a_size_that_is_not_the_image_s_is_said() -> None:
    found = read_one({"bbox": BOX}, width=WIDTH * 2)
    assert codes(found) == ["annotation_size_differs"]
    assert found.images["a.jpg"].is_good is None


def test_a_type_that_is_defined_nowhere_is_said() -> None:
    found = read_one({"bbox": BOX, "category_id": 9})
    assert codes(found) == ["annotation_type_missing"]
    assert found.images["a.jpg"].is_good is None


def test_images_that_are_not_here_or_named_twice_or_not_at_all_are_said() -> None:
    lines = [
        coco_image(1, "a.jpg"),
        coco_image(2, "gone.jpg"),
        coco_image(3, "A.JPG"),
        {"id": 4},
        coco_image(1, "b.jpg"),
    ]
    found = read({"a.jpg": picture(), "c.json": coco(lines, [{"image_id": 77, "category_id": 1, "bbox": BOX}])})
    assert sorted(codes(found)) == [
        "annotation_image_missing",
        "annotation_image_twice",
        "annotation_image_twice",
        "annotation_image_unnamed",
        "annotation_of_no_image",
    ]


def test_one_name_in_two_folders_is_not_guessed() -> None:
    file = coco([coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX}])
    found = read({"x/a.jpg": picture(), "y/a.jpg": picture(1), "c.json": file})
    assert codes(found) == ["annotation_image_ambiguous"]
    assert found.images == {}
    found = read({"x/a.jpg": picture(), "y/a.jpg": picture(1), "y/c.json": file})
    assert found.images["y/a.jpg"].is_good is False


def test_a_name_with_another_split_is_another_image() -> None:
    file = coco([coco_image(1, "test/a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX}])
    assert codes(read({"train/a.jpg": picture(), "c.json": file})) == ["annotation_image_missing"]


def test_two_files_about_one_image_do_not_add_up() -> None:
    file = coco([coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX}])
    found = read({"a.jpg": picture(), "c.json": file, "d.json": file})
    assert codes(found) == ["annotation_in_two_files"]
    assert len(found.images["a.jpg"].regions) == 1


def test_entities_in_xml_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]><annotation><filename>&b;</filename></annotation>'
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation><filename>&a;</filename></annotation>'
    for text in (
        bomb,
        outside,
        "<annotation>" + "<a>" * 5_000,
        "<annotation>" + "<a>" * 500 + "</a>" * 500 + "</annotation>",
    ):
        found = read({"a.jpg": picture(), "a.xml": text})
        assert codes(found) == ["annotation_damaged"]


def test_deep_or_broken_json_is_said_where_it_was_meant_as_annotations() -> None:
    broken = coco([coco_image(1, "a.jpg")], [])[:-5]
    deep = '{"shapes": ' + "[" * 100_000 + "]" * 100_000 + ', "imagePath": "a.jpg"}'
    huge = '{"shapes": [' + "9" * 10_000 + '], "imagePath": "a.jpg"}'
    for text in (broken, deep, huge):
        assert codes(read({"a.jpg": picture(), "c.json": text})) == ["annotation_damaged"]
    assert read({"a.jpg": picture(), "settings.json": '{"a": '}).problems == ()


def test_files_that_annotate_nothing_are_none() -> None:
    files: dict[str, bytes | str] = {
        "a.jpg": picture(),
        "package.json": '{"name": "x"}',
        "list.json": "[1, 2, 3]",
        "readme.txt": "1 2 3 4 5",
        "a.txt": "taken with a 50 mm lens",
        "labels.txt": "scratch\nhole",
        "page.xml": "<html/>",
    }
    assert find_annotations(readers(files)) == []


def test_a_yolo_file_with_a_broken_line_makes_no_good_part() -> None:
    files: dict[str, bytes | str] = {
        "a.jpg": picture(),
        "a.txt": "0 0.5 0.5 0.1 0.1\n9 0.5 0.5 0.1 0.1\n",
        "data.yaml": "names: [hole]",
    }
    found = read(files)
    assert codes(found) == ["annotation_type_missing"]
    assert len(found.images["a.jpg"].regions) == 1


def test_yaml_aliases_and_code_are_refused() -> None:
    for text in ("names: &a [x]\nb: *a", "names: !!python/object/apply:os.getcwd []", "names: [", "names: 7"):
        found = read({"a.jpg": picture(), "a.txt": "0 0.5 0.5 0.1 0.1", "data.yaml": text})
        assert codes(found) == ["annotation_names_missing"]


def test_an_image_that_cannot_be_read_does_not_stop_the_others() -> None:
    files: dict[str, bytes | str] = {
        "a.jpg": b"no image",
        "a.txt": "0 0.5 0.5 0.1 0.1",
        "b.jpg": picture(),
        "b.txt": "0 0.5 0.5 0.1 0.1",
    }
    found = read(files | {"data.yaml": "names: [hole]"})
    assert codes(found) == ["annotation_image_unreadable"]
    assert found.images["b.jpg"].is_good is False


def test_a_cvat_video_is_refused_by_name() -> None:
    text = '<annotations><meta/><track id="0" label="hole"><box frame="0"/></track></annotations>'
    assert codes(read({"a.jpg": picture(), "annotations.xml": text})) == ["annotation_video"]


def test_problems_are_counted_and_not_listed_without_end() -> None:
    lines = [coco_image(number, f"{number}.jpg") for number in range(1_000)]
    found = read({"a.jpg": picture(), "c.json": coco(lines, [])})
    assert len(found.problems) == 201
    assert found.problems[-1].code == "annotation_more_problems"
    assert found.problems[-1].params["count"] == 800


SEEDS: dict[str, bytes | str] = {
    "c.json": coco(
        [coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX, "segmentation": [[1, 1, 9, 1, 9, 7]]}]
    ),
    "l.json": labelme("a.jpg", [{"label": "x", "shape_type": "circle", "points": [[9, 9], [12, 9]]}]),
    "s.json": json.dumps(
        [
            label_studio(
                "a.jpg",
                [
                    {
                        "type": "rectanglelabels",
                        "value": {"x": 1, "y": 1, "width": 9, "height": 9, "rectanglelabels": ["x"]},
                    }
                ],
            )
        ]
    ),
    "v.xml": voc("a.jpg", [("x", (1, 2, 8, 9))], size=(WIDTH, HEIGHT)),
    "w.xml": '<annotations><image name="a.jpg" width="40" height="30">'
    '<mask label="x" rle="2,3,5" left="1" top="1" width="5" height="2"/></image></annotations>',
    "a.txt": "0 0.5 0.5 0.1 0.1\n0 0.1 0.1 0.5 0.1 0.5 0.5\n",
    "d.yaml": "names: [hole, scratch]\n",
}


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with a few of them changed, cut out or doubled."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        elif kind == 1:
            data = data[:place] + data[place + chance.randint(1, 20) :]
        elif kind == 2:
            data = data[:place] + data[max(0, place - 15) : place] * 2 + data[place:]
        else:
            data = (
                data[:place]
                + chance.choice([b"-1", b"1e999", b"NaN", b"null", b"[]", b"{}", b'"', b"\xff"])
                + data[place:]
            )
    return data


@pytest.mark.parametrize("count", [200, pytest.param(20_000, marks=pytest.mark.full)])
def test_changed_files_never_end_a_reading(count: int) -> None:
    chance = random.Random(5)
    image = picture()
    for _ in range(count):
        name = chance.choice(list(SEEDS))
        seed = SEEDS[name]
        data = mutate(seed if isinstance(seed, bytes) else seed.encode(), chance)
        files: dict[str, bytes | str] = {"a.jpg": image, "data.yaml": "names: [hole, scratch]", name: data}
        if name == "d.yaml":
            files |= {"data.yaml": data, "a.txt": SEEDS["a.txt"]}
        for found in read(files).images.values():
            assert found.is_good is not True or not found.regions
