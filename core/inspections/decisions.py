"""What people decide about a kept inspection: its defect type, another verdict, the end of its corrective action."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

from core.access import WORKER, Person, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, Conflict, NotFound
from core.inspections.terms import VERDICTS
from core.services import Services
from core.transactions import writing
from storage.tables import DefectType, Inspection, utc_now

_EDITED = ("final_defect_type_id", "final_verdict", "override_reason", "action_status", "action_note")


def confirm_defect_type(
    services: Services, person: Person, inspection_id: int, *, row_version: int, defect_type_id: int | None
) -> Inspection:
    """Say which defect type it is (or, with None, that it is none of the known ones)."""

    require_role(services, person, WORKER)

    def change(session: Session, row: Inspection) -> None:
        if defect_type_id is not None:
            found = session.get(DefectType, defect_type_id)
            if found is None or found.product_id != row.product_id:
                raise NotFound("not_found")
        row.final_defect_type_id = defect_type_id
        row.confirmed_at, row.confirmed_by = utc_now(), person.id

    return _change(services, person, inspection_id, row_version, "inspection.confirm_type", change)


def override_verdict(
    services: Services, person: Person, inspection_id: int, *, row_version: int, verdict: str, reason: str
) -> Inspection:
    """Put a person's verdict over the model's, with the reason. The model's own verdict stays in the row."""
    require_role(services, person, WORKER)
    if verdict not in VERDICTS:
        raise BadInput("verdict_unknown")
    if not reason.strip():
        raise BadInput("override_needs_reason")

    def change(_: Session, row: Inspection) -> None:
        row.final_verdict, row.override_reason = verdict, reason.strip()
        row.overridden_at, row.overridden_by = utc_now(), person.id
        if verdict == "ok" and row.action_status == "open":
            row.action_status = "none"
        elif verdict != "ok" and row.action_status == "none":
            row.action_status = "open"

    return _change(services, person, inspection_id, row_version, "inspection.override", change)


def close_action(
    services: Services, person: Person, inspection_id: int, *, row_version: int, status: str, note: str
) -> Inspection:
    """Record the corrective action as done, or leave it open, with a note."""
    require_role(services, person, WORKER)
    if status not in {"open", "done"}:
        raise BadInput("action_status_unknown")

    def change(_: Session, row: Inspection) -> None:
        if row.final_verdict == "ok":
            raise Conflict("action_not_needed")
        row.action_status, row.action_note = status, note.strip()
        row.action_at, row.action_by = utc_now(), person.id

    return _change(services, person, inspection_id, row_version, "inspection.action", change)


def _change(
    services: Services,
    person: Person,
    inspection_id: int,
    row_version: int,
    action: str,
    change: Callable[[Session, Inspection], None],
) -> Inspection:
    with writing(services) as session:
        row = session.get(Inspection, inspection_id)
        if row is None:
            raise NotFound("not_found")
        if row.row_version != row_version:
            raise stale_save(session, subject_type="inspection", subject_id=inspection_id, row_version=row_version)
        before = {name: getattr(row, name) for name in _EDITED}
        change(session, row)
        row.row_version += 1
        session.add(row)
        changes = find_changes(before, {name: getattr(row, name) for name in _EDITED})
        record(session, person, action, "inspection", inspection_id, row_version=row.row_version, changes=changes)
        session.commit()
        return row
