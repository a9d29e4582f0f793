"""Label Studio: one JSON file with the tasks of a project (JSON or JSON-MIN), places in percent of the image.

A task that somebody finished without marking anything says that there is nothing; one that nobody finished says
nothing. Of several people's annotations the accepted one counts, else the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from core.images.annotations import shapes
from core.images.annotations.documents import as_dict, as_list, as_number, as_size, as_text, read_json
from core.images.annotations.records import AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report
from core.images.annotations.run_codes import unpack_brush
from core.images.regions.records import Region

_IMAGE_KEYS = ("image", "img", "picture", "file", "url", "ocr")
_KINDS = {
    "rectanglelabels": "box",
    "polygonlabels": "polygon",
    "brushlabels": "brush",
    "ellipselabels": "ellipse",
}
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")


@dataclass
class _Reading:
    """What is gathered of one task."""

    marks: list[Mark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    label: str = ""
    width_px: int = 0
    height_px: int = 0
    lost: bool = False


def is_label_studio(value: Any) -> bool:
    """Return whether a JSON value is a list of tasks, whole or in the short form."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    is_whole = isinstance(value[0].get("data"), dict) and ("annotations" in value[0] or "completions" in value[0])
    return is_whole or _is_short(value[0])


def read_label_studio(data: bytes, report: Report) -> Iterator[FileEntry]:
    """Yield what is said of each image. Raises AnnotationError for a file that cannot be read at all."""
    value = read_json(data)
    if not is_label_studio(value):
        raise AnnotationError("annotation_damaged")
    for task in map(as_dict, value):
        if "data" not in task:
            task = _lengthen(task)
        name = _image_name(task)
        if not name:
            report.add("annotation_image_unnamed")
        else:
            yield _read_task(task, name, report)


def _is_short(task: dict[Any, Any]) -> bool:
    """Return whether this is a task of JSON-MIN: the data beside what was marked, a key for each control."""
    keys = {"annotation_id", "annotator", "lead_time", "created_at", "updated_at"}
    return "id" in task and len(keys & task.keys()) >= 2 and any(isinstance(task.get(key), str) for key in _IMAGE_KEYS)


def _lengthen(task: dict[Any, Any]) -> dict[Any, Any]:
    """Return a task of JSON-MIN in the whole form. In the short form nobody's empty task looks like a finished one."""
    results: list[dict[str, Any]] = []
    for key, value in task.items():
        if isinstance(value, list):
            for mark in map(as_dict, value):
                kind = next((name for name in mark if str(name).endswith("labels")), "")
                results.append({**mark, "type": kind, "value": mark})
        elif key in {"choice", "choices"}:
            given = as_list(as_dict(value).get("choices")) or [value]
            results.append({"type": "choices", "value": {"choices": given}})
    annotation = {"result": results, "was_cancelled": not results}
    return {"data": task, "annotations": [annotation]}


def _read_task(task: dict[Any, Any], name: str, report: Report) -> FileEntry:
    given = as_list(task.get("annotations", task.get("completions")))
    finished = [one for one in map(as_dict, given) if not one.get("was_cancelled")]
    if not finished:
        return FileEntry(name)
    found = _Reading()
    if len(finished) > 1:
        found.notes.append("annotation_by_several")
    chosen = next((one for one in finished if one.get("ground_truth") is True), finished[-1])
    results = as_list(chosen.get("result"))
    for result in map(as_dict, results):
        _read_result(result, found, name, report)
    return FileEntry(
        name,
        tuple(found.marks),
        found.width_px,
        found.height_px,
        label=found.label,
        is_complete=not found.lost and (bool(found.marks) or not results),
        lost=found.lost,
        notes=tuple(dict.fromkeys(found.notes)),
    )


def _read_result(result: dict[Any, Any], found: _Reading, name: str, report: Report) -> None:
    kind, value = as_text(result.get("type")), as_dict(result.get("value"))
    if kind == "choices":
        choices = [as_text(choice) for choice in as_list(value.get("choices"))]
        if len(choices) == 1 and not found.label:
            found.label = choices[0]
        else:
            found.lost = True
            report.add("annotation_type_missing", image=name)
        return
    if kind not in _KINDS:
        found.notes.append("annotation_shape_ignored")
        found.lost = True
        report.add("annotation_shape_ignored", image=name)
        return
    types = [as_text(label) for label in as_list(value.get(kind))]
    width_px, height_px = as_size(result.get("original_width")), as_size(result.get("original_height"))
    try:
        if not types or not types[0]:
            raise AnnotationError("annotation_type_missing")
        if not width_px or not height_px:
            raise AnnotationError("annotation_shape_wrong")
        region = _region(_KINDS[kind], value, width_px, height_px)
    except AnnotationError as error:
        report.add_error(error, image=name)
        found.lost = True
        return
    found.width_px, found.height_px = width_px, height_px
    turned = as_number(result.get("image_rotation")) or 0.0
    if turned % 360:
        # Somebody turned the picture in the editor: its sides are then no longer those of the file.
        report.add("annotation_size_differs", image=name)
        found.lost = True
        return
    found.marks.append(Mark(region, types[0]))


def _region(kind: str, value: dict[Any, Any], width_px: int, height_px: int) -> Region:
    wide, high = width_px / 100.0, height_px / 100.0
    if kind == "brush":
        painted = unpack_brush(as_list(value.get("rle")), width_px=width_px, height_px=height_px)
        try:
            return Region.of_mask(painted, origin="import")
        except ValueError as error:
            raise AnnotationError("annotation_shape_wrong") from error
    if kind == "polygon":
        points = as_list(value.get("points"))
        if not all(isinstance(point, list) and len(point) == 2 for point in points):
            raise AnnotationError("annotation_shape_wrong")
        corners = [shapes.numbers(*point) for point in points]
        return shapes.polygon([(x * wide, y * high) for x, y in corners])
    x, y = shapes.numbers(value.get("x"), value.get("y"))
    if kind == "ellipse":
        across, down = shapes.numbers(value.get("radiusX"), value.get("radiusY"))
        return shapes.ellipse(x * wide, y * high, across * wide, down * high, degrees=value.get("rotation", 0))
    across, down = shapes.numbers(value.get("width"), value.get("height"))
    return shapes.box(x * wide, y * high, across * wide, down * high, degrees=value.get("rotation", 0))


def _image_name(task: dict[Any, Any]) -> str:
    """Return the image's path as it was before the upload: without address and the mark that Label Studio adds."""
    data = as_dict(task.get("data"))
    keys = [key for key in (*_IMAGE_KEYS, *map(str, data)) if isinstance(data.get(key), str)]
    address = as_text(data[keys[0]]) if keys else ""
    uploaded = as_text(task.get("file_upload"))
    parts = urlsplit(address) if "://" in address or address.startswith("/data/") else None
    if parts is not None:
        local = parse_qs(parts.query).get("d")
        address = unquote(local[0] if local else parts.path)
    if "/data/upload/" in address or (uploaded and address.endswith(uploaded)):
        return _UPLOAD_PREFIX.sub("", address.rsplit("/", 1)[-1])
    return address
