"""What builds cost, for the estimate before the start."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Seconds for each product and image, bytes for the process and each image of the largest product."""

    product_s: float
    image_s: float
    base_bytes: int
    image_bytes: int
