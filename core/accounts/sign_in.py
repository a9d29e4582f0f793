"""Signing in with a password: one response for every refusal, and a back-off that locks nobody else out.

Wrong passwords are counted for a login name *at an address*, so that nobody can lock another person's name.
A browser from which the login has signed in before has a count of its own and is not kept waiting by others (after
OWASP's device cookies). Guessing from many addresses meets wider limits for the name and for the address.
"""

from __future__ import annotations

import hashlib
import math
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session, col, delete, select

from core.access import Person, as_person
from core.accounts import passwords
from core.accounts.sessions import known_device
from core.audit import PAGE, REFUSED, Stranger, record
from core.errors import NotAllowed
from core.transactions import reading, writing
from storage.tables import SignInFailure, User, utc_now

if TYPE_CHECKING:
    from core.services import Services

FREE_FAILURES = 5
FIRST_WAIT_S = 30
LONGEST_WAIT_S = 900
# Over all addresses, or over all names: so many wrong ones in an hour are no slips of the finger any more.
WIDE_FREE_FAILURES = 50
WIDE_LONGEST_WAIT_S = 60
_COUNT_FOR = timedelta(hours=1)
_QUEUE_WAIT_S = 10.0

# One at a time: a check takes 64 MiB, and guesses made side by side must not slip past the count of failures.
_SIGN_IN_LOCK = threading.Lock()


@dataclass(frozen=True)
class _Limit:
    subject: str
    free_failures: int
    longest_wait_s: int


def sign_in(services: Services, login: str, password: str, *, address: str, device: str = "") -> Person:
    """Return the person with this login and password.

    `address` is the network address that asks, `device` the device cookie of the browser ("" where there is none).
    Raises NotAllowed sign_in_refused (the same, and as slowly, for an unknown login, a wrong password and a disabled
    account), sign_in_locked while the back-off lasts (30 s after five wrong ones in a row, doubling up to 15 minutes)
    and sign_in_busy when too many sign in at once.
    """
    login = normalize_login(login)
    decoy = passwords.decoy_hash()
    limits = _limits(login, address, known_device(services, device, login))
    if not _SIGN_IN_LOCK.acquire(timeout=_QUEUE_WAIT_S):
        raise NotAllowed("sign_in_busy")
    try:
        wait_s = _remaining_wait_s(services, limits)
        if wait_s > 0:
            raise NotAllowed("sign_in_locked", seconds=wait_s)
        with reading(services) as session:
            user = session.exec(select(User).where(User.login == login)).first()
        hashed = user.password_hash if user is not None else None
        fits = passwords.fits(hashed or decoy, password)
        if user is None or hashed is None or not user.is_active or not fits:
            _keep_failure(services, login, user, limits, address)
            raise NotAllowed("sign_in_refused")
        return _keep_success(services, user, password, limits[0], address)
    finally:
        _SIGN_IN_LOCK.release()


def clear_failures(session: Session, login: str) -> None:
    """Delete the recorded wrong passwords of a login in the caller's transaction: it has a new password."""
    session.exec(delete(SignInFailure).where(col(SignInFailure.login) == login[:190]))


def normalize_login(login: str) -> str:
    """Return the login name as it is stored: NFKC, without surrounding space, lower case."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def _limits(login: str, address: str, device_id: str | None) -> list[_Limit]:
    if device_id is not None:
        return [_Limit(_subject("device", device_id, login), FREE_FAILURES, LONGEST_WAIT_S)]
    return [
        _Limit(_subject("pair", address, login), FREE_FAILURES, LONGEST_WAIT_S),
        _Limit(_subject("login", login), WIDE_FREE_FAILURES, WIDE_LONGEST_WAIT_S),
        _Limit(_subject("address", address), WIDE_FREE_FAILURES, WIDE_LONGEST_WAIT_S),
    ]


def _subject(kind: str, *parts: str) -> str:
    # Hashed: whatever was typed, or sent as an address, has a length of its own.
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}:{digest}"


def _remaining_wait_s(services: Services, limits: list[_Limit]) -> int:
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
    waits = (_wait_s(rows[limit.subject], limit, now) for limit in limits if limit.subject in rows)
    return max(waits, default=0)


def _wait_s(row: SignInFailure, limit: _Limit, now: datetime) -> int:
    elapsed = now - row.last_failure_at
    over = row.failures - limit.free_failures
    if over < 0 or elapsed > _COUNT_FOR:
        return 0
    wait_s: int = min(FIRST_WAIT_S << min(over, 20), limit.longest_wait_s)
    return max(0, math.ceil(wait_s - elapsed.total_seconds()))


def _keep_failure(services: Services, login: str, user: User | None, limits: list[_Limit], address: str) -> None:
    now = utc_now()
    with writing(services) as session:
        session.exec(delete(SignInFailure).where(col(SignInFailure.last_failure_at) < now - 24 * _COUNT_FOR))
        for limit in limits:
            row = session.exec(select(SignInFailure).where(SignInFailure.subject == limit.subject)).first()
            if row is None:
                row = SignInFailure(subject=limit.subject, login=login[:190])
                if limit.subject.startswith("address:"):
                    row.login = ""  # many names share it: a new password of one of them clears nothing here
            elif now - row.last_failure_at > _COUNT_FOR:
                row.failures = 0
            row.failures += 1
            row.last_failure_at = now
            session.add(row)
        entry = record(
            session,
            Stranger(PAGE, address),
            "user.sign_in_failed",
            "user",
            user.id if user else None,
            outcome=REFUSED,
        )
        entry.user_name = login[:190]
        session.commit()


def _keep_success(services: Services, found: User, password: str, nearest: _Limit, address: str) -> Person:
    with writing(services) as session:
        user = session.get_one(User, found.id)
        if not user.is_active or user.password_hash != found.password_hash:
            raise NotAllowed("sign_in_refused")  # disabled, or given a new password, while the old one was checked
        # The wider counts stay: one success does not make fifty guesses from elsewhere undone.
        session.exec(delete(SignInFailure).where(col(SignInFailure.subject) == nearest.subject))
        user.last_seen_at = utc_now()
        if user.password_hash and passwords.needs_rehash(user.password_hash):
            user.password_hash = passwords.hash_password(password)
        entry = record(session, as_person(user).acting(PAGE, address), "user.signed_in", "user", user.id)
        entry.user_name = user.login
        session.commit()
        return as_person(user)
