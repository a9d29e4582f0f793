"""Lists of images that lie among them: CSV or JSON with a path, and a label, split, mask, part, view or product.

Columns may have English or Korean names. A list is read where it names images of the source; any other file is none. A
text file that is called like a split (`trainval.txt`, `test.txt`) and names an image in each line says their split.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from core.errors import AppError, BadInput
from core.images.exports.records import IMAGES_NAME
from core.images.exposures.lists import decode_text
from core.images.imports.names import is_image_name, split_path
from core.images.imports.records import DEFECT, NORMAL, LeftOut, Told
from core.images.imports.words import DEFECT as SAYS_DEFECT
from core.images.imports.words import GOOD, KIND, SPLIT, read_domain_word, read_words
from core.images.parts import clean_part

LIST_FORMAT = "list"
MOST_BYTES = 50_000_000
_SEPARATORS = ",;\t"
_ROWS_FOR_NAMES = 100
_LABELS = (GOOD, SAYS_DEFECT, KIND)
_NOTHING = frozenset({"nan", "none", "null", "-", "n/a", "없음", "해당없음"})


def _in_order(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# What the columns may be called, the likeliest first; each column is used once, in this order.
_COLUMNS: dict[str, tuple[str, ...]] = {
    # What only a type of defect is called: it may stand beside a verdict.
    "type": _in_order(
        "anomaly_class anomaly_type defect_type defect_class defect_name "
        "불량유형 불량종류 불량명 결함유형 결함종류 결함명"
    ),
    "path": _in_order(
        "path file filename file_name filepath file_path image image_path imagepath image_name img img_path "
        "경로 파일 파일명 파일경로 이미지 이미지경로 이미지파일 사진"
    ),
    "label": _in_order(
        "label labels verdict result status defect ok_ng okng 라벨 레이블 판정 결과 상태 양불 type class class_name "
        "category 분류 유형 종류"
    ),
    "is_defect": _in_order("anomaly is_defect is_anomaly is_defective defective is_ng 불량여부 결함여부 이상여부"),
    "split": _in_order("split set subset phase partition fold_split 분할 구분 데이터구분 용도"),
    "mask": _in_order("mask mask_path mask_file gt ground_truth gt_path 마스크 마스크경로 정답"),
    "part": _in_order(
        "part part_id part_no piece specimen serial serial_no 부품 개체 부품번호 개체번호 시리얼 일련번호"
    ),
    "domain": _in_order("domain 도메인 촬영환경"),
    "view": _in_order("view camera cam 뷰 카메라 시점 촬영면"),
    "product": _in_order(
        "product product_code product_name object item model category class 제품 제품코드 제품명 품목 품번 모델"
    ),
}
# Beside a type of defect these words are no label: they may be the product.
_NO_VERDICT = frozenset(_in_order("type class class_name category 분류 유형 종류"))
_LINES_OF_MANIFEST = IMAGES_NAME.partition("{")[0]
# Stands between a name and its ending in DeepPCB: `00041000.jpg` in a list means both.
_PAIRED = ("", "_test", "_temp")
# The published splits of VisA: the first is the one for learning from good parts alone.
_PUBLISHED = ("1cls.csv", "2cls_fewshot.csv", "2cls_highshot.csv")


class Paths:
    """Finds the path of the source that a list means."""

    def __init__(self, paths: Iterable[str], root_name: str = "") -> None:
        self._known = {"/".join(split_path(path)): path for path in paths}
        self._root = root_name
        self._by_end: dict[str, set[str]] = {}
        for tidy in self._known:
            parts = tidy.split("/")
            for start in range(len(parts)):
                self._by_end.setdefault("/".join(parts[start:]).casefold(), set()).add(tidy)

    def find(self, given: str, *, beside: str = "") -> str | None:
        """Return the path that `given` means in a list in the folder `beside`; None where it is none, or several."""
        parts = split_path(given.strip())
        whole = "/".join(parts)
        near = "/".join((*split_path(beside), *parts))
        for tried in (near, whole, whole.removeprefix(f"{self._root}/") if self._root else whole):
            if tried in self._known:
                return self._known[tried]
        # A list may leave out folders before its paths, or have further ones (of the machine that wrote it).
        for start in range(len(parts)):
            found = self._by_end.get("/".join(parts[start:]).casefold(), set())
            if len(found) == 1:
                return self._known[next(iter(found))]
            if found:
                return None
        return None


def is_list_name(path: str) -> bool:
    """Return whether a file may be a list, by its name. The lines of a manifest are none: they count with it alone."""
    if PurePosixPath(path).name.startswith(_LINES_OF_MANIFEST):
        return False
    return PurePosixPath(path).suffix.lower() in {".csv", ".tsv", ".json", ".jsonl"} or bool(_split_of_list(path))


def read_list(data: bytes, path: str, paths: Paths) -> tuple[dict[str, Told], list[LeftOut]] | None:
    """Return what a list says by path of its images, and what is wrong in it; None where it is no list of images.

    Each row that names no image of the source is in what is wrong, up to a few.
    """
    if split := _split_of_list(path):
        return _read_split_list(data, path, paths, split)
    try:
        rows = _read_rows(data, path)
    except AppError as error:
        return {}, [LeftOut(path, error.code, {k: v for k, v in error.params.items() if k != "name"})]
    if not rows:
        return None
    told: dict[str, Told] = {}
    problems: list[LeftOut] = []
    beside = str(PurePosixPath(path).parent) if "/" in path else ""
    has_good = any(read_words(row.get(column, "")).says == GOOD for row in rows for column in ("label", "type"))
    for row in rows:
        found = paths.find(row["path"], beside=beside)
        if found is None:
            problems.append(LeftOut(path, "import_listed_missing", {"path": row["path"][:200]}))
            continue
        mask = row.get("mask", "")
        mask_path = paths.find(mask, beside=beside) if is_image_name(mask) else None
        if mask_path is None and is_image_name(mask):
            problems.append(LeftOut(path, "import_listed_missing", {"path": mask[:200]}))
        said = _tell(row, mask_path, path, has_good=has_good)
        if said is None:
            problems.append(LeftOut(path, "import_list_row", {"path": row["path"][:200]}))
        elif told.setdefault(found, said) != said:
            problems.append(LeftOut(path, "import_listed_twice", {"path": row["path"][:200]}))
            told[found] = Told(by=path)
    return (told, problems) if told else None


def unused_lists(paths: Sequence[str]) -> set[str]:
    """Return the lists that others beside them replace: of the published splits of one set, all but the first."""
    unused = set()
    for path in paths:
        name = PurePosixPath(path).name.lower()
        if name in _PUBLISHED[1:] and str(PurePosixPath(path).with_name(_PUBLISHED[0])) in paths:
            unused.add(path)
    return unused


def _split_of_list(path: str) -> str:
    """Return the split that the name of a text file says: `train.txt`, `trainval.txt`, `test_list.txt`; else ""."""
    name = PurePosixPath(path)
    if name.suffix.lower() != ".txt":
        return ""
    stem = re.sub(r"(?i)^trainval", "train", name.stem)
    reading = read_words(re.sub(r"(?i)[_\- ]?lists?$", "", stem))
    return reading.split if reading.says == SPLIT else ""


def _read_split_list(data: bytes, path: str, paths: Paths, split: str) -> tuple[dict[str, Told], list[LeftOut]] | None:
    """Return the split of each image that a line begins with; None where no line names an image of the source."""
    try:
        lines = [line.strip() for line in decode_text(data, path).splitlines() if line.strip()]
    except AppError:
        return None
    beside = str(PurePosixPath(path).parent) if "/" in path else ""
    told: dict[str, Told] = {}
    problems: list[LeftOut] = []
    for line in lines:
        name = line if is_image_name(line) and not is_image_name(line.split()[0]) else line.split()[0]
        if not is_image_name(name):
            return None
        stem, _dot, ending = name.rpartition(".")
        found = [paths.find(f"{stem}{between}.{ending}", beside=beside) for between in _PAIRED]
        told |= {one: Told(split=split, by=path) for one in found if one is not None}
        if not any(found):
            problems.append(LeftOut(path, "import_listed_missing", {"path": name[:200]}))
    return (told, problems) if told else None


def _read_label(row: Mapping[str, str], *, has_good: bool) -> tuple[str, str] | None:
    """Return normal or defect (or neither) and the name of the type, of verdict and type together.

    None where they say the opposite of each other.
    """
    kinds: set[str] = set()
    name = ""
    for text in (row.get("type", ""), row.get("label", "")):
        if not text or text.casefold() in _NOTHING:
            continue
        reading = read_words(text)
        if reading.says == GOOD:
            kinds.add(NORMAL)
        elif reading.says == SAYS_DEFECT and reading.is_plain:
            kinds.add(DEFECT)
        elif not text.replace(".", "").isdecimal():
            # Beside images that are called good, every other label is a defect; else it may be a kind of good part.
            if has_good or reading.says in {KIND, SAYS_DEFECT}:
                kinds.add(DEFECT)
            name = name or text
    if len(kinds) > 1:
        return None
    kind = kinds.pop() if kinds else ""
    return kind, "" if kind == NORMAL else name


def _tell(row: Mapping[str, str], mask: str | None, by: str, *, has_good: bool) -> Told | None:
    """Return what one row says; None where its label or split is no such thing."""
    said = _read_label(row, has_good=has_good)
    if said is None:
        return None
    kind, name = said
    flag = row.get("is_defect", "").casefold()
    if flag and not kind:
        if flag in {"0", "0.0", "false", "no", "n", "정상"} or read_words(flag).says == GOOD:
            kind, name = NORMAL, ""
        elif flag in {"1", "1.0", "true", "yes", "y"} or read_words(flag).says == SAYS_DEFECT:
            kind = DEFECT
        else:
            return None
    split = read_words(row["split"]).split if row.get("split") else ""
    if row.get("split") and not split:
        return None
    try:
        part = clean_part(row.get("part", ""))
    except AppError:
        return None
    domain = read_domain_word(row.get("domain", ""))
    masks = () if mask is None else (mask,)
    return Told(kind, name, row.get("product", ""), split, masks, part, row.get("view", ""), by=by, domain=domain)


def _read_rows(data: bytes, path: str) -> list[dict[str, str]]:
    """Return the rows with the names of their columns made ours; none where the file is no list of images."""
    if len(data) > MOST_BYTES:
        raise BadInput("import_list_too_large", name=path, highest=MOST_BYTES // 1_000_000)
    if path.lower().endswith(".json"):
        return _read_json(data)
    text = decode_text(data, path)
    if path.lower().endswith(".jsonl"):
        return _rename(_read_json_lines(text))
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    cells = [cell.strip().strip('"') for cell in first.split(separator)]
    names = None
    if any(map(is_image_name, cells)):
        # No line of names: two columns leave no doubt, of more nobody knows which is which.
        if len(cells) != 2 or not is_image_name(cells[0]) or is_image_name(cells[1]):
            raise BadInput("import_list_header", name=path)
        names = ["path", "label"]
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), names, delimiter=separator)
        rows = [{str(key): str(value or "") for key, value in row.items() if key is not None} for row in reader]
    except csv.Error:
        return []
    return _rename(rows)


def _read_json(data: bytes) -> list[dict[str, str]]:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return []
    rows: list[dict[str, str]] = []
    if isinstance(value, list):
        rows = [_flat(row) for row in value if isinstance(row, dict)]
    elif isinstance(value, dict) and value and all(map(is_image_name, value)):
        rows = [
            {**_flat(said if isinstance(said, dict) else {"label": said}), "path": path} for path, said in value.items()
        ]
    elif isinstance(value, dict) and "annotations" not in value and "shapes" not in value:
        for key, part in value.items():
            split = read_words(str(key)).split
            if isinstance(part, list) and (split or str(key).lower() in {"images", "files", "items", "data"}):
                rows += [_flat(row) | ({"split": split} if split else {}) for row in part if isinstance(row, dict)]
    return _rename(rows)


def _read_json_lines(text: str) -> list[dict[str, str]]:
    rows = []
    for line in text.splitlines():
        try:
            value = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            return []
        if isinstance(value, dict):
            rows.append(_flat(value))
    return rows


def _flat(row: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in row.items() if isinstance(value, str | int | float)}


def _rename(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return rows that have a path and say something, with our names for their columns."""
    names: dict[str, str] = {}
    keys = dict.fromkeys(key for row in rows[:_ROWS_FOR_NAMES] for key in row)
    for column, words in _COLUMNS.items():
        if column == "label" and "type" in names.values():
            words = tuple(word for word in words if word not in _NO_VERDICT)
        match = next((key for word in words for key in keys if key not in names and _tidy_header(key) == word), None)
        if match is not None:
            names[match] = column
    if "path" not in names.values() or len(names) < 2:
        return []
    found = [{ours: row.get(given, "").strip() for given, ours in names.items()} for row in rows]
    if not {"label", "type"} & set(names.values()) and any(
        read_words(row.get("split", "")).says in _LABELS for row in found
    ):
        # "구분" may be train and test, or good and defect.
        found = [{"label" if ours == "split" else ours: said for ours, said in row.items()} for row in found]
    return [row for row in found if row["path"]]


def _tidy_header(text: str) -> str:
    return (
        text.strip().casefold().replace(" ", "_").replace("-", "_").strip("_")
        if text.isascii()
        else text.replace(" ", "").strip()
    )
