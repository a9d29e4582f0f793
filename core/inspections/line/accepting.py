"""What a file may be that is given for an inspection, and a look at it before it is inspected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import BadInput, from_lower
from core.images.bit_depth import get_bit_depth
from core.inspections.colormap import fit_within
from inference.errors import InferenceError

if TYPE_CHECKING:
    from core.transactions import HasDatabase

# The decoder's own limit (a test compares them); here without importing it.
MOST_BYTES = 50_000_000
PREVIEW_PX = 640
_MB = 1_000_000


def check_file_size(file_name: str, byte_size: int) -> None:
    """Raise BadInput(`image_file_too_large`), which names the file, its size and the limit, beyond 50 MB."""
    if byte_size > MOST_BYTES:
        raise BadInput(
            "image_file_too_large", name=file_name, size_mb=f"{byte_size / _MB:,.1f}", limit_mb=MOST_BYTES // _MB
        )


def preview(services: HasDatabase, product_id: int, data: bytes, *, file_name: str, view: str = "") -> bytes:
    """Return the image as it would be inspected, as a JPEG with no side longer than PREVIEW_PX; nothing is stored.

    Raises BadInput for a file that is no image, NotFound for an unknown product.
    """
    from inference.vision.images.decode import decode, encode_jpeg

    try:
        pixels = decode(data, file_name=file_name, bit_depth=get_bit_depth(services, product_id, view)).pixels
    except InferenceError as error:
        raise from_lower(error, name=file_name) from error
    return encode_jpeg(fit_within(pixels, PREVIEW_PX))
