"""LabelMe: a JSON file for each image. An image inside the file itself is not needed and not read."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.images.annotations import shapes
from core.images.annotations.documents import as_dict, as_list, as_size, as_text, read_json
from core.images.annotations.records import MOST_MASK_PIXELS, AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report
from core.images.annotations.run_codes import paste
from core.images.regions.records import Region

_OPEN_SHAPES = frozenset({"line", "linestrip", "point", "points"})


def is_labelme(value: Any) -> bool:
    """Return whether a JSON value has the parts of a LabelMe file."""
    return isinstance(value, dict) and isinstance(value.get("shapes"), list) and "imagePath" in value


def read_labelme(data: bytes, report: Report) -> Iterator[FileEntry]:
    """Yield what is said of the image. Raises AnnotationError for a file that cannot be read at all."""
    value = read_json(data)
    if not is_labelme(value):
        raise AnnotationError("annotation_damaged")
    name = as_text(value["imagePath"])
    if not name:
        report.add("annotation_image_unnamed")
        return
    width_px, height_px = as_size(value.get("imageWidth")), as_size(value.get("imageHeight"))
    marks: list[Mark] = []
    notes: list[str] = []
    lost = False
    for shape in map(as_dict, value["shapes"]):
        type_name = as_text(shape.get("label"))
        kind = as_text(shape.get("shape_type")) or "polygon"
        if kind in _OPEN_SHAPES:
            notes.append("annotation_shape_ignored")
            report.add("annotation_shape_ignored", image=name)
            lost = True
        elif not type_name:
            report.add("annotation_type_missing", image=name)
            lost = True
        else:
            try:
                marks.append(Mark(_region(shape, kind, width_px, height_px), type_name))
            except AnnotationError as error:
                report.add_error(error, image=name)
                lost = True
    flags = [as_text(flag) for flag, is_set in as_dict(value.get("flags")).items() if is_set is True]
    label = flags[0] if len(flags) == 1 else ""
    yield FileEntry(name, tuple(marks), width_px, height_px, label=label, lost=lost, notes=tuple(dict.fromkeys(notes)))


def _region(shape: dict[Any, Any], kind: str, width_px: int, height_px: int) -> Region:
    points = as_list(shape.get("points"))
    if kind == "polygon":
        return shapes.polygon(points)
    if len(points) != 2 or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise AnnotationError("annotation_shape_wrong")
    x0, y0, x1, y1 = shapes.numbers(*points[0], *points[1])
    if kind == "rectangle":
        return shapes.box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
    if kind == "circle":
        radius = math.hypot(x1 - x0, y1 - y0)
        return shapes.ellipse(x0, y0, radius, radius)
    if kind == "mask":
        return _mask(_whole_text(shape.get("mask")), (x0, y0), width_px, height_px)
    raise AnnotationError("annotation_shape_wrong")


def _whole_text(value: Any) -> str:
    """Return a text of any length; else nothing."""
    return value if isinstance(value, str) else ""


def _mask(text: str, corner: tuple[float, float], width_px: int, height_px: int) -> Region:
    from inference.errors import ImageError
    from inference.vision.images.decode import decode_mask

    if not 0 < width_px * height_px <= MOST_MASK_PIXELS:
        raise AnnotationError("annotation_shape_wrong")
    try:
        inside = decode_mask(base64.b64decode(text, validate=True))
        marked = paste(
            np.asarray(inside, dtype=bool),
            left=round(corner[0]),
            top=round(corner[1]),
            width_px=width_px,
            height_px=height_px,
        )
        return Region.of_mask(marked, origin="import")
    except (binascii.Error, ImageError, ValueError) as error:
        raise AnnotationError("annotation_shape_wrong") from error
