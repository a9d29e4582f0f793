"""The names that files were handed over with."""

from __future__ import annotations

import unicodedata


def original_name(name: str) -> str:
    """Return the name as kept beside the server's own: NFC, without control characters, its end kept if too long."""
    plain = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C")
    return plain[-255:] or "?"
