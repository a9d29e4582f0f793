"""COCO instances: one JSON file with images, annotations and categories.

Lin et al., "Microsoft COCO: Common Objects in Context" (ECCV 2014), annotation format. An image that is listed without
annotations is not called good: programs list images that nobody has looked at yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.images.annotations import shapes
from core.images.annotations.documents import as_dict, as_list, as_size, as_text, read_json
from core.images.annotations.records import AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report
from core.images.annotations.run_codes import unpack_counts
from core.images.regions.records import Region


def is_coco(value: Any) -> bool:
    """Return whether a JSON value has the lists of a COCO file."""
    return isinstance(value, dict) and isinstance(value.get("images"), list) and "annotations" in value


def read_coco(data: bytes, report: Report) -> Iterator[FileEntry]:
    """Yield what is said of each image. Raises AnnotationError for a file that cannot be read at all."""
    value = read_json(data)
    if not is_coco(value):
        raise AnnotationError("annotation_damaged")
    names = {_key(one.get("id")): as_text(one.get("name")) for one in map(as_dict, as_list(value.get("categories")))}
    by_image: dict[str, list[dict[Any, Any]]] = {}
    for one in map(as_dict, as_list(value.get("annotations"))):
        by_image.setdefault(_key(one.get("image_id")), []).append(one)
    seen: set[str] = set()
    for image in map(as_dict, as_list(value["images"])):
        name, key = as_text(image.get("file_name")), _key(image.get("id"))
        if not name or not key:
            report.add("annotation_image_unnamed")
        elif key in seen:
            report.add("annotation_image_twice", image=name)
        else:
            seen.add(key)
            yield _read_image(name, image, by_image.pop(key, []), names, report)
    if by_image:
        report.add("annotation_of_no_image", count=sum(len(found) for found in by_image.values()))


def _read_image(
    name: str, image: dict[Any, Any], found: list[dict[Any, Any]], names: dict[str, str], report: Report
) -> FileEntry:
    width_px, height_px = as_size(image.get("width")), as_size(image.get("height"))
    marks: list[Mark] = []
    lost = False
    for one in found:
        type_name = names.get(_key(one.get("category_id")), "")
        if not type_name:
            report.add("annotation_type_missing", image=name)
            lost = True
            continue
        try:
            marks += [Mark(region, type_name) for region in _regions(one, width_px, height_px)]
        except AnnotationError as error:
            report.add_error(error, image=name)
            lost = True
    return FileEntry(name, tuple(marks), width_px, height_px, lost=lost)


def _regions(one: dict[Any, Any], width_px: int, height_px: int) -> list[Region]:
    drawn = one.get("segmentation")
    if isinstance(drawn, dict):
        size = as_list(drawn.get("size"))
        high, wide = (as_size(size[0]), as_size(size[1])) if len(size) == 2 else (height_px, width_px)
        if (width_px and wide != width_px) or (height_px and high != height_px):
            raise AnnotationError("annotation_shape_wrong")
        counts = drawn.get("counts")
        return [
            shapes.runs(unpack_counts(counts) if isinstance(counts, str) else counts, width_px=wide, height_px=high)
        ]
    rings = [ring for ring in as_list(drawn) if isinstance(ring, list) and ring]
    if rings:
        if any(len(ring) % 2 for ring in rings):
            raise AnnotationError("annotation_shape_wrong")
        return [shapes.polygon(list(zip(ring[::2], ring[1::2], strict=True))) for ring in rings]
    bounds = as_list(one.get("bbox"))
    if len(bounds) != 4:
        raise AnnotationError("annotation_shape_wrong")
    return [shapes.box(*bounds)]


def _key(value: Any) -> str:
    """Return an id as text: programs write numbers here and texts there."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else as_text(value)
