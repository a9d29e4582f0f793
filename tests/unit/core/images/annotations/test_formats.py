"""Every annotation format: what its files say of the images beside them, in one form."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.images.annotations.records import Annotations
from core.images.annotations.run_codes import pack_counts, unpack_brush, unpack_counts
from core.images.regions.records import Region, rasterize
from core.images.regions.run_lengths import encode_runs
from tests.annotated_files import HEIGHT, WIDTH, coco, coco_image, label_studio, labelme, picture, read, voc

BOX = (4.0, 5.0, 10.0, 6.0)


def only(found: Annotations, path: str = "a.jpg") -> Region:
    """Return the one region of an image, whose reading met no problem."""
    assert not found.problems
    assert found.images[path].is_good is False
    (region,) = found.images[path].regions
    return region


def bounds(region: Region) -> tuple[float, float, float, float]:
    return (region.x, region.y, region.width, region.height)


def blob() -> np.ndarray[Any, np.dtype[np.bool_]]:
    marked = np.zeros((HEIGHT, WIDTH), dtype=bool)
    marked[6:11, 4:14] = True
    marked[8, 8] = False
    return marked


def test_coco_boxes_polygons_and_run_lengths_of_both_kinds() -> None:
    counts = encode_runs(blob())
    annotations = [
        {"image_id": 1, "category_id": 1, "bbox": BOX, "segmentation": []},
        {
            "image_id": 1,
            "category_id": 2,
            "bbox": [0, 0, 1, 1],
            "segmentation": [[1, 1, 9, 1, 9, 7], [20, 1, 25, 1, 25, 6]],
        },
        {"image_id": 1, "category_id": 2, "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}, "iscrowd": 1},
        {"image_id": 1, "category_id": 2, "segmentation": {"size": [HEIGHT, WIDTH], "counts": pack_counts(counts)}},
    ]
    found = read({"set/img/a.jpg": picture(), "set/instances.json": coco([coco_image(1, "a.jpg")], annotations)})
    assert not found.problems
    image = found.images["set/img/a.jpg"]
    box, first, second, runs, packed = image.regions
    assert bounds(box) == BOX
    assert (first.shape, len(first.points), second.x) == ("polygon", 3, 20.0)
    assert runs.counts == packed.counts == tuple(counts)
    assert bounds(runs) == (4, 6, 10, 5)
    assert np.array_equal(rasterize([runs], width_px=WIDTH, height_px=HEIGHT), blob())
    assert [region.type_name for region in image.regions] == ["scratch", "hole", "hole", "hole", "hole"]
    assert image.label == "hole"  # covers most of the image
    assert {region.origin for region in image.regions} == {"import"}


def test_a_listed_image_without_annotations_is_nobody_s_good_part() -> None:
    found = read({"a.jpg": picture(), "b.jpg": picture(1), "c.json": coco([coco_image(1, "a.jpg")], [])})
    assert (found.images["a.jpg"].is_good, found.images["b.jpg"].is_good) == (None, None)


def test_a_category_that_means_good_marks_no_defect() -> None:
    file = coco([coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX}], {1: "Good"})
    image = read({"a.jpg": picture(), "c.json": file}).images["a.jpg"]
    assert (image.is_good, image.regions) == (True, ())


def test_the_split_in_the_name_of_a_coco_file_counts() -> None:
    file = coco([coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX}])
    files: dict[str, bytes | str] = {
        "images/train/a.jpg": picture(),
        "images/val/a.jpg": picture(1),
        "annotations/instances_val2017.json": file,
    }
    found = read(files)
    assert found.images["images/val/a.jpg"].split == "val"
    assert found.images["images/val/a.jpg"].is_good is False
    assert "images/train/a.jpg" not in found.images


def test_yolo_boxes_and_polygons_in_shares_of_the_image() -> None:
    files: dict[str, bytes | str] = {
        "d/images/train/a.jpg": picture(),
        "d/images/train/b.jpg": picture(1),
        "d/images/train/c.jpg": picture(2),
        "d/images/train/d.jpg": picture(3),
        "d/labels/train/a.txt": "1 0.5 0.5 0.25 0.5\n",
        "d/labels/train/b.txt": "0 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "d/labels/train/c.txt": "",
        "d/data.yaml": "names:\n  0: scratch\n  1: hole\n",
    }
    found = read(files)
    assert bounds(only(found, "d/images/train/a.jpg")) == (15, 7.5, 10, 15)
    assert only(found, "d/images/train/a.jpg").type_name == "hole"
    assert only(found, "d/images/train/b.jpg").points == ((4, 3), (20, 3), (20, 15))
    assert found.images["d/images/train/c.jpg"].is_good is True  # somebody looked and found nothing
    assert found.images["d/images/train/d.jpg"].is_good is None  # nobody says so


@pytest.mark.parametrize("names", ['["scratch", "hole"]', "{0: scratch, 1: hole}"])
def test_yolo_names_may_be_a_list_or_numbered(names: str) -> None:
    found = read({"a.jpg": picture(), "a.txt": "1 0.5 0.5 0.2 0.2", "data.yaml": f"names: {names}"})
    assert only(found).type_name == "hole"


def test_yolo_names_may_be_lines_beside_the_images() -> None:
    found = read({"a.jpg": picture(), "a.txt": "1 0.5 0.5 0.2 0.2 0.9", "classes.txt": "scratch\nhole\n"})
    assert only(found).type_name == "hole"
    assert found.images["a.jpg"].notes == ("annotation_of_model",)


def test_yolo_numbers_without_names_are_no_types() -> None:
    found = read({"a.jpg": picture(), "a.txt": "1 0.5 0.5 0.2 0.2", "b.jpg": picture(1), "b.txt": "0 0.5 0.5 0.2 0.2"})
    assert [problem.code for problem in found.problems] == ["annotation_names_missing"]
    assert {image.is_good for image in found.images.values()} == {None}


def test_voc_counts_pixels_from_one_and_an_empty_file_says_good() -> None:
    files: dict[str, bytes | str] = {
        "JPEGImages/a.jpg": picture(),
        "JPEGImages/b.jpg": picture(1),
        "Annotations/a.xml": voc("a.jpg", [("hole", (5, 6, 14, 11))], size=(WIDTH, HEIGHT)),
        "Annotations/b.xml": voc("b.jpg", [], size=(WIDTH, HEIGHT)),
    }
    found = read(files)
    assert bounds(only(found, "JPEGImages/a.jpg")) == BOX
    assert found.images["JPEGImages/b.jpg"].is_good is True


def class_mask(marked: np.ndarray[Any, np.dtype[np.bool_]], number: int) -> bytes:
    picture = Image.fromarray(np.where(marked, number, 0).astype(np.uint8))
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_voc_class_masks_stand_for_their_boxes_where_the_colors_are_known() -> None:
    files: dict[str, bytes | str] = {
        "v/JPEGImages/a.jpg": picture(),
        "v/Annotations/a.xml": voc(
            "a.jpg", [("hole", (5, 7, 10, 11)), ("scratch", (20, 20, 25, 25))], size=(WIDTH, HEIGHT)
        ),
        "v/SegmentationClass/a.png": class_mask(blob(), 2),
        "v/labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\nscratch:128,0,0::\nhole:0,128,0::\n",
    }
    found = read(files)
    assert not found.problems
    assert found.companions == {"v/SegmentationClass/a.png"}
    hole, scratch, rest = found.images["v/JPEGImages/a.jpg"].regions
    assert (hole.shape, scratch.shape, rest.shape) == ("mask", "box", "mask")
    assert np.array_equal(rasterize([hole, rest], width_px=WIDTH, height_px=HEIGHT), blob())
    del files["v/labelmap.txt"]
    found = read(files)
    assert [problem.code for problem in found.problems] == ["annotation_mask_unclear"]
    assert [region.shape for region in found.images["v/JPEGImages/a.jpg"].regions] == ["box", "box"]


def test_the_lists_of_voc_say_the_split() -> None:
    files: dict[str, bytes | str] = {
        f"v/{place}": data
        for seed, stem in enumerate(("a", "b", "c"))
        for place, data in (
            (f"JPEGImages/{stem}.jpg", picture(seed)),
            (f"Annotations/{stem}.xml", voc(f"{stem}.jpg", [("hole", (5, 6, 14, 11))], size=(WIDTH, HEIGHT))),
        )
    }
    files |= {
        "v/ImageSets/Main/train.txt": "a\nc\n",
        "v/ImageSets/Main/test.txt": "b\n",
        "v/ImageSets/Main/val.txt": "c\n",
    }
    found = read(files)
    assert [found.images[f"v/JPEGImages/{stem}.jpg"].split for stem in "abc"] == ["train", "test", ""]


def test_voc_with_fractions_or_zeros_counts_edges() -> None:
    file = voc("a.jpg", [("hole", (4.0, 5.0, 14.0, 11.5))], size=(WIDTH, HEIGHT))
    assert bounds(only(read({"a.jpg": picture(), "a.xml": file}))) == (4, 5, 10, 6.5)


def test_voc_whose_file_name_is_another_s_belongs_to_the_image_of_its_own_name() -> None:
    file = voc("renamed", [("hole", (5, 6, 14, 11))], size=(WIDTH, HEIGHT))
    found = read({"train/images/hole/h_1.jpg": picture(), "train/annotations/h_1.xml": file})
    assert bounds(only(found, "train/images/hole/h_1.jpg")) == BOX


def test_labelme_polygons_rectangles_circles_and_masks() -> None:
    inside = np.where(blob()[6:11, 4:14], 255, 0).astype(np.uint8)
    png = io.BytesIO()
    Image.fromarray(inside).save(png, "PNG")
    shapes = [
        {"label": "hole", "shape_type": "rectangle", "points": [[14, 11], [4, 5]]},
        {"label": "hole", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 7]]},
        {"label": "scratch", "shape_type": "circle", "points": [[20, 15], [25, 15]]},
        {
            "label": "scratch",
            "shape_type": "mask",
            "points": [[4, 6], [13, 10]],
            "mask": base64.b64encode(png.getvalue()).decode(),
        },
    ]
    found = read({"x/a.jpg": picture(), "x/a.json": labelme("..\\elsewhere\\a.jpg", shapes)})
    assert not found.problems
    rectangle, polygon, circle, mask = found.images["x/a.jpg"].regions
    assert bounds(rectangle) == BOX
    assert len(polygon.points) == 3
    assert bounds(circle) == pytest.approx((15, 10, 10, 10), abs=0.1)
    assert np.array_equal(rasterize([mask], width_px=WIDTH, height_px=HEIGHT), blob())


def test_a_flag_of_labelme_labels_the_image() -> None:
    found = read({"a.jpg": picture(), "a.json": labelme("a.jpg", [], flags={"good": True, "blurred": False})})
    assert found.images["a.jpg"].is_good is True
    found = read({"a.jpg": picture(), "a.json": labelme("a.jpg", [])})
    assert found.images["a.jpg"].is_good is None


def test_cvat_boxes_polygons_masks_ellipses_and_tags() -> None:
    counts = encode_runs(np.ascontiguousarray(blob()[6:11, 4:14].T))
    file = f"""<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>
    <image id="0" name="sub/a.jpg" width="{WIDTH}" height="{HEIGHT}">
      <box label="hole" xtl="4" ytl="5" xbr="14" ybr="11"/>
      <box label="hole" xtl="10" ytl="10" xbr="20" ybr="14" rotation="90"/>
      <polygon label="scratch" points="1,1;9,1;9,7"/>
      <mask label="scratch" rle="{", ".join(map(str, counts))}" left="4" top="6" width="10" height="5"/>
      <ellipse label="scratch" cx="20" cy="15" rx="5" ry="4"/>
    </image>
    <image id="1" name="b.jpg" width="{WIDTH}" height="{HEIGHT}"><tag label="ok"/></image>
    <image id="2" name="c.jpg" width="{WIDTH}" height="{HEIGHT}"/></annotations>"""
    found = read({"u/sub/a.jpg": picture(), "u/b.jpg": picture(1), "u/c.jpg": picture(2), "u/annotations.xml": file})
    assert not found.problems
    box, turned, polygon, mask, ellipse = found.images["u/sub/a.jpg"].regions
    assert bounds(box) == BOX
    assert bounds(turned) == pytest.approx((13, 7, 4, 10))
    assert polygon.type_name == "scratch"
    assert np.array_equal(rasterize([mask], width_px=WIDTH, height_px=HEIGHT), blob())
    assert bounds(ellipse) == pytest.approx((15, 11, 10, 8), abs=0.1)
    assert (found.images["u/b.jpg"].is_good, found.images["u/c.jpg"].is_good) == (True, None)


def test_cvat_lines_are_left_out_with_a_word_and_make_no_good_part() -> None:
    file = f"""<annotations><image id="0" name="a.jpg" width="{WIDTH}" height="{HEIGHT}">
      <polyline label="hole" points="1,1;9,1"/></image></annotations>"""
    found = read({"a.jpg": picture(), "x.xml": file})
    assert [problem.code for problem in found.problems] == ["annotation_shape_ignored"]
    assert found.images["a.jpg"].is_good is None


def pack_brush(marked: np.ndarray[Any, np.dtype[np.bool_]]) -> list[int]:
    """Return a mask as Label Studio writes it: RGBA values, in runs and in literal values."""
    values = np.repeat(np.where(marked.ravel(), 255, 0), 4)
    bits = f"{values.size:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    place = 0
    while place < values.size:
        end = place
        while end < values.size and values[end] == values[place] and end - place < 2**16:
            end += 1
        if end - place > 4:
            bits += f"1{3:02b}{end - place - 1:016b}{values[place]:08b}"
        else:
            bits += f"0{0:02b}{end - place - 1:03b}" + "".join(f"{value:08b}" for value in values[place:end])
        place = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


def test_label_studio_rectangles_polygons_brushes_and_ellipses() -> None:
    results = [
        {
            "type": "rectanglelabels",
            "value": {"x": 10, "y": 50 / 3, "width": 25, "height": 20, "rectanglelabels": ["hole"]},
        },
        {"type": "polygonlabels", "value": {"points": [[10, 10], [50, 10], [50, 50]], "polygonlabels": ["scratch"]}},
        {"type": "brushlabels", "value": {"format": "rle", "rle": pack_brush(blob()), "brushlabels": ["scratch"]}},
        {
            "type": "ellipselabels",
            "value": {"x": 50, "y": 50, "radiusX": 12.5, "radiusY": 10, "ellipselabels": ["hole"]},
        },
    ]
    task = label_studio("/data/upload/3/12ab34cd-a%20b.jpg", results)
    found = read({"pics/a b.jpg": picture(), "export.json": json.dumps([task])})
    assert not found.problems
    rectangle, polygon, brush, ellipse = found.images["pics/a b.jpg"].regions
    assert bounds(rectangle) == pytest.approx(BOX)
    assert list(polygon.points) == [(4, 3), (20, 3), (20, 15)]
    assert np.array_equal(rasterize([brush], width_px=WIDTH, height_px=HEIGHT), blob())
    assert bounds(ellipse) == pytest.approx((15, 12, 10, 6), abs=0.1)


def test_label_studio_knows_a_finished_empty_task_from_one_that_nobody_did() -> None:
    tasks = [
        label_studio("a.jpg", []),
        {"data": {"image": "b.jpg"}, "annotations": []},
        {"data": {"image": "c.jpg"}, "annotations": [{"result": [], "was_cancelled": True}]},
        label_studio("d.jpg", [{"type": "choices", "value": {"choices": ["OK"]}}]),
        label_studio("e.jpg", [{"type": "choices", "value": {"choices": ["hole"]}}]),
    ]
    files: dict[str, bytes | str] = {f"{name}.jpg": picture(seed) for seed, name in enumerate("abcde")}
    found = read(files | {"x.json": json.dumps(tasks)})
    assert [found.images[f"{name}.jpg"].is_good for name in "abcde"] == [True, None, None, True, False]
    assert found.images["e.jpg"].label == "hole"


def test_the_short_form_of_label_studio_says_the_same() -> None:
    about = {"annotator": 1, "annotation_id": 1, "created_at": "2026-01-01T00:00:00Z", "lead_time": 2.5}
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    corner = {"x": 10, "y": 50 / 3, "width": 25, "height": 20, "rotation": 0, "rectanglelabels": ["hole"], **size}
    ring = {"points": [[10, 10], [50, 10], [50, 50]], "polygonlabels": ["scratch"], **size}
    brush = {"format": "rle", "rle": pack_brush(blob()), "brushlabels": ["scratch"], **size}
    tasks = [
        {"image": "/data/upload/1/0a1b2c3d-a.jpg", "id": 1, "label": [corner, ring], "tag": [brush], **about},
        {"image": "/data/upload/1/0a1b2c3d-b.jpg", "id": 2, "choice": "OK", **about},
        {"image": "/data/upload/1/0a1b2c3d-c.jpg", "id": 3, **about},
    ]
    files: dict[str, bytes | str] = {f"{name}.jpg": picture(seed) for seed, name in enumerate("abc")}
    found = read(files | {"project-1.json": json.dumps(tasks)})
    assert not found.problems
    box, polygon, mask = found.images["a.jpg"].regions
    assert bounds(box) == pytest.approx(BOX)
    assert box.type_name == "hole"
    assert (polygon.shape, polygon.type_name) == ("polygon", "scratch")
    assert np.array_equal(rasterize([mask], width_px=WIDTH, height_px=HEIGHT), blob())
    assert found.images["b.jpg"].is_good is True
    assert found.images["c.jpg"].is_good is None  # in this form nobody's task looks like a finished one


def test_deeppcb_text_files_belong_to_the_tested_board() -> None:
    files: dict[str, bytes | str] = {
        "group00041/00041/00041000_test.jpg": picture(),
        "group00041/00041/00041000_temp.jpg": picture(1),
        "group00041/00041_not/00041000.txt": "4 5 14 11 3\n",
    }
    found = read(files)
    region = only(found, "group00041/00041/00041000_test.jpg")
    assert (bounds(region), region.type_name) == (BOX, "mousebite")
    assert found.images["group00041/00041/00041000_temp.jpg"].is_good is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", ["box", "polygon", "mask"])
def test_marks_drawn_on_the_pixels_as_they_lie_are_turned_with_the_image(orientation: int, shape: str) -> None:
    from inference.vision.images.pixel_formats import turn

    marked = np.zeros((HEIGHT, WIDTH), dtype=bool)
    marked[5:11, 4:14] = True
    drawn: dict[str, Any] = {"segmentation": []}
    if shape == "polygon":
        drawn = {"segmentation": [[4, 5, 14, 5, 14, 11, 4, 11]]}
    elif shape == "mask":
        drawn = {"segmentation": {"size": [HEIGHT, WIDTH], "counts": encode_runs(marked)}}
    file = coco([coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX, **drawn}])
    region = only(read({"a.jpg": picture(orientation=orientation), "c.json": file}))
    # Where the size is that of the shown image, the marks are, too: turned by 180 degrees nothing can be told apart.
    shown = turn(marked, orientation) if orientation in {5, 6, 7, 8} else marked
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    assert bounds(region) == (columns[0], rows[0], columns.size, rows.size)


@pytest.mark.parametrize("seed", range(3))
def test_packed_run_lengths_come_back(seed: int) -> None:
    counts = encode_runs(np.random.default_rng(seed).random((90, 70)) > (0.5, 0.99, 0.01)[seed])
    assert unpack_counts(pack_counts(counts)) == counts


def test_a_brush_of_another_size_is_refused() -> None:
    from core.images.annotations.records import AnnotationError

    with pytest.raises(AnnotationError):
        unpack_brush(pack_brush(blob()), width_px=WIDTH + 1, height_px=HEIGHT)
