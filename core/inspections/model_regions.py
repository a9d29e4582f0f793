"""What the model in use would mark in a curated image: an offer to a person who draws, of which nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import from_lower
from core.images.library import get_image
from core.images.regions.checks import MOST_CORNERS, crosses_itself
from core.images.regions.records import Region
from core.images.training import load_pixels
from core.inspections.examination import examine_group, find_judges
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.inspections.examination import Finding
    from core.services import Services
    from inference.vision.detection.regions import Region as FoundRegion

MOST_OFFERED = 20
# A hole of more than this share of a region is a part of its form.
_LARGE_HOLE = 0.03


@dataclass(frozen=True)
class OfferedRegion:
    """A region that the model found, with its score; its type where the model knows one."""

    region: Region
    score: float


@dataclass(frozen=True)
class Offer:
    """What the model in use says of an image: its regions at the threshold, the highest first; none for a good one."""

    regions: tuple[OfferedRegion, ...]
    score: float
    review_at: float
    version_number: int


def offer_regions(services: Services, person: Person, image_id: int) -> Offer:
    """Return the regions that the product's model finds in a curated image, as outlines; store nothing.

    Raises NotReady without a model in use, NotFound, Unavailable, and BadInput for an image that cannot be read.
    """
    from inference.vision.images.decode import DecodedImage

    require_role(services, person, ENGINEER)
    image = get_image(services, image_id)
    judges = replace(find_judges(services, image.product_id), indexes={})
    try:
        pixels = load_pixels(services, image, bit_depth=judges.bit_depth)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=image.stored_name) from error
    decoded = DecodedImage(pixels=pixels, format=image.file_format)
    (finding,) = examine_group(services, judges, [decoded])
    return Offer(
        tuple(_offer(finding)),
        float(finding.detection.score),
        float(judges.threshold.review_at),
        judges.bank.number,
    )


def outline_mask(marked: NDArray[np.bool_], *, left: int, top: int, width_px: int, height_px: int) -> Region | None:
    """Return the largest connected part of a mask as a region of the image that it was cut out of at (left, top).

    A polygon, or a mask where it has holes or its outline would cross itself. None where nothing is marked.
    """
    import cv2
    import numpy as np

    found, order = cv2.findContours(marked.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not found:
        return None
    areas = [cv2.contourArea(one) + cv2.arcLength(one, closed=True) / 2 + 1 for one in found]
    outer = [place for place in range(len(found)) if order[0][place][3] < 0]
    largest = max(outer, key=lambda place: areas[place])
    holes = sum(areas[place] for place in range(len(found)) if order[0][place][3] == largest)
    # Contours go through the centers of pixels; half a pixel is the least that can be seen of a simpler outline.
    simpler = cv2.approxPolyDP(
        found[largest], max(0.5, 0.003 * cv2.arcLength(found[largest], closed=True)), closed=True
    )
    corners = [(float(x) + left + 0.5, float(y) + top + 0.5) for x, y in simpler[:, 0]]
    if 3 <= len(corners) <= MOST_CORNERS and holes <= _LARGE_HOLE * areas[largest] and not crosses_itself(corners):
        polygon = Region.of_polygon(corners)
        if min(polygon.width, polygon.height, polygon.area) >= 1:
            return polygon
    whole = np.zeros((height_px, width_px), np.bool_)
    part = np.zeros(marked.shape, np.uint8)
    cv2.drawContours(part, found, largest, (1,), cv2.FILLED, hierarchy=order, maxLevel=1)
    whole[top : top + marked.shape[0], left : left + marked.shape[1]] = part.astype(bool) & marked
    return Region.of_mask(whole)


def _offer(finding: Finding) -> Sequence[OfferedRegion]:
    from inference.vision.detection.regions import draw_region_mask

    kept = finding.regions[:MOST_OFFERED]
    if not kept:
        return []
    height, width = finding.image.pixels.shape[:2]
    marked = draw_region_mask(
        finding.detection.anomaly_map,
        threshold=finding.threshold.review_at,
        image_size_px=(width, height),
        boxes=[(one.x, one.y, one.w, one.h) for one in kept],
    )
    offered = []
    for one in kept:
        cut = marked[one.y : one.y + one.h, one.x : one.x + one.w]
        region = outline_mask(cut, left=one.x, top=one.y, width_px=width, height_px=height)
        if region is not None:
            about = replace(region, origin="model", defect_type_id=_name_type(finding, one, width, height))
            offered.append(OfferedRegion(about, one.score))
    return offered


def _name_type(finding: Finding, found: FoundRegion, width: int, height: int) -> int | None:
    """Return the type that the model takes the region for, of those that the product has."""
    places, opinion = finding.detection.places, finding.detection.opinion
    if places is None or opinion is None or not opinion.known:
        return None
    name, _share = places.name((found.x / width, found.y / height, found.w / width, found.h / height))
    known = {str(one.id): one.id for one in finding.judges.defect_types if one.outcome == "defect"}
    return known.get(name)
