"""The content type of an object by its key: a folder keeps none, and a bucket wants one."""

from __future__ import annotations

from pathlib import PurePosixPath

UNKNOWN = "application/octet-stream"
_BY_ENDING = {
    ".bmp": "image/bmp",
    ".csv": "text/csv",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def content_type_of(key: str) -> str:
    """Return the content type that the ending of a key stands for."""
    return _BY_ENDING.get(PurePosixPath(key).suffix.lower(), UNKNOWN)
