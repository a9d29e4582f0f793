"""Opens JSON, XML, YAML and text of annotation files: from anywhere, and therefore bounded in size and depth."""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from core.files.file_names import decode_name
from core.images.annotations.records import MOST_FILE_BYTES, AnnotationError

_MOST_YAML_BYTES = 1_000_000
_DEEPEST_XML = 100


def read_text(data: bytes) -> str:
    """Return the text of a file, in UTF-8 or UTF-16 by its mark, else in CP949 where it is that."""
    check_size(data)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise AnnotationError("annotation_damaged") from error
    return decode_name(data.removeprefix(b"\xef\xbb\xbf"))


def read_json(data: bytes) -> Any:
    """Return the value of a JSON file. Raises AnnotationError annotation_damaged, annotation_too_large.

    NaN and infinite numbers come back as such: what they stand for is refused one by one.
    """
    try:
        return json.loads(read_text(data))
    except (ValueError, RecursionError) as error:
        raise AnnotationError("annotation_damaged") from error


def read_xml(data: bytes) -> Element:
    """Return the root of an XML file; one that declares entities is refused.

    Raises AnnotationError annotation_damaged, annotation_too_large.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    check_size(data)
    try:
        root: Element = fromstring(data)
    except (DefusedXmlException, ParseError, ValueError, LookupError, RecursionError) as error:
        raise AnnotationError("annotation_damaged") from error
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > _DEEPEST_XML:
            raise AnnotationError("annotation_damaged")
        level = [child for element in level for child in element]
    return root


def read_yaml(data: bytes) -> Any:
    """Return the value of a YAML file without aliases. Raises AnnotationError annotation_damaged."""
    import yaml

    if len(data) > _MOST_YAML_BYTES:
        raise AnnotationError("annotation_damaged")
    try:
        # A few aliases of aliases stand for gigabytes.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, Loader=yaml.SafeLoader)):
            raise AnnotationError("annotation_damaged")
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise AnnotationError("annotation_damaged") from error


def check_size(data: bytes) -> None:
    """Raise AnnotationError annotation_too_large for a file that takes too much memory to read."""
    if len(data) > MOST_FILE_BYTES:
        raise AnnotationError("annotation_too_large", limit_mb=MOST_FILE_BYTES // 1_000_000)


def as_list(value: Any) -> list[Any]:
    """Return the value where it is a list, else none."""
    return value if isinstance(value, list) else []


def as_dict(value: Any) -> dict[Any, Any]:
    """Return the value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: Any) -> str:
    """Return a short text, or a number as one; else nothing."""
    if isinstance(value, bool):
        return ""
    return str(value).strip()[:400] if isinstance(value, str | int) else ""


def as_size(value: Any) -> int:
    """Return a width or height in pixels; 0 where it is none."""
    number = as_number(value)
    return int(number) if number is not None and 1 <= number <= 1_000_000 else 0


def as_number(value: Any) -> float | None:
    """Return a finite number of a file, given as number or text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if -1e9 < number < 1e9 else None
