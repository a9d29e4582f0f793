"""Files that appear whole or not at all, and are on the disk once they have appeared."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

RENAME_ATTEMPTS = 100


def write_atomically(path: Path, chunks: Iterable[bytes], *, temporary_folder: Path) -> None:
    """Write `chunks` to a temporary file, sync it, and rename it to `path` (an existing file is replaced).

    `temporary_folder` must be on the same file system. Raises OSError; nothing is left behind then. A process that is
    killed before the rename leaves the temporary file alone.
    """
    write_unnamed(path, chunks, temporary_folder=temporary_folder)
    with suppress(FileNotFoundError):  # deleted again by somebody else, folder and all
        sync_folder(path.parent)


def write_unnamed(path: Path, chunks: Iterable[bytes], *, temporary_folder: Path) -> None:
    """Do as `write_atomically`, but leave it to the caller to sync the folder: until then only the content is safe.

    For many files in a few folders, each of which is then synced once.
    """
    temporary = temporary_folder / f"{secrets.token_hex(16)}.part"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file within its file system; an existing `target` is replaced. Raises OSError, the file as it was then.

    The new name is on the disk before the old one's going is: after a power cut there are both or one, never none.
    """
    _rename(source, target)
    for folder in (target.parent, source.parent):
        with suppress(FileNotFoundError):  # removed as empty by somebody else meanwhile
            sync_folder(folder)


def _rename(temporary: Path, path: Path) -> None:
    for _ in range(RENAME_ATTEMPTS):
        with suppress(FileNotFoundError):
            temporary.replace(path)
            return
        if not temporary.exists():
            break
        # Somebody else just removed the folder as empty.
        with suppress(FileNotFoundError, FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut (Windows does so by itself, and opens no folders)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
