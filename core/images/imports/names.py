"""Endings of image files, and the codes that are made of names found in paths."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

IMAGE_ENDINGS = frozenset({"jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"})
# What a defect is called where folders and names say only that it is one.
UNNAMED_DEFECT = "defect"

_MAX_CODE_LENGTH = 56


@lru_cache(maxsize=4096)
def make_import_code(name: str) -> str:
    """Return a code for a name found in a path: its ASCII letters and digits, `-` and `_`, up to 56 characters.

    Where other letters would be lost (Korean), a short hash of the name makes the code unlike that of any other name.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    code = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")[:_MAX_CODE_LENGTH].strip("-_")
    if any(ord(c) > 127 and c.isalnum() for c in plain) or not code:
        mark = hashlib.sha256(unicodedata.normalize("NFC", name).encode("utf-8", "replace")).hexdigest()[:8]
        return f"{code[: _MAX_CODE_LENGTH - 9]}-{mark}" if code else f"x{mark}"
    return code


def make_type_code(name: str) -> str:
    """Return the code of a defect type for a name found in a path: as `make_import_code`, in small letters."""
    return make_import_code(name).lower()


@lru_cache(maxsize=32_768)
def split_path(path: str) -> tuple[str, ...]:
    """Return the folders and the name of a relative path, in NFC."""
    text = unicodedata.normalize("NFC", path.replace("\\", "/"))
    return tuple(part for part in text.split("/") if part not in {"", "."})


def is_image_name(path: str) -> bool:
    """Return whether a path ends like an image and has a name before the ending."""
    stem, _dot, ending = path.rsplit("/", 1)[-1].rpartition(".")
    return bool(stem) and ending.lower() in IMAGE_ENDINGS
