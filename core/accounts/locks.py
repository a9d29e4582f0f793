"""Which logins wait after wrong passwords, and until when: what `back_off` counts, as an administrator asks for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from core.accounts.back_off import (
    FIRST_WAIT_S,
    FREE_FAILURES,
    LONGEST_WAIT_S,
    WIDE_FREE_FAILURES,
    WIDE_LONGEST_WAIT_S,
)
from storage.tables import SignInFailure, utc_now

_COUNT_FOR = timedelta(hours=1)


def find_locks(session: Session, logins: Collection[str]) -> dict[str, datetime]:
    """Return until when (UTC) each login that waits has to, at some address or from a browser known as its own."""
    now = utc_now()
    query = select(SignInFailure).where(
        col(SignInFailure.last_failure_at) > now - _COUNT_FOR, col(SignInFailure.login) != ""
    )
    known = {login[:190]: login for login in logins}
    found: dict[str, datetime] = {}
    for row in session.exec(query).all():
        until = _wait_until(row)
        if row.login in known and until is not None and until > now:
            login = known[row.login]
            found[login] = max(until, found.get(login, until))
    return found


def _wait_until(row: SignInFailure) -> datetime | None:
    is_wide = row.subject.startswith("login:")
    free, longest_s = (WIDE_FREE_FAILURES, WIDE_LONGEST_WAIT_S) if is_wide else (FREE_FAILURES, LONGEST_WAIT_S)
    over = row.failures - free
    if over < 0:
        return None
    return row.last_failure_at + timedelta(seconds=min(FIRST_WAIT_S << min(over, 20), longest_s))
