"""Pascal VOC: an XML file for each image, with boxes; class masks beside them where there are any.

Everingham et al., "The Pascal Visual Object Classes Challenge" (IJCV 2010), development kit. Boxes are inclusive pixel
numbers that count from 1; a file with fractions or zeros was written by a program that counts edges from 0. A file
without objects says that somebody looked and found none.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core.images.annotations import shapes
from core.images.annotations.documents import as_number, as_size, read_xml
from core.images.annotations.records import AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report
from core.images.regions.records import Region

_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(data: bytes, report: Report) -> Iterator[FileEntry]:
    """Yield what is said of the image. Raises AnnotationError for a file that cannot be read at all."""
    root = read_xml(data)
    if root.tag != "annotation":
        raise AnnotationError("annotation_damaged")
    name = _text(root, "filename")
    if not name:
        report.add("annotation_image_unnamed")
        return
    size = root.find("size")
    width_px = 0 if size is None else as_size(_text(size, "width"))
    height_px = 0 if size is None else as_size(_text(size, "height"))
    objects = root.findall("object")
    counts_pixels = _counts_pixels(objects)
    marks: list[Mark] = []
    lost = False
    for found in objects:
        type_name = _text(found, "name")
        if not type_name:
            report.add("annotation_type_missing", image=name)
            lost = True
            continue
        try:
            marks.append(Mark(_region(found, counts_pixels=counts_pixels), type_name))
        except AnnotationError as error:
            report.add_error(error, image=name)
            lost = True
    # `folder` is not asked: programs write whatever theirs was called.
    yield FileEntry(
        name,
        tuple(marks),
        width_px,
        height_px,
        is_complete=not lost,
        lost=lost,
    )


def _region(found: Element, *, counts_pixels: bool) -> Region:
    outline = found.find("polygon")
    if outline is not None:
        points = {child.tag: child.text for child in outline}
        corners = [
            (points[f"x{place}"], points.get(f"y{place}")) for place in range(len(points)) if f"x{place}" in points
        ]
        if not corners:
            corners = [(_text(point, "x"), _text(point, "y")) for point in outline.findall("pt")]
        return shapes.polygon(corners)
    bounds = found.find("bndbox")
    if bounds is None:
        raise AnnotationError("annotation_shape_wrong")
    left, top, right, bottom = shapes.numbers(*(_text(bounds, edge) for edge in _EDGES))
    first = 1 if counts_pixels else 0
    return shapes.box(left - first, top - first, right - left + first, bottom - top + first)


def _counts_pixels(objects: list[Element]) -> bool:
    edges = [
        as_number(_text(bounds, edge))
        for found in objects
        if (bounds := found.find("bndbox")) is not None
        for edge in _EDGES
    ]
    return all(edge is not None and edge >= 1 and edge == int(edge) for edge in edges)


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()[:400]
