"""Where each defect type lies in an image that shows several: what the patches of each teach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.images.regions.records import Region, rasterize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.tables import Image


def draw_types(regions: Sequence[Region], image: Image) -> dict[str, NDArray[np.bool_]]:
    """Return a mask, bool (H, W), by the number of each type, as the engine knows it.

    A region without a type shows the image's own.
    """
    by_type: dict[str, list[Region]] = {}
    for region in regions:
        by_type.setdefault(str(region.defect_type_id or image.defect_type_id), []).append(region)
    size = {"width_px": image.width_px, "height_px": image.height_px}
    return {name: rasterize(found, **size) for name, found in by_type.items()}
