"""What is asked, what a person decides, where masks lie, what lists say; nothing is guessed, and nothing gets lost."""

from __future__ import annotations

import json

import pytest

from core.errors import BadInput
from core.images.imports.planning import decide, plan_import
from core.images.imports.records import ImportPlan
from core.images.regions.records import Region
from tests.import_sources import BLANK, MARKED, PHOTO, counts, masks, numbered, plan_of, reasons, source_of


def test_a_split_that_is_not_learned_from_is_one() -> None:
    files = [f"cap/{split}/good/{number}.jpg" for split in ("train", "val", "valid", "test") for number in range(2)]
    assert counts(plan_of(files)) == {
        ("cap", "train", "normal"): 2,
        ("cap", "val", "normal"): 4,
        ("cap", "test", "normal"): 2,
    }
    assert counts(plan_of(files, product="lid")) == {
        ("lid", "train", "normal"): 2,
        ("lid", "val", "normal"): 4,
        ("lid", "test", "normal"): 2,
    }
    korean = ["캡/학습/양품/1.png", "캡/검증/양품/2.png", "캡/시험/불량/긁힘/3.png"]
    assert counts(plan_of(korean)) == {
        ("캡", "train", "normal"): 1,
        ("캡", "val", "normal"): 1,
        ("캡", "test", "긁힘"): 1,
    }


def test_a_split_may_lie_below_the_label_or_above_the_product() -> None:
    below = plan_of(["nut/good/train/1.png", "nut/good/test/2.png", "nut/ng/hole/test/3.png"])
    assert counts(below) == {("nut", "train", "normal"): 1, ("nut", "test", "normal"): 1, ("nut", "test", "hole"): 1}
    above = plan_of(["train/nut/good/1.png", "test/nut/good/2.png", "test/nut/zilp/3.png", "train/bolt/good/4.png"])
    assert counts(above) == {
        ("nut", "train", "normal"): 1,
        ("nut", "test", "normal"): 1,
        ("nut", "test", "zilp"): 1,
        ("bolt", "train", "normal"): 1,
    }


def test_a_mask_of_the_same_name_beside_its_image_is_never_a_photo() -> None:
    files: dict[str, str | bytes] = {f"tile/good/g{number}.jpg": PHOTO for number in range(3)}
    for number in range(3):
        files[f"tile/ng/crack/c{number}.jpg"] = PHOTO
        files[f"tile/ng/crack/c{number}.png"] = MARKED
    plan = plan_of(files)
    assert counts(plan) == {("tile", "train", "normal"): 3, ("tile", "train", "crack"): 3}
    assert masks(plan) == {f"tile/ng/crack/c{n}.jpg": (f"tile/ng/crack/c{n}.png",) for n in range(3)}
    assert not plan.loses_images


def test_two_photos_of_one_name_are_named_and_left_out() -> None:
    plan = plan_of(["tile/good/a.png", "tile/ng/crack/c.jpg", "tile/ng/crack/c.png"])
    assert reasons(plan) == dict.fromkeys(["tile/ng/crack/c.jpg", "tile/ng/crack/c.png"], "import_twin_names")
    chosen = decide(plan, {"tile/ng/crack/c.png": "mask"})
    assert masks(chosen) == {"tile/ng/crack/c.jpg": ("tile/ng/crack/c.png",)}
    assert not chosen.loses_images


@pytest.mark.parametrize("ending", ["_mask", "_label", "_labels", "_GT", "_gt", "_seg", "_mask_1"])
@pytest.mark.parametrize("place", ["p/ng/dent/", "p/masks/ng/dent/", "p/ng/dent/Label/", "p/annotations/"])
def test_masks_are_known_by_their_endings_wherever_they_lie(ending: str, place: str) -> None:
    plan = plan_of({"p/good/1.png": PHOTO, "p/ng/dent/7.bmp": PHOTO, f"{place}7{ending}.png": MARKED})
    assert masks(plan) == {"p/ng/dent/7.bmp": (f"{place}7{ending}.png",)}
    assert not plan.loses_images


