"""A box that a person drew, drawn in to the outline of what stands out inside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import BadInput, from_lower
from core.images.bit_depth import get_bit_depth
from core.images.library import get_image, read_image
from core.images.regions.records import Region
from inference.errors import ImageError

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


def tighten_box(services: Services, person: Person, image_id: int, box: Region) -> Region:
    """Return the mask of what stands out inside a box, with the type of the box; nothing is stored.

    Raises BadInput region_not_tightened where nothing does; NotFound, Unavailable.
    """
    from inference.vision.detection.tightening import tighten
    from inference.vision.images.decode import decode

    require_role(services, person, ENGINEER)
    image = get_image(services, image_id)
    try:
        pixels = decode(
            read_image(services, image), bit_depth=get_bit_depth(services, image.product_id, image.view)
        ).pixels
    except ImageError as error:
        raise from_lower(error, name=image.stored_name) from error
    left, top = math.floor(box.x), math.floor(box.y)
    marked = tighten(pixels, (left, top, math.ceil(box.x + box.width) - left, math.ceil(box.y + box.height) - top))
    if marked is None:
        raise BadInput("region_not_tightened")
    return Region.of_mask(marked, defect_type_id=box.defect_type_id, origin="person")
