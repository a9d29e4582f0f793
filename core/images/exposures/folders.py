"""Parts that have a folder each, as in Real-IAD: `OK/S0001/…`, `NG/BX/S0025/…`.

A folder below that of the label could be anything: a day, a camera, a box. So it counts only where its name says that
it is one piece (S0001, part 12, 부품_3) and where every image of the product lies in one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from core.images.parts import LONGEST_PART

_PIECE = re.compile(
    r"(?:s|sn|part|piece|sample|specimen|unit|serial|부품|개체|시편|시료)[ _.-]?0*[0-9]+", re.IGNORECASE
)
_FEWEST = 2


def is_piece(name: str) -> bool:
    """Return whether the name of a folder says that it is one piece."""
    return _PIECE.fullmatch(name) is not None


def parts_of_folders(label_folders: Mapping[str, int]) -> dict[str, str]:
    """Return the part by path, or nothing where it is not certain that the folders are parts.

    `label_folders` gives, by path, how many of its folders lead down to that of the label. The part is named with the
    label's folder, because the numbers begin anew in each: `OK/S0001`.
    """
    parts: dict[str, str] = {}
    for path, depth in label_folders.items():
        text = unicodedata.normalize("NFC", path.replace("\\", "/"))
        folders = [name for name in text.split("/")[:-1] if name not in {"", "."}]
        at = next((place for place in range(depth, len(folders)) if is_piece(folders[place])), None)
        if at is None:
            return {}
        name = "/".join(folders[max(0, depth - 1) : at + 1])
        if len(name) > LONGEST_PART:
            return {}
        parts[path] = name
    counts = len(set(parts.values()))
    return parts if _FEWEST <= counts < len(parts) else {}