def test_helper_folders_are_never_types() -> None:
    for helper in ("Label", "gt", "annotations", "labels", "ground_truth"):
        plan = plan_of(
            {
                "Class1/Train/good/a.PNG": PHOTO,
                f"Class1/Train/{helper}/0001_label.PNG": MARKED,
                "Class1/Test/images/good/b.PNG": PHOTO,
            }
        )
        assert counts(plan) == {("Class1", "train", "normal"): 1, ("Class1", "test", "normal"): 1}, helper
        assert reasons(plan) == {f"Class1/Train/{helper}/0001_label.PNG": "mask_without_image"}


def test_a_photo_of_a_label_is_no_mask() -> None:
    plan = plan_of(["p/good/box_label.png", "p/good/tin_label.png", "p/ng/torn/can_label.png"])
    assert counts(plan) == {("p", "train", "normal"): 2, ("p", "train", "torn"): 1}
    product = plan_of(["label/train/good/1.png", "label/test/good/2.png", "box/train/good/3.png"])
    assert set(product.products) == {"label", "box"}


def test_a_product_that_nothing_names_is_asked_for_with_what_was_seen() -> None:
    plan = plan_of(["OK/0.jpg", "OK/1.jpg", "NG/0.jpg"], "2024 line")
    (question,) = plan.questions
    assert (question.code, question.n_images, question.params["folders"]) == ("import_product_missing", 3, "NG, OK")
    assert question.choices == ("product:2024 line",)
    answered = decide(plan, {"": "product:캡"})
    assert counts(answered) == {("캡", "train", "normal"): 2, ("캡", "train", "defect"): 1}
    assert not answered.questions
    assert decide(answered, {"": ""}).questions == plan.questions


def test_a_folder_that_says_nothing_is_asked_about_and_can_be_decided() -> None:
    plan = plan_of(["nut/good/1.png", "nut/zilp/2.png", "nut/zilp/3.png"])
    assert counts(plan) == {("nut", "train", "normal"): 1}
    (question,) = plan.questions
    assert (question.path, question.n_images, question.choices) == ("nut/zilp", 2, ("normal", "defect:zilp", "skip"))
    assert counts(decide(plan, {"nut/zilp": "defect:zilp"}))["nut", "train", "zilp"] == 2
    assert counts(decide(plan, {"nut/zilp": "test/normal"}))["nut", "test", "normal"] == 2
    skipped = decide(plan, {"nut/zilp": "skip"})
    assert not skipped.loses_images
    assert {found.reason for found in skipped.left_out} == {"import_left_out"}


def test_what_is_said_of_everything_holds_where_nothing_else_says_so() -> None:
    plan = plan_of(["shots/1.png", "shots/2.png"], product="nut", as_role="normal")
    assert counts(plan) == {("nut", "train", "normal"): 2}
    mixed = plan_of(["shots/1.png", "NG/hole/2.png"], product="nut", as_role="normal")
    assert counts(mixed) == {("nut", "train", "normal"): 1, ("nut", "train", "hole"): 1}
    assert counts(plan_of(["1.png"], product="nut", as_role="긁힘")) == {("nut", "train", "긁힘"): 1}


def test_folders_that_contradict_each_other_are_asked_about() -> None:
    plan = plan_of(["nut/good/1.png", "nut/good/scratch/2.png", "nut/ng/good/3.png"])
    assert {(question.code, question.path) for question in plan.questions} == {
        ("import_label_contradiction", "nut/good/scratch"),
        ("import_label_contradiction", "nut/ng/good"),
    }
    numbered_type = plan_of(["nut/good/1.png", "nut/ng/0001/2.png"])
    assert [question.code for question in numbered_type.questions] == ["import_type_unknown"]


