"""The part that an image shows: one physical piece, in all its exposures and views."""

from __future__ import annotations

from storage.tables import Image


def part_key(row: Image) -> str:
    """Return what all images of one part share: the part's name, else a key of the image's own."""
    return row.part or f"image:{row.id}"
