"""The class masks of Pascal VOC: pictures of the size of their image, a color for each type.

`labelmap.txt` says which color is which type (`name:r,g,b:parts:actions`). Without it the mask counts where all boxes
of its image are of one type.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.images.annotations.documents import read_text
from core.images.annotations.records import MOST_MASK_PIXELS, AnnotationError, FileEntry, Mark
from core.images.annotations.reports import Report
from core.images.regions.records import BOX, Region, rasterize

Files = Mapping[str, Callable[[], bytes]]
FOLDERS = frozenset({"segmentationclass", "segmentationobject"})
_VOID = (224, 224, 192)
_BLACK = (0, 0, 0)
_Masks = dict[str, npt.NDArray[np.bool_]]


def is_class_mask(path: str) -> bool:
    """Return whether a picture lies in one of the folders of class masks."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return folder.lower() in FOLDERS


def add_class_mask(entry: FileEntry, xml_path: str, files: Files, report: Report) -> FileEntry:
    """Return what the file says with the outlines of its class mask in the place of boxes; as it is without one."""
    top = xml_path.rpartition("/")[0].rpartition("/")[0]
    stem = xml_path.rpartition("/")[2].rsplit(".", 1)[0]
    inside = f"{top}/" if top else ""
    path = f"{inside}SegmentationClass/{stem}.png"
    if path not in files or entry.lost:
        return entry
    try:
        colors = _read_colors(files[path]())
        size = (colors.shape[1], colors.shape[0])
        if entry.width_px and size != (entry.width_px, entry.height_px):
            raise AnnotationError(
                "annotation_size_differs",
                width_px=size[0],
                height_px=size[1],
                image_width_px=entry.width_px,
                image_height_px=entry.height_px,
            )
        names = _read_label_map(files[f"{inside}labelmap.txt"]()) if f"{inside}labelmap.txt" in files else {}
        masks = _by_type(colors, names, entry.marks)
    except AnnotationError as error:
        report.add(error.code, image=entry.name, **error.params)
        return entry
    if masks is None:
        report.add("annotation_mask_unclear", image=entry.name)
        return entry
    marks = tuple(_refine(entry.marks, masks, size))
    return replace(entry, marks=marks, width_px=size[0], height_px=size[1])


def _refine(marks: Sequence[Mark], masks: _Masks, size: tuple[int, int]) -> Iterable[Mark]:
    """Yield each box as what its type's mask marks in it, and then what the masks mark in no box."""
    left = {name: mask.copy() for name, mask in masks.items()}
    for mark in marks:
        mask = masks.get(mark.type_name)
        if mark.region.shape != BOX or mask is None:
            yield mark
            continue
        box = rasterize([mark.region], width_px=size[0], height_px=size[1])
        left[mark.type_name] &= ~box
        inside = mask & box
        yield replace(mark, region=Region.of_mask(inside, origin="import")) if inside.any() else mark
    for name, rest in left.items():
        if rest.any():
            yield Mark(Region.of_mask(rest, origin="import"), name)


def _by_type(
    colors: npt.NDArray[np.uint8], names: Mapping[tuple[int, int, int], str], marks: Sequence[Mark]
) -> _Masks | None:
    """Return the mask of each type by its name; None where it is not certain which color is which."""
    packed = (colors[..., 0].astype(np.int64) << 16) | (colors[..., 1].astype(np.int64) << 8) | colors[..., 2]
    found = {((int(one) >> 16) & 255, (int(one) >> 8) & 255, int(one) & 255) for one in np.unique(packed)}
    found -= {_BLACK, _VOID}
    if not found:
        return {}
    if names:
        if not found <= set(names):
            return None
        masks: _Masks = {}
        for color in found:
            mask = packed == (color[0] << 16 | color[1] << 8 | color[2])
            masks[names[color]] = masks[names[color]] | mask if names[color] in masks else mask
        return masks
    types = {mark.type_name for mark in marks}
    if len(types) != 1 or len(found) != 1:
        return None
    color = next(iter(found))
    return {next(iter(types)): packed == (color[0] << 16 | color[1] << 8 | color[2])}


def _read_colors(data: bytes) -> npt.NDArray[np.uint8]:
    from PIL import Image

    from inference.errors import ImageError
    from inference.vision.images.decode import check

    try:
        check(data)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.width * picture.height > MOST_MASK_PIXELS:
                raise AnnotationError("annotation_damaged")
            return np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except (ImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise AnnotationError("annotation_damaged") from error


def _read_label_map(data: bytes) -> dict[tuple[int, int, int], str]:
    names: dict[tuple[int, int, int], str] = {}
    for line in read_text(data).splitlines():
        name, _, rest = line.strip().partition(":")
        numbers = rest.partition(":")[0].split(",")
        if name.startswith("#") or len(numbers) != 3 or not all(number.strip().isdecimal() for number in numbers):
            continue
        red, green, blue = (int(number) for number in numbers)
        if (red, green, blue) != _BLACK:
            names[red, green, blue] = name[:400]
    return names
