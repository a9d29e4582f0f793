"""Where scheduled reports go: a folder on the server, or the object store. Whole files only, never half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlmodel import col, select

from core.errors import AppError, BadInput, NotFound, Unavailable, from_lower
from core.identity import REPORTS
from core.schedules.records import MadeFile
from core.settings import Settings
from core.transactions import HasDatabase, HasStores, reading
from storage.atomic_files import write_atomically
from storage.object_store import ObjectStoreError
from storage.tables import WatchFolder

LONGEST_PATH = 700
# Files are written there first, within the folder: renaming works on one file system only.
ASIDE = ".geomsa-part"
_ASIDE_FOR_S = 3600.0
CONTENT_TYPES: Mapping[str, str] = {
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def check_folder(services: HasDatabase, settings: Settings, folder: Path) -> Path:
    """Return the folder's full path, links resolved, once it has been shown that a file can be written there.

    Raises BadInput report_folder_relative, report_folder_missing, report_folder_long, report_folder_own,
    report_folder_outside (of the folders that GEOMSA_REPORT_FOLDERS allows), report_folder_watched or
    report_folder_read_only, and Unavailable report_folder_full.
    """
    if not folder.is_absolute():
        raise BadInput("report_folder_relative", path=_shown(folder))
    try:
        resolved = folder.resolve()
        is_there = resolved.is_dir()
        str(resolved).encode()
    except (OSError, RuntimeError, ValueError):
        is_there = False
    if not is_there:
        raise BadInput("report_folder_missing", path=_shown(folder))
    if len(str(resolved)) > LONGEST_PATH:
        raise BadInput("report_folder_long", highest=LONGEST_PATH)
    own = settings.data_dir.resolve()
    if resolved == Path(resolved.anchor) or resolved.is_relative_to(own) or own.is_relative_to(resolved):
        raise BadInput("report_folder_own", path=str(resolved))
    roots = settings.report_folders
    if roots and not any(resolved.is_relative_to(root) for root in roots):
        raise BadInput("report_folder_outside", path=str(resolved), roots=", ".join(str(root) for root in roots))
    _refuse_watched(services, resolved)
    try:
        probe = resolved / f".geomsa-{secrets.token_hex(8)}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        shaped = _shape(error, resolved)
        raise (
            BadInput(shaped.code, **shaped.params) if shaped.code == "report_folder_read_only" else shaped
        ) from error
    return resolved


def store_files(
    services: HasStores, contents: Mapping[str, bytes], *, folder: Path | None, schedule_id: int, made_at: datetime
) -> list[MadeFile]:
    """Store the files of a report by their names, each whole and on the disk or not at all; one of a name is replaced.

    Raises Unavailable report_folder_gone, report_folder_full, report_folder_read_only or report_folder_failed, and
    AppError when the object store fails.
    """
    made = []
    for name, data in contents.items():
        place = f"{REPORTS}{made_at:%Y/%m}/{schedule_id}/{name}" if folder is None else str(folder / name)
        made.append(MadeFile(name, place, folder is not None, len(data), hashlib.sha256(data).hexdigest()))
    if folder is not None:
        _write(folder, contents)
        return made
    try:
        for one in made:
            services.objects.put(
                one.place, contents[one.name], content_type=CONTENT_TYPES.get(Path(one.name).suffix, "")
            )
    except ObjectStoreError as error:
        raise from_lower(error) from error
    return made


def read_file(services: HasStores, file: MadeFile) -> bytes:
    """Return the content of a report's file.

    Raises NotFound report_file_gone where it is no longer there, or is another file now, and AppError.
    """
    try:
        data = Path(file.place).read_bytes() if file.in_folder else services.objects.get(file.place)
    except ObjectStoreError as error:
        if error.code == "object_missing":
            raise NotFound("report_file_gone", name=file.name) from error
        raise from_lower(error) from error
    except OSError as error:
        raise NotFound("report_file_gone", name=file.name) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise NotFound("report_file_gone", name=file.name)
    return data


def delete_file(services: HasStores, file: MadeFile) -> None:
    """Delete a report's file; one that somebody has changed since stays. Raises AppError when a store fails."""
    if not file.in_folder:
        try:
            services.objects.delete(file.place)
        except ObjectStoreError as error:
            raise from_lower(error) from error
        return
    path = Path(file.place)
    try:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256:
            path.unlink()
    except OSError as error:
        raise _shape(error, path.parent) from error


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    aside = folder / ASIDE
    try:
        # Never made anew: below a share that is not mounted, files would go to the wrong disk.
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no folder")
        aside.mkdir(exist_ok=True)
        for name, data in contents.items():
            write_atomically(folder / name, [data], temporary_folder=aside)
    except OSError as error:
        raise _shape(error, folder) from error
    finally:
        _tidy(aside)


def _tidy(aside: Path) -> None:
    """Delete what processes that were killed have left, and the folder where nothing is left in it."""
    with suppress(OSError):
        for left in aside.iterdir():
            if left.stat().st_mtime < time.time() - _ASIDE_FOR_S:
                left.unlink()
        aside.rmdir()


def _shape(error: OSError, folder: Path) -> AppError:
    """Return what is wrong with a folder as an error that a person can act on."""
    path = str(folder)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable("report_folder_full", path=path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Unavailable("report_folder_read_only", path=path)
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN}:
        return Unavailable("report_folder_gone", path=path)
    return Unavailable("report_folder_failed", path=path, reason=os.strerror(error.errno) if error.errno else "I/O")


def _refuse_watched(services: HasDatabase, folder: Path) -> None:
    with reading(services) as session:
        watched = session.exec(select(WatchFolder.path).where(col(WatchFolder.removed_at).is_(None))).all()
    for path in watched:
        if folder.is_relative_to(path):
            raise BadInput("report_folder_watched", path=str(folder), other=path)


def _shown(path: Path) -> str:
    return str(path)[:200].encode("utf-8", "replace").decode()
