"""How large an image is shown, and how it lies in its file: of its header alone."""

from __future__ import annotations

import io
from dataclasses import dataclass

from inference.errors import ImageError

_TURNED = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class ImageSize:
    """`width_px` × `height_px` as it is shown; `orientation` is the EXIF one, 1–8, in which it lies in the file."""

    width_px: int
    height_px: int
    orientation: int = 1

    @property
    def stored(self) -> tuple[int, int]:
        """Return width and height as the pixels lie in the file."""
        if self.orientation in _TURNED:
            return self.height_px, self.width_px
        return self.width_px, self.height_px


def measure(data: bytes) -> ImageSize | None:
    """Return the size of an image file; None where it is none that can be read."""
    from PIL import Image

    from inference.vision.images.containers import read_container
    from inference.vision.images.pixel_formats import read_orientation

    try:
        container = read_container(data)
        width_px, height_px, orientation = container.width_px, container.height_px, 1
        if container.format in {"JPEG", "WEBP", "PNG"}:
            orientation = read_orientation(container.exif) if container.exif else 1
        if width_px is None or height_px is None:
            with Image.open(io.BytesIO(data), formats=[container.format]) as image:
                width_px, height_px = image.size
                if container.format == "TIFF":
                    orientation = read_orientation(image.getexif())
    except (ImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if orientation in _TURNED:
        width_px, height_px = height_px, width_px
    return ImageSize(width_px, height_px, orientation)
