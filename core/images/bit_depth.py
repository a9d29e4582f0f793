"""The bit depth that a product's images are read with: what is set for it, or what a model was built with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session, col, select

from core.transactions import HasDatabase, reading
from inference.vision.images.bit_depth import BIT_DEPTHS, BY_IMAGE, Reading, Window, drop_settled, read_window
from storage.tables import ImagePreprocessing

__all__ = [
    "BIT_DEPTHS",
    "BY_IMAGE",
    "Reading",
    "Window",
    "drop_settled",
    "find_bit_depth",
    "find_used_bits",
    "get_bit_depth",
    "note_used_bits",
    "read_bit_depth",
]

_USED_BITS = "used_bits_"


def read_bit_depth(preprocessing: Mapping[str, Any]) -> Reading:
    """Return the depth or the window in stored options; by the image where they tell none that is known here."""
    if (window := read_window(preprocessing.get("window"))) is not None:
        return window
    depth = preprocessing.get("bit_depth", BY_IMAGE)
    return depth if isinstance(depth, int) and depth in BIT_DEPTHS else BY_IMAGE


def find_bit_depth(session: Session, product_id: int, view: str = "") -> Reading:
    """Return the depth that is set for a view of a product: that of its images on the screen and of its next build.

    What is set for the whole product counts where nothing was ever set for the view.
    """
    query = select(ImagePreprocessing).where(
        ImagePreprocessing.product_id == product_id, col(ImagePreprocessing.view).in_({"", view})
    )
    rows = {row.view: row for row in session.exec(query).all()}
    row = rows.get(view) or rows.get("")
    return BY_IMAGE if row is None else read_bit_depth(row.options)


def get_bit_depth(services: HasDatabase, product_id: int, view: str = "") -> Reading:
    """Return the depth that is set for a view of a product, or for a product without views."""
    with reading(services) as session:
        return find_bit_depth(session, product_id, view)


def note_used_bits(notes: tuple[str, ...], used_bits: int | None) -> tuple[str, ...]:
    """Return the notes of an image with how many bits it uses, where it could use 16: whatever depth is set later."""
    return notes if used_bits is None else (*notes, f"{_USED_BITS}{used_bits}")


def find_used_bits(notes: Iterable[str]) -> int | None:
    """Return how many of 16 bits an image uses, by its notes; None where they do not tell."""
    found = [note.removeprefix(_USED_BITS) for note in notes if note.startswith(_USED_BITS)]
    if found and found[0].isdigit():
        return int(found[0])
    # An image of an earlier version of the program: at most 12, or its note would be missing.
    return 12 if "low_range" in notes else None
