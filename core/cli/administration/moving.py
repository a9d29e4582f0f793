"""`move-objects`: all stored files to another store, from the folder to a bucket or back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.cli.terminal import StatusLine, name_some, to_json, write_note, write_out
from core.errors import BadInput, Unavailable, from_lower
from core.services import build_services, open_bucket
from core.settings import Settings, read_s3_settings, read_settings
from storage.object_store import ObjectStore, ObjectStoreError

if TYPE_CHECKING:
    from core.store_moves.copying import Difference, Progress
    from core.store_moves.moving import Move

_MIB = 1 << 20


def add_move_objects(commands: Any) -> None:
    """Add the command `move-objects`."""
    move = commands.add_parser(
        "move-objects",
        help="move all stored files to another store",
        description="Copies every stored file from the store in force to the other one, compares each by its hash, and "
        "makes the other one the store of this installation. The application may run while files are copied; the "
        "change itself waits until no worker is alive. Given again, the command goes on where it stopped. For "
        "--to s3, GEOMSA_S3_… name the bucket, also while GEOMSA_OBJECT_STORE is still local.",
        epilog="exit status: 0 moved (--check: both hold the same); 1 something failed (--check: they differ); 2 wrong "
        "usage or setting; 3 everything is copied, but workers are alive: stop the application and give it again",
    )
    move.add_argument("--to", required=True, choices=("local", "s3"), help="where to")
    move.add_argument(
        "--folder", type=Path, metavar="DIR", help="with --to local: the folder (default: objects in GEOMSA_DATA_DIR)"
    )
    move.add_argument("--check", action="store_true", help="only compare the two stores; change nothing")
    move.add_argument("--json", action="store_true", help="one JSON object")


def move_objects(wanted: argparse.Namespace) -> int:
    """Move the objects, or with --check compare the stores."""
    from core.store_moves import moving

    settings = read_settings()
    target, folder = _open_target(settings, wanted)
    services = build_services(settings, verify_store=False, patient=True)
    person = people.command_line_person(services)
    status = StatusLine()

    def tell(number: int, progress: Progress) -> None:
        status.show("comparing" if wanted.check else f"pass {number}", _figures(progress))

    try:
        if wanted.check:
            found = moving.compare_stores(services, person, target, tell=tell)
            status.clear()
            return _tell_difference(found, as_json=wanted.json)
        done = moving.move_objects(services, person, target, tell=tell, folder=folder)
    finally:
        status.clear()
        services.database.dispose()
    setting = _settings_to_make(settings, wanted.to, folder)
    _tell_move(done, setting, as_json=wanted.json)
    return 0 if done.switched else 3


def _open_target(settings: Settings, wanted: argparse.Namespace) -> tuple[ObjectStore, Path | None]:
    from storage.objects import LocalObjects

    if wanted.to == "s3":
        if wanted.folder is not None:
            raise BadInput("move_folder_unused")
        return open_bucket(settings.s3 or read_s3_settings()), None
    folder = settings.objects_folder if wanted.folder is None else wanted.folder.expanduser().absolute()
    try:
        return LocalObjects(folder), folder
    except ObjectStoreError as error:
        shaped = from_lower(error)
        reason = {language: shaped.sentence(language) for language in ("ko", "en")}
        raise Unavailable("move_target_failed", where=str(folder), reason=reason) from error


def _settings_to_make(settings: Settings, to: str, folder: Path | None) -> dict[str, str]:
    if to == "s3" or folder is None:
        return {"GEOMSA_OBJECT_STORE": "s3"}
    elsewhere = folder.resolve() != (settings.data_dir / "objects").resolve()
    return {"GEOMSA_OBJECT_STORE": "local", **({"GEOMSA_OBJECTS_DIR": str(folder)} if elsewhere else {})}


def _figures(progress: Progress) -> str:
    left = "" if progress.remaining_s is None else f", {_duration(progress.remaining_s)} left"
    bytes_done = f"{progress.byte_size / _MIB:.0f}/{progress.of_bytes / _MIB:.0f} MiB"
    return f"{progress.objects}/{progress.of_objects} files, {bytes_done}, {progress.rate / _MIB:.1f} MiB/s{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"


def _tell_difference(found: Difference, *, as_json: bool) -> int:
    same = not found.missing and not found.different
    if as_json:
        write_out(
            to_json(
                {
                    "same": same,
                    "objects": found.objects,
                    "bytes": found.byte_size,
                    "missing": found.missing,
                    "missing_bytes": found.missing_bytes,
                    "different": found.different,
                    "extra": found.extra,
                }
            )
        )
        return 0 if same else 1
    for word, keys in (("missing  ", found.missing), ("different", found.different), ("extra    ", found.extra)):
        for key in keys:
            write_out(f"{word} {key}")
    write_note(
        f"{found.objects} files ({found.byte_size / _MIB:.1f} MiB); to copy: {len(found.missing)} "
        f"({found.missing_bytes / _MIB:.1f} MiB), different: {len(found.different)}, only there: {len(found.extra)}"
    )
    return 0 if same else 1


def _tell_move(done: Move, setting: dict[str, str], *, as_json: bool) -> None:
    if done.refused:
        write_note(f"left where they are, their names are not ours: {name_some(done.refused)}")
    if as_json:
        write_out(
            to_json(
                {
                    "moved": done.switched,
                    "source": done.source,
                    "target": done.target,
                    "objects": done.objects,
                    "bytes": done.byte_size,
                    "copied": done.copied,
                    "copied_bytes": done.copied_bytes,
                    "removed": done.removed,
                    "passes": done.passes,
                    "refused": done.refused,
                    "workers": done.workers,
                    "settings": setting,
                }
            )
        )
        return
    write_note(
        f"{done.target}: {done.objects} files ({done.byte_size / _MIB:.1f} MiB), all compared; copied now: "
        f"{done.copied} ({done.copied_bytes / _MIB:.1f} MiB)"
    )
    if not done.switched:
        write_note(
            f"{done.source} is still in use: workers alive: {done.workers}. Stop the application and its workers, and "
            "give the same command again: it takes what came since, and changes the store."
        )
        return
    write_note(f"{done.source} is left as it is, and marked so that it is not used by mistake. Now set:")
    for name, value in setting.items():
        write_out(f"{name}={value}")
