"""Pictures of curated images for the screen: as they are inspected, small enough to send, their mask outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.errors import from_lower
from core.images.bit_depth import get_bit_depth
from core.images.library import read_image, read_mask_png
from inference.errors import ImageError
from inference.vision.images.decode import decode, decode_mask

if TYPE_CHECKING:
    import numpy.typing as npt

    from core.services import Services
    from storage.tables import Image

LONGEST_SIDE_PX = 1400
# An orange that stands out on gray metal, brown leather and dark cells alike.
_OUTLINE_RGB = (255, 122, 0)


def draw_picture(services: Services, image: Image, *, with_mask: bool) -> npt.NDArray[np.uint8]:
    """Return the image (uint8, HxWx3 RGB, no side longer than LONGEST_SIDE_PX), its mask outlined where it has one.

    Raises as `read_image`, and BadInput for a stored file that cannot be decoded any more.
    """
    import cv2

    try:
        pixels = decode(read_image(services, image), bit_depth=get_bit_depth(services, image.product_id)).pixels
        mask_png = read_mask_png(services, image) if with_mask else None
        mask = None if mask_png is None else decode_mask(mask_png).astype(np.uint8)
    except ImageError as error:
        raise from_lower(error, name=image.stored_name) from error
    height_px, width_px = pixels.shape[:2]
    scale = min(1.0, LONGEST_SIDE_PX / max(height_px, width_px))
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    shown = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels.copy()
    if mask is not None:
        fitted = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        outlines, _order = cv2.findContours(fitted, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, outlines, -1, _OUTLINE_RGB, max(1, round(max(size) / 350)))
    return np.asarray(shown, dtype=np.uint8)
