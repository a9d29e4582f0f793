"""Sets with annotation files, as folders or ZIP files: planned as their files say, and asked where they say nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.defect_types import list_defect_types
from core.catalog.products import find_product
from core.images.imports.folder_import import import_path
from core.images.imports.planning import decide, plan_import
from core.images.imports.records import ImportPlan
from core.images.imports.sources import ImportSource
from core.images.library import list_images, read_mask_png
from core.services import Services
from core.transactions import reading
from inference.vision.images.decode import decode_mask
from storage.tables import ImageBox
from tests.annotated_files import coco, coco_image, label_studio, labelme, picture, readers, voc
from tests.zip_files import make_zip

BOX = [4, 5, 10, 6]
HOLE = ("hole", (5.0, 6.0, 14.0, 11.0))
SIZE = (40, 30)
Files = Mapping[str, bytes | str]


def plan(files: Files, root: str = "board", **choice: str) -> ImportPlan:
    return plan_import(ImportSource(root, readers(files)), **choice)  # type: ignore[arg-type]


def facts(found: ImportPlan) -> list[tuple[str, str, str, str, int]]:
    """Return of each image its name, the product, the split, what it shows, and how many regions it has."""
    return [
        (one.path.rsplit("/", 1)[-1], one.product, one.split, one.defect_name or "good", len(one.regions))
        for one in found.images
    ]


YOLO: Files = {
    "images/train/a.jpg": picture(),
    "images/train/b.jpg": picture(1),
    "images/val/c.jpg": picture(2),
    "labels/train/a.txt": "0 .5 .5 .2 .2",
    "labels/train/b.txt": "",
    "labels/val/c.txt": "1 .5 .5 .2 .2\n0 .1 .1 .1 .1",
    "data.yaml": "names: [hole, scratch]",
}
COCO: Files = {
    "train/a.jpg": picture(),
    "valid/c.jpg": picture(1),
    "train/_annotations.coco.json": coco([coco_image(1, "a.jpg")], [{"image_id": 1, "category_id": 2, "bbox": BOX}]),
    "valid/_annotations.coco.json": coco([coco_image(1, "c.jpg")], [{"image_id": 1, "category_id": 1, "bbox": BOX}]),
}
NEU: Files = {
    "train/images/hole/h_1.jpg": picture(),
    "train/annotations/h_1.xml": voc("h_1.jpg", [HOLE], size=SIZE),
    "validation/images/hole/h_2.jpg": picture(1),
    "validation/annotations/h_2.xml": voc("h_2", [HOLE], size=SIZE),
}
DEEP_PCB: Files = {
    "group00041/00041/00041000_test.jpg": picture(),
    "group00041/00041/00041000_temp.jpg": picture(1),
    "group00041/00041_not/00041000.txt": "4 5 14 11 3\n",
}


ROBOFLOW: Files = {
    "data.yaml": "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['hole']\n",
    "README.roboflow.txt": "Provided by a user",
    **{f"{split}/images/{split}.jpg": picture(seed) for seed, split in enumerate(("train", "valid", "test"))},
    **{f"{split}/labels/{split}.txt": "0 .5 .5 .2 .2" for split in ("train", "valid", "test")},
}
CVAT_YOLO: Files = {
    "obj.names": "hole\nscratch\n",
    "obj.data": "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n",
    "train.txt": "data/obj_train_data/a.jpg\n",
    "obj_train_data/a.jpg": picture(),
    "obj_train_data/a.txt": "1 .5 .5 .2 .2",
}
CVAT: Files = {
    "annotations.xml": "<annotations><version>1.1</version><meta/>"
    '<image id="0" name="a.jpg" subset="Train" width="40" height="30">'
    '<box label="hole" xtl="4" ytl="5" xbr="14" ybr="11" occluded="0" source="manual" z_order="0"/></image>'
    '<image id="1" name="b.jpg" subset="Validation" width="40" height="30">'
    '<polygon label="scratch" points="1,1;9,1;9,7"/></image></annotations>',
    "images/Train/a.jpg": picture(),
    "images/Validation/b.jpg": picture(1),
}
VOC_KIT: Files = {
    "VOCdevkit/VOC2012/ImageSets/Main/train.txt": "a\n",
    "VOCdevkit/VOC2012/ImageSets/Main/val.txt": "b\n",
    "VOCdevkit/VOC2012/ImageSets/Main/trainval.txt": "a\nb\n",
    **{
        f"VOCdevkit/VOC2012/{place}": data
        for seed, stem in enumerate(("a", "b"))
        for place, data in (
            (f"JPEGImages/{stem}.jpg", picture(seed)),
            (f"Annotations/{stem}.xml", voc(f"{stem}.jpg", [HOLE], size=SIZE)),
        )
    },
}
NEU_FLAT: Files = {
    "IMAGES/crazing_1.jpg": picture(),
    "ANNOTATIONS/crazing_1.xml": voc("crazing_1.jpg", [("crazing", HOLE[1])], size=SIZE),
    "IMAGES/patches_1.jpg": picture(1),
    "ANNOTATIONS/patches_1.xml": voc("patches_1.jpg", [("patches", HOLE[1]), ("patches", HOLE[1])], size=SIZE),
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            YOLO,
            [
                ("a.jpg", "board", "train", "hole", 1),
                ("b.jpg", "board", "train", "good", 0),
                ("c.jpg", "board", "val", "scratch", 2),
            ],
        ),
        (COCO, [("a.jpg", "board", "train", "hole", 1), ("c.jpg", "board", "val", "scratch", 1)]),
        (NEU, [("h_1.jpg", "board", "train", "hole", 1), ("h_2.jpg", "board", "val", "hole", 1)]),
        (
            DEEP_PCB,
            [
                ("00041000_temp.jpg", "board", "train", "good", 0),
                ("00041000_test.jpg", "board", "train", "mousebite", 1),
            ],
        ),
        (
            ROBOFLOW,
            [
                ("test.jpg", "board", "test", "hole", 1),
                ("train.jpg", "board", "train", "hole", 1),
                ("valid.jpg", "board", "val", "hole", 1),
            ],
        ),
        (CVAT_YOLO, [("a.jpg", "board", "train", "scratch", 1)]),
        (CVAT, [("a.jpg", "board", "train", "hole", 1), ("b.jpg", "board", "val", "scratch", 1)]),
        (VOC_KIT, [("a.jpg", "board", "train", "hole", 1), ("b.jpg", "board", "val", "hole", 1)]),
        (
            NEU_FLAT,
            [("crazing_1.jpg", "board", "train", "crazing", 1), ("patches_1.jpg", "board", "train", "patches", 2)],
        ),
    ],
    ids=["yolo", "coco", "neu", "deeppcb", "roboflow", "cvat-yolo", "cvat", "voc-kit", "neu-flat"],
)
def test_published_layouts_are_planned_without_a_question(
    files: Files, expected: list[tuple[str, str, str, str, int]]
) -> None:
    found = plan(files)
    assert facts(found) == expected
    assert found.questions == ()
    assert not found.loses_images


def test_an_answer_about_a_folder_leaves_what_is_marked_in_it_alone() -> None:
    files: Files = {
        "images/a.jpg": picture(),
        "images/b.jpg": picture(1),
        "a.json": coco(
            [coco_image(1, "a.jpg"), coco_image(2, "b.jpg")], [{"image_id": 1, "category_id": 2, "bbox": BOX}]
        ),
    }
    found = plan(files, product="board")
    (question,) = found.questions
    assert (question.path, question.n_images) == ("images", 1)
    decided = decide(found, {question.path: "normal"})
    assert facts(decided) == [("a.jpg", "board", "train", "hole", 1), ("b.jpg", "board", "train", "good", 0)]
    assert facts(decide(found, {"images/a.jpg": "normal"}))[0][3] == "good"  # the file itself was answered


def test_folders_and_marks_that_contradict_each_other_are_asked() -> None:
    files: Files = {"good/a.jpg": picture(), "good/a.xml": voc("a.jpg", [HOLE], size=SIZE), "ng/b.jpg": picture(1)}
    (question,) = plan(files, product="board").questions
    assert (question.code, question.path) == ("import_label_contradiction", "good")


def test_a_mark_that_could_not_be_read_makes_no_good_part() -> None:
    shapes = [{"label": "hole", "shape_type": "rectangle", "points": [[400, 500], [600, 700]]}]
    found = plan({"a.jpg": picture(), "a.json": labelme("a.jpg", shapes)})
    assert found.images == ()
    assert {one.reason for one in found.left_out if one.matters} == {"annotation_outside", "import_no_label"}


def test_a_plan_with_regions_comes_back_from_json() -> None:
    found = plan(COCO)
    assert ImportPlan.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_label_studio_choices_label_whole_images() -> None:
    tasks = [
        label_studio("/data/upload/1/12345678-a.jpg", [{"type": "choices", "value": {"choices": ["hole"]}}]),
        label_studio("b.jpg", [{"type": "choices", "value": {"choices": ["양품"]}}]),
    ]
    files: Files = {"a.jpg": picture(), "b.jpg": picture(1), "tasks.json": json.dumps(tasks)}
    assert [one[3] for one in facts(plan(files, product="board"))] == ["hole", "good"]


@pytest.mark.parametrize("as_zip", [False, True])
def test_annotated_images_are_stored_with_regions_types_and_masks(
    services: Services, engineer: Person, tmp_path: Path, as_zip: bool
) -> None:
    target = tmp_path / ("board.zip" if as_zip else "board")
    data = {path: content.encode() if isinstance(content, str) else content for path, content in YOLO.items()}
    if as_zip:
        target.write_bytes(make_zip(data))
    else:
        for path, content in data.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
    summary = import_path(services, engineer, target)
    assert {outcome.outcome for outcome in summary.outcomes} == {"added"}
    product = find_product(services, "board")
    types = {kind.id: kind.code for kind in list_defect_types(services, product.id)}
    assert sorted(types.values()) == ["hole", "scratch"]
    images = {image.original_name: image for image in list_images(services, product.id).rows}
    with reading(services) as session:
        boxes = session.exec(select(ImageBox)).all()
    found = [
        (types[box.defect_type_id], box.shape, box.origin)
        for box in boxes
        if box.image_id == images["images/val/c.jpg"].id and box.defect_type_id is not None
    ]
    assert found == [("scratch", "box", "import"), ("hole", "box", "import")]
    mask = read_mask_png(services, images["images/train/a.jpg"])
    assert mask is not None
    assert decode_mask(mask).sum() == 8 * 6
    assert images["images/train/b.jpg"].mask_key is None
