"""Pictures of what a run's network said of an image: the image with its map, its boxes and the marked defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import NotFound, from_lower
from core.training.runs.results import read_map
from core.transactions import reading
from inference.errors import ImageError
from storage.tables import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services
    from core.training.runs.records import ImageResult

LONGEST_SIDE_PX = 1000
# Evidence has no unit: its upper half is shown, the strongest from two thirds on.
_SHOWN_FROM, _STRONGEST_AT = 0.5, 2.0 / 3.0


def draw_result(
    services: Services,
    person: Person,
    result: ImageResult,
    *,
    with_map: bool = True,
    with_boxes: bool = True,
    with_mask: bool = False,
) -> NDArray[np.uint8]:
    """Return the image of a result, RGB uint8 (H, W, 3) at most 1000 px a side, with what is wanted over it.

    Raises NotAllowed, NotFound run_image_gone for an image that was deleted since, and AppError for a file that is gone
    or damaged, or a store that fails.
    """
    from core.images.previews import draw_picture
    from core.inspections.colormap import color_heat, fit_within, overlay_heat
    from inference.vision.images.encoding import decode_map
    from inference.vision.images.outlines import draw_boxes

    require_role(services, person, ENGINEER)
    with reading(services) as session:
        image = session.get(Image, result.image_id)
    if image is None:
        raise NotFound("run_image_gone", number=result.image_id)
    picture = fit_within(draw_picture(services, image, with_mask=with_mask), LONGEST_SIDE_PX)
    if with_map and result.map_key:
        try:
            values = decode_map(read_map(services, person, result.map_key))
        except ImageError as error:
            raise from_lower(error) from error
        span = max(float(values.max()), 1e-6)
        heat = color_heat(values, review_at=_SHOWN_FROM * span, reject_at=_STRONGEST_AT * span)
        picture = overlay_heat(picture, heat)
    if with_boxes and result.boxes:
        boxes = [(box["x"], box["y"], box["width"], box["height"]) for box in result.boxes]
        picture = draw_boxes(picture, boxes, size_px=(image.width_px, image.height_px))
    return picture
