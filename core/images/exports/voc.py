"""Pascal VOC: an XML file for each image, lists by split, and class masks of the images with outlines.

Boxes are inclusive pixel numbers that count from 1; a box of fractions is rounded to the pixels that it touches. A
defect image of which nobody has marked anything has no XML file: an empty one would say that there is nothing.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from core.images.exports.marking import type_pixels
from core.images.exports.records import Entry, ExportImage, ExportType, Marked, classes_of
from core.images.exports.spooling import Spools
from core.images.regions.records import BOX

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MOST_COLORS = 255


class VocLayout:
    """`JPEGImages`, `Annotations`, `ImageSets/Main`, `SegmentationClass` and `labelmap.txt`."""

    def __init__(self, types: Sequence[ExportType]) -> None:
        self._numbers = {code: number + 1 for code, number in classes_of(types).items()}
        self._lists, self._drawn = Spools(), Spools()

    def image_path(self, image: ExportImage) -> str:
        """Return where the image goes."""
        return f"JPEGImages/{image.name}"

    def mask_path(self, image: ExportImage) -> str:
        """Return where its mask goes."""
        return f"masks/{image.stem}_mask.png"

    def annotate(self, image: ExportImage, marked: Callable[[], Marked]) -> Iterator[Entry]:
        """Yield the image's XML file, and its class mask where there is an outline."""
        self._lists.of(image.split).write(f"{image.stem}\n")
        found = marked()
        if not found and image.is_defect:
            return
        yield Entry.of(f"Annotations/{image.stem}.xml", _xml(image, found).encode("utf-8"))
        if any(region.shape != BOX for region, _kind in found) and len(self._numbers) <= _MOST_COLORS:
            self._drawn.of(image.split).write(f"{image.stem}\n")
            pixels = type_pixels(found, self._numbers, width_px=image.width_px, height_px=image.height_px)
            yield Entry.of(f"SegmentationClass/{image.stem}.png", _encode(pixels))

    def finish(self) -> Iterator[Entry]:
        """Yield the lists of the images, and the colors of the types."""
        for folder, lists in (("Main", self._lists), ("Segmentation", self._drawn)):
            for split, spool in lists.items():
                yield spool.entry(f"ImageSets/{folder}/{split}.txt")
        lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
        lines += [f"{code}:{','.join(map(str, color(number)))}::" for code, number in self._numbers.items()]
        yield Entry.of("labelmap.txt", ("\n".join(lines) + "\n").encode("utf-8"))

    def close(self) -> None:
        """Give the files back."""
        self._lists.close()
        self._drawn.close()


def color(number: int) -> tuple[int, int, int]:
    """Return the color of a class number, as the development kit spreads its bits over red, green and blue."""
    red = green = blue = 0
    for place in range(7, -1, -1):
        red |= (number & 1) << place
        green |= ((number >> 1) & 1) << place
        blue |= ((number >> 2) & 1) << place
        number >>= 3
    return red, green, blue


def _encode(pixels: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.putpalette([value for number in range(256) for value in color(number)])
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()


def _xml(image: ExportImage, found: Marked) -> str:
    objects = "".join(
        f"  <object>\n    <name>{escape(kind.code)}</name>\n    <pose>Unspecified</pose>\n"
        "    <truncated>0</truncated>\n    <difficult>0</difficult>\n    <bndbox>\n"
        f"      <xmin>{math.floor(region.x) + 1}</xmin>\n      <ymin>{math.floor(region.y) + 1}</ymin>\n"
        f"      <xmax>{math.ceil(region.x + region.width)}</xmax>\n"
        f"      <ymax>{math.ceil(region.y + region.height)}</ymax>\n"
        "    </bndbox>\n  </object>\n"
        for region, kind in found
    )
    segmented = int(any(region.shape != BOX for region, _kind in found))
    return (
        "<annotation>\n  <folder>JPEGImages</folder>\n"
        f"  <filename>{escape(image.name)}</filename>\n  <size>\n    <width>{image.width_px}</width>\n"
        f"    <height>{image.height_px}</height>\n    <depth>3</depth>\n  </size>\n"
        f"  <segmented>{segmented}</segmented>\n{objects}</annotation>\n"
    )
