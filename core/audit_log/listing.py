"""Pages of the audit log, the newest first: as quick with a million rows as with some."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, or_
from sqlmodel import Session, col, func, select

from core.access import ADMIN, Person, require_role
from core.audit_log.filters import AuditFilter
from core.audit_log.words import group_of
from core.errors import NotFound
from core.transactions import HasDatabase, reading
from storage.tables import AuditLog, User

PAGE_ROWS = 50
# A search that no index serves goes so far back at once, and gives up for this page after a while.
_WINDOW_IDS = 20_000
_PATIENCE_S = 0.15
# Ids follow the commits, moments the beginning of what was recorded: at the edge of a period they may differ so far.
_OUT_OF_ORDER = 2_000
_MOST_ACTIONS = 1_000


@dataclass(frozen=True)
class Page:
    """Some rows, and from which id on to go on (None: there are no more).

    `searched_to` is set where the search stopped for now, before it had found a whole page: everything younger was
    looked at.
    """

    rows: tuple[AuditLog, ...]
    before: int | None
    searched_to: datetime | None = None


def list_page(
    services: HasDatabase,
    person: Person,
    wanted: AuditFilter,
    *,
    before: int | None = None,
    zone: tzinfo = UTC,
    limit: int = PAGE_ROWS,
) -> Page:
    """Return the newest rows that fit, older than the id `before`. Needs an administrator."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        return _find(session, wanted, before, zone, limit, patience_s=_PATIENCE_S)


def stream_rows(services: HasDatabase, wanted: AuditFilter, *, zone: tzinfo = UTC) -> Iterator[AuditLog]:
    """Yield all rows that fit, the newest first, without holding them; a transaction for each thousand."""
    before: int | None = None
    while True:
        with reading(services) as session:
            page = _find(session, wanted, before, zone, 1000, patience_s=5.0)
        yield from page.rows
        if page.before is None:
            return
        before = page.before


def load_row(services: HasDatabase, person: Person, row_id: int) -> AuditLog:
    """Return one row. Needs an administrator; raises NotFound not_found."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        row = session.get(AuditLog, row_id)
    if row is None:
        raise NotFound("not_found")
    return row


def list_people(services: HasDatabase, person: Person) -> dict[int, str]:
    """Return the names of all accounts by their number, also those of programs and of the system."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        return dict(session.exec(select(User.id, User.display_name).order_by(col(User.display_name))).all())


def list_actions(session: Session) -> list[str]:
    """Return the actions that the log holds, each looked up in the index."""
    found: list[str] = []
    after = ""
    while len(found) < _MOST_ACTIONS:
        following = session.scalar(select(func.min(AuditLog.action)).where(col(AuditLog.action) > after))
        if following is None:
            break
        found.append(following)
        after = following
    return found


def _find(
    session: Session, wanted: AuditFilter, before: int | None, zone: tzinfo, limit: int, *, patience_s: float
) -> Page:
    since, until = wanted.moments(zone)
    lowest, highest = _bounds(session, since, until)
    if before is not None:
        highest = min(highest, before - 1)
    actions = _actions(session, wanted)
    filters = _filters(wanted, since, until)
    # With an index of its own the rows are found wherever they are; anything beside it is looked for step by step.
    driver = actions is not None or wanted.person is not None or wanted.outcome == "refused" or _one_subject(wanted)
    rest = bool(wanted.text) or (wanted.subject_type and not _one_subject(wanted)) or len(filters) > driver
    step = _WINDOW_IDS if rest else max(1, highest - lowest + 1)
    rows: list[AuditLog] = []
    began_s = time.monotonic()
    while highest >= lowest:
        bottom = max(lowest, highest - step + 1)
        rows += _window(session, actions, filters, bottom, highest, limit + 1 - len(rows))
        highest = bottom - 1
        if len(rows) > limit:
            return Page(tuple(rows[:limit]), rows[limit - 1].id)
        if time.monotonic() - began_s > patience_s and highest >= lowest:
            at = session.exec(select(AuditLog.created_at).where(col(AuditLog.id) >= bottom).limit(1)).first()
            return Page(tuple(rows), bottom, at)
        step = min(step * 2, 200_000)
    return Page(tuple(rows), None)


def _window(
    session: Session, actions: list[str] | None, filters: list[ColumnElement[bool]], bottom: int, top: int, limit: int
) -> list[AuditLog]:
    query = (
        select(AuditLog)
        .where(col(AuditLog.id) >= bottom, col(AuditLog.id) <= top, *filters)
        .order_by(col(AuditLog.id).desc())
        .limit(limit)
    )
    if actions is None:
        return list(session.exec(query).all())
    # One look into the index for each action: together they would be sorted as a whole.
    found = [row for action in actions for row in session.exec(query.where(AuditLog.action == action)).all()]
    return sorted(found, key=lambda row: row.id, reverse=True)[:limit]


def _bounds(session: Session, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return between which ids the rows of a period lie, with some to spare at both ends."""
    lowest, highest = 1, session.scalar(select(func.max(AuditLog.id))) or 0
    at = col(AuditLog.created_at)
    if since is not None:
        first = session.exec(select(AuditLog.id).where(at >= since).order_by(at).limit(1)).first()
        lowest = highest + 1 if first is None else max(1, first - _OUT_OF_ORDER)
    if until is not None:
        last = session.exec(select(AuditLog.id).where(at < until).order_by(at.desc()).limit(1)).first()
        highest = 0 if last is None else min(highest, last + _OUT_OF_ORDER)
    return lowest, highest


def _actions(session: Session, wanted: AuditFilter) -> list[str] | None:
    if wanted.action:
        return [wanted.action]
    if wanted.group:
        return [action for action in list_actions(session) if group_of(action) == wanted.group]
    return None


def _one_subject(wanted: AuditFilter) -> bool:
    return bool(wanted.subject_type) and wanted.subject_id is not None


def _filters(wanted: AuditFilter, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    found: list[Any] = []
    if wanted.person is not None:
        found.append(AuditLog.user_id == wanted.person)
    if wanted.subject_type:
        subject: Any = AuditLog.subject_type == wanted.subject_type
        if wanted.subject_id is not None:
            subject = subject & (AuditLog.subject_id == wanted.subject_id)
        found.append(subject)
    if wanted.outcome:
        found.append(AuditLog.outcome == wanted.outcome)
    if since is not None:
        found.append(col(AuditLog.created_at) >= since)
    if until is not None:
        found.append(col(AuditLog.created_at) < until)
    if wanted.text:
        found.append(_says(wanted.text))
    return found


def _says(text: str) -> ColumnElement[bool]:
    def escape(part: str) -> str:
        return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

    # As it stands in the stored JSON: a Korean syllable as \\uXXXX.
    stored = json.dumps(text)[1:-1]
    told = func.lower(cast(AuditLog.details, Text))
    return or_(
        func.lower(AuditLog.user_name).like(f"%{escape(text.lower())}%", escape="\\"),
        col(AuditLog.address).like(f"{escape(text)}%", escape="\\"),
        told.like(f"%{escape(stored.lower())}%", escape="\\"),
    )
