"""YOLO: a text file for each image, a line for each box or polygon, in shares of the image; names in one YAML file.

An empty file says that somebody looked and found nothing; no file says nothing. Without names nothing is read: a
number is no type.
"""

from __future__ import annotations

from core.images.annotations import shapes
from core.images.annotations.documents import as_dict, as_number, as_text, read_text, read_yaml
from core.images.annotations.records import AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report

NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
NAME_LISTS = ("classes.txt", "obj.names", "labels.txt", "names.txt")


def looks_like_yolo(text: str) -> bool:
    """Return whether every line is a class number and shares of an image; an empty text is none."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return bool(lines) and all(_is_line(fields) for fields in lines[:50])


def read_names(data: bytes, path: str) -> dict[int, str]:
    """Return the types' names by number, of a YAML file or a list of lines; none where it holds no names.

    Raises AnnotationError.
    """
    if not path.lower().endswith((".yaml", ".yml")):
        lines = [line.strip()[:400] for line in read_text(data).splitlines()]
        return {number: name for number, name in enumerate(lines) if name}
    names = as_dict(read_yaml(data)).get("names")
    if isinstance(names, list):
        return {number: as_text(name) for number, name in enumerate(names) if as_text(name)}
    found = {as_number(number): as_text(name) for number, name in as_dict(names).items()}
    return {int(number): name for number, name in found.items() if number is not None and number >= 0 and name}


def read_yolo(
    data: bytes, report: Report, *, image: str, names: dict[int, str], width_px: int, height_px: int
) -> FileEntry:
    """Return what a text file says of its image, which is shown at this size.

    Raises AnnotationError for a file that cannot be read at all.
    """
    marks: list[Mark] = []
    notes: list[str] = []
    lost = False
    for line in read_text(data).splitlines():
        fields = line.split()
        if not fields:
            continue
        number = as_number(fields[0])
        type_name = names.get(int(number), "") if number is not None and number == int(number) else ""
        try:
            if not _is_line(fields):
                raise AnnotationError("annotation_shape_wrong")
            if not type_name:
                raise AnnotationError("annotation_type_missing")
            values = shapes.numbers(*fields[1:])
            if len(values) == 5:  # the last is how sure a model was
                notes.append("annotation_of_model")
            if len(values) <= 5:
                x, y, wide, high = (
                    value * scale
                    for value, scale in zip(values[:4], (width_px, height_px, width_px, height_px), strict=True)
                )
                region = shapes.box(x - wide / 2, y - high / 2, wide, high)
            else:
                region = shapes.polygon(
                    [(x * width_px, y * height_px) for x, y in zip(values[::2], values[1::2], strict=True)]
                )
        except AnnotationError as error:
            report.add_error(error, image=image)
            lost = True
            continue
        marks.append(Mark(region, type_name))
    return FileEntry(
        image,
        tuple(marks),
        width_px,
        height_px,
        is_complete=not lost,
        lost=lost,
        notes=tuple(dict.fromkeys(notes)),
    )


def _is_line(fields: list[str]) -> bool:
    values = [as_number(field) for field in fields]
    if len(values) not in {5, 6} and (len(values) < 7 or len(values) % 2 == 0):
        return False
    if any(value is None for value in values):
        return False
    known = [value for value in values if value is not None]
    # Programs let boxes stand over the edge a little.
    return known[0] == int(known[0]) and known[0] >= 0 and all(-0.5 <= value <= 1.5 for value in known[1:])
