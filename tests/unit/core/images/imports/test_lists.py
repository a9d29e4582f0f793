"""Lists of images: CSV, JSON and lines of text, as people and programs write them."""

from __future__ import annotations

import json

import pytest

from core.images.imports.records import ImportPlan
from tests.annotated_files import coco, coco_image
from tests.import_sources import MARKED, PHOTO, counts, masks, plan_of

BOX = [4, 5, 8, 6]


def said(plan: ImportPlan) -> dict[str, tuple[str, str]]:
    """Return split and label by path."""
    return {image.path: (image.split, image.defect_name or image.kind) for image in plan.images}


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("파일명,판정,불량유형,구분", ["a.png,양품,,학습", "b.png,불량,긁힘,검증", "c.png,NG,기공,시험"]),
        ("file,defect_type,verdict,split", ["a.png,-,OK,train", "b.png,긁힘,NG,val", "c.png,기공,NG,test"]),
        ("image,label,anomaly_class,set", ["a.png,good,OK,train", "b.png,bad,긁힘,valid", "c.png,bad,기공,test"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_type_beside_a_verdict_is_not_lost(header: str, rows: list[str], encoding: str) -> None:
    listed = "\n".join([header, *rows]).encode(encoding)
    plan = plan_of({"list.csv": listed, "a.png": PHOTO, "b.png": PHOTO, "c.png": PHOTO}, "plate")
    assert said(plan) == {"a.png": ("train", "normal"), "b.png": ("val", "긁힘"), "c.png": ("test", "기공")}
    assert not plan.loses_images


def test_a_verdict_and_a_type_that_exclude_each_other_are_said() -> None:
    plan = plan_of(
        {"list.csv": b"file,verdict,defect_type\na.png,OK,scratch\nb.png,OK,\n", "a.png": PHOTO, "b.png": PHOTO}
    )
    assert ("list.csv", "import_list_row") in {(one.path, one.reason) for one in plan.left_out}
    assert "a.png" not in said(plan)


def test_a_category_beside_the_class_of_the_defect_is_the_product() -> None:
    rows = b"category,anomaly_class,image\naudiojack,OK,a.png\naudiojack,BX,b.png\n"
    plan = plan_of({"list.csv": rows, "a.png": PHOTO, "b.png": PHOTO})
    assert counts(plan) == {("audiojack", "train", "normal"): 1, ("audiojack", "train", "BX"): 1}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("list.csv", b"a.png,ok\nb.png,dent\n"),
        ("list.tsv", b"a.png\tok\nb.png\tdent\n"),
        ("list.json", json.dumps({"a.png": "ok", "b.png": "dent"}).encode()),
        ("list.json", json.dumps({"a.png": {"label": "ok"}, "b.png": {"label": "dent"}}).encode()),
        ("list.json", json.dumps([{"path": "a.png", "label": "ok"}, {"path": "b.png", "label": "dent"}]).encode()),
        ("list.jsonl", b'{"path": "a.png", "label": "ok"}\n{"path": "b.png", "label": "dent"}\n'),
    ],
)
def test_short_forms_of_lists(name: str, data: bytes) -> None:
    plan = plan_of({name: data, "a.png": PHOTO, "b.png": PHOTO}, "plate")
    assert said(plan) == {"a.png": ("train", "normal"), "b.png": ("train", "dent")}


def test_a_list_of_images_without_names_for_its_columns_is_said() -> None:
    plan = plan_of({"list.csv": b"a.png,1,2,8,9,dent\n", "a.png": PHOTO}, "plate")
    assert plan.images == ()
    assert ("list.csv", "import_list_header") in {(one.path, one.reason) for one in plan.left_out}


def test_masks_of_a_list_lie_anywhere() -> None:
    rows = b"filename,label,split,mask\na.png,good,train,\nb.png,scratch,test,drawn/other.png\n"
    files: dict[str, str | bytes] = {
        "labels.csv": rows,
        "images/a.png": PHOTO,
        "images/b.png": PHOTO,
        "drawn/other.png": MARKED,
    }
    assert masks(plan_of(files, "plate")) == {"images/b.png": ("drawn/other.png",)}


def test_the_published_lists_of_deep_pcb_say_the_split_of_both_pictures_of_a_pair() -> None:
    files: dict[str, str | bytes] = {
        "trainval.txt": b"group00041/00041/00041000.jpg group00041/00041_not/00041000.txt\n",
        "test.txt": b"group00042/00042/00042001.jpg group00042/00042_not/00042001.txt\n",
    }
    for board, crop in (("00041", "000"), ("00042", "001")):
        top = f"group{board}/{board}"
        files |= {f"{top}/{board}{crop}_test.jpg": PHOTO, f"{top}/{board}{crop}_temp.jpg": PHOTO}
        files[f"{top}_not/{board}{crop}.txt"] = b"2 2 9 9 1\n"
    plan = plan_of(files, "DeepPCB")
    assert counts(plan) == {("DeepPCB", split, label): 1 for split in ("train", "test") for label in ("normal", "open")}
    assert {image.path.split("/")[0]: image.part for image in plan.images} == {
        "group00041": "00041",
        "group00042": "00042",
    }
    assert plan.left_out == ()


@pytest.mark.parametrize("line", ["./images/{name}", "data/images/{name}", "C:\\set\\images\\{name}"])
def test_lists_beside_a_yolo_set_say_the_split(line: str) -> None:
    files: dict[str, str | bytes] = {"data.yaml": b"train: train.txt\nval: val.txt\nnames: [hole, dent]\n"}
    for name, split in (("a", "train"), ("b", "val"), ("c", "test")):
        files |= {f"images/{name}.png": PHOTO, f"labels/{name}.txt": b"1 .5 .5 .2 .2\n"}
        files[f"{split}.txt"] = line.format(name=f"{name}.png").encode()
    plan = plan_of(files, "plate")
    assert said(plan) == {
        f"images/{name}.png": (split, "dent") for name, split in (("a", "train"), ("b", "val"), ("c", "test"))
    }


def test_a_list_of_a_split_names_what_is_not_there() -> None:
    files: dict[str, str | bytes] = {
        "set/train/ok/a.png": PHOTO,
        "set/test.txt": b"train/ok/a.png\ntrain/ok/gone.png\n",
    }
    plan = plan_of(files, product="plate")
    assert said(plan) == {"set/train/ok/a.png": ("test", "normal")}
    assert [(one.path, one.reason) for one in plan.left_out] == [("set/test.txt", "import_listed_missing")]


@pytest.mark.parametrize("text", [b"The test images were taken in May.\n", b"", b"\xff\xfe\x00"])
def test_any_other_text_called_like_a_split_is_no_list(text: bytes) -> None:
    plan = plan_of({"ok/a.png": PHOTO, "test.txt": text}, product="plate")
    assert [image.split for image in plan.images] == ["train"]
    assert {one.reason for one in plan.left_out} == {"import_not_an_image"}


def test_an_annotation_file_is_no_list() -> None:
    listed = coco([coco_image(1, "a.png", width=16, height=16)], [{"image_id": 1, "category_id": 2, "bbox": BOX}])
    plan = plan_of({"images/a.png": PHOTO, "annotations.json": listed.encode()}, "plate")
    assert said(plan) == {"images/a.png": ("train", "hole")}
