"""Pausing a watched folder, going on with it, and watching it no more."""

from __future__ import annotations

from sqlmodel import Session

from core.access import ENGINEER, Person, require_role
from core.audit import record, stale_save
from core.transactions import HasDatabase, writing
from core.watching.folders import get_row
from storage.tables import WatchFolder, utc_now


def set_folder_active(
    services: HasDatabase, person: Person, folder_id: int, is_active: bool, *, row_version: int | None = None
) -> None:
    """Pause a folder, whose files wait then, or go on with it.

    `row_version` is the state that the person saw; None for whoever saw none. Raises NotFound, NotAllowed, and Conflict
    stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = get_row(session, folder_id)
        _refuse_stale(session, row, row_version)
        if row.is_active != is_active:
            row.is_active, row.row_version = is_active, row.row_version + 1
            row.last_error, row.last_error_params = "", {}
            action = "watch_folder.resumed" if is_active else "watch_folder.paused"
            changes = {"is_active": [not is_active, is_active]}
            told = {"path": row.path, "row_version": row.row_version, "changes": changes}
            record(session, person, action, "watch_folder", row.id, **told)
        session.commit()


def remove_folder(services: HasDatabase, person: Person, folder_id: int, *, row_version: int | None = None) -> None:
    """Watch a folder no more. Its files stay where they are, and so do the inspections.

    `row_version` is as of `set_folder_active`. Raises NotFound, NotAllowed, and Conflict stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = get_row(session, folder_id)
        _refuse_stale(session, row, row_version)
        row.removed_at, row.is_active, row.row_version = utc_now(), False, row.row_version + 1
        record(session, person, "watch_folder.removed", "watch_folder", row.id, path=row.path)
        session.commit()


def _refuse_stale(session: Session, row: WatchFolder, row_version: int | None) -> None:
    if row_version is not None and row.row_version != row_version:
        raise stale_save(session, subject_type="watch_folder", subject_id=row.id, row_version=row_version)
