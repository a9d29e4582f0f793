"""Names are read as whole words, in English and Korean."""

from __future__ import annotations

import unicodedata

import pytest

from core.images.imports.words import (
    DATA,
    DEFECT,
    GOOD,
    HELPER,
    KIND,
    MASK,
    NAME,
    NUMBER,
    SPLIT,
    UNSURE,
    VIEW,
    is_generic,
    read_words,
)


def _names(text: str) -> list[str]:
    return text.split()


GOOD_NAMES = _names(
    "good Good GOOD ok OK Ok normal PASS passed ok_front front-OK 0.Good 01_normal okFront OK1 defect-free no_defect "
    "non-defective O.K. 정상 양품 합격 정상품 정상이미지 정상_이미지 양품사진 무결함"
)
DEFECT_NAMES = _names(
    "defect Defects defective def def_front NG ng 1.NG N.G. bad anomaly abnormal not_ok no_good fail 불량 불량품 "
    "불량이미지 결함 불합격 비정상 불량_이미지 NG이미지"
)


@pytest.mark.parametrize("name", [*GOOD_NAMES, "정상 이미지", "ok - front"])
def test_names_that_say_good(name: str) -> None:
    assert read_words(name).says == GOOD
    assert read_words(unicodedata.normalize("NFD", name)).says == GOOD


@pytest.mark.parametrize("name", [*DEFECT_NAMES, "불량 이미지"])
def test_names_that_say_defect(name: str) -> None:
    assert read_words(name).says == DEFECT


@pytest.mark.parametrize("name", ["book", "smoked", "bookmark", "token", "joker", "goodyear", "okra", "ngx", "bangle"])
def test_a_word_inside_another_says_nothing(name: str) -> None:
    assert read_words(name).says == NAME


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("good_and_bad", UNSURE),
        ("OK_NG", UNSURE),
        ("ok_scratch", UNSURE),
        ("unlabeled", UNSURE),
        ("기타", UNSURE),
        ("ground_truth", MASK),
        ("GT", MASK),
        ("Label", MASK),
        ("SegmentationClass", MASK),
        ("crack_mask", MASK),
        ("마스크", MASK),
        ("정답", MASK),
        ("images", HELPER),
        ("Data", HELPER),
        ("JPEGImages", HELPER),
        ("rgb", HELPER),
        ("이미지", HELPER),
        ("xyz", DATA),
        ("calibration", DATA),
        ("normal_map", DATA),
        ("camera_parameters", DATA),
        ("top", VIEW),
        ("cam1", VIEW),
        ("정면", VIEW),
        ("scratch", KIND),
        ("broken_large", KIND),
        ("rolled-in_scale", KIND),
        ("긁힘", KIND),
        ("도장불량", KIND),
        ("hole_plate", NAME),
        ("label_printer", NAME),
        ("0001", NUMBER),
        ("2024-01-05", NUMBER),
    ],
)
def test_other_names(name: str, says: str) -> None:
    assert read_words(name).says == says


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training set", "train"),
        ("1_train", "train"),
        ("val", "val"),
        ("valid", "val"),
        ("validation", "val"),
        ("검증", "val"),
        ("test", "test"),
        ("test_public", "test"),
        ("테스트", "test"),
        ("시험용", "test"),
        ("학습", "train"),
        ("train_good", "train"),
    ],
)
def test_splits(name: str, split: str) -> None:
    assert read_words(name).split == split


def test_a_product_that_is_named_like_a_split_is_none() -> None:
    assert read_words("test_bench").says == NAME
    assert read_words("train").says == SPLIT


@pytest.mark.parametrize(
    ("name", "generic"),
    [
        ("dataset", True),
        ("images (2)", True),
        ("새 폴더", True),
        ("download", True),
        ("test", True),
        ("bottle", False),
        ("캡", False),
    ],
)
def test_names_that_name_no_product(name: str, generic: bool) -> None:
    assert is_generic(name) is generic
