"""An export as a folder: written beside its place, which gets its name when all is there."""

from __future__ import annotations

import errno
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from core.model_exports.making import ModelExport

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_target(target: Path) -> None:
    """Raise BadInput(`export_target_taken`) unless a folder is not there yet, or is empty."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BadInput("export_target_taken", path=str(target))


def write_export(export: ModelExport, target: Path) -> None:
    """Write the files of an export into a folder that is not there yet, or is empty.

    Raises BadInput(`export_target_taken`, `export_target_unwritable`), Unavailable(`export_disk_full`).
    """
    target = target.absolute()
    try:
        check_target(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.{uuid.uuid4().hex[:12]}.part"
        temporary.mkdir()
        try:
            with zipfile.ZipFile(export.path) as archive:
                # Names are those that we gave; what else is in the file is left there.
                for name in export.files:
                    place = temporary / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as source, place.open("xb") as out:
                        shutil.copyfileobj(source, out)
            if target.exists():
                target.rmdir()  # Windows renames onto no folder, not even an empty one
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable("export_disk_full", path=str(target)) from error
        raise BadInput("export_target_unwritable", path=str(target)) from error
