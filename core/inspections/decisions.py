"""What people decide about an inspection record: its defect type, another verdict, the end of its corrective action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core.access import WORKER, Person, require_role
from core.accounts.bindings import require_bound_in
from core.audit import find_changes, record, stale_save
from core.catalog.outcomes import check_is_defect
from core.errors import BadInput, Conflict, NotFound
from core.inspections.follow_up.drafts import discard_draft
from core.inspections.terms import VERDICTS
from core.rollups.counting import Counted, count_change
from core.transactions import LOCKED, HasDatabase, retried, writing
from storage.tables import DefectType, Inspection, utc_now

_EDITED = ("final_defect_type_id", "final_verdict", "override_reason", "action_status", "action_note")


@dataclass(frozen=True)
class Decision:
    """What people have decided about an inspection, with who and when (UTC); `row_version` counts their changes.

    `verdict` is the one in force: the model's own until somebody overrules it. `review_state` is "waiting" for a Review
    verdict or an override that nobody has confirmed yet, "done" once somebody has, else "none". `defect_type_id` is
    None until a type is confirmed, and stays None where a person said that it is none of the known ones.
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
    review_state: str
    reviewed_at: datetime | None
    reviewed_by: int | None

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
            review_state=row.review_state,
            reviewed_at=row.reviewed_at,
            reviewed_by=row.reviewed_by,
        )


def confirm_defect_type(
    services: HasDatabase, person: Person, inspection_id: int, *, row_version: int, defect_type_id: int | None
) -> Decision:
    """Say which defect type it is (or, with None, that it is none of the known ones); return what is decided now.

    Raises NotFound, and Conflict(`stale_save`) where somebody else decided since `row_version`.
    """
    require_role(services, person, WORKER)

    def change(session: Session, row: Inspection) -> dict[str, Any]:
        if defect_type_id is not None:
            found = session.get(DefectType, defect_type_id)
            if found is None or found.product_id != row.product_id:
                raise NotFound("not_found")
            check_is_defect(found)
        row.final_defect_type_id = defect_type_id
        row.confirmed_at, row.confirmed_by = utc_now(), person.id
        return {"defect_type_id": defect_type_id}

    return _change(services, person, inspection_id, row_version, "inspection.confirm_type", change)


def override_verdict(
    services: HasDatabase, person: Person, inspection_id: int, *, row_version: int, verdict: str, reason: str
) -> Decision:
    """Put a person's verdict over the model's, with the reason; return what is decided now.

    The model's own verdict stays in the row, which waits for a person to confirm the change. Raises as
    `confirm_defect_type`, and BadInput for an unknown verdict or no reason.
    """
    require_role(services, person, WORKER)
    if verdict not in VERDICTS:
        raise BadInput("verdict_unknown")
    if not reason.strip():
        raise BadInput("override_needs_reason")

    def change(session: Session, row: Inspection) -> dict[str, Any]:
        told = {"verdict": verdict, "verdict_before": row.final_verdict, "reason": reason.strip()}
        row.final_verdict, row.override_reason = verdict, reason.strip()
        row.overridden_at, row.overridden_by = utc_now(), person.id
        row.review_state, row.reviewed_at, row.reviewed_by = "waiting", None, None
        if verdict == "ok" and row.action_status == "open":
            row.action_status = "none"
        elif verdict != "ok" and row.action_status == "none":
            row.action_status = "open"
        discard_draft(session, person, inspection_id, "override")
        return told

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

    def change(session: Session, row: Inspection) -> dict[str, Any]:
        if row.final_verdict == "ok":
            raise Conflict("action_not_needed")
        row.action_status, row.action_note = status, note.strip()
        row.action_at, row.action_by = utc_now(), person.id
        discard_draft(session, person, inspection_id, "action")
        return {"status": status, "note": row.action_note}

    return _change(services, person, inspection_id, row_version, "inspection.action", change)


@retried
def _change(
    services: HasDatabase,
    person: Person,
    inspection_id: int,
    row_version: int,
    action: str,
    change: Callable[[Session, Inspection], dict[str, Any]],
) -> Decision:
    """Let `change` edit the row, and record in the same transaction what changed and what it tells of it.

    What it tells is in the audit log even where it is as before: the next change takes its place in the row alone.
    """
    with writing(services) as session:
        row = session.get(Inspection, inspection_id, with_for_update=LOCKED)
        if row is None:
            raise NotFound("not_found")
        require_bound_in(session, person, product_id=row.product_id, line=row.line)
        if row.row_version != row_version:
            raise stale_save(session, subject_type="inspection", subject_id=inspection_id, row_version=row_version)
        before, counted = {name: getattr(row, name) for name in _EDITED}, Counted.from_row(row)
        told = change(session, row)
        row.row_version += 1
        session.add(row)
        changes = find_changes(before, {name: getattr(row, name) for name in _EDITED})
        record(
            session, person, action, "inspection", inspection_id, row_version=row.row_version, changes=changes, **told
        )
        count_change(session, counted, Counted.from_row(row))
        session.commit()
        return Decision.from_row(row)
