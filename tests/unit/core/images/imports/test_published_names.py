"""Published sets with the very names of their folders and files: some are words that mean something else, too."""

from __future__ import annotations

import pytest

from tests.import_sources import MARKED, PHOTO, counts, masks, numbered, plan_of, reasons

MVTEC_AD = {
    "bottle": "broken_large broken_small contamination",
    "cable": "bent_wire cable_swap combined cut_inner_insulation cut_outer_insulation missing_cable missing_wire "
    "poke_insulation",
    "capsule": "crack faulty_imprint poke scratch squeeze",
    "carpet": "color cut hole metal_contamination thread",
    "grid": "bent broken glue metal_contamination thread",
    "hazelnut": "crack cut hole print",
    "leather": "color cut fold glue poke",
    "metal_nut": "bent color flip scratch",
    "pill": "color combined contamination crack faulty_imprint pill_type scratch",
    "screw": "manipulated_front scratch_head scratch_neck thread_side thread_top",
    "tile": "crack glue_strip gray_stroke oil rough",
    "toothbrush": "defective",
    "transistor": "bent_lead cut_lead damaged_case misplaced",
    "wood": "color combined hole liquid scratch",
    "zipper": "broken_teeth combined fabric_border fabric_interior rough split_teeth squeezed_teeth",
}
MPDD = {
    "bracket_black": "hole scratches",
    "bracket_brown": "bend_and_parts_mismatch parts_mismatch",
    "bracket_white": "defective_painting scratches",
    "connector": "parts_mismatch",
    "metal_plate": "major_rust scratches total_rust",
    "tubes": "anomalous",
}
# What says only that there is a defect is called so.
PLAIN = {"defective": "defect", "anomalous": "defect"}


@pytest.mark.parametrize(("top", "products"), [("mvtec_anomaly_detection", MVTEC_AD), ("MPDD", MPDD)])
def test_every_type_and_mask_of_a_set_is_kept(top: str, products: dict[str, str]) -> None:
    files: dict[str, str | bytes] = {}
    expected: dict[tuple[str, str, str], int] = {}
    for product, types in products.items():
        files |= dict.fromkeys(numbered(f"{top}/{product}/train/good/###.png", 3), PHOTO)
        files |= dict.fromkeys(numbered(f"{top}/{product}/test/good/###.png", 2), PHOTO)
        files[f"{top}/{product}/license.txt"] = b"CC BY-NC-SA 4.0"
        expected |= {(product, "train", "normal"): 3, (product, "test", "normal"): 2}
        for kind in types.split():
            files |= dict.fromkeys(numbered(f"{top}/{product}/test/{kind}/###.png", 2), PHOTO)
            files |= dict.fromkeys(numbered(f"{top}/{product}/ground_truth/{kind}/###_mask.png", 2), MARKED)
            expected[product, "test", PLAIN.get(kind, kind)] = 2
    plan = plan_of(files)
    assert counts(plan) == expected
    assert not plan.loses_images
    found = masks(plan)
    assert found == {
        path: (path.replace("/test/", "/ground_truth/").replace(".png", "_mask.png"),)
        for path in files
        if "/test/" in path and "/good/" not in path
    }


def test_color_is_a_type_beside_good_parts_and_a_picture_beside_depth() -> None:
    files: dict[str, str | bytes] = {}
    for kind in ("good", "color", "cut"):
        files |= dict.fromkeys(numbered(f"foam/test/{kind}/rgb/###.png", 2), PHOTO)
        files |= dict.fromkeys(numbered(f"foam/test/{kind}/xyz/###.tiff", 2), PHOTO)
    for kind in ("color", "cut"):
        files |= dict.fromkeys(numbered(f"foam/test/{kind}/gt/###.png", 2), MARKED)
    plan = plan_of(files)
    assert counts(plan) == {("foam", "test", kind): 2 for kind in ("normal", "color", "cut")}
    assert len(masks(plan)) == 4
    beside_depth = plan_of([*numbered("foam/good/color/###.png", 2), *numbered("foam/good/depth/###.png", 2)])
    assert counts(beside_depth) == {("foam", "train", "normal"): 2}


def test_mvtec_ad_2_with_its_exposures_and_its_unlabeled_images() -> None:
    exposures = ("regular", "overexposed", "underexposed", "shift_1", "shift_2", "shift_3")
    top = "mvtec_ad_2/sheet_metal"
    files: dict[str, str | bytes] = {
        **dict.fromkeys(numbered(f"{top}/train/good/###_regular.png", 3), PHOTO),
        **dict.fromkeys(numbered(f"{top}/validation/good/###_regular.png", 2), PHOTO),
    }
    for one in exposures:
        files |= dict.fromkeys(numbered(f"{top}/test_public/good/###_{one}.png", 2), PHOTO)
        files |= dict.fromkeys(numbered(f"{top}/test_public/bad/###_{one}.png", 2), PHOTO)
        files |= dict.fromkeys(numbered(f"{top}/test_public/ground_truth/bad/###_{one}_mask.png", 2), MARKED)
    files |= dict.fromkeys(numbered(f"{top}/test_private/###_regular.png", 2), PHOTO)
    files |= dict.fromkeys(numbered(f"{top}/test_private_mixed/###_mixed.png", 2), PHOTO)
    plan = plan_of(files)
    assert counts(plan) == {
        ("sheet_metal", "train", "normal"): 3,
        ("sheet_metal", "val", "normal"): 2,
        ("sheet_metal", "test", "normal"): 12,
        ("sheet_metal", "test", "defect"): 12,
    }
    assert len(masks(plan)) == 12
    # What stands before a split is the product: no type is suggested that is called like it.
    assert {(question.path, question.choices) for question in plan.questions} == {
        (f"{top}/test_private", ("normal", "defect", "skip")),
        (f"{top}/test_private_mixed", ("normal", "defect", "skip")),
    }


