"""CVAT for images 1.1: one XML file with every image of a task.

An image without shapes is not called good: the task lists images that nobody has looked at yet. Where an image has a
tag, that is its label.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core.images.annotations import shapes
from core.images.annotations.documents import as_number, as_size, read_xml
from core.images.annotations.records import AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report
from core.images.annotations.run_codes import unpack_box_runs
from core.images.regions.records import Region

_OPEN_SHAPES = frozenset({"polyline", "points", "cuboid", "skeleton"})
_SHAPES = frozenset({"box", "polygon", "mask", "ellipse"})


def read_cvat(data: bytes, report: Report) -> Iterator[FileEntry]:
    """Yield what is said of each image. Raises AnnotationError for a file that cannot be read at all."""
    root = read_xml(data)
    if root.tag != "annotations":
        raise AnnotationError("annotation_damaged")
    if root.find("track") is not None:
        raise AnnotationError("annotation_video")
    for image in root.findall("image"):
        name = image.get("name", "").strip()[:400]
        if not name:
            report.add("annotation_image_unnamed")
            continue
        yield _read_image(image, name, report)


def _read_image(image: Element, name: str, report: Report) -> FileEntry:
    width_px, height_px = as_size(image.get("width")), as_size(image.get("height"))
    marks: list[Mark] = []
    notes: list[str] = []
    tags: list[str] = []
    lost = False
    for shape in image:
        type_name = shape.get("label", "").strip()[:400]
        if shape.tag == "tag":
            tags.append(type_name)
        elif shape.tag in _OPEN_SHAPES:
            notes.append("annotation_shape_ignored")
            report.add("annotation_shape_ignored", image=name)
            lost = True
        elif shape.tag in _SHAPES and not type_name:
            report.add("annotation_type_missing", image=name)
            lost = True
        elif shape.tag in _SHAPES:
            try:
                marks.append(Mark(_region(shape, width_px, height_px), type_name))
            except AnnotationError as error:
                report.add_error(error, image=name)
                lost = True
    return FileEntry(
        name,
        tuple(marks),
        width_px,
        height_px,
        label=tags[0] if len(set(tags)) == 1 else "",
        split=image.get("subset", "").strip()[:40],
        lost=lost,
        notes=tuple(dict.fromkeys(notes)),
    )


def _region(shape: Element, width_px: int, height_px: int) -> Region:
    if shape.tag == "box":
        left, top, right, bottom = shapes.numbers(*(shape.get(edge) for edge in ("xtl", "ytl", "xbr", "ybr")))
        degrees = as_number(shape.get("rotation")) or 0.0
        if degrees % 360 == 0:
            return shapes.box(left, top, right - left, bottom - top)
        # CVAT turns a box about its center.
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return shapes.polygon(shapes.turn_about(corners, degrees, center=((left + right) / 2, (top + bottom) / 2)))
    if shape.tag == "ellipse":
        values = [shape.get(edge) for edge in ("cx", "cy", "rx", "ry")]
        return shapes.ellipse(*values, degrees=shape.get("rotation") or 0)
    if shape.tag == "polygon":
        return shapes.polygon([point.split(",") for point in shape.get("points", "").split(";")])
    left, top, wide, high = shapes.numbers(*(shape.get(edge) for edge in ("left", "top", "width", "height")))
    try:
        counts = [int(count) for count in shape.get("rle", "").split(",")]
        marked = unpack_box_runs(
            counts, left=int(left), top=int(top), box=(int(wide), int(high)), width_px=width_px, height_px=height_px
        )
        return Region.of_mask(marked, origin="import")
    except (ValueError, OverflowError) as error:
        raise AnnotationError("annotation_shape_wrong") from error
