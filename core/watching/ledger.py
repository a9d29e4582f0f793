"""What became of each file of a watched folder: written with its inspection, and finished once the file is moved."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete
from sqlmodel import Session, col, select

from core.files.file_names import MAX_NAME_LENGTH, clean_file_name
from core.transactions import HasDatabase, reading, retried, writing
from storage.tables import Inspection, WatchFile, utc_now

KEPT_DAYS = 30
_CHUNK = 500


@dataclass(frozen=True)
class Arrival:
    """A file that is about to be decided on: its key, and what is told of it."""

    name: str
    file_key: str
    is_traced: bool = True


def make_key(name: str, content: bytes) -> str:
    """Return the key of a file: the hash of its name and its content (or of what stands for it), 64 hex digits."""
    return hashlib.sha256(os.fsencode(name) + b"\0" + hashlib.sha256(content).digest()).hexdigest()


def find(services: HasDatabase, folder_id: int, file_key: str) -> WatchFile | None:
    """Return what became of the file; None where it was never decided on."""
    with reading(services) as session:
        return session.exec(
            select(WatchFile).where(WatchFile.folder_id == folder_id, WatchFile.file_key == file_key)
        ).first()


def add_inspected(session: Session, folder_id: int, rows: Sequence[tuple[Arrival, Inspection]]) -> None:
    """Note, in the transaction of the inspections, that these files have theirs."""
    known = _find_all(session, folder_id, [arrival.file_key for arrival, _ in rows])
    for arrival, inspection in rows:
        row = known.get(arrival.file_key) or _new_row(folder_id, arrival)
        row.outcome, row.inspection_id, row.error, row.target = "inspected", inspection.id, "", ""
        row.is_traced, row.decided_at, row.finished_at = arrival.is_traced, utc_now(), None
        session.add(row)
    session.flush()


@retried
def add_rejected(services: HasDatabase, folder_id: int, arrival: Arrival, *, target: str, error: str) -> None:
    """Note that a file is rejected, and where it goes, before it does."""
    with writing(services) as session:
        row = _find_all(session, folder_id, [arrival.file_key]).get(arrival.file_key) or _new_row(folder_id, arrival)
        row.outcome, row.inspection_id, row.error, row.target = "rejected", None, error[:64], target
        row.decided_at, row.finished_at = utc_now(), None
        session.add(row)
        session.commit()


@retried
def finish(services: HasDatabase, folder_id: int, targets: Mapping[str, str]) -> None:
    """Note that these files, by their keys, lie where they belong now."""
    if not targets:
        return
    now = utc_now()
    with writing(services) as session:
        for row in _find_all(session, folder_id, list(targets)).values():
            row.target, row.finished_at = targets[row.file_key], now
            session.add(row)
        session.commit()


def sweep(services: HasDatabase, folder_id: int, folder: Path) -> None:
    """Finish what a process that was killed had moved already: nothing lies there any more."""
    with reading(services) as session:
        rows = session.exec(
            select(WatchFile).where(WatchFile.folder_id == folder_id, col(WatchFile.finished_at).is_(None))
        ).all()
    finish(services, folder_id, {row.file_key: row.target for row in rows if not os.path.lexists(folder / row.name)})


def forget_old(services: HasDatabase, folder_id: int) -> None:
    """Delete what was finished more than 30 days ago; the inspections themselves know their files for good."""
    old = (
        (col(WatchFile.folder_id) == folder_id)
        & col(WatchFile.finished_at).is_not(None)
        & (col(WatchFile.decided_at) < utc_now() - timedelta(days=KEPT_DAYS))
    )
    with reading(services) as session:
        is_any = session.exec(select(WatchFile.id).where(old).limit(1)).first() is not None
    if is_any:
        with writing(services) as session:
            session.execute(delete(WatchFile).where(old))
            session.commit()


def _find_all(session: Session, folder_id: int, keys: Sequence[str]) -> dict[str, WatchFile]:
    found: dict[str, WatchFile] = {}
    for start in range(0, len(keys), _CHUNK):
        rows = session.exec(
            select(WatchFile).where(
                WatchFile.folder_id == folder_id, col(WatchFile.file_key).in_(keys[start : start + _CHUNK])
            )
        )
        found |= {row.file_key: row for row in rows}
    return found


def _new_row(folder_id: int, arrival: Arrival) -> WatchFile:
    name = clean_file_name(arrival.name, with_folders=True)[-MAX_NAME_LENGTH:]
    return WatchFile(folder_id=folder_id, file_key=arrival.file_key, name=name, outcome="inspected")
