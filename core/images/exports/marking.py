"""What is marked in an image, as regions of a type each: its regions, or the pieces of its mask where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.images.exports.records import ExportImage, ExportType, Marked, ReadMask
from core.images.regions.records import MASK, POLYGON, Region, rasterize

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# A mask in more pieces than these is dust: it stays one region.
_MOST_PIECES = 200
_LEAST_CORNERS = 3


def read_marks(image: ExportImage, read_mask: ReadMask) -> Marked:
    """Return the regions of an image with their types; of a mask that nobody drew as regions, its pieces."""
    if image.regions:
        found = [(region, own or image.type) for region, own in image.regions]
        return tuple((region, kind) for region, kind in found if kind is not None and kind.outcome == "defect")
    mask = read_mask() if image.mask_key is not None else None
    if mask is None or image.type is None or not mask.any():
        return ()
    return tuple((region, image.type) for region in _pieces(mask))


def _pieces(mask: npt.NDArray[np.bool_]) -> list[Region]:
    import cv2
    import numpy as np

    n_labels, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if n_labels - 1 > _MOST_PIECES:
        return [Region.of_mask(mask)]
    return [Region.of_mask(labels == label) for label in range(1, n_labels)]


def outlines(region: Region, *, width_px: int, height_px: int) -> list[tuple[tuple[float, float], ...]]:
    """Return a region as polygons along the edges of its pixels; several where a mask is in several pieces.

    Holes are filled: a polygon has none.
    """
    import cv2
    import numpy as np

    if region.shape == POLYGON:
        return [region.points]
    if region.shape != MASK:
        left, top, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
        return [((left, top), (right, top), (right, bottom), (left, bottom))]
    marked = rasterize([region], width_px=width_px, height_px=height_px).astype(np.uint8)
    left, top = int(region.x), int(region.y)
    part = marked[top : top + int(region.height), left : left + int(region.width)]
    # Twice as large, so that the outline runs along the edges of the pixels and not through their centers.
    large = np.pad(np.repeat(np.repeat(part, 2, axis=0), 2, axis=1), 1)
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    rings: list[tuple[tuple[float, float], ...]] = []
    for contour in found:
        corners = [(float(left + x // 2), float(top + y // 2)) for x, y in contour[:, 0, :].tolist()]
        ring = tuple(point for place, point in enumerate(corners) if point != corners[place - 1])
        if len(ring) >= _LEAST_CORNERS:
            rings.append(ring)
    return rings


def type_pixels(marked: Marked, numbers: dict[str, int], *, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
    """Return the number of the type at each pixel (height × width), 0 where nothing is marked; the last counts."""
    import numpy as np

    pixels = np.zeros((height_px, width_px), dtype=np.uint8)
    for region, kind in marked:
        pixels[rasterize([region], width_px=width_px, height_px=height_px)] = numbers[kind.code]
    return pixels


def kinds_of(marked: Marked) -> list[ExportType]:
    """Return the types that are marked, each once, in order."""
    return list(dict.fromkeys(kind for _region, kind in marked))
