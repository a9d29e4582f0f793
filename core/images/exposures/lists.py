"""A CSV list that says which part each image shows: the columns `path` and `part`."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import BadInput
from core.images.parts import clean_part

MOST_BYTES = 50_000_000
_SEPARATORS = ",;\t"
# What the columns may be called.
_PATH_WORDS, _PART_WORDS = ("path", "file", "경로", "파일"), ("part", "부품")


@dataclass(frozen=True)
class ListedParts:
    """What a list says of some images: their `parts` by path; `unknown` paths of the list that are none of them, and
    `unlisted` images that the list does not name."""

    parts: dict[str, str]
    unknown: tuple[str, ...]
    unlisted: tuple[str, ...]


def read_part_list(data: bytes, *, name: str) -> dict[str, str]:
    """Return the part by path of a CSV file: UTF-8, UTF-16 or CP949; separated by commas, semicolons or tabs.

    A line without a part is left out: that image is its own. Raises BadInput: part_list_too_large, part_list_unreadable
    (no text, or broken off in a quotation), part_list_columns, part_list_line (a line without path), part_list_twice
    (one path with two parts), part_too_long.
    """
    if len(data) > MOST_BYTES:
        raise BadInput("part_list_too_large", name=name, highest=MOST_BYTES // 1_000_000)
    text = decode_text(data, name)
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    parts: dict[str, str] = {}
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        header = [cell.strip().lower() for cell in next(reader, [])]
        path_at, part_at = _column(header, _PATH_WORDS), _column(header, _PART_WORDS)
        if path_at is None or part_at is None:
            raise BadInput("part_list_columns", name=name, found=", ".join(header) or "–")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            path = _tidy(cells[path_at]) if path_at < len(cells) else ""
            part = clean_part(cells[part_at]) if part_at < len(cells) else ""
            if not path:
                raise BadInput("part_list_line", name=name, line=reader.line_num)
            if part and parts.setdefault(path, part) != part:
                raise BadInput("part_list_twice", name=name, line=reader.line_num, path=path)
    except csv.Error as error:
        raise BadInput("part_list_unreadable", name=name) from error
    return parts


def match_part_list(listed: dict[str, str], paths: Iterable[str], *, root_name: str = "") -> ListedParts:
    """Return what a list says of the images at these relative paths.

    A path of the list may begin with the name of the folder that everything lies in, and may leave out folders at its
    beginning where only one image ends like it; one that fits several is unknown, because nobody can say which.
    """
    known = {_tidy(path): path for path in paths}
    by_end: dict[str, list[str]] = {}
    for tidy, path in known.items():
        folders = tidy.split("/")
        for start in range(1, len(folders)):
            by_end.setdefault("/".join(folders[start:]), []).append(path)
    parts: dict[str, str] = {}
    unknown = []
    for given, part in listed.items():
        inner = given.removeprefix(f"{root_name}/") if root_name else given
        found = known.get(given) or known.get(inner)
        if found is None and len(by_end.get(given, [])) == 1:
            found = by_end[given][0]
        if found is None or parts.setdefault(found, part) != part:
            unknown.append(given)
    unlisted = tuple(path for path in known.values() if path not in parts)
    return ListedParts(parts, tuple(unknown), unlisted)


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a list: UTF-8, UTF-16 or CP949. Raises BadInput part_list_unreadable."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _decode_as(data, encoding, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _decode_as(data, "cp949", name)
    if "\0" in text:
        raise BadInput("part_list_unreadable", name=name)
    return text


def _decode_as(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput("part_list_unreadable", name=name) from error


def _column(header: list[str], words: tuple[str, ...]) -> int | None:
    return next((place for place, cell in enumerate(header) if cell in words), None)


def _tidy(path: str) -> str:
    text = unicodedata.normalize("NFC", path.strip().replace("\\", "/"))
    return "/".join(part for part in text.split("/") if part not in {"", "."})
