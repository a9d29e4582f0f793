"""The three layouts of folders and archives, seen from inside, from above, and in disorder."""

from __future__ import annotations

import json
import random
import unicodedata

import pytest

from core.catalog.edits import check_code
from core.errors import BadInput
from core.images.imports.names import make_import_code
from core.images.imports.records import ImportPlan, Listing, PlannedImage
from tests.import_sources import plan_of

MVTEC = [
    "bottle/train/good/000.png",
    "bottle/train/good/001.png",
    "bottle/test/good/000.png",
    "bottle/test/broken_large/000.png",
    "bottle/test/broken_large/001.PNG",
    "bottle/ground_truth/broken_large/000_mask.png",
    "bottle/ground_truth/broken_large/001_mask.png",
]
EXPECTED = {
    ("train/good/000.png", "normal", None, "train", None),
    ("train/good/001.png", "normal", None, "train", None),
    ("test/good/000.png", "normal", None, "test", None),
    ("test/broken_large/000.png", "defect", "broken_large", "test", "ground_truth/broken_large/000_mask.png"),
    ("test/broken_large/001.PNG", "defect", "broken_large", "test", "ground_truth/broken_large/001_mask.png"),
}


def facts(images: tuple[PlannedImage, ...], prefix: str = "") -> set[tuple[str, str, str | None, str, str | None]]:
    return {
        (
            image.path.removeprefix(prefix),
            image.kind,
            image.defect_code or None,
            image.split,
            image.masks[0].removeprefix(prefix) if image.masks else None,
        )
        for image in images
    }


def only(plan: ImportPlan) -> tuple[PlannedImage, ...]:
    assert len(plan.products) == 1
    return plan.images


def codes(plan: ImportPlan) -> list[str]:
    return sorted(plan.names.values())


def unknown(plan: ImportPlan) -> list[tuple[str, str]]:
    return [(found.path, found.reason) for found in plan.left_out]


def test_mvtec_from_its_parent() -> None:
    plan = plan_of(MVTEC)
    assert facts(only(plan), "bottle/") == EXPECTED
    assert codes(plan)[0] == "bottle"
    assert unknown(plan) == []


def test_mvtec_from_inside_takes_the_root_s_name() -> None:
    plan = plan_of([path.removeprefix("bottle/") for path in MVTEC], root_name="bottle")
    assert facts(only(plan)) == EXPECTED
    assert codes(plan)[0] == "bottle"


@pytest.mark.parametrize("wrap", ["data/", "a/b/c/", "test/", "train/", "good/", "defect/"])
def test_wrapping_folders_change_nothing(wrap: str) -> None:
    plan = plan_of([wrap + path for path in MVTEC])
    assert facts(only(plan), f"{wrap}bottle/") == EXPECTED
    assert codes(plan)[0] == "bottle"


def test_several_products_at_once() -> None:
    paths = MVTEC + [path.replace("bottle", "hazel nut") for path in MVTEC]
    plan = plan_of(paths)
    assert plan.names == {"bottle": "bottle", "hazel nut": "hazel-nut"}
    for product in plan.products:
        own = tuple(image for image in plan.images if image.product == product)
        assert facts(own, f"{product}/") == EXPECTED


def test_a_named_product_overrides_chooses_or_is_refused() -> None:
    assert codes(plan_of(MVTEC, product="flask")) == ["flask"]
    paths = MVTEC + [path.replace("bottle", "nut") for path in MVTEC]
    chosen = plan_of(paths, product="nut")
    assert codes(chosen) == ["nut"]
    assert {reason for _, reason in unknown(chosen)} == {"import_other_product", "mask_of_left_out"}
    with pytest.raises(BadInput) as refusal:
        plan_of(paths, product="flask")
    assert refusal.value.code == "import_several_products"
    assert refusal.value.params["products"] == "bottle, nut"


def test_defects_under_train_stay_in_train_and_masks_find_them() -> None:
    plan = plan_of(["p/train/hole/1.png", "p/ground_truth/hole/1_mask.png", "p/train/good/1.png"])
    assert facts(only(plan), "p/") == {
        ("train/good/1.png", "normal", None, "train", None),
        ("train/hole/1.png", "defect", "hole", "train", "ground_truth/hole/1_mask.png"),
    }


def test_a_mask_named_like_its_image_is_found_too() -> None:
    plan = plan_of(["p/test/hole/1.bmp", "p/ground_truth/hole/1.png"])
    assert only(plan)[0].masks == ("p/ground_truth/hole/1.png",)


@pytest.mark.parametrize("root", ["", "wrap/"])
def test_the_second_layout_reads_the_defect_from_the_file_name(root: str) -> None:
    paths = [
        f"{root}CAST-A/normal/CAST-A_normal_001.jpg",
        f"{root}CAST-A/defect/CAST-A_hole_001.jpg",
        f"{root}CAST-A/defect/CAST-A_hole_001_mask.png",
        f"{root}CAST-A/defect/cast-a_deep_scratch_012.JPG",
        f"{root}CAST-A/defect/other.jpg",
    ]
    plan = plan_of(paths)
    assert codes(plan)[0] == "CAST-A"
    assert facts(only(plan), f"{root}CAST-A/") == {
        ("normal/CAST-A_normal_001.jpg", "normal", None, "train", None),
        ("defect/CAST-A_hole_001.jpg", "defect", "hole", "train", "defect/CAST-A_hole_001_mask.png"),
        ("defect/cast-a_deep_scratch_012.JPG", "defect", "deep_scratch", "train", None),
        ("defect/other.jpg", "defect", "defect", "train", None),
    }


