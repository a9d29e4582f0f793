"""Small pictures of a batch's parts, for the rows of a table on the screen."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from core.similarity.matches import fetch_thumbnails
from core.transactions import HasStores

_SIDE_PX = 112
_QUALITY = 80


def fetch_small_pictures(services: HasStores, keys: Sequence[str]) -> dict[str, bytes]:
    """Return JPEG pictures, no side longer than 112 px, by their thumbnails' keys; one that cannot be read is missing.

    A page of rows travels with its pictures at every look: at their full size they would be some hundred KB.
    """
    return {key: small for key, data in fetch_thumbnails(services.objects, keys).items() if (small := _shrink(data))}


def _shrink(data: bytes) -> bytes | None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            picture = image.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError):
        return None
    picture.thumbnail((_SIDE_PX, _SIDE_PX))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
