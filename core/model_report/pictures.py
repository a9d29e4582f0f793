"""Pictures of test images for the report: as the model gets them, with their heat map and the outline of their mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import Conflict, NotFound, from_lower
from core.images.bit_depth import read_bit_depth
from core.images.library import get_image_row
from core.images.training import load_mask, load_pixels
from core.inspections.colormap import color_heat, fit_within, overlay_heat
from core.models.kinds import MEMORY_BANK
from core.registry.versions import current_threshold
from core.transactions import reading
from inference.errors import ImageError, InferenceError
from inference.vision.images.outlines import draw_outlined
from storage.objects import ObjectStoreError
from storage.tables import ModelVersion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services

LONGEST_SIDE_PX = 1200


def draw_test_image(
    services: Services, person: Person, version_id: int, image_id: int, *, with_heat: bool, with_mask: bool
) -> NDArray[np.uint8]:
    """Return an image of the version's product (uint8, RGB, no side longer than `LONGEST_SIDE_PX`).

    With its heat map, the version looks at it now; the colors hang on the thresholds in force. Raises NotAllowed,
    NotFound, Conflict(`version_not_kept`) for a heat map of a version whose model is gone, and the AppError of a model,
    an image or an object store that cannot be used.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        version = session.get(ModelVersion, version_id)
        row = get_image_row(session, image_id)
        if version is None or version.kind != MEMORY_BANK or row.product_id != version.product_id:
            raise NotFound("not_found")
        limits = current_threshold(session, version_id)
    if with_heat and not version.object_prefix:
        raise Conflict("version_not_kept", number=version.number)
    try:
        pixels = load_pixels(services, row, bit_depth=read_bit_depth(version.preprocessing))
        shown = fit_within(pixels, LONGEST_SIDE_PX)
        if with_heat:
            found = services.models.memory_bank(version).inspect(pixels)
            heat = color_heat(found.anomaly_map, review_at=limits.review_at, reject_at=limits.reject_at)
            shown = overlay_heat(shown, heat)
        mask = load_mask(services, row) if with_mask else None
    except (ImageError, InferenceError, ObjectStoreError) as error:
        raise from_lower(error, **({"name": row.stored_name} if isinstance(error, ImageError) else {})) from error
    return draw_outlined(shown, longest_side_px=LONGEST_SIDE_PX, mask=mask)
