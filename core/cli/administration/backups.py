"""`backup` and `restore`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from core.accounts import people
from core.cli.terminal import StatusLine, language, to_json, write_note, write_out
from core.errors import BadInput, describe
from core.i18n import N_, translate
from core.jobs.terms import STAGE_NAMES
from core.services import build_services
from core.settings import read_key_file, read_settings

_VERIFY = "verify"


def add_backup(commands: Any) -> None:
    """Add the commands `backup` and `restore`."""
    backup = commands.add_parser(
        "backup",
        help="write the whole system into a file while it runs, or verify such a file",
        description="Writes all rows and stored files, as they are at one moment, into one file: FILE, or in FOLDER "
        "under a name of its own. It is encrypted where GEOMSA_BACKUP_KEY or GEOMSA_BACKUP_KEY_FILE is set. It holds "
        "the secrets of the system: the keys that sign sessions, and those of the targets that results are sent to. "
        "With --incremental only files that are not in the earlier backups beside it are written. "
        '"backup verify FILE" reads a backup with all that it stands on, and says whether it is whole.',
    )
    backup.add_argument("target", nargs="+", metavar="FILE|FOLDER|verify FILE")
    backup.add_argument("--incremental", action="store_true", help="stand on the newest backup in the same folder")
    _add_key(backup)
    backup.add_argument("--json", action="store_true", help="one JSON object")

    restore = commands.add_parser(
        "restore",
        help="restore a backup into an empty system",
        description="Restores FILE with all that it stands on into the database and the object store of the settings, "
        "of whichever kind they are. Stop the application, the workers and the REST interface first. Everything is "
        "verified before the first row is written; a restoration that was broken off goes on when it is asked for "
        "again.",
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument(
        "--replace",
        action="store_true",
        help="put it in the place of what is in the system; asks for a typed word",
    )
    restore.add_argument("--yes", action="store_true", help="with --replace: do not ask")
    restore.add_argument(
        "--from", dest="also", type=Path, action="append", default=[], metavar="FOLDER",
        help="look for earlier backups of the chain here too (may be repeated)",
    )  # fmt: skip
    _add_key(restore)
    restore.add_argument("--json", action="store_true", help="one JSON object")


def backup(wanted: argparse.Namespace) -> int:
    """Make a backup, or verify one."""
    target = list(wanted.target)
    if len(target) == 2 and target[0] == _VERIFY:
        return _verify(wanted, Path(target[1]))
    if len(target) != 1:
        write_note("usage: python -m core backup FILE|FOLDER, or: python -m core backup verify FILE")
        return 2
    from dataclasses import replace

    from core.backups.backing_up import back_up

    settings = read_settings()
    if wanted.key_file is not None:
        settings = replace(settings, backup_key=read_key_file(wanted.key_file, "--key-file"))
    services = build_services(settings, patient=True)
    progress = _Progress()
    try:
        person = people.command_line_person(services)
        if settings.backup_key is None:
            write_note(translate(language(), UNENCRYPTED))
        done = back_up(services, person, Path(target[0]).absolute(), incremental=wanted.incremental, progress=progress)
    finally:
        progress.clear()
        services.database.dispose()
    if done.instead is not None:
        write_note(done.instead.sentence(language()))
    made, manifest = done.made, done.made.manifest
    if manifest.missing:
        write_note(describe("backup_lacks", {"count": len(manifest.missing), "key": manifest.missing[0]}, language()))
    if wanted.json:
        write_out(
            to_json(
                {
                    "file": str(made.path),
                    "kind": done.header.kind,
                    "id": done.header.id,
                    "chain": done.header.chain or done.header.id,
                    "number": done.header.number,
                    "encrypted": settings.backup_key is not None,
                    "bytes": made.byte_size,
                    "rows": manifest.rows,
                    "objects": manifest.objects,
                    "new_objects": manifest.new_objects,
                    "object_bytes": manifest.object_bytes,
                    "missing": len(manifest.missing),
                    "manifest_sha256": made.manifest_sha256,
                }
            )
        )
    else:
        write_out(str(made.path))
        write_note(
            f"{done.header.kind}: {manifest.rows} rows, {manifest.objects} files ({manifest.new_objects} written), "
            f"{made.byte_size} bytes"
        )
    return 0


def _verify(wanted: argparse.Namespace, path: Path) -> int:
    from core.backups.records import note_verified
    from core.backups.verifying import verify_backup
    from core.errors import AppError

    settings = read_settings()
    progress = _Progress()
    try:
        found = verify_backup(path, _key_of(wanted, settings.backup_key), progress=progress)
    finally:
        progress.clear()
    try:
        services = build_services(settings, verify_store=False)
        for one in found.files:
            note_verified(services, one.header.id)
        services.database.dispose()
    except AppError:
        # A file can be verified where there is no system at all.
        pass
    manifest = found.manifest
    if wanted.json:
        write_out(
            to_json(
                {
                    "ok": True,
                    "file": str(path),
                    "id": manifest.header.id,
                    "made_at": manifest.header.created_at.isoformat(),
                    "files": [str(one.path) for one in found.files],
                    "rows": manifest.rows,
                    "objects": manifest.objects,
                    "object_bytes": manifest.object_bytes,
                    "missing": len(manifest.missing),
                }
            )
        )
    else:
        write_out(f"{path}: whole ({len(found.files)} files, {manifest.rows} rows, {manifest.objects} stored files)")
    return 0


def restore(wanted: argparse.Namespace) -> int:
    """Restore a backup."""
    from core.backups.restoring import restore_backup

    settings = read_settings()
    if wanted.replace and not wanted.yes:
        _confirm(settings.database_url)
    progress = _Progress()
    try:
        done = restore_backup(
            settings,
            wanted.file.absolute(),
            _key_of(wanted, settings.backup_key),
            replace=wanted.replace,
            also=wanted.also,
            progress=progress,
        )
    finally:
        progress.clear()
    if wanted.json:
        write_out(
            to_json(
                {
                    "backup": done.header.id,
                    "made_at": done.header.created_at.isoformat(),
                    "installation": done.header.installation,
                    "generation": done.generation,
                    "rows": done.rows,
                    "objects": done.objects,
                    "object_bytes": done.object_bytes,
                    "missing": done.missing,
                    "kept_aside": done.kept_aside,
                    "went_on": done.went_on,
                }
            )
        )
    else:
        write_out(
            f"restored: {done.rows} rows, {done.objects} files, as of {done.header.created_at:%Y-%m-%d %H:%M} UTC"
        )
        if done.kept_aside:
            write_note(f"the files that were in the way lie in {done.kept_aside}")
        write_note('everybody has to sign in again; look at "python -m core doctor"')
    return 0


UNENCRYPTED = N_(
    "This backup is not encrypted, and it holds secrets of the system. "
    "Set GEOMSA_BACKUP_KEY_FILE, or keep the file where only administrators can read it."
)


def _confirm(database_url: str) -> None:
    """Ask for the name of the database, whose rows are lost. Raises BadInput restore_not_confirmed."""
    name = database_url.rstrip("/").rsplit("/", 1)[-1].split("?")[0]
    write_note(f"All rows of the database are replaced. Type its name, {name}, to go on:")
    if sys.stdin.readline().strip() != name:
        raise BadInput("restore_not_confirmed")


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE", help="the key, as one line (default: that of the settings)"
    )


def _key_of(wanted: argparse.Namespace, default: str | None) -> str | None:
    return default if wanted.key_file is None else read_key_file(wanted.key_file, "--key-file")


class _Progress:
    """Shows each stage on the line of the terminal."""

    def __init__(self) -> None:
        self._status = StatusLine()

    def __call__(self, stage: str, done: int, total: int) -> None:
        words = translate(language(), STAGE_NAMES.get(stage, stage))
        self._status.show(words, f"{done}/{total}" if total else "")

    def clear(self) -> None:
        """Leave a clean line."""
        self._status.clear()
