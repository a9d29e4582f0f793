"""Moving files to done/ and rejected/ within their folder, without writing over anything, with the reason beside."""

from __future__ import annotations

import errno
import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import AppError, Unavailable
from core.files.file_names import clean_file_name
from core.watching.scanning import DONE, REJECTED
from storage.atomic_files import write_atomically

REASON_ENDING = ".reason.txt"
_TRIES = 20
_LONGEST_NAME_BYTES = 200  # leaves room for a number and the ending of a reason in a name of 255 bytes
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def from_os_error(error: OSError, folder: Path) -> AppError:
    """Return what a person is told of a folder that cannot be used."""
    if error.errno in _FULL:
        return Unavailable("watch_disk_full", path=str(folder))
    if error.errno in _FORBIDDEN:
        return Unavailable("watch_folder_read_only", path=str(folder))
    return Unavailable("watch_folder_gone", path=str(folder), reason=errno.errorcode.get(error.errno or 0, "?"))


def prepare(folder: Path) -> None:
    """Make done/ and rejected/, and see whether files can be moved: otherwise nothing is inspected.

    Raises Unavailable watch_folder_read_only, watch_disk_full, watch_folder_link or watch_folder_gone.
    """
    probe = folder / f".geomsa-{secrets.token_hex(8)}.tmp"
    try:
        for name in (DONE, REJECTED):
            place = folder / name
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                raise Unavailable("watch_folder_link", path=str(place))
            place.mkdir(exist_ok=True)
        with probe.open("xb"):
            pass
        probe.unlink()
    except OSError as error:
        raise from_os_error(error, folder) from error


def done_name(name: str, when: datetime) -> str:
    """Return where an inspected file belongs, relative to the folder: by day, so that no folder grows without end."""
    return f"{DONE}/{when:%Y/%m/%d}/{_storable(name)}"


def rejected_name(name: str) -> str:
    """Return where a rejected file belongs, relative to the folder."""
    return f"{REJECTED}/{_storable(name)}"


def find_free(folder: Path, wanted: str) -> str:
    """Return `wanted`, or a name like it, under which there is neither a file nor a reason."""
    path, dot, ending = wanted.rpartition(".")
    stem, suffix = (path, dot + ending) if dot and "/" not in ending and path[-1:] not in {"", "/"} else (wanted, "")
    for number in range(1, _TRIES + 1):
        name = wanted if number == 1 else f"{stem} ({number}){suffix}"
        if not _is_taken(folder, name):
            return name
    # A camera that gives every file one name: looking for the next free number would take longer with each.
    return f"{stem} ({secrets.token_hex(6)}){suffix}"


def move(folder: Path, name: str, target: str) -> bool:
    """Move a file within the folder; return whether it was there. Raises Unavailable: the file is where it was then."""
    try:
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(folder / target)
    except FileNotFoundError as error:
        if os.path.lexists(folder / name):
            raise from_os_error(error, folder) from error
        return False
    except OSError as error:
        raise from_os_error(error, folder) from error
    return True


def write_reason(folder: Path, target: str, sentence: str, details: dict[str, Any]) -> None:
    """Write beside a rejected file why it was rejected: the sentence, and one line of JSON. Raises Unavailable."""
    content = f"{sentence}\n{json.dumps(details, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")
    path = folder / (target + REASON_ENDING)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [content], temporary_folder=path.parent)
    except OSError as error:
        raise from_os_error(error, folder) from error


def _is_taken(folder: Path, name: str) -> bool:
    return os.path.lexists(folder / name) or os.path.lexists(folder / (name + REASON_ENDING))


def _storable(name: str) -> str:
    """Return the name as text that every database and share can keep; of most names, the name itself."""
    folders, _slash, last = name.rpartition("/")
    try:
        is_short = len(last.encode()) <= _LONGEST_NAME_BYTES
        folders.encode()
    except UnicodeEncodeError:
        return clean_file_name(name, with_folders=True)
    if is_short:
        return name
    stem, dot, ending = last.rpartition(".")
    room = _LONGEST_NAME_BYTES - len(f"{dot}{ending}".encode()) if dot and len(ending) <= 16 else _LONGEST_NAME_BYTES
    kept = (stem if dot and len(ending) <= 16 else last).encode()[:room].decode(errors="ignore")
    shortened = f"{kept}{dot}{ending}" if dot and len(ending) <= 16 else kept
    return f"{folders}/{shortened}" if folders else shortened