def test_roles_hold_for_what_lies_below_and_the_nearest_counts() -> None:
    files = ["a/x/1.png", "a/x/deep/2.png", "a/y/3.png"]
    decisions = {"a": "product:nut/normal", "a/x/deep": "defect:hole", "a/y": "test"}
    assert counts(plan_of(files, decisions=decisions)) == {
        ("nut", "train", "normal"): 1,
        ("nut", "train", "hole"): 1,
        ("nut", "test", "normal"): 1,
    }
    views = plan_of(["top/1.png"], product="nut", decisions={"top": "view:위/normal"})
    assert [image.view for image in views.images] == ["위"]
    parts = plan_of([f"nut/good/{part}/{n}.png" for part in "ab" for n in "12"], decisions={"nut/good": "part"})
    assert {image.part for image in parts.images} == {"a", "b"}


@pytest.mark.parametrize("role", ["", "/", "product:", "normal/mask", "train/test", "colour:red"])
def test_a_role_that_means_nothing_is_refused(role: str) -> None:
    with pytest.raises(BadInput) as refusal:
        plan_of(["a/1.png"], decisions={"a": role})
    assert refusal.value.code == "import_role_unknown"


def test_a_folder_that_is_not_there_cannot_be_mapped() -> None:
    with pytest.raises(BadInput) as refusal:
        plan_of(["a/1.png"], decisions={"b": "normal"})
    assert refusal.value.code == "import_folder_missing"
    assert refusal.value.params["folders"] == "a"


def test_views_beside_each_other_are_views_and_not_products() -> None:
    files = [f"nut/{view}/{label}/1.png" for view in ("top", "bottom") for label in ("ok", "ng/hole")]
    plan = plan_of(files)
    assert plan.products == ("nut",)
    assert {image.view for image in plan.images} == {"top", "bottom"}
    assert {image.view for image in plan_of(["nut/CT/ok/1.png", "nut/RGB/ok/2.png"]).images} == {"CT", "RGB"}


def test_a_list_says_label_split_part_view_and_product() -> None:
    rows = (
        "파일,판정,분할,부품,뷰,제품\n"
        "imgs/1.png,정상,학습,S1,top,캡\n"
        "imgs/2.png,긁힘,시험,S2,bottom,캡\n"
        "imgs/3.png,OK,검증,S1,top,캡\n"
        "imgs/9.png,OK,학습,,,캡\n"
    )
    plan = plan_of({**dict.fromkeys(numbered("set/imgs/#.png", 3, 1), PHOTO), "set/list.csv": rows.encode("cp949")})
    found = {image.path: (image.kind, image.defect_name, image.split, image.part, image.view) for image in plan.images}
    assert found == {
        "set/imgs/1.png": ("normal", "", "train", "S1", "top"),
        "set/imgs/2.png": ("defect", "긁힘", "test", "S2", "bottom"),
        "set/imgs/3.png": ("normal", "", "val", "S1", "top"),
    }
    assert plan.products == ("캡",)
    assert [(one.path, one.reason, one.params["path"]) for one in plan.left_out if one.matters] == [
        ("set/list.csv", "import_listed_missing", "imgs/9.png")
    ]


def test_a_json_list_is_read_too_and_numbers_are_labels_where_the_column_says_so() -> None:
    rows = [{"path": "1.png", "anomaly": 0}, {"path": "2.png", "anomaly": 1, "mask": "m/2.png"}]
    plan = plan_of({"1.png": PHOTO, "2.png": PHOTO, "m/2.png": MARKED, "l.json": json.dumps(rows).encode()}, "캡")
    assert counts(plan) == {("캡", "train", "normal"): 1, ("캡", "train", "defect"): 1}
    assert masks(plan) == {"2.png": ("m/2.png",)}


def test_labels_that_may_be_kinds_of_good_parts_are_asked() -> None:
    files: dict[str, str | bytes] = {"1.png": PHOTO, "2.png": PHOTO, "l.csv": b"path,class\n1.png,cell\n2.png,module\n"}
    plan = plan_of(files, "pv")
    assert [(question.code, question.path) for question in plan.questions] == [("import_list_label_unknown", "l.csv")]
    assert counts(decide(plan, {"l.csv": "list"})) == {("pv", "train", "cell"): 1, ("pv", "train", "module"): 1}


