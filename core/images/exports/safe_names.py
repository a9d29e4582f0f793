"""Names of files and folders that every system takes: Windows keeps some for devices."""

from __future__ import annotations

import re
import unicodedata

_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))})
_LONGEST = 120


def safe_name(name: str) -> str:
    """Return the name without characters and forms that a system refuses; "_" where nothing is left."""
    text = unicodedata.normalize("NFC", name)
    text = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", text).strip(" .")
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending) > 5:
        stem, dot, ending = text, "", ""
    stem = stem[: _LONGEST - len(ending)].rstrip(" .")
    if stem.lower().split(".")[0] in _DEVICES:
        stem = f"_{stem}"
    return f"{stem}{dot}{ending}" if stem else "_"


class UniqueNames:
    """Names of one folder, unlike each other in small letters and without their endings."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """Return the name, with a number where one like it was taken."""
        name = safe_name(name)
        stem, dot, ending = name.rpartition(".")
        if not dot:
            stem, ending = name, ""
        number, tried = 1, stem
        while tried.lower() in self._taken:
            number += 1
            tried = f"{stem}-{number}"
        self._taken.add(tried.lower())
        return f"{tried}{dot}{ending}"
