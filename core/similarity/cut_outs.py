"""Pictures of defective places: cut out beside the whole image, and large with the place outlined.

Cut-outs are cached on this machine by what they are made of. Objects never change under their keys, so an entry is good
as long as it is whole; `core.images.training.trim_cache` drops those that were not looked at for long.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import from_lower
from core.services import Services
from core.similarity.places import Place
from inference.errors import ImageError, ModelError
from inference.vision.images.bit_depth import BY_IMAGE
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

logger = logging.getLogger(__name__)

LONGEST_SIDE_PX = 1400
_DRAWING = 2  # a cut-out that is drawn otherwise is another one
_THREADS = 2


def read_cut_outs(services: Services, places: Sequence[Place]) -> dict[Place, bytes]:
    """Return each place cut out beside its whole image, as JPEG; without those that are unknown or cannot be read."""
    from inference.vision.images.prefetch import map_prefetched

    known = [place for place in dict.fromkeys(places) if place.is_known]
    drawn = map_prefetched(lambda place: _read(services, place), known, threads=_THREADS)
    return {place: data for place, data in zip(known, drawn, strict=True) if data is not None}


def draw_cut_out(pixels: npt.NDArray[np.uint8], box: tuple[int, int, int, int]) -> bytes:
    """Return the place `box` (x, y, w, h) of an RGB uint8 image (H, W, 3), cut out beside the whole, as JPEG."""
    from inference.vision.images.encoding import encode_jpeg
    from inference.vision.search.cut_outs import draw_beside

    return encode_jpeg(draw_beside(pixels, box), quality=88)


def draw_large(services: Services, place: Place) -> npt.NDArray[np.uint8]:
    """Return the whole image, RGB uint8, no side longer than 1400 px, its defective places outlined.

    Raises NotFound(`object_missing`), Unavailable, and BadInput for a file that cannot be decoded any more.
    """
    from inference.vision.images.decode import decode, decode_mask
    from inference.vision.images.outlines import draw_outlined

    try:
        pixels = decode(services.objects.get(place.object_key), bit_depth=place.bit_depth).pixels
        mask = decode_mask(services.objects.get(place.mask_key)) if place.mask_key is not None else None
    except (ImageError, ObjectStoreError) as error:
        raise from_lower(error, name=place.name) from error
    boxes = (place.box,) if place.box is not None and mask is None else ()
    return draw_outlined(pixels, longest_side_px=LONGEST_SIDE_PX, mask=mask, boxes=boxes)


def _read(services: Services, place: Place) -> bytes | None:
    read_by = () if place.bit_depth == BY_IMAGE else (place.bit_depth,)
    about = repr((_DRAWING, place.object_key, place.mask_key, place.box, *read_by))
    name = hashlib.sha256(about.encode()).hexdigest()
    cached = services.settings.cache_dir / "cut_outs" / name[:2] / f"{name}.jpg"
    data = _read_whole(cached)
    if data is None:
        try:
            data = _draw(services, place)
        except (ImageError, ModelError, ObjectStoreError) as error:
            # The thumbnail stands in its place: what looks alike is an extra.
            logger.warning("no cut-out of %s: %s", place.object_key, error.code)
            return None
        if data is not None:
            _keep(cached, data)
    return data


def _draw(services: Services, place: Place) -> bytes | None:
    from inference.vision.images.decode import decode, decode_mask
    from inference.vision.search.cut_outs import largest_place

    pixels = decode(services.objects.get(place.object_key), bit_depth=place.bit_depth).pixels
    box = place.box
    if place.mask_key is not None:
        box = largest_place(decode_mask(services.objects.get(place.mask_key))) or box
    return draw_cut_out(pixels, box) if box is not None else None


def _read_whole(cached: Path) -> bytes | None:
    """Return a cached JPEG that begins and ends as one; None where there is none, or a power cut left half of it."""
    try:
        data = cached.read_bytes()
    except OSError:
        return None
    if not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
        return None
    with contextlib.suppress(OSError):
        os.utime(cached)  # what was looked at last is what goes last
    return data


def _keep(cached: Path, data: bytes) -> None:
    """Put a cut-out into the cache; a cache that is full or not to be written to is done without."""
    arriving = cached.with_name(f"{secrets.token_hex(8)}.part")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        arriving.write_bytes(data)
        arriving.replace(cached)
    except OSError as error:
        logger.warning("a cut-out could not be cached: %s", error)
        with contextlib.suppress(OSError):
            arriving.unlink()