def test_the_second_layout_from_inside_its_product() -> None:
    plan = plan_of(["normal/CAST_normal_001.jpg", "defect/CAST_hole_001.jpg"], root_name="CAST")
    assert codes(plan)[0] == "CAST"
    assert {image.defect_code for image in only(plan)} == {"", "hole"}


@pytest.mark.parametrize(
    ("normal", "defect"), [("normal", "defect"), ("good", "NG"), ("OK", "ng"), ("정상", "불량"), ("Good", "Defect")]
)
def test_the_third_layout_needs_the_product_s_name(normal: str, defect: str) -> None:
    paths = [f"{normal}/1.png", f"{defect}/hole/1.png", f"{defect}/hole/1_mask.png", f"{defect}/긁힘/2.png"]
    plan = plan_of(paths, root_name="folder", product="P1")
    assert codes(plan)[0] == "P1"
    scratch = make_import_code("긁힘")
    assert facts(only(plan)) == {
        (paths[0], "normal", None, "train", None),
        (paths[1], "defect", "hole", "train", paths[2]),
        (paths[3], "defect", scratch, "train", None),
    }
    assert {image.defect_name for image in only(plan)} == {"", "hole", "긁힘"}
    nameless = plan_of(paths, root_name="folder")
    assert nameless.images == ()
    assert {reason for _, reason in unknown(nameless)} == {"import_product_missing", "mask_of_left_out"}


def test_names_in_either_unicode_form_are_one() -> None:
    decomposed = unicodedata.normalize("NFD", "정상/1.png")
    plan = plan_of([decomposed, "불량/구멍/1.png"], product="P1")
    assert {image.kind for image in only(plan)} == {"normal", "defect"}
    assert decomposed in {image.path for image in only(plan)}, "the path is returned as it was"


def test_one_image_is_enough() -> None:
    assert len(only(plan_of(["p/train/good/1.png"]))) == 1


def test_what_has_no_place_is_named_with_its_reason_and_litter_is_not() -> None:
    plan = plan_of(
        [
            "p/train/good/1.png",
            "p/readme.txt",
            "p/2.png",
            "p/train/good/.DS_Store",
            "p/.hidden/3.png",
            "__MACOSX/p/train/good/._1.png",
            "p/train/good/Thumbs.db",
            "p/ground_truth/hole/9_mask.png",
            "p/train/good/1_mask.png",
        ]
    )
    assert dict(unknown(plan)) == {
        "p/readme.txt": "import_not_an_image",
        "p/2.png": "import_no_label",
        "p/ground_truth/hole/9_mask.png": "mask_without_image",
        "p/train/good/1_mask.png": "mask_of_normal_image",
    }


def test_an_empty_tree_gives_an_empty_plan() -> None:
    assert plan_of([]) == ImportPlan(Listing(()))


@pytest.mark.parametrize(
    ("name", "code"),
    [("bottle", "bottle"), ("hazel nut", "hazel-nut"), ("CAST_A-1", "CAST_A-1"), ("Größe", "Große"), ("  ", None)],
)
def test_codes_hold_only_what_a_code_may_hold(name: str, code: str | None) -> None:
    made = make_import_code(name)
    assert check_code(made) == made
    if code is not None and code.isascii():
        assert made == code


def test_korean_names_get_codes_of_their_own() -> None:
    codes = {make_import_code(name) for name in ("주조A형", "주조B형", "기공", "버", "긁힘")}
    assert len(codes) == 5
    assert make_import_code(unicodedata.normalize("NFD", "기공")) == make_import_code("기공")
    for code in codes:
        check_code(code)


def test_every_path_of_random_trees_is_planned_once_or_named() -> None:
    rng = random.Random(4)
    words = [
        "train",
        "test",
        "good",
        "NG",
        "normal",
        "defect",
        "ground_truth",
        "p",
        "hole",
        "a b",
        "정상",
        "..",
        "x.png",
    ]
    files = ["1.png", "1_mask.png", "p_hole_003.jpg", "note.txt", "noending", "_mask.png", ".png"]
    for _ in range(400):
        paths = {
            "/".join([*rng.choices(words, k=rng.randrange(0, 5)), rng.choice(files)]) for _ in range(rng.randrange(12))
        }
        plan = plan_of(sorted(paths), root_name="root")
        images = [image.path for image in plan.images]
        masks = {mask for image in plan.images for mask in image.masks}
        left_out = [path for path, _ in unknown(plan)]
        assert len(images) == len(set(images))
        assert set(images) | masks | set(left_out) >= {path for path in paths if not path.endswith("/.png")} - {".png"}
        assert not set(images) & set(left_out)
        assert ImportPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
        for code in plan.names.values():
            check_code(code)
        assert all((image.kind == "defect") == bool(image.defect_code) for image in plan.images)


@pytest.mark.parametrize("around", ["", "studio/train/"])
def test_a_class_called_by_a_code_is_neither_a_camera_nor_a_piece_among_other_codes(around: str) -> None:
    codes = ["a1", "b100", "c11", "k5", "s8", "v40", "gl500"]
    files = [f"{around}{code}/{code}-00_{side}.png" for code in codes for side in ("front", "back")]
    plan = plan_of(files, product="pills", as_role="normal:{folder}")
    assert not plan.questions
    assert {image.path.split("/")[-2]: image.good_kind for image in plan.images} == {code: code for code in codes}


def test_counted_cameras_and_pieces_beside_their_like_stay_views_and_pieces() -> None:
    plan = plan_of([f"bolt/{view}/good/{number}.png" for view in ("C1", "C2", "C3") for number in range(2)])
    assert {image.view for image in plan.images} == {"C1", "C2", "C3"}
    plan = plan_of([f"bolt/OK/S000{number}/{place}.png" for number in range(3) for place in range(2)])
    assert {image.part for image in plan.images} == {f"OK/S000{number}" for number in range(3)}
