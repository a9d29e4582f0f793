"""What the names of folders say, read as whole words in English and Korean: good, defect, split, mask, view, helper.

`ok_front`, `0.Good`, `정상 이미지` and `front-OK` say good; `book` and `smoked` do not. A name that says two things
that exclude each other says nothing.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from core.images.domains import FIELD, LINE, STUDIO

GOOD: Final = "good"
DEFECT: Final = "defect"
KIND: Final = "kind"  # a known kind of defect
SPLIT: Final = "split"
MASK: Final = "mask"
VIEW: Final = "view"
HELPER: Final = "helper"  # a folder that only holds the images
DATA: Final = "data"  # what belongs to a set and is no picture of a part
UNSURE: Final = "unsure"
NUMBER: Final = "number"
NAME: Final = "name"
Says = Literal["good", "defect", "kind", "split", "mask", "view", "helper", "data", "unsure", "number", "name"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GOOD = _words(
    "good goods normal normals ok okay pass passed accept accepted nondefective defectfree flawless "
    "정상 양품 합격 양호 적합 무결함 무불량 통과"
)
_BAD = _words(
    "defect defects defective defected def ng nok bad anomaly anomalies anomalous abnormal abnormality fault faults "
    "faulty ko fail failed failure reject rejected rejects flawed nogood "
    "불량 결함 불합격 부적합 이상 비정상 불량품 결함품"
)
# Says defect only beside a folder that says good: it means other things too.
_WEAK = _words("ko")
_NOT = _words("no non not without zero un")
_FREE = _words("free")
_SPLITS = {
    **dict.fromkeys(_words("train training trainset trn 학습 훈련 학습용 훈련용 트레인"), "train"),
    **dict.fromkeys(_words("val valid validate validation valset 검증 검증용"), "val"),
    **dict.fromkeys(_words("test testing testset tst holdout 시험 테스트 평가 시험용 테스트용 평가용"), "test"),
}
_MASK_SURE = _words("mask masks gt groundtruth segmentation segmentations 마스크 정답 세그멘테이션")
_MASK_SOFT = _words(
    "label labels annotation annotations anno annos annot seg segs segmap 라벨 레이블 라벨링 어노테이션 주석"
)
_MASK_FORMS = _words("binary class object instance semantic pixel png bmp images image img truth")
_HELPER = _words(
    "image images img imgs picture pictures photo photos pic pics rgb color colour data dataset datasets database file "
    "files jpegimages jpg jpeg png bmp tif tiff webp raw original originals orig src source all set split folder "
    "이미지 사진 영상 그림 데이터 데이터셋 파일 원본 촬영 폴더 세트"
)
# A helper (color beside depth), and a type of defect of the published sets (`test/color` beside `test/good`).
_HELPER_OR_TYPE = _words("color colour")
_DATA = _words(
    "xyz depth pointcloud pointclouds pcd ply calibration calib camera_parameters heatmap heatmaps prediction "
    "predictions preds thumbnail thumbnails thumbs cache 보정 캘리브레이션 깊이 썸네일"
)
_DATA_PHRASES = (("normal", "map"), ("normal", "maps"), ("anomaly", "map"), ("anomaly", "maps"), ("point", "cloud"))
_UNSURE = _words(
    "unknown unlabeled unlabelled unsorted misc miscellaneous other others etc tmp temp todo new old undefined "
    "unclassified pending uncertain unsure review "
    "기타 미분류 모름 임시 보류 미정 애매"
)
_SPLIT_FORMS = _words("public private mixed part fold")
_VIEW = _words(
    "top bottom left right front back rear side upper lower ct xray ir nir uv thermal infrared "
    "상면 하면 측면 정면 후면 전면 윗면 아랫면 앞면 뒷면 좌측 우측 상부 하부 엑스레이 열화상"
)
_NUMBERED_VIEW = _words("cam camera view c v 카메라 뷰")
_KINDS = _words(
    "scratch scratches scratched crack cracks cracked dent dents dented hole holes pinhole pinholes blowhole blowholes "
    "stain stains stained spot spots chip chips chipped chipping broken breakage burr burrs bubble bubbles void voids "
    "porosity pore pores inclusion inclusions contamination contaminated dirt dirty dust particle particles foreign "
    "corrosion corroded rust rusty crazing patches pitted pitting pit pits rolled peeling peeled tear tears torn cut "
    "cuts bent deformation deformed warp warped warpage misaligned misalignment missing spur spurs mousebite "
    "burn burnt burned discoloration discolored faded fold wrinkle wrinkles squeeze squeezed poke fray melted damage "
    "damaged scrape abrasion gouge nick delamination blister blisters flaw flaws fracture fractured leak leakage "
    "긁힘 스크래치 찍힘 균열 크랙 기공 핀홀 구멍 버 이물 이물질 오염 얼룩 변색 녹 부식 파손 깨짐 찢김 찢어짐 휨 변형 "
    "눌림 들뜸 박리 기포 주름 누락 미성형 단락 단선 탄화 흑점 백점 치핑 벗겨짐 뜯김 끊김 미삽 오삽 역삽 까짐 터짐"
)
# What may stand beside a kind of defect without making it the name of something else.
_WITH_KIND = _words(
    "large small big tiny deep thin thick long surface edge side head neck top bottom front back inside outside in on "
    "of and scale minor major critical light heavy material matter body type types "
    "큰 작은 깊은 얕은 표면 모서리 외부 내부 상면 하면 측면"
)
_ENDINGS = ("이미지", "사진", "영상", "데이터", "폴더", "제품", "부품", "품", "샘플", "시료", "용")
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[가-힣]+|\d+|[^\W\d_]+")


@dataclass(frozen=True)
class Reading:
    """What a name says. `split` is a split that it names beside; `is_plain`: it says nothing else.

    `is_weak`: only beside a folder that says good. `rest` is what is left of the name of a folder of masks.
    """

    says: Says
    split: str = ""
    is_plain: bool = True
    is_weak: bool = False
    rest: str = ""


@lru_cache(maxsize=20_000)
def read_words(name: str) -> Reading:
    """Return what the name of a folder says."""
    words = list(tokens(name))
    split = next((_SPLITS[word] for word in words if word in _SPLITS), "")
    pairs = list(itertools.pairwise(words))
    if set(words) & _DATA or any(pair in _DATA_PHRASES for pair in pairs) or "_".join(words) in _DATA:
        return Reading(DATA)
    words = _join_phrases(words)
    content = [word for word in words if not word.isdecimal() and word not in _HELPER and word not in _SPLITS]
    if not content:
        if split:
            return Reading(SPLIT, split)
        return Reading(HELPER if any(word in _HELPER for word in words) else NUMBER)
    found = set(content)
    good, bad = bool(found & _GOOD), bool(found & _BAD)
    mask = _read_mask(name, words, found, split)
    if mask is not None:
        return mask
    if good and (bad or found & _KINDS) and not found <= _GOOD:
        return Reading(UNSURE, split)
    if good:
        return Reading(GOOD, split, found <= _GOOD)
    if bad:
        return Reading(DEFECT, split, found <= _BAD, is_weak=found <= _WEAK)
    if split and found <= _SPLIT_FORMS:
        return Reading(SPLIT, split)
    if found & _UNSURE:
        return Reading(UNSURE, split)
    if _is_kind(found):
        return Reading(KIND, split)
    if found <= _VIEW or is_numbered_view(name):
        return Reading(VIEW)
    return Reading(NAME, split)


def may_be_type(name: str) -> bool:
    """Return whether a helper's name is that of a type of defect, too, where it stands among labels."""
    return frozenset(tokens(name)) <= _HELPER_OR_TYPE


