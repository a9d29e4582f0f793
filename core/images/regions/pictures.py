"""The picture that is drawn on: an image small enough to send, kept by the browser under an address of its own.

Coordinates are always those of the stored image; the picture only shows it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import NotFound, from_lower
from core.images.bit_depth import get_bit_depth
from core.images.library import get_image, read_image
from inference.errors import ImageError

if TYPE_CHECKING:
    from core.services import Services
    from storage.tables import Image

LONGEST_SIDE_PX = 2600
# Small images are sent as they are: whoever draws a pixel wants to see it.
_EXACT_PIXELS = 1_000_000
_JPEG_QUALITY = 92
# Part of each token: raise it when pictures are made differently, so that browsers fetch them anew.
_MADE = 1


@dataclass(frozen=True)
class DrawingPicture:
    """A picture as a file: its bytes and its content type."""

    data: bytes
    content_type: str


def drawing_token(services: Services, image: Image) -> str:
    """Return what stands in the address of the picture: it changes with the file and with how it is read."""
    depth = get_bit_depth(services, image.product_id, image.view)
    return hashlib.sha256(f"{_MADE}:{image.object_key}:{depth}".encode()).hexdigest()[:20]


def read_drawing_picture(services: Services, image_id: int, token: str) -> DrawingPicture:
    """Return the picture, as it was kept or made anew.

    Raises NotFound for an unknown image or another token, Unavailable, BadInput for a file that cannot be read.
    """
    import cv2
    import numpy as np

    from inference.vision.images.decode import decode
    from inference.vision.images.encoding import encode_jpeg, encode_png

    image = get_image(services, image_id)
    if drawing_token(services, image) != token:
        raise NotFound("not_found")
    exact = image.width_px * image.height_px <= _EXACT_PIXELS
    kind = "image/png" if exact else "image/jpeg"
    key = f"drawing:{image_id}:{token}"
    kept = services.pictures.get(key)
    if kept is None:
        try:
            pixels = decode(
                read_image(services, image), bit_depth=get_bit_depth(services, image.product_id, image.view)
            ).pixels
        except ImageError as error:
            raise from_lower(error, name=image.stored_name) from error
        scale = LONGEST_SIDE_PX / max(pixels.shape[:2])
        if scale < 1:
            size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        kept = encode_png(pixels) if exact else encode_jpeg(pixels, _JPEG_QUALITY)
        services.pictures.put(key, kept)
    return DrawingPicture(kept, kind)
