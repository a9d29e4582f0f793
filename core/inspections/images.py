"""The pictures of an inspection: the part, its anomaly map, and the normal image to compare it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.errors import from_lower
from core.transactions import HasStores, reading
from inference.errors import InferenceError
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from storage.object_store import ObjectStoreError
from storage.tables import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.inspections.records import InspectionRecord
    from inference.vision.images.quality import ImageQuality


@dataclass(frozen=True, eq=False)
class InspectionImages:
    """The part, RGB uint8 (H, W, 3), and its anomaly map, float32 (h, w) over the whole image."""

    pixels: NDArray[np.uint8] = field(repr=False)
    anomaly_map: NDArray[np.float32] = field(repr=False)

    def cut_out_peak(self) -> NDArray[np.uint8]:
        """Return a square around the most anomalous place, RGB uint8 (s, s, 3)."""
        from inference.vision.search.region_crops import crop_region

        return crop_region(self.pixels, self._find_peak())

    def draw_peak(self) -> bytes:
        """Return the most anomalous place cut out beside the whole part, as JPEG."""
        from core.similarity.cut_outs import draw_cut_out

        return draw_cut_out(self.pixels, self._find_peak())

    def _find_peak(self) -> tuple[int, int, int, int]:
        from inference.vision.search.region_crops import peak_region

        return peak_region(self.anomaly_map, image_size_px=(self.pixels.shape[1], self.pixels.shape[0]))

    def measure_quality(self) -> ImageQuality:
        """Return how well the image was taken."""
        from inference.vision.images.quality import assess

        return assess(self.pixels)


@dataclass(frozen=True, eq=False)
class NearestNormal:
    """The normal training image that looks most like the part where the part looks worst; `pixels` as of the part."""

    image_id: int
    stored_name: str
    pixels: NDArray[np.uint8] = field(repr=False)


def _depth_of(record: InspectionRecord) -> Reading:
    return BY_IMAGE if record.preprocessing is None else record.preprocessing.reading


def load_anomaly_map(services: HasStores, record: InspectionRecord) -> NDArray[np.float32]:
    """Return the anomaly map of an inspection, float32 (h, w). Raises NotFound(`object_missing`), or Unavailable."""
    from inference.vision.images.decode import decode_map

    try:
        return decode_map(services.objects.get(record.heat_map_key))
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=record.original_name) from error


def load_pixels(services: HasStores, record: InspectionRecord) -> NDArray[np.uint8]:
    """Return the inspected picture alone, RGB uint8 (H, W, 3). Raises NotFound(`object_missing`), or Unavailable."""
    from inference.vision.images.decode import decode

    try:
        return decode(services.objects.get(record.image_key), bit_depth=_depth_of(record)).pixels
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=record.original_name) from error


def load_images(services: HasStores, record: InspectionRecord) -> InspectionImages:
    """Return the pictures that are stored with an inspection. Raises NotFound(`object_missing`), or Unavailable."""
    from inference.vision.images.decode import decode, decode_map

    try:
        return InspectionImages(
            pixels=decode(services.objects.get(record.image_key), bit_depth=_depth_of(record)).pixels,
            anomaly_map=decode_map(services.objects.get(record.heat_map_key)),
        )
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=record.original_name) from error


def load_nearest_normal(services: HasStores, record: InspectionRecord) -> NearestNormal | None:
    """Return the normal image to compare a part with; None where there was none or it cannot be read any more."""
    from inference.vision.images.decode import decode

    if record.nearest_image_id is None:
        return None
    with reading(services) as session:
        image = session.get(Image, record.nearest_image_id)
    if image is None:
        return None
    try:
        pixels = decode(services.objects.get(image.object_key), bit_depth=_depth_of(record)).pixels
    except (InferenceError, ObjectStoreError):
        return None  # the comparison is an extra: the verdict stands without it
    return NearestNormal(image.id, image.stored_name, pixels)