def is_numbered_view(name: str) -> bool:
    """Return whether a name is one of cameras or views that are counted: `C1`, `cam_2`, `카메라 3`."""
    words = [word for word in tokens(name) if word not in _HELPER and word not in _SPLITS]
    content = [word for word in words if not word.isdecimal()]
    return len(content) == 1 and content[0] in _NUMBERED_VIEW and len(words) > 1


def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters: cut at signs, between letters and digits, and at `camelCase`."""
    found = (word.lower() for word in _TOKEN.findall(unicodedata.normalize("NFC", name)))
    return tuple(_strip_ending(word) for word in found)


def read_domain_word(name: str) -> str:
    """Return the domain that a name says, and nothing else beside it: "studio photos", "현장", "phone_2"; or ""."""
    content = {word for word in tokens(name) if not word.isdecimal()} - _HELPER
    found = {_DOMAIN_WORDS.get(word, "") for word in content}
    return found.pop() if len(found) == 1 else ""


def is_generic(name: str) -> bool:
    """Return whether a name names nothing: "dataset", "새 폴더", "images (2)", "test"."""
    words = set(tokens(name))
    generic = _words("download downloads upload uploads archive zip export new 새 다운로드 압축")
    return not {word for word in words if not word.isdecimal()} - generic - _HELPER - set(_SPLITS) - _UNSURE


# Where images were taken.
_DOMAIN_WORDS = {
    **dict.fromkeys(_words("studio 스튜디오"), STUDIO),
    **dict.fromkeys(_words("line inline 라인 현장"), LINE),
    **dict.fromkeys(_words("field phone phones smartphone 폰 휴대폰 스마트폰 핸드폰"), FIELD),
}


def _strip_ending(word: str) -> str:
    known = _GOOD | _BAD | _MASK_SURE | _MASK_SOFT | set(_SPLITS)
    if word in known or not "가" <= word[0] <= "힣":
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and word[: -len(ending)] in known:
            return word[: -len(ending)]
    return word


def _join_phrases(words: list[str]) -> list[str]:
    """Return the words with "not ok", "defect free", "N.G." and the like as one."""
    joined: list[str] = []
    at = 0
    while at < len(words):
        word, after = words[at], words[at + 1] if at + 1 < len(words) else ""
        together = {("n", "g"): "ng", ("o", "k"): "ok", ("ground", "truth"): "groundtruth", ("mouse", "bite"): "spur"}
        if (word, after) in together:
            joined.append(together[word, after])
        elif word in _NOT and after in _GOOD:
            joined.append("ng")
        elif (word in _NOT and (after in _BAD or after in _KINDS)) or (after in _FREE and word in _BAD):
            joined.append("ok")
        elif word in _NOT and after in {"label", "labels"}:
            joined.append("unlabeled")
        else:
            joined.append(word)
            at -= 1
        at += 2
    return joined


def _read_mask(name: str, words: list[str], found: set[str], split: str) -> Reading | None:
    sure, soft = found & _MASK_SURE, found & _MASK_SOFT
    if (sure or soft) and found <= _MASK_SURE | _MASK_SOFT | _MASK_FORMS:
        return Reading(MASK, split, is_plain=bool(sure))
    if sure and found <= _MASK_SURE | _MASK_FORMS | _GOOD | _BAD:
        return Reading(MASK, split, rest="")
    if found & {"mask", "masks", "마스크"} and (words[0] in _MASK_SURE or words[-1] in _MASK_SURE):
        rest = re.sub(r"(?i)(^|[\W_])(masks?|마스크)(?=$|[\W_])", "", name).strip(" _-.")
        return Reading(MASK, split, is_plain=False, rest=rest)
    return None


def _is_kind(found: set[str]) -> bool:
    kinds = {word for word in found if word in _KINDS or (word.endswith(("불량", "결함")) and len(word) > 2)}
    return bool(kinds) and found - kinds <= _WITH_KIND
