"""Where a browser finds the pictures of an inspection, and what was wrong with how the image was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.inspections.pictures import keep_pictures, picture_token
from pages.server.pictures import picture_path

if TYPE_CHECKING:
    from core.inspections.images import InspectionImages
    from core.inspections.records import InspectionRecord
    from core.services import Services


@dataclass(frozen=True)
class Pictures:
    """The address of each picture of one inspection. `quality_warnings` are what the person at the camera should mend.

    The size is the image's own, in pixels.
    """

    inspection_id: int
    token: str
    width_px: int
    height_px: int
    quality_warnings: tuple[str, ...] = ()

    def path(self, name: str) -> str:
        """Return the address of a picture (see `core.inspections.pictures`), without the host."""
        return picture_path(self.inspection_id, name, self.token)


def draw_pictures(services: Services, record: InspectionRecord, images: InspectionImages) -> Pictures:
    """Make the pictures that are drawn first and return the addresses of all."""
    keep_pictures(services, record, images)
    return Pictures(
        inspection_id=record.id,
        token=picture_token(record.image_key),
        width_px=record.width_px,
        height_px=record.height_px,
        quality_warnings=images.measure_quality().warnings,
    )
