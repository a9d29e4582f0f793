"""The small pictures of rejected parts, with an outline around each place that differs."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.similarity.matches import fetch_thumbnails

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from core.reports.period.rows import RejectedPart
    from storage.object_store import ObjectStore

logger = logging.getLogger(__name__)

# Drawn at this size, whatever the picture's own: the outline is as thick on each.
_LONGEST_PX = 360
_MOST_PIXELS = 40_000_000
_MOST_REGIONS = 12
# Seen on light and on dark parts, and by the color-blind: vermilion within white.
_OUTLINE, _HALO = (213, 94, 0), (255, 255, 255)


def draw_parts(objects: ObjectStore, parts: Sequence[RejectedPart]) -> dict[int, NDArray[np.uint8]]:
    """Return the pictures as RGB uint8 (H, W, 3) by the part's id; one that cannot be read is left out."""
    found = fetch_thumbnails(objects, sorted({part.thumbnail_key for part in parts if part.thumbnail_key}))
    drawn = {}
    for part in parts:
        data = found.get(part.thumbnail_key)
        picture = None if data is None else _draw(data, part)
        if picture is not None:
            drawn[part.id] = picture
    return drawn


def encode_picture(pixels: NDArray[np.uint8]) -> bytes:
    """Return the picture as JPEG."""
    from PIL import Image as PillowImage

    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "JPEG", quality=82)
    return out.getvalue()


def _draw(data: bytes, part: RejectedPart) -> NDArray[np.uint8] | None:
    from PIL import Image as PillowImage
    from PIL import ImageDraw, UnidentifiedImageError

    try:
        with PillowImage.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            image = _fit(opened.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError):
        logger.warning("the thumbnail of inspection %d cannot be read", part.id)
        return None
    across, down = image.width / max(1, part.width_px), image.height / max(1, part.height_px)
    pen = ImageDraw.Draw(image)
    for region in sorted(part.regions, key=lambda one: -one.score)[:_MOST_REGIONS]:
        left, top = region.x * across, region.y * down
        right, bottom = (region.x + region.w) * across, (region.y + region.h) * down
        # A place of a pixel or two still needs a box that can be seen.
        right, bottom = max(right, left + 6), max(bottom, top + 6)
        for width, color in ((8, _HALO), (4, _OUTLINE)):
            grown = (width - 1) // 2
            pen.rectangle((left - grown, top - grown, right + grown, bottom + grown), outline=color, width=width)
    return np.asarray(image)


def _fit(image: Image) -> Image:
    from PIL import Image as PillowImage

    scale = _LONGEST_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, PillowImage.Resampling.BICUBIC)
