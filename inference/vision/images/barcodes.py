"""Reading barcodes and two-dimensional codes (QR, Data Matrix, Code 128 …) out of an image, with zxing-cpp.

Only symbologies whose reader checks what it read (a checksum, or start and stop marks with quiet zones): ITF, Codabar
and the short EAN forms are "read" out of grids and textures, and a serial number that is not there is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A code that fills a hundredth of such an image is still read; larger ones are only slower.
_MOST_PIXELS = 4_000_000
_LONGEST_TEXT = 1000
_FEWEST_CHARACTERS = 3
_SYMBOLOGIES = (
    "QRCode",
    "MicroQRCode",
    "RMQRCode",
    "DataMatrix",
    "Aztec",
    "PDF417",
    "MicroPDF417",
    "MaxiCode",
    "Code128",
    "Code93",
    "Code39",
    "DataBar",
    "EAN13",
)


@dataclass(frozen=True)
class Code:
    """A code that was read: its text with control characters as they are, and its symbology in words ("QR Code").

    `is_gs1` where the symbol itself says that the text is made of GS1 application identifiers.
    """

    text: str
    symbology: str
    is_gs1: bool = False


def read_codes(pixels: NDArray[np.uint8]) -> tuple[Code, ...]:
    """Return the codes in an image (height, width, 3; RGB, uint8), the topmost first; each text once.

    Takes some 5 ms for 512 × 512 pixels and grows with them; larger images are reduced to four megapixels.
    """
    import zxingcpp

    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if gray.size > _MOST_PIXELS:
        share = (_MOST_PIXELS / gray.size) ** 0.5
        gray = cv2.resize(gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    formats = [getattr(zxingcpp.BarcodeFormat, name) for name in _SYMBOLOGIES]
    found = zxingcpp.read_barcodes(
        gray, formats=zxingcpp.BarcodeFormats(formats), text_mode=zxingcpp.TextMode.Plain, try_invert=True
    )
    codes: dict[str, Code] = {}
    for one in sorted(found, key=lambda code: (code.position.top_left.y, code.position.top_left.x)):
        text = one.text[:_LONGEST_TEXT]
        if one.valid and len(text.strip()) >= _FEWEST_CHARACTERS:
            is_gs1 = one.content_type == zxingcpp.ContentType.GS1
            codes.setdefault(text, Code(text, str(one.symbology), is_gs1))
    return tuple(codes.values())
