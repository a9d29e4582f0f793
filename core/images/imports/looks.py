"""A look at a picture's pixels, where its name does not say whether it is a photo or a mask."""

from __future__ import annotations

from typing import Final

from core.errors import AppError
from core.images.imports.sources import ImportSource

BLANK: Final = "blank"
MARKED: Final = "marked"
PHOTO: Final = "photo"
UNREADABLE: Final = "unreadable"
UNSEEN: Final = "unseen"

_NEAR = 48  # JPEG spreads two values this far at edges
_SHARE_NEAR = 0.98


class Looks:
    """Looks at files of a source, each once; what is not there any more is `UNSEEN`."""

    def __init__(self, source: ImportSource | None, seen: dict[str, str] | None = None) -> None:
        self._source = source
        self.seen = dict(seen or {})

    def of(self, path: str) -> str:
        """Return what a file looks like: blank, marked (two values), photo, unreadable or unseen."""
        if path not in self.seen:
            if self._source is None or path not in self._source.files:
                return UNSEEN
            self.seen[path] = _look(self._source, path)
        return self.seen[path]


def _look(source: ImportSource, path: str) -> str:
    import numpy as np

    from inference.errors import ImageError
    from inference.vision.images.decode import decode

    try:
        found = decode(source.files[path](), file_name=path)
    except (ImageError, AppError, OSError, MemoryError):
        return UNREADABLE
    pixels = found.pixels
    if pixels.ndim == 3 and int(np.ptp(pixels.astype(np.int16), axis=2).max()) > _NEAR:
        return PHOTO
    gray = pixels.max(axis=2) if pixels.ndim == 3 else pixels
    values = np.flatnonzero(np.bincount(gray.ravel(), minlength=256))
    if values[-1] == 0:
        return BLANK
    if values.size <= 2:
        # One value other than black marks everything, which a person is told when it is stored.
        return MARKED if values[0] == 0 or values[-1] == 255 else PHOTO
    if found.format in {"JPEG", "WEBP"} and values[0] <= _NEAR and values[-1] >= 255 - _NEAR:
        near = (gray <= _NEAR) | (gray >= 255 - _NEAR)
        return MARKED if float(near.mean()) >= _SHARE_NEAR else PHOTO
    return PHOTO
