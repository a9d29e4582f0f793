"""DeepPCB: a text file for each board, a line for each defect: two corners of its box and the number of its type."""

from __future__ import annotations

from core.images.annotations import shapes
from core.images.annotations.documents import as_number, read_text
from core.images.annotations.records import AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report

TYPES = {1: "open", 2: "short", 3: "mousebite", 4: "spur", 5: "copper", 6: "pin-hole"}


def looks_like_deeppcb(text: str) -> bool:
    """Return whether every line has two corners in whole pixels and a type from 1 to 6."""
    lines = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
    return bool(lines) and all(_read_line(fields) is not None for fields in lines[:50])


def read_deeppcb(data: bytes, report: Report, *, image: str) -> FileEntry:
    """Return what a text file says of its image. Raises AnnotationError for one that cannot be read at all."""
    marks: list[Mark] = []
    lost = False
    for line in read_text(data).splitlines():
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        values = _read_line(fields)
        try:
            if values is None:
                raise AnnotationError("annotation_shape_wrong")
            left, top, right, bottom, number = values
            marks.append(Mark(shapes.box(left, top, right - left, bottom - top), TYPES[number]))
        except AnnotationError as error:
            report.add_error(error, image=image)
            lost = True
    return FileEntry(image, tuple(marks), lost=lost)


def _read_line(fields: list[str]) -> tuple[int, int, int, int, int] | None:
    values = [as_number(field) for field in fields]
    if len(values) != 5 or any(value is None or value != int(value) or value < 0 for value in values):
        return None
    left, top, right, bottom, number = (int(value) for value in values if value is not None)
    # A line of the YOLO format is a number and four shares of at most 1.
    return (left, top, right, bottom, number) if number in TYPES and max(right, bottom) > 1 else None
