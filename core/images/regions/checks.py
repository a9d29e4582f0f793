"""What may be marked in an image: regions that lie inside it, mark something, and are not endless."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from core.errors import BadInput
from core.images.regions.records import BOX, MASK, POLYGON, Region

MOST_REGIONS: Final = 200
MOST_CORNERS: Final = 500
MOST_RUNS: Final = 400_000  # of all masks of an image together
ORIGINS: Final = ("person", "import", "model")
# Browsers and files round: what lies outside by less belongs inside.
_SLACK_PX = 0.01


def read_region(value: Mapping[str, Any], *, number: int, width_px: int, height_px: int) -> Region:
    """Return the region that a browser or a program describes; `number` (from 1 on) names it in errors.

    A box has x, y, width and height, a polygon `points`, a mask `counts`. Raises BadInput region_unreadable,
    region_too_detailed, region_too_small.
    """
    try:
        type_id = value.get("defect_type_id")
        about: dict[str, Any] = {
            "defect_type_id": None if type_id is None else int(type_id),
            "origin": str(value.get("origin") or "person"),
        }
        if value["shape"] == BOX:
            sides = [float(value[name]) for name in ("x", "y", "width", "height")]
            return Region.of_box(*sides, **about)
        if value["shape"] == POLYGON:
            if len(value["points"]) > MOST_CORNERS:
                raise BadInput("region_too_detailed", number=number)
            return Region.of_polygon([(float(x), float(y)) for x, y in value["points"]], **about)
        if value["shape"] == MASK:
            counts = value["counts"]
            if len(counts) > MOST_RUNS:
                raise BadInput("region_too_detailed", number=number)
            if not all(type(count) is int for count in counts):
                raise BadInput("region_unreadable", number=number)
            if not sum(counts[1::2]):
                raise BadInput("region_too_small", number=number)
            return Region.of_runs(counts, width_px=width_px, height_px=height_px, **about)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput("region_unreadable", number=number) from error
    raise BadInput("region_unreadable", number=number)


def check_regions(regions: Sequence[Region], *, name: str, width_px: int, height_px: int) -> list[Region]:
    """Return the regions of an image, cut off at its edge where they pass it by a rounding error.

    `name` is the image's. Raises BadInput regions_too_many, region_outside, region_too_small, region_crosses_itself,
    region_too_detailed, region_unreadable.
    """
    if len(regions) > MOST_REGIONS:
        raise BadInput("regions_too_many", name=name, limit=MOST_REGIONS)
    if sum(len(region.counts) for region in regions) > MOST_RUNS:
        raise BadInput("regions_too_detailed", name=name)
    return [
        _check(region, number, width_px=width_px, height_px=height_px) for number, region in enumerate(regions, start=1)
    ]


def _check(region: Region, number: int, *, width_px: int, height_px: int) -> Region:
    sides = (region.x, region.y, region.width, region.height, *(side for point in region.points for side in point))
    if region.origin not in ORIGINS or not all(math.isfinite(side) for side in sides):
        raise BadInput("region_unreadable", number=number)
    right, bottom = region.x + region.width, region.y + region.height
    if min(region.x, region.y) < -_SLACK_PX or right > width_px + _SLACK_PX or bottom > height_px + _SLACK_PX:
        raise BadInput("region_outside", number=number)
    if region.shape == MASK:
        try:
            bounds = Region.of_runs(region.counts, width_px=width_px, height_px=height_px)
        except (OverflowError, ValueError) as error:
            raise BadInput("region_unreadable", number=number) from error
        return replace(region, x=bounds.x, y=bounds.y, width=bounds.width, height=bounds.height)
    # The slack of sums of floats is not a part of a pixel.
    if region.width < 1 - _SLACK_PX or region.height < 1 - _SLACK_PX or region.area < 1 - _SLACK_PX:
        raise BadInput("region_too_small", number=number)
    left, top = max(0.0, region.x), max(0.0, region.y)
    if region.shape == BOX:
        return replace(region, x=left, y=top, width=min(right, width_px) - left, height=min(bottom, height_px) - top)
    if len(region.points) > MOST_CORNERS:
        raise BadInput("region_too_detailed", number=number)
    if crosses_itself(region.points):
        raise BadInput("region_crosses_itself", number=number)
    corners = [(min(max(0.0, x), float(width_px)), min(max(0.0, y), float(height_px))) for x, y in region.points]
    return replace(Region.of_polygon(corners), defect_type_id=region.defect_type_id, origin=region.origin)


def crosses_itself(points: Sequence[tuple[float, float]]) -> bool:
    """Return whether two sides of the polygon cross, other than at the corner that they share."""
    import numpy as np

    corners = np.asarray(points, dtype=np.float64)
    count = len(corners)
    if count < 4:
        return False
    starts, ends = corners, np.roll(corners, -1, axis=0)

    def turn(base: np.ndarray, tip: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return by [side, point] at which hand of each side every point lies."""
        along, to = (tip - base)[:, None, :], seen[None, :, :] - base[:, None, :]
        return np.asarray(np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]))

    apart = turn(starts, ends, starts) * turn(starts, ends, ends) < 0
    crossing = apart & apart.T
    return bool(np.triu(crossing, 1).any())
