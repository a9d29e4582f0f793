"""The back-off after wrong passwords, wrong codes and refused sign-ins: it slows guessing and locks nobody else out.

Wrong ones are counted for a subject: a login name *at an address*, so that nobody can lock another person's name. A
browser from which the login has signed in before has a count of its own and is not kept waiting by others (after
OWASP's device cookies). Guessing from many addresses meets wider limits for the name and for the address.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, select

from core.access import PAGE
from core.audit import REFUSED, record
from core.errors import Conflict, NotAllowed
from core.transactions import HasDatabase, reading, retried, writing
from storage.tables import SignInFailure, utc_now

FREE_FAILURES = 5
FIRST_WAIT_S = 30
LONGEST_WAIT_S = 900
# Over all addresses, or over all names: so many wrong ones in an hour are no slips of the finger any more.
WIDE_FREE_FAILURES = 50
WIDE_LONGEST_WAIT_S = 60
_COUNT_FOR = timedelta(hours=1)
_QUEUE_WAIT_S = 10.0

# One at a time: a check takes 64 MiB, and guesses made side by side must not slip past the count of failures.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Limit:
    """How many wrong ones a subject has free, and how long it waits after more, at most (seconds)."""

    subject: str
    free_failures: int
    longest_wait_s: int


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one sign-in of the process be checked at a time. Raises NotAllowed sign_in_busy when too many wait."""
    if not _LOCK.acquire(timeout=_QUEUE_WAIT_S):
        raise NotAllowed("sign_in_busy")
    try:
        yield
    finally:
        _LOCK.release()


def login_limits(login: str, address: str, device_id: str | None) -> list[Limit]:
    """Return what limits wrong passwords of a login; `device_id` is the browser's, where it is known as the login's."""
    if device_id is not None:
        return [Limit(_subject("device", device_id, login), FREE_FAILURES, LONGEST_WAIT_S)]
    return [
        Limit(_subject("pair", address, login), FREE_FAILURES, LONGEST_WAIT_S),
        Limit(_subject("login", login), WIDE_FREE_FAILURES, WIDE_LONGEST_WAIT_S),
        address_limit(address),
    ]


def code_limits(address: str) -> list[Limit]:
    """Return what limits wrong codes: they belong to no name, so only the address counts."""
    return [Limit(_subject("code", address), FREE_FAILURES, LONGEST_WAIT_S), address_limit(address)]


def address_limit(address: str) -> Limit:
    """Return what limits everything that goes wrong from one address."""
    return Limit(_subject("address", address), WIDE_FREE_FAILURES, WIDE_LONGEST_WAIT_S)


def require_no_wait(services: HasDatabase, limits: list[Limit]) -> None:
    """Raise NotAllowed sign_in_locked (with the seconds that remain) while a back-off lasts."""
    now = utc_now()
    query = select(SignInFailure).where(col(SignInFailure.subject).in_([limit.subject for limit in limits]))
    with reading(services) as session:
        rows = {row.subject: row for row in session.exec(query).all()}
    if any(row.last_failure_at > now for row in rows.values()):
        # The clock was set back: count the wait from now on, so that none is longer than it was meant to be.
        with writing(services) as session:
            for row in session.exec(query).all():
                row.last_failure_at = min(row.last_failure_at, now)
                rows[row.subject] = row
            session.commit()
    wait_s = max((_wait_s(rows[limit.subject], limit, now) for limit in limits if limit.subject in rows), default=0)
    if wait_s > 0:
        raise NotAllowed("sign_in_locked", seconds=wait_s)


def keep_failure(
    services: HasDatabase,
    limits: list[Limit],
    *,
    action: str,
    address: str,
    login: str = "",
    user_id: int | None = None,
    subject_type: str = "user",
    subject_id: int | None = None,
    **details: Any,
) -> None:
    """Count a failure, and record it as refused; the one that begins a wait is recorded as a lock-out, too."""
    try:
        _begin_counts(services, limits, login)
    except Conflict as conflict:
        # Another instance of the application has begun one of them in the same moment.
        if conflict.params.get("reason") != "unique":
            raise
        _begin_counts(services, limits, login)
    _count_failure(services, limits, action, address, login, user_id, subject_type, subject_id, details)


@retried
def _begin_counts(services: HasDatabase, limits: list[Limit], login: str) -> None:
    """Add the rows that failures are counted on, and delete those that are long past."""
    now, wanted = utc_now(), [limit.subject for limit in limits]
    with writing(services) as session:
        session.exec(delete(SignInFailure).where(col(SignInFailure.last_failure_at) < now - 24 * _COUNT_FOR))
        known = set(session.exec(select(SignInFailure.subject).where(col(SignInFailure.subject).in_(wanted))).all())
        for limit in limits:
            if limit.subject not in known:
                # Many names share an address: a new password of one of them clears nothing there.
                own = login[:190] if not limit.subject.startswith("address:") else ""
                session.add(SignInFailure(subject=limit.subject, login=own, last_failure_at=now))
        session.commit()


@retried
def _count_failure(
    services: HasDatabase,
    limits: list[Limit],
    action: str,
    address: str,
    login: str,
    user_id: int | None,
    subject_type: str,
    subject_id: int | None,
    details: dict[str, Any],
) -> None:
    now, wait_s = utc_now(), 0
    by_subject = {limit.subject: limit for limit in limits}
    with writing(services) as session:
        # Locked, in the same order everywhere: guesses at several instances of the application count one by one.
        rows = session.exec(
            select(SignInFailure)
            .where(col(SignInFailure.subject).in_(list(by_subject)))
            .order_by(col(SignInFailure.id))
            .with_for_update()
        ).all()
        for row in rows:
            row.failures = 1 if now - row.last_failure_at > _COUNT_FOR else row.failures + 1
            row.last_failure_at = now
            wait_s = max(wait_s, _wait_s(row, by_subject[row.subject], now))
        _record_refusal(session, action, address, login, subject_type, subject_id or user_id, user_id, details)
        if wait_s > 0:
            locked = {"seconds": wait_s}
            _record_refusal(session, "user.locked_out", address, login, "user", user_id, user_id, locked)
        session.commit()


def clear_failures(session: Session, login: str) -> None:
    """Delete the recorded wrong passwords of a login in the caller's transaction: it has a new password."""
    session.exec(delete(SignInFailure).where(col(SignInFailure.login) == login[:190]))


def clear_limit(session: Session, limit: Limit) -> None:
    """Delete the count of one limit in the caller's transaction."""
    session.exec(delete(SignInFailure).where(col(SignInFailure.subject) == limit.subject))


def _record_refusal(
    session: Session,
    action: str,
    address: str,
    login: str,
    subject_type: str,
    subject_id: int | None,
    user_id: int | None,
    details: dict[str, Any],
) -> None:
    # Whose name was typed is not who acts: the row has the name alone.
    row = record(session, None, action, subject_type, subject_id, **details)
    row.user_name = login[:190]
    row.outcome = REFUSED
    row.channel, row.address = PAGE, address[:64]


def _subject(kind: str, *parts: str) -> str:
    # Hashed: whatever was typed, or sent as an address, has a length of its own.
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}:{digest}"


def _wait_s(row: SignInFailure, limit: Limit, now: datetime) -> int:
    elapsed = now - row.last_failure_at
    over = row.failures - limit.free_failures
    if over < 0 or elapsed > _COUNT_FOR:
        return 0
    wait_s: int = min(FIRST_WAIT_S << min(over, 20), limit.longest_wait_s)
    return max(0, math.ceil(wait_s - elapsed.total_seconds()))
