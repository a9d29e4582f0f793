"""Pictures of parts with a barcode or a QR code on them."""

from __future__ import annotations

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray


def draw_code(text: str, symbology: str = "QRCode", *, scale: int = 3, is_gs1: bool = False) -> NDArray[np.uint8]:
    """Return a code with its quiet zone, gray uint8 (height, width); GS1 elements are written with brackets."""
    options = {"gs1": True} if is_gs1 else {}
    code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, symbology), **options)
    return np.array(code.to_image(scale=scale, add_quiet_zones=True))


def put_code(pixels: NDArray[np.uint8], code: NDArray[np.uint8], *, x: int, y: int) -> NDArray[np.uint8]:
    """Return the image (height, width, 3) with the code on it at (x, y)."""
    found = pixels.copy()
    height, width = code.shape
    found[y : y + height, x : x + width] = code[..., None]
    return found


def brushed(height: int = 400, width: int = 600, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return brushed metal without any code, RGB uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0.0, 40.0, (height, width)).astype(np.float32), (0, 0), 5, sigmaY=0.7)
    return np.repeat(np.clip(140.0 + grain, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
