"""What people decide about an inspection record: its defect type, another verdict, the end of its corrective action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from core.access import WORKER, Person, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, Conflict, NotFound
from core.inspections.terms import VERDICTS
from core.transactions import HasDatabase, writing
from storage.tables import DefectType, Inspection, utc_now

_EDITED = ("final_defect_type_id", "final_verdict", "override_reason", "action_status", "action_note")


@dataclass(frozen=True)
class Decision:
    """What people have decided about an inspection, with who and when (UTC); `row_version` counts their changes.

    `verdict` is the one in force: the model's own until somebody overrules it. `defect_type_id` is None until a type is
    confirmed, and stays None where a person said that it is none of the known ones.
    """

    row_version: int
    verdict: str
    override_reason: str
    overridden_at: datetime | None
    overridden_by: int | None
    defect_type_id: int | None
    confirmed_at: datetime | None
    confirmed_by: int | None
    action_status: str
    action_note: str
    action_at: datetime | None
    action_by: int | None

    @classmethod
    def from_row(cls, row: Inspection) -> Decision:
        """Return what an inspection's row says of it."""
        return cls(
            row_version=row.row_version,
            verdict=row.final_verdict,
            override_reason=row.override_reason,
            overridden_at=row.overridden_at,
            overridden_by=row.overridden_by,
            defect_type_id=row.final_defect_type_id,
            confirmed_at=row.confirmed_at,
            confirmed_by=row.confirmed_by,
            action_status=row.action_status,
            action_note=row.action_note,
            action_at=row.action_at,
            action_by=row.action_by,
        )


def confirm_defect_type(
    services: HasDatabase, person: Person, inspection_id: int, *, row_version: int, defect_type_id: int | None
) -> Decision:
    """Say which defect type it is (or, with None, that it is none of the known ones); return what is decided now.

    Raises NotFound, and Conflict(`stale_save`) where somebody else decided since `row_version`.
    """
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
    services: HasDatabase, person: Person, inspection_id: int, *, row_version: int, verdict: str, reason: str
) -> Decision:
    """Put a person's verdict over the model's, with the reason; return what is decided now.

    The model's own verdict stays in the row. Raises as `confirm_defect_type`, and BadInput for an unknown verdict or
    no reason.
    """
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
    services: HasDatabase, person: Person, inspection_id: int, *, row_version: int, status: str, note: str
) -> Decision:
    """Record the corrective action as done, or leave it open, with a note; return what is decided now.

    Raises as `confirm_defect_type`, BadInput for an unknown status, and Conflict for a part that is OK.
    """
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
    services: HasDatabase,
    person: Person,
    inspection_id: int,
    row_version: int,
    action: str,
    change: Callable[[Session, Inspection], None],
) -> Decision:
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
        return Decision.from_row(row)
