"""Stored files as responses."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from core.files.file_names import attachment

ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/webp": ".webp",
}
IMAGE_TYPES = (*ENDINGS, "application/octet-stream")
# The schema of a file, sent or given out.
FILE_SCHEMA: dict[str, Any] = {"type": "string", "format": "binary"}


def file_response(data: bytes, media_type: str, *, file_name: str | None = None) -> Response:
    """Return a stored file; nobody between keeps it."""
    headers = {"Cache-Control": "private, max-age=300"}
    if file_name is not None:
        headers["Content-Disposition"] = attachment(file_name)
    return Response(data, media_type=media_type, headers=headers)


def media_type_of(key: str) -> str:
    """Return the media type of an object by the ending that the server gave it."""
    kinds = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "bmp": "bmp", "tif": "tiff", "webp": "webp", "mpo": "jpeg"}
    kind = kinds.get(key.rsplit(".", 1)[-1].lower())
    return f"image/{kind}" if kind else "application/octet-stream"