def test_lists_that_differ_are_asked_about() -> None:
    files: dict[str, str | bytes] = {
        "good/1.png": PHOTO,
        "a.csv": b"path,split\ngood/1.png,train\n",
        "b.csv": b"path,split\ngood/1.png,test\n",
    }
    plan = plan_of(files, "nut", product="nut")
    assert [question.code for question in plan.questions] == ["import_lists_differ"]
    assert counts(decide(plan, {"b.csv": "list"})) == {("nut", "test", "normal"): 1}
    assert counts(decide(plan, {"b.csv": "skip"})) == {("nut", "train", "normal"): 1}


def test_what_a_list_says_against_a_folder_is_asked() -> None:
    plan = plan_of({"p/good/1.png": PHOTO, "l.csv": b"path,label\np/good/1.png,NG\n"})
    assert [question.code for question in plan.questions] == ["import_label_contradiction"]


def test_images_without_a_mask_among_others_with_one_are_asked_about() -> None:
    plan = plan_of(
        {"set/1.png": PHOTO, "set/1_GT.png": MARKED, "set/2.png": PHOTO, "set/3.png": PHOTO, "set/3_GT.png": BLANK},
        product="nut",
    )
    assert counts(plan) == {("nut", "train", "defect"): 1, ("nut", "train", "normal"): 1}
    assert [(question.code, question.path) for question in plan.questions] == [("import_mask_missing", "set")]


def test_a_plan_is_kept_as_json_with_its_decisions() -> None:
    source = source_of({"p/good/1.png": PHOTO, "p/ng/2.png": PHOTO, "p/ng/2_mask.png": MARKED, "p/x/3.png": PHOTO})
    plan = decide(plan_import(source), {"p/x": "val/normal"})
    kept = ImportPlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert kept == plan
    assert decide(kept, {}) == plan
    region = Region.of_polygon([(0, 0), (4, 0), (4, 4)], type_name="hole", origin="import")
    image = plan.images[0]
    marked = ImportPlan(plan.listing, images=(type(image)(image.path, "p", "defect", regions=(region,)),))
    assert ImportPlan.from_json(json.loads(json.dumps(marked.to_json()))) == marked


@pytest.mark.parametrize("name", ["미분류", "misc", "기타"])
def test_a_folder_of_what_nobody_has_sorted_is_no_type(name: str) -> None:
    (question,) = plan_of([f"{name}/1.png"], product="plate").questions
    assert question.choices == ("normal", "defect", "skip")
    (inner,) = plan_of([f"ng/{name}/1.png"], product="plate").questions
    assert inner.choices == ("defect", "skip")


def test_the_product_that_was_asked_for_is_that_of_the_images_in_question_alone() -> None:
    files = [f"{name}/train/good/{number}.png" for name in ("cap", "lid") for number in range(2)] + ["rest/1.png"]
    plan = plan_of(files, decisions={"rest": "normal"})
    (question,) = plan.questions
    assert (question.code, question.n_images) == ("import_product_missing", 1)
    answered = decide(plan, {question.path: "product:ring"})
    assert counts(answered) == {(name, "train", "normal"): n for name, n in (("cap", 2), ("lid", 2), ("ring", 1))}
    assert answered.questions == ()


def test_what_is_said_of_the_top_holds_for_all_where_every_product_is_known() -> None:
    files = [f"cap/train/good/{number}.png" for number in range(2)]
    assert counts(plan_of(files, decisions={".": "product:ring"})) == {("ring", "train", "normal"): 2}
    nearer = plan_of(files, decisions={".": "product:ring", "cap": "product:lid"})
    assert counts(nearer) == {("lid", "train", "normal"): 2}
