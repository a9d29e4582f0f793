"""Writes an export: into a folder, into a ZIP file, or as the pieces of one that is sent while it is made.

Nothing is left half-written: a folder and a file get their name when they are whole. Images are stored in a ZIP and not
deflated: they are compressed already.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import BadInput, Unavailable
from core.files.zip_streams import ZipPieces
from core.images.exports.making import Export
from core.images.exports.records import Entry

# So that two exports of the same images are the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
Progress = Callable[[int, int], None]


class ExportStoppedError(Exception):
    """Somebody asked the export to end before it was done."""


def write_folder(
    export: Export,
    target: Path,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write the export into a folder that is not there yet, or is empty.

    `progress` is told how many of how many images are done. Raises BadInput export_target_taken,
    export_target_unwritable; Unavailable export_disk_full; ExportStoppedError.
    """
    target = target.absolute()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BadInput("export_target_taken", path=str(target))
    with _explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.{uuid.uuid4().hex[:12]}.part"
        temporary.mkdir()
        try:
            for entry in _watched(export, progress, should_stop):
                file = temporary / entry.path
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("xb") as out:
                    for piece in entry.pieces:
                        out.write(piece)
            if target.exists():
                target.rmdir()  # Windows renames onto no folder, not even an empty one
            temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def write_zip(
    export: Export,
    target: Path,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write the export as a ZIP file that is not there yet. Raises as `write_folder`."""
    target = target.absolute()
    if target.exists():
        raise BadInput("export_target_taken", path=str(target))
    with _explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.{uuid.uuid4().hex[:12]}.part"
        try:
            with temporary.open("xb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
                for entry in _watched(export, progress, should_stop):
                    _add(archive, entry)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def stream_zip(export: Export) -> Iterator[bytes]:
    """Yield the export as a ZIP file in pieces.

    A failure ends it before its directory is written, so that no program takes it for whole.
    """
    out = ZipPieces()
    archive = zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)
    for entry in export.entries:
        _add(archive, entry)
        if piece := out.take():
            yield piece
    archive.close()
    yield out.take()


def _add(archive: zipfile.ZipFile, entry: Entry) -> None:
    info = zipfile.ZipInfo(entry.path, date_time=_MOMENT)
    info.compress_type = zipfile.ZIP_STORED if entry.is_image or entry.path.endswith(".png") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.file_size = entry.byte_size
    with archive.open(info, "w", force_zip64=entry.byte_size > 2**31 - 2**20) as out:
        for piece in entry.pieces:
            out.write(piece)


def _watched(export: Export, progress: Progress | None, should_stop: Callable[[], bool]) -> Iterator[Entry]:
    done = 0
    for entry in export.entries:
        if should_stop():
            raise ExportStoppedError
        yield entry
        if entry.is_image:
            done += 1
            if progress is not None:
                progress(done, export.n_images)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable("export_disk_full", path=str(target)) from error
        raise BadInput("export_target_unwritable", path=str(target)) from error
