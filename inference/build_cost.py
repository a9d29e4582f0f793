"""What building a model takes, as figures that are known before it is built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildCost:
    """Seconds for each product and image, bytes for the process and each image of the largest product.

    `bundle_bytes` and `bundle_image_bytes` are the size of a version: for itself, and for each image in it.
    """

    product_s: float
    image_s: float
    base_bytes: int
    image_bytes: int
    bundle_bytes: int = 1_000_000
    bundle_image_bytes: int = 0
