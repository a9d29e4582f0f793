"""The queue of reviews: every Review verdict and every override that no other person has looked at yet.

Any worker may decide what the model left open, also about a part that they inspected themselves. An override, though,
is confirmed by somebody else, or by a quality engineer: nobody confirms their own word against the model.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import case
from sqlmodel import Session, and_, col, func, select

from core.access import ENGINEER, WORKER, Person, reaches, require_role
from core.accounts.bindings import require_bound_in
from core.audit import find_changes, record, stale_save
from core.catalog.outcomes import check_is_defect
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.inspections.decisions import Decision
from core.inspections.terms import VERDICTS
from core.rollups.counting import Counted, count_change
from core.transactions import LOCKED, HasDatabase, reading, retried, writing
from storage.tables import DefectType, Inspection, utc_now

Order = Literal["oldest", "riskiest"]
ORDERS: tuple[Order, ...] = ("oldest", "riskiest")
# So many are in the queue of one sitting; who is through with them gets the next.
MOST_WAITING = 2_000
_EDITED = (
    "final_defect_type_id",
    "final_verdict",
    "override_reason",
    "action_status",
    "review_state",
)


@dataclass(frozen=True)
class Waiting:
    """The inspections that wait for a review, in the order asked for: the first `MOST_WAITING` of `total`."""

    ids: array[int] = field(repr=False)
    total: int


@dataclass(frozen=True)
class Confirmed:
    """What became of a confirmation of several: those that were confirmed, and why others were not, by id."""

    ids: tuple[int, ...]
    problems: Mapping[int, AppError]


def list_waiting(services: HasDatabase, *, product_id: int | None = None, order: Order = "oldest") -> Waiting:
    """Return what waits for a review, of one product or of all.

    Riskiest first means: parts that people let pass against the model, then the others by how near (or how far
    beyond) they are to NG within the thresholds of their time.
    """
    conditions = [col(Inspection.review_state) == "waiting"]
    if product_id is not None:
        conditions.append(col(Inspection.product_id) == product_id)
    query = select(Inspection.id).where(*conditions).limit(MOST_WAITING)
    if order == "oldest":
        query = query.order_by(col(Inspection.created_at), col(Inspection.id))
    else:
        let_pass = case((and_(Inspection.verdict != "ok", Inspection.final_verdict == "ok"), 1), else_=0)
        width = func.nullif(col(Inspection.reject_at) - col(Inspection.review_at), 0.0)
        nearness = func.coalesce((col(Inspection.score) - col(Inspection.review_at)) / width, 1.0)
        query = query.order_by(let_pass.desc(), nearness.desc(), col(Inspection.id))
    with reading(services) as session:
        total = session.exec(select(func.count()).select_from(Inspection).where(*conditions)).one()
        return Waiting(array("q", session.exec(query).all()), total)


def count_waiting(services: HasDatabase) -> int:
    """Return how many inspections wait for a review."""
    with reading(services) as session:
        waiting = select(func.count()).select_from(Inspection).where(Inspection.review_state == "waiting")
        return session.exec(waiting).one()


@retried
def decide_review(
    services: HasDatabase,
    person: Person,
    inspection_id: int,
    *,
    row_version: int,
    verdict: str | None = None,
    defect_type_id: int | None = None,
    reason: str = "",
) -> Decision:
    """Confirm the verdict in force (None), or put another in its place with a reason; the inspection waits no more.

    `defect_type_id` confirms a type with it. A changed verdict is kept as an override: who, when and why. Raises
    NotFound; BadInput(`verdict_unknown`, `override_needs_reason`); Conflict(`stale_save`) where somebody else decided
    since `row_version`, or `review_not_waiting`; NotAllowed(`review_own_override`).
    """
    require_role(services, person, WORKER)
    if verdict is not None and verdict not in VERDICTS:
        raise BadInput("verdict_unknown")
    with writing(services) as session:
        row = _get_waiting(session, person, inspection_id, row_version)
        counted = Counted.from_row(row)
        row.row_version += 1
        if verdict is not None and verdict != row.final_verdict:
            _change_verdict(session, person, row, verdict, reason)
        if defect_type_id is not None:
            _confirm_type(session, person, row, defect_type_id)
        _finish(session, person, row)
        count_change(session, counted, Counted.from_row(row))
        session.commit()
        return Decision.from_row(row)


@retried
def confirm_all(services: HasDatabase, person: Person, row_versions: Mapping[int, int]) -> Confirmed:
    """Confirm the verdicts of several inspections as they are; `row_versions` are those that the person saw, by id.

    One that somebody decided meanwhile, or that another person must confirm, stays as it is and is named. Raises
    NotAllowed, and AppError when the database fails: nothing is confirmed then.
    """
    require_role(services, person, WORKER)
    done: list[int] = []
    problems: dict[int, AppError] = {}
    with writing(services) as session:
        # In one order for everybody: two who confirm the same parts then wait for each other, and no more.
        for inspection_id, row_version in sorted(row_versions.items()):
            try:
                row = _get_waiting(session, person, inspection_id, row_version)
            except (Conflict, NotAllowed, NotFound) as error:
                problems[inspection_id] = error
                continue
            row.row_version += 1
            _finish(session, person, row)
            done.append(inspection_id)
        session.commit()
    return Confirmed(tuple(done), problems)


def may_confirm(person: Person, decision: Decision) -> bool:
    """Return whether this person may confirm what was decided: not their own override, unless they are an engineer."""
    return decision.overridden_by != person.id or reaches(person.role, ENGINEER)


def _get_waiting(session: Session, person: Person, inspection_id: int, row_version: int) -> Inspection:
    row = session.get(Inspection, inspection_id, with_for_update=LOCKED)
    if row is None:
        raise NotFound("not_found")
    require_bound_in(session, person, product_id=row.product_id, line=row.line)
    if row.row_version != row_version:
        raise stale_save(session, subject_type="inspection", subject_id=inspection_id, row_version=row_version)
    if row.review_state != "waiting":
        raise Conflict("review_not_waiting", number=inspection_id)
    if not may_confirm(person, Decision.from_row(row)):
        raise NotAllowed("review_own_override", number=inspection_id)
    return row


def _change_verdict(session: Session, person: Person, row: Inspection, verdict: str, reason: str) -> None:
    if not reason.strip():
        raise BadInput("override_needs_reason")
    before = _edited(row)
    row.final_verdict, row.override_reason = verdict, reason.strip()
    row.overridden_at, row.overridden_by = utc_now(), person.id
    if verdict == "ok" and row.action_status == "open":
        row.action_status = "none"
    elif verdict != "ok" and row.action_status == "none":
        row.action_status = "open"
    told = {"verdict": verdict, "verdict_before": before["final_verdict"], "reason": row.override_reason}
    _record(session, person, row, "inspection.override", before, **told)


def _confirm_type(session: Session, person: Person, row: Inspection, defect_type_id: int) -> None:
    found = session.get(DefectType, defect_type_id)
    if found is None or found.product_id != row.product_id:
        raise NotFound("not_found")
    check_is_defect(found)
    before = _edited(row)
    row.final_defect_type_id = defect_type_id
    row.confirmed_at, row.confirmed_by = utc_now(), person.id
    _record(session, person, row, "inspection.confirm_type", before, defect_type_id=defect_type_id)


def _finish(session: Session, person: Person, row: Inspection) -> None:
    before = _edited(row)
    row.review_state, row.reviewed_at, row.reviewed_by = "done", utc_now(), person.id
    session.add(row)
    _record(session, person, row, "inspection.review", before)


def _edited(row: Inspection) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _EDITED}


def _record(
    session: Session, person: Person, row: Inspection, action: str, before: dict[str, Any], **told: Any
) -> None:
    """Keep what changed as the decisions on the result screen do: the chain of changes is read from both alike."""
    changes = find_changes(before, _edited(row))
    record(session, person, action, "inspection", row.id, row_version=row.row_version, changes=changes, **told)
