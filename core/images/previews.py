"""Pictures of curated images for the screen: as they are inspected, small enough to send, their mask outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import from_lower
from core.images.bit_depth import get_bit_depth
from core.images.library import read_image, read_mask_png
from inference.errors import ImageError
from inference.vision.images.decode import decode, decode_mask
from inference.vision.images.outlines import draw_outlined

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.services import Services
    from storage.tables import Image

LONGEST_SIDE_PX = 1400


def draw_picture(services: Services, image: Image, *, with_mask: bool) -> npt.NDArray[np.uint8]:
    """Return the image (uint8, HxWx3 RGB, no side longer than LONGEST_SIDE_PX), its mask outlined where it has one.

    Raises as `read_image`, and BadInput for a stored file that cannot be decoded any more.
    """
    try:
        pixels = decode(
            read_image(services, image), bit_depth=get_bit_depth(services, image.product_id, image.view)
        ).pixels
        mask_png = read_mask_png(services, image) if with_mask else None
        mask = None if mask_png is None else decode_mask(mask_png)
    except ImageError as error:
        raise from_lower(error, name=image.stored_name) from error
    return draw_outlined(pixels, longest_side_px=LONGEST_SIDE_PX, mask=mask)
