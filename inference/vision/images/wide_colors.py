"""Colors of 16 bits a channel, of which Pillow keeps the highest 8: read whole, and brought to 8 bits by their depth.

OpenCV reads them where the samples of a pixel lie together. A TIFF with one plane for each color is read plane by
plane, as gray images: neither library puts such planes together right.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.bit_depth import Reading, choose_reading, count_bits, note_depth, to_eight_bits
from inference.vision.images.pixel_formats import bands, flatten, note_alpha
from inference.vision.images.tiff_layout import TiffLayout, single_plane, unturned

Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.uint16]


def read_wide(data: bytes, layout: TiffLayout | None) -> Values:
    """Return the colors of a PNG, or of a TIFF with this layout: uint16 (H, W, 3) RGB, or (H, W, 4) with alpha.

    They are as they lie in the file, not turned. Raises ImageError(`image_damaged`).
    """
    if layout is not None and layout.planes > 1:
        return np.stack([_read_gray(single_plane(data, layout, plane)) for plane in range(layout.planes)], axis=2)
    # OpenCV turns a TIFF whatever the flags say.
    data = data if layout is None else unturned(data, layout)
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError("image_damaged") from error
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        raise ImageError("image_damaged")
    order = cv2.COLOR_BGR2RGB if values.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(values, order, dst=values), np.uint16)


def convert_wide(values: Values, notes: list[str], *, bit_depth: Reading, use_alpha: bool) -> tuple[Pixels, int]:
    """Return RGB uint8 (H, W, 3) of colors from `read_wide`, and the bits that they use; add to `notes`.

    Alpha, where it is used, has the depth of the file whatever that of the camera is.
    """
    height, width, channels = values.shape
    depth = choose_reading(bit_depth, declared=16)
    brightest = int(values[..., :3].max())
    note_depth(brightest, depth=depth, notes=notes)
    alpha = values[..., 3] >> 8 if channels == 4 and use_alpha else None
    mixed = alpha is not None and note_alpha(int(alpha.min()), int(alpha.max()), notes)
    out = np.empty((height, width, 3), np.uint8)
    for rows in bands(height, width):
        out[rows] = to_eight_bits(values[rows, :, :3], depth)
        if mixed and alpha is not None:
            out[rows] = flatten(np.dstack([out[rows], alpha[rows].astype(np.uint8)]), use_alpha=True)
    return out, count_bits(brightest)


def _read_gray(data: bytes) -> Values:
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
        return np.asarray(image).astype(np.uint16)
