"""Regions from the numbers in a file: checked, cut to the image, turned as the image is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from core.images.annotations.documents import as_number
from core.images.annotations.records import MOST_CORNERS, AnnotationError
from core.images.annotations.run_codes import region_of_runs
from core.images.regions.records import BOX, MASK, POLYGON, Region

_ELLIPSE_CORNERS = 48
_ORIGIN = "import"
# Programs write corners rounded to the next pixel: what stands over by less is not worth a word.
_TOLERATED_PX = 1.5


def box(x: Any, y: Any, width: Any, height: Any, *, degrees: Any = 0) -> Region:
    """Return a box, or the polygon of one that is turned about its top left corner.

    Raises AnnotationError annotation_shape_wrong.
    """
    left, top, wide, high = numbers(x, y, width, height)
    angle = as_number(degrees) or 0.0
    if wide <= 0 or high <= 0:
        raise AnnotationError("annotation_shape_wrong")
    if angle % 360 == 0:
        return Region.of_box(left, top, wide, high, origin=_ORIGIN)
    return polygon(turn_about([(left, top), (left + wide, top), (left + wide, top + high), (left, top + high)], angle))


def turn_about(
    points: Sequence[tuple[float, float]], degrees: float, *, center: tuple[float, float] | None = None
) -> list[tuple[float, float]]:
    """Return the points turned clockwise on the screen, about `center` or the first of them."""
    about_x, about_y = center or points[0]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [
        (
            about_x + (x - about_x) * cosine - (y - about_y) * sine,
            about_y + (x - about_x) * sine + (y - about_y) * cosine,
        )
        for x, y in points
    ]


def polygon(points: Iterable[Sequence[Any]]) -> Region:
    """Return a polygon of corners. Raises AnnotationError annotation_shape_wrong."""
    corners: list[tuple[float, float]] = []
    for point in points:
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise AnnotationError("annotation_shape_wrong")
        x, y = numbers(*point)
        corners.append((x, y))
    if not 3 <= len(corners) <= MOST_CORNERS:
        raise AnnotationError("annotation_shape_wrong")
    region = Region.of_polygon(corners, origin=_ORIGIN)
    if region.width <= 0 or region.height <= 0:
        raise AnnotationError("annotation_shape_wrong")
    return region


def ellipse(x: Any, y: Any, radius_x: Any, radius_y: Any, *, degrees: Any = 0) -> Region:
    """Return an ellipse about a center as a polygon. Raises AnnotationError annotation_shape_wrong."""
    center_x, center_y, wide, high = numbers(x, y, radius_x, radius_y)
    if wide <= 0 or high <= 0:
        raise AnnotationError("annotation_shape_wrong")
    steps = [2 * math.pi * step / _ELLIPSE_CORNERS for step in range(_ELLIPSE_CORNERS)]
    points = [(center_x + wide * math.cos(step), center_y + high * math.sin(step)) for step in steps]
    return polygon(turn_about(points, as_number(degrees) or 0.0, center=(center_x, center_y)))


def runs(counts: Any, *, width_px: int, height_px: int) -> Region:
    """Return a mask of run lengths over the whole image. Raises AnnotationError annotation_shape_wrong."""
    if not isinstance(counts, list | tuple):
        raise AnnotationError("annotation_shape_wrong")
    return region_of_runs(counts, width_px=width_px, height_px=height_px, origin=_ORIGIN)


def numbers(*values: Any) -> tuple[float, ...]:
    """Return the values as finite numbers. Raises AnnotationError annotation_shape_wrong."""
    found = tuple(as_number(value) for value in values)
    if any(value is None for value in found):
        raise AnnotationError("annotation_shape_wrong")
    return tuple(value for value in found if value is not None)


def fit(region: Region, *, width_px: int, height_px: int) -> tuple[Region | None, bool]:
    """Return the region cut to its image, and whether that took away more than rounding does.

    None where nothing of it lies in the image. A mask is one of the whole image already.
    """
    if region.shape == MASK:
        return region, False
    over = max(-region.x, -region.y, region.x + region.width - width_px, region.y + region.height - height_px)
    if over <= 0:
        return region, False
    if region.shape == BOX:
        left, top = max(region.x, 0.0), max(region.y, 0.0)
        right, bottom = min(region.x + region.width, width_px), min(region.y + region.height, height_px)
        if right <= left or bottom <= top:
            return None, True
        cut = replace(region, x=left, y=top, width=right - left, height=bottom - top)
        return cut, over > _TOLERATED_PX
    corners = list(region.points)
    for axis, limit, sign in ((0, 0.0, 1), (0, float(width_px), -1), (1, 0.0, 1), (1, float(height_px), -1)):
        corners = _cut(corners, axis, limit, sign)
    try:
        kept = polygon(corners)
    except AnnotationError:
        return None, True
    return replace(kept, defect_type_id=region.defect_type_id, type_name=region.type_name), over > _TOLERATED_PX


def _cut(points: list[tuple[float, float]], axis: int, limit: float, sign: int) -> list[tuple[float, float]]:
    """Return what of a polygon lies on one side of a line along an axis (Sutherland and Hodgman, 1974)."""
    kept: list[tuple[float, float]] = []
    for place, point in enumerate(points):
        before = points[place - 1]
        inside, was_inside = sign * (point[axis] - limit) >= 0, sign * (before[axis] - limit) >= 0
        if inside != was_inside:
            share = (limit - before[axis]) / (point[axis] - before[axis])
            other = before[1 - axis] + share * (point[1 - axis] - before[1 - axis])
            kept.append((limit, other) if axis == 0 else (other, limit))
        if inside:
            kept.append(point)
    return kept


def turn(region: Region, orientation: int, *, width_px: int, height_px: int) -> Region:
    """Return a region of the pixels as they lie in the file, `width_px` × `height_px`, as the image is shown.

    `orientation` is the EXIF one, 1–8.
    """
    if orientation == 1:
        return region
    if region.shape == MASK:
        from core.images.regions.run_lengths import decode_runs
        from inference.vision.images.pixel_formats import turn as turn_pixels

        marked = decode_runs(region.counts, height_px=height_px, width_px=width_px)
        turned = Region.of_mask(turn_pixels(marked, orientation), origin=region.origin)
        return replace(turned, defect_type_id=region.defect_type_id, type_name=region.type_name)
    swapped = orientation in {5, 6, 7, 8}
    wide, high = (height_px, width_px) if swapped else (width_px, height_px)

    def place(x: float, y: float) -> tuple[float, float]:
        if swapped:
            x, y = y, x
        return (
            wide - x if orientation in {2, 3, 6, 7} else x,
            high - y if orientation in {3, 4, 7, 8} else y,
        )

    first, second = place(region.x, region.y), place(region.x + region.width, region.y + region.height)
    left, top = min(first[0], second[0]), min(first[1], second[1])
    points = tuple(place(x, y) for x, y in region.points) if region.shape == POLYGON else ()
    across, down = abs(second[0] - first[0]), abs(second[1] - first[1])
    return replace(region, x=left, y=top, width=across, height=down, points=points)


def area(region: Region) -> float:
    """Return how many pixels a region covers, roughly: to tell the largest."""
    if region.shape == MASK:
        return float(sum(region.counts[1::2]))
    if region.shape == BOX:
        return region.width * region.height
    points = region.points
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True))) / 2
