"""The part that an image shows: one physical piece, in all its exposures and views."""

from __future__ import annotations

from core.errors import BadInput
from core.files.file_names import strip_control
from storage.tables import METADATA, Image

FOLDER, FILE_NAME, LIST, INSPECTION, SIMILAR, PERSON = "folder", "file_name", "list", "inspection", "similar", "person"
# Where a part's name may come from, the surest last: a later source may replace what an earlier one said.
_SURENESS = ("", SIMILAR, FOLDER, FILE_NAME, INSPECTION, LIST, PERSON)
LONGEST_PART = int(getattr(METADATA.tables["images"].columns["part"].type, "length", None) or 0)


def part_key(row: Image) -> str:
    """Return what all images of one part share: the part's name, else a key of the image's own."""
    return row.part or f"image:{row.id}"


def clean_part(name: str) -> str:
    """Return the name as it is kept, without control characters and blanks around it; empty for none.

    Raises BadInput part_too_long.
    """
    cleaned = " ".join(strip_control(name.replace("\t", " ")).split())
    if len(cleaned) > LONGEST_PART:
        raise BadInput("part_too_long", part=cleaned[:40], highest=LONGEST_PART)
    return cleaned


def part_of_trace(*, lot: str = "", serial: str = "") -> str:
    """Return the part that an inspection's trace names: by lot and serial, or serial alone; empty where none is given.

    A lot alone is many parts, and names none.
    """
    lot, serial = lot.strip(), serial.strip()
    if not serial:
        return ""
    return clean_part(f"{lot}/{serial}" if lot else serial)


def may_replace(source: str, *, earlier: str) -> bool:
    """Return whether a part's name from `source` counts more than one from `earlier`."""
    known = {name: sureness for sureness, name in enumerate(_SURENESS)}
    return known.get(source, 0) > known.get(earlier, 0)
