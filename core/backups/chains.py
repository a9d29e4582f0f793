"""Backup files that belong together: a full one and the incremental ones that stand on it, found beside each other."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.backups.archive import ENDING, look_at
from core.backups.manifest import FULL, Header
from core.errors import AppError, BadInput, NotFound

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BackupFile:
    """A backup file and what it says at its beginning."""

    path: Path
    header: Header


def list_files(folder: Path) -> list[BackupFile]:
    """Return the backup files of a folder, the newest first; what cannot be read is left out.

    Raises BadInput backup_file_unreadable for a folder that cannot be read.
    """
    found = []
    try:
        paths = [path for path in folder.iterdir() if path.suffix == ENDING and path.is_file()]
    except OSError as error:
        raise BadInput("backup_file_unreadable", file=str(folder), reason=error.strerror or "") from error
    for path in paths:
        if path.name.startswith("."):
            continue
        try:
            found.append(BackupFile(path, look_at(path)))
        except AppError as error:
            logger.warning("%s is left out: %s", path, error.code)
    return sorted(found, key=lambda one: (one.header.created_at, one.header.number), reverse=True)


def find_newest(folder: Path, installation: str) -> BackupFile | None:
    """Return the newest backup of an installation in a folder whose whole chain is there; None where there is none."""
    files = list_files(folder) if folder.is_dir() else []
    by_id = {one.header.id: one for one in files}
    return next(
        (one for one in files if one.header.installation == installation and _goes_back(one, by_id) is not None), None
    )


def find_chain(path: Path, *, also: Iterable[Path] = ()) -> list[BackupFile]:
    """Return the files that a backup needs, the full one first and itself last.

    They are looked for beside it, and among `also` (files or folders). Raises NotFound backup_chain_missing, and
    BadInput as `look_at`.
    """
    last = BackupFile(path, look_at(path))
    if last.header.kind == FULL:
        return [last]
    places = [path.parent, *(one for one in also if one.is_dir())]
    known = {one.header.id: one for place in places for one in list_files(place)}
    known |= {(header := look_at(one)).id: BackupFile(one, header) for one in also if one.is_file()}
    chain = _goes_back(last, known)
    if chain is None:
        raise NotFound("backup_chain_missing", file=path.name)
    return chain


def _goes_back(last: BackupFile, known: dict[str, BackupFile]) -> list[BackupFile] | None:
    """Return the chain up to a file, the full one first; None where one is missing."""
    chain = [last]
    while chain[-1].header.kind != FULL:
        before = known.get(chain[-1].header.on)
        if before is None or before.header.number != chain[-1].header.number - 1:
            return None
        chain.append(before)
    return chain[::-1]
