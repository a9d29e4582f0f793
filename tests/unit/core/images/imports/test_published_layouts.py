"""The layouts of published sets, drawn tiny: every count, split, type, mask, part and view as their authors mean it."""

from __future__ import annotations

import json

import pytest

from tests.import_sources import BLANK, MARKED, PHOTO, counts, masks, numbered, plan_of, reasons


def test_mvtec_ad_2_has_a_validation_split_and_images_without_labels() -> None:
    files = {
        **dict.fromkeys(numbered("can/can/train/good/###.png", 3), PHOTO),
        **dict.fromkeys(numbered("can/can/validation/good/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("can/can/test_public/good/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("can/can/test_public/bad/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("can/can/test_public/ground_truth/bad/###_mask.png", 2), MARKED),
        **dict.fromkeys(numbered("can/can/test_private/###.png", 2), PHOTO),
    }
    plan = plan_of(files)
    assert counts(plan) == {
        ("can", "train", "normal"): 3,
        ("can", "val", "normal"): 2,
        ("can", "test", "normal"): 2,
        ("can", "test", "defect"): 2,
    }
    assert len(masks(plan)) == 2
    assert set(reasons(plan)) == set(numbered("can/can/test_private/###.png", 2))
    assert [(question.code, question.path, question.n_images) for question in plan.questions] == [
        ("import_no_label", "can/can/test_private", 2)
    ]


def test_mvtec_loco_has_a_folder_of_masks_for_each_image() -> None:
    files = {
        **dict.fromkeys(numbered("bag/train/good/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("bag/validation/good/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("bag/test/good/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("bag/test/logical_anomalies/###.png", 3), PHOTO),
        "bag/ground_truth/logical_anomalies/000/000.png": MARKED,
        "bag/ground_truth/logical_anomalies/001/000.png": MARKED,
        **dict.fromkeys(numbered("bag/ground_truth/logical_anomalies/002/###.png", 2), MARKED),
    }
    plan = plan_of(files)
    assert counts(plan) == {
        ("bag", "train", "normal"): 2,
        ("bag", "val", "normal"): 2,
        ("bag", "test", "normal"): 2,
        ("bag", "test", "logical_anomalies"): 3,
    }
    assert masks(plan) == {
        "bag/test/logical_anomalies/000.png": ("bag/ground_truth/logical_anomalies/000/000.png",),
        "bag/test/logical_anomalies/001.png": ("bag/ground_truth/logical_anomalies/001/000.png",),
        "bag/test/logical_anomalies/002.png": (
            "bag/ground_truth/logical_anomalies/002/000.png",
            "bag/ground_truth/logical_anomalies/002/001.png",
        ),
    }
    assert not plan.loses_images


def test_mvtec_3d_leaves_the_points_out_and_takes_the_pictures() -> None:
    files: dict[str, str | bytes] = {
        **dict.fromkeys(numbered("bagel/train/good/rgb/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("bagel/train/good/xyz/###.tiff", 2), PHOTO),
        **dict.fromkeys(numbered("bagel/validation/good/rgb/###.png", 1), PHOTO),
        **dict.fromkeys(numbered("bagel/test/good/rgb/###.png", 1), PHOTO),
        **dict.fromkeys(numbered("bagel/test/good/gt/###.png", 1), BLANK),
        **dict.fromkeys(numbered("bagel/test/crack/rgb/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("bagel/test/crack/xyz/###.tiff", 2), PHOTO),
        **dict.fromkeys(numbered("bagel/test/crack/gt/###.png", 2), MARKED),
        "bagel/calibration/1.png": PHOTO,
        "bagel/calibration/camera_parameters.json": b"{}",
    }
    plan = plan_of(files)
    assert counts(plan) == {
        ("bagel", "train", "normal"): 2,
        ("bagel", "val", "normal"): 1,
        ("bagel", "test", "normal"): 1,
        ("bagel", "test", "crack"): 2,
    }
    assert len(masks(plan)) == 2
    assert not plan.loses_images
    assert {found.reason for found in plan.left_out} == {
        "import_helper_folder",
        "import_not_an_image",
        "mask_of_normal_blank",
    }
    assert {image.view for image in plan.images} == {""}


def _visa() -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for product in ("candle", "board"):
        files |= dict.fromkeys(numbered(f"visa/{product}/Data/Images/Normal/####.JPG", 3), PHOTO)
        files |= dict.fromkeys(numbered(f"visa/{product}/Data/Images/Anomaly/###.JPG", 3), PHOTO)
        files |= dict.fromkeys(numbered(f"visa/{product}/Data/Masks/Anomaly/###.png", 3), MARKED)
    return files


def test_visa_as_published() -> None:
    files = _visa()
    files["visa/candle/image_anno.csv"] = b"image,label,mask\n"
    plan = plan_of(files)
    assert counts(plan) == {
        (product, "train", label): 3 for product in ("candle", "board") for label in ("normal", "defect")
    }
    assert len(masks(plan)) == 6
    assert not plan.loses_images


def test_visa_with_its_list_of_splits() -> None:
    rows = ["object,split,label,image,mask"]
    for product in ("candle", "board"):
        for number in range(3):
            split = "test" if number == 2 else "train"
            rows.append(f"{product},{split},normal,{product}/Data/Images/Normal/{number:04d}.JPG,")
            mask = f"{product}/Data/Masks/Anomaly/{number:03d}.png"
            rows.append(f"{product},test,anomaly,{product}/Data/Images/Anomaly/{number:03d}.JPG,{mask}")
    other = [row.replace(",test,normal", ",train,normal") for row in rows]
    files = {
        **_visa(),
        "visa/split_csv/1cls.csv": "\n".join(rows).encode(),
        "visa/split_csv/2cls_fewshot.csv": "\n".join(other).encode(),
    }
    plan = plan_of(files)
    expected = {}
    for product in ("candle", "board"):
        expected[product, "train", "normal"] = 2
        expected[product, "test", "normal"] = 1
        expected[product, "test", "defect"] = 3
    assert counts(plan) == expected
    assert len(masks(plan)) == 6
    assert not plan.loses_images


def test_btad_says_ok_and_ko() -> None:
    files = {
        **dict.fromkeys(numbered("BTech/01/train/ok/####.bmp", 3), PHOTO),
        **dict.fromkeys(numbered("BTech/01/test/ok/####.bmp", 2), PHOTO),
        **dict.fromkeys(numbered("BTech/01/test/ko/####.bmp", 2), PHOTO),
        **dict.fromkeys(numbered("BTech/01/ground_truth/ko/####.png", 2), MARKED),
    }
    plan = plan_of(files)
    assert counts(plan) == {("01", "train", "normal"): 3, ("01", "test", "normal"): 2, ("01", "test", "defect"): 2}
    assert len(masks(plan)) == 2
    assert not plan.loses_images


def test_mpdd_has_types_of_its_own() -> None:
    files = {
        **dict.fromkeys(numbered("MPDD/metal_plate/train/good/###.png", 2), PHOTO),
        **dict.fromkeys(numbered("MPDD/metal_plate/test/good/###.png", 1), PHOTO),
        **dict.fromkeys(numbered("MPDD/metal_plate/test/major_rust/###.png", 1), PHOTO),
        **dict.fromkeys(numbered("MPDD/metal_plate/test/total_rust/###.png", 1), PHOTO),
        **dict.fromkeys(numbered("MPDD/metal_plate/ground_truth/major_rust/###_mask.png", 1), MARKED),
        **dict.fromkeys(numbered("MPDD/metal_plate/ground_truth/total_rust/###_mask.png", 1), MARKED),
    }
    plan = plan_of(files)
    assert counts(plan) == {
        ("metal_plate", "train", "normal"): 2,
        ("metal_plate", "test", "normal"): 1,
        ("metal_plate", "test", "major_rust"): 1,
        ("metal_plate", "test", "total_rust"): 1,
    }
    assert len(masks(plan)) == 2


def test_kolektor_sdd_has_a_part_for_each_folder_and_labels_by_masks() -> None:
    files: dict[str, str | bytes] = {}
    for part in range(1, 4):
        for place in range(4):
            files[f"kos{part:02d}/Part{place}.jpg"] = PHOTO
            files[f"kos{part:02d}/Part{place}_label.bmp"] = MARKED if place == part else BLANK
    plan = plan_of(files, "KolektorSDD")
    assert counts(plan) == {("KolektorSDD", "train", "normal"): 9, ("KolektorSDD", "train", "defect"): 3}
    assert {image.path: image.part for image in plan.images}["kos02/Part0.jpg"] == "kos02"
    assert len({image.part for image in plan.images}) == 3
    assert masks(plan)["kos01/Part1.jpg"] == ("kos01/Part1_label.bmp",)
    assert not plan.loses_images


def test_kolektor_sdd_2_has_a_mask_for_every_image() -> None:
    files: dict[str, str | bytes] = {}
    for split, start in (("train", 10000), ("test", 20000)):
        for number in range(start, start + 4):
            files[f"{split}/{number}.png"] = PHOTO
            files[f"{split}/{number}_GT.png"] = MARKED if number % 4 == 0 else BLANK
    plan = plan_of(files, "KolektorSDD2")
    assert counts(plan) == {
        (product, split, label): count
        for product in ("KolektorSDD2",)
        for split in ("train", "test")
        for label, count in (("normal", 3), ("defect", 1))
    }
    assert not plan.loses_images


def test_dagm_has_masks_of_the_defects_alone() -> None:
    files: dict[str, str | bytes] = {}
    for name in ("Class1", "Class2"):
        for split in ("Train", "Test"):
            files |= dict.fromkeys(numbered(f"{name}/{split}/####.PNG", 5, 572), PHOTO)
            files[f"{name}/{split}/Label/0573_label.PNG"] = MARKED
            files[f"{name}/{split}/Label/0576_label.PNG"] = MARKED
            files[f"{name}/{split}/Label/Labels.txt"] = b"1\t0\t0572.PNG\t0\t0\n"
    plan = plan_of(files)
    assert counts(plan) == {
        (name, split, label): count
        for name in ("Class1", "Class2")
        for split in ("train", "test")
        for label, count in (("normal", 3), ("defect", 2))
    }
    assert len(masks(plan)) == 8
    assert not plan.loses_images


def test_real_iad_has_five_views_of_each_part() -> None:
    files: dict[str, str | bytes] = {}
    for part in range(1, 3):
        for view in range(1, 6):
            name = f"audiojack_{part:04d}_OK_C{view}_20231021124813"
            files[f"audiojack/OK/S{part:04d}/{name}.jpg"] = PHOTO
    for view in range(1, 6):
        name = f"audiojack_0025_NG_BX_C{view}_20231023164620"
        files[f"audiojack/NG/BX/S0025/{name}.jpg"] = PHOTO
        files[f"audiojack/NG/BX/S0025/{name}.png"] = MARKED
    plan = plan_of(files)
    assert counts(plan) == {("audiojack", "train", "normal"): 10, ("audiojack", "train", "BX"): 5}
    assert {image.view for image in plan.images} == {"C1", "C2", "C3", "C4", "C5"}
    assert {image.part for image in plan.images} == {"OK/S0001", "OK/S0002", "BX/S0025"}
    assert len(masks(plan)) == 5
    assert not plan.loses_images


def test_real_iad_with_its_list() -> None:
    files: dict[str, str | bytes] = {
        "audiojack/OK/S0001/a_C1.jpg": PHOTO,
        "audiojack/NG/BX/S0025/b_C1.jpg": PHOTO,
        "audiojack/NG/BX/S0025/b_C1.png": MARKED,
    }
    told = {
        "meta": {"normal_class": "OK"},
        "train": [{"category": "audiojack", "anomaly_class": "OK", "image_path": "OK/S0001/a_C1.jpg"}],
        "test": [
            {
                "category": "audiojack",
                "anomaly_class": "BX",
                "image_path": "NG/BX/S0025/b_C1.jpg",
                "mask_path": "NG/BX/S0025/b_C1.png",
            }
        ],
    }
    plan = plan_of({**files, "realiad_jsons/audiojack.json": json.dumps(told).encode()})
    assert counts(plan) == {("audiojack", "train", "normal"): 1, ("audiojack", "test", "BX"): 1}
    assert len(masks(plan)) == 1


@pytest.mark.parametrize("folders", ["NEU-DET/{split}/images/{kind}", "NEU/{split}/{kind}", "NEU-CLS/{kind}"])
def test_neu_has_kinds_of_defects_alone(folders: str) -> None:
    kinds = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")
    files = []
    for split in ("train", "validation"):
        for kind in kinds:
            files += numbered(f"{folders.format(split=split, kind=kind)}/{kind}_{split}_#.jpg", 2)
    plan = plan_of(dict.fromkeys(files, PHOTO))
    (product,) = plan.products
    assert product == folders.split("/")[0]
    has_split = "split" in folders
    assert {key[2]: count for key, count in counts(plan).items() if key[1] == "train"} == dict.fromkeys(
        kinds, 2 if has_split else 4
    )
    assert plan.questions == ()


def test_the_templates_of_deep_pcb_are_good_and_its_boards_are_parts() -> None:
    files: dict[str, str | bytes] = {}
    for crop in range(3):
        files[f"PCBData/group00041/00041/00041{crop:03d}_test.jpg"] = PHOTO
        files[f"PCBData/group00041/00041/00041{crop:03d}_temp.jpg"] = PHOTO
        files[f"PCBData/group00041/00041_not/00041{crop:03d}.txt"] = b"10 10 20 20 1\n"
    plan = plan_of(files, "DeepPCB")
    good = [image for image in plan.images if image.kind == "normal"]
    assert len(good) == 3
    assert all(image.path.endswith("_temp.jpg") for image in good)
    assert {image.part for image in good} == {"00041"}


def test_casting_as_published_has_its_words_in_longer_names() -> None:
    files = [
        *numbered("casting_512x512/casting_512x512/ok_front/cast_ok_0_##.jpeg", 3),
        *numbered("casting_512x512/casting_512x512/def_front/cast_def_0_##.jpeg", 4),
    ]
    plan = plan_of(files)
    assert counts(plan) == {("casting_512x512", "train", "normal"): 3, ("casting_512x512", "train", "def_front"): 4}
    split = [
        *numbered("casting_data/casting_data/train/ok_front/cast_ok_0_##.jpeg", 3),
        *numbered("casting_data/casting_data/train/def_front/cast_def_0_##.jpeg", 2),
        *numbered("casting_data/casting_data/test/ok_front/cast_ok_0_##.jpeg", 1, 50),
        *numbered("casting_data/casting_data/test/def_front/cast_def_0_##.jpeg", 1, 50),
    ]
    assert counts(plan_of(split)) == {
        ("casting_data", "train", "normal"): 3,
        ("casting_data", "train", "def_front"): 2,
        ("casting_data", "test", "normal"): 1,
        ("casting_data", "test", "def_front"): 1,
    }


def test_flat_names_say_product_and_type() -> None:
    files = [
        *numbered("prod1_hole_###.jpg", 2),
        *numbered("prod1_ok_###.jpg", 3),
        *numbered("prod1_deep_scratch_###.jpg", 1),
    ]
    plan = plan_of(files)
    assert counts(plan) == {
        ("prod1", "train", "normal"): 3,
        ("prod1", "train", "hole"): 2,
        ("prod1", "train", "deep_scratch"): 1,
    }
    in_folder = plan_of([*numbered("def_split/prod1_hole_###.jpg", 2), *numbered("def_split/prod1_burr_###.jpg", 1)])
    assert counts(in_folder) == {("prod1", "train", "hole"): 2, ("prod1", "train", "burr"): 1}
    assert not in_folder.loses_images


def test_a_type_in_flat_names_that_nobody_knows_is_asked() -> None:
    plan = plan_of([*numbered("prod1_hole_###.jpg", 2), *numbered("prod1_zilp_###.jpg", 2)])
    assert counts(plan) == {("prod1", "train", "hole"): 2}
    assert [(question.path, question.choices[1]) for question in plan.questions] == [("prod1_zilp_*", "defect:zilp")]
    answered = plan_of(
        [*numbered("prod1_hole_###.jpg", 2), *numbered("prod1_zilp_###.jpg", 2)],
        decisions={"prod1_zilp_*": "defect:zilp"},
    )
    assert counts(answered) == {("prod1", "train", "hole"): 2, ("prod1", "train", "zilp"): 2}


def test_classes_of_an_image_folder_are_asked_where_nobody_knows_them() -> None:
    files = [
        f"set/{split}/{name}/{number}.png"
        for split in ("train", "test")
        for name in ("cell", "module")
        for number in range(2)
    ]
    plan = plan_of(files)
    assert plan.images == ()
    assert {question.path for question in plan.questions} == {
        f"set/{s}/{n}" for s in ("train", "test") for n in ("cell", "module")
    }
