"""QR codes of addresses, for the screen and for paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORTEST_SIDE_PX = 240


def draw_qr_code(address: str) -> NDArray[np.uint8]:
    """Return the QR code (ISO/IEC 18004, error correction M) of an address with its quiet zone: RGB uint8 (s, s, 3)."""
    import segno

    code = segno.make_qr(address, error="m")
    modules = np.array([list(row) for row in code.matrix_iter(border=4)], dtype=np.uint8)
    scale = -(-_SHORTEST_SIDE_PX // len(modules))
    gray = np.where(modules > 0, 0, 255).astype(np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
    return np.repeat(gray[..., None], 3, axis=2)
