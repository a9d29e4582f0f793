"""The names that files were uploaded under: to show and to store as text, never to use as a path."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

MAX_NAME_LENGTH = 255
_LONGEST_ENDING = 16


def clean_file_name(name: str, *, with_folders: bool = False) -> str:
    """Return the name in NFC, without control characters, at most 255 characters long with its ending kept.

    Folders before it are left out, or kept `with_folders` (of a name that is too long, its end). "file" where nothing
    is left. Names in no UTF-8, as a file system may give them, are read as CP949 where they can be.
    """
    if any("\udc80" <= character <= "\udcff" for character in name):  # bytes of a file system that is not UTF-8
        name = decode_name(name.encode("utf-8", "surrogateescape"))
    path = name.replace("\\", "/").rstrip("/")
    shown = strip_control(path if with_folders else path.rsplit("/", 1)[-1]).strip()
    if shown.strip(". ") == "":
        return "file"
    if len(shown) <= MAX_NAME_LENGTH:
        return shown
    if with_folders:
        return shown[-MAX_NAME_LENGTH:]
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return shown[:MAX_NAME_LENGTH]
    return f"{stem[: MAX_NAME_LENGTH - len(ending) - 1]}.{ending}"


def attachment(name: str) -> str:
    """Return the value of Content-Disposition that saves a file as `name` (RFC 6266), whoever has given the name.

    Old browsers get what of it is ASCII; all others the whole, Korean too. No folder, no line end, no quote gets out.
    """
    shown = clean_file_name(name)
    plain = "".join(one if one.isascii() and one not in '"\\%;' else "_" for one in shown)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"


def strip_control(text: str) -> str:
    """Return the text in NFC without control characters, format characters, surrogates and line separators."""
    return "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in {"Zl", "Zp"}
    )


def decode_name(raw: bytes) -> str:
    """Return a file's name from bytes without a stated encoding: UTF-8, else CP949 (Korean Windows), else CP437."""
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437")