def _visa_with_its_own_list() -> dict[str, str | bytes]:
    top = "VisA_20220922/candle"
    files: dict[str, str | bytes] = {}
    rows = ["image,label,mask"]
    labels = ("chunk of wax missing", '"chunk of wax missing,wax melded out of the candle"', "different colour spot")
    for number, label in enumerate(labels):
        good, bad = f"Data/Images/Normal/{number:04d}.JPG", f"Data/Images/Anomaly/{number:03d}.JPG"
        mask = f"Data/Masks/Anomaly/{number:03d}.png"
        files |= {f"{top}/{good}": PHOTO, f"{top}/{bad}": PHOTO, f"{top}/{mask}": MARKED}
        rows += [f"candle/{good},normal,", f"candle/{bad},{label},candle/{mask}"]
    return files | {f"{top}/image_anno.csv": "\n".join(rows).encode()}


def test_visa_takes_the_types_of_its_own_list_and_the_splits_of_the_published_one() -> None:
    files = _visa_with_its_own_list()
    types = ("chunk of wax missing", "chunk of wax missing,wax melded out of the candle", "different colour spot")
    plan = plan_of(files)
    assert counts(plan) == {("candle", "train", "normal"): 3} | {("candle", "train", kind): 1 for kind in types}
    rows = ["object,split,label,image,mask"]
    for number in range(3):
        rows.append(f"candle,train,normal,candle/Data/Images/Normal/{number:04d}.JPG,")
        mask = f"candle/Data/Masks/Anomaly/{number:03d}.png"
        rows.append(f"candle,test,anomaly,candle/Data/Images/Anomaly/{number:03d}.JPG,{mask}")
    plan = plan_of(files | {"VisA_20220922/split_csv/1cls.csv": "\n".join(rows).encode()})
    assert counts(plan) == {("candle", "train", "normal"): 3} | {("candle", "test", kind): 1 for kind in types}
    assert len(masks(plan)) == 3
    assert not plan.loses_images


def test_btad_has_other_endings_for_each_product() -> None:
    files: dict[str, str | bytes] = {}
    for product, ending, mask in (("01", "bmp", "png"), ("02", "png", "png"), ("03", "bmp", "bmp")):
        top = f"BTech_Dataset_transformed/{product}"
        files |= dict.fromkeys(numbered(f"{top}/train/ok/####.{ending}", 2), PHOTO)
        files |= dict.fromkeys(numbered(f"{top}/test/ok/####.{ending}", 1), PHOTO)
        files |= dict.fromkeys(numbered(f"{top}/test/ko/####.{ending}", 2), PHOTO)
        files |= dict.fromkeys(numbered(f"{top}/ground_truth/ko/####.{mask}", 2), MARKED)
    plan = plan_of(files)
    assert counts(plan) == {
        (product, split, label): count
        for product in ("01", "02", "03")
        for split, label, count in (("train", "normal", 2), ("test", "normal", 1), ("test", "defect", 2))
    }
    assert len(masks(plan)) == 6


def test_dagm_as_first_published_asks_whether_the_folder_beside_the_defects_is_good() -> None:
    files = [
        path
        for name in ("Class1", "Class2")
        for path in (*numbered(f"DAGM/{name}/#.png", 3, 1), *numbered(f"DAGM/{name}_def/#.png", 2, 1))
    ]
    plan = plan_of(files)
    assert counts(plan) == {(name, "train", "defect"): 2 for name in ("Class1", "Class2")}
    assert [(one.path, one.choices[0]) for one in plan.questions] == [
        ("DAGM/Class1", "normal"),
        ("DAGM/Class2", "normal"),
    ]
    answered = plan_of(files, decisions={"DAGM/Class1": "normal", "DAGM/Class2": "normal"})
    assert counts(answered) == {
        (name, "train", label): count
        for name in ("Class1", "Class2")
        for label, count in (("normal", 3), ("defect", 2))
    }


def test_neu_as_first_published_has_its_kinds_in_the_names_of_the_files() -> None:
    kinds = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")
    plan = plan_of([path for kind in kinds for path in numbered(f"IMAGES/{kind}_#.jpg", 2, 1)], product="NEU-DET")
    assert counts(plan) == {("NEU-DET", "train", kind): 2 for kind in kinds}
    assert not plan.loses_images


def test_labels_alone_in_the_names_of_files_make_no_products() -> None:
    files = [path for kind in ("deep_scratch", "edge_crack", "ok") for path in numbered(f"img/{kind}_##.jpg", 2)]
    plan = plan_of(files, product="plate")
    assert counts(plan) == {("plate", "train", kind): 2 for kind in ("deep_scratch", "edge_crack", "normal")}


def test_a_missing_product_is_not_asked_by_the_names_of_classes_and_parts() -> None:
    files = {f"kolektor/kos{part:02d}/Part{place}.jpg": PHOTO for part in (1, 2) for place in range(2)}
    files |= {f"kolektor/kos{part:02d}/Part{place}_label.bmp": MARKED for part in (1, 2) for place in range(2)}
    (question,) = plan_of(files).questions
    assert (question.code, question.choices) == ("import_product_missing", ("product:kolektor",))
    classes = plan_of([f"set/{split}/{kind}/1.png" for split in ("train", "test") for kind in ("ok", "type_a")])
    assert [question.choices for question in classes.questions] == [()]
    assert set(reasons(classes).values()) == {"import_product_missing"}
