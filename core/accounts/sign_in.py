"""Signing in with a password: one response for every refusal, and a back-off (`back_off`) against guessing."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from sqlmodel import select

from core.access import PAGE, Person, as_person
from core.accounts import passwords
from core.accounts.back_off import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    WIDE_FREE_FAILURES,
    WIDE_LONGEST_WAIT_S,
    Limit,
    clear_failures,
    clear_limit,
    keep_failure,
    login_limits,
    one_at_a_time,
    require_no_wait,
)
from core.accounts.sessions import end_all, find_due, known_device
from core.audit import record
from core.errors import BadInput, NotAllowed
from core.transactions import reading, writing
from storage.tables import User, utc_now

if TYPE_CHECKING:
    from core.services import Services

__all__ = [
    "FIRST_WAIT_S",
    "LONGEST_WAIT_S",
    "WIDE_FREE_FAILURES",
    "WIDE_LONGEST_WAIT_S",
    "choose_password",
    "clear_failures",
    "normalize_login",
    "sign_in",
]


def sign_in(services: Services, login: str, password: str, *, address: str, device: str = "") -> Person:
    """Return the person with this login and password.

    `address` is the network address that asks, `device` the device cookie of the browser ("" where there is none).
    Raises NotAllowed sign_in_refused (the same, and as slowly, for an unknown login, a wrong password and a disabled
    account), sign_in_locked while the back-off lasts (30 s after five wrong ones in a row, doubling up to 15 minutes),
    sign_in_busy when too many sign in at once, and passwords_not_used where an identity provider signs people in.
    """
    require_passwords(services)
    login = normalize_login(login)
    decoy = passwords.decoy_hash()
    limits = login_limits(login, address, known_device(services, device, login))
    with one_at_a_time():
        require_no_wait(services, limits)
        with reading(services) as session:
            user = session.exec(select(User).where(User.login == login)).first()
        hashed = user.password_hash if user is not None else None
        fits = passwords.fits(hashed or decoy, password)
        if user is None or hashed is None or not user.is_active or not fits:
            user_id = user.id if user else None
            keep_failure(services, limits, action="user.sign_in_failed", address=address, login=login, user_id=user_id)
            raise NotAllowed("sign_in_refused")
        return _keep_success(services, user, password, limits[0], address)


def choose_password(services: Services, cookie: str, password: str, *, address: str) -> Person:
    """Set the password that a person must choose who has signed in with one that somebody else had set.

    `cookie` is the session's, which lets nothing else be done. Every session of the account ends, this one as well.
    Raises NotAllowed session_over, BadInput password_unchanged and what `passwords.hash_password` raises.
    """
    user_id = find_due(services, cookie).id
    with reading(services) as session:
        user = session.get_one(User, user_id)
    with one_at_a_time():
        hashed = passwords.hash_password(password, login=user.login)
        if user.password_hash and passwords.fits(user.password_hash, password):
            raise BadInput("password_unchanged")
    with writing(services) as session:
        found = session.get_one(User, user_id, with_for_update=True)
        if not found.is_active or found.sign_in_epoch != user.sign_in_epoch:
            raise NotAllowed("session_over")
        found.password_hash = hashed
        found.password_set_at = utc_now()
        found.must_change_password = False
        found.row_version += 1
        end_all(session, found)
        clear_failures(session, found.login)
        person = as_person(found).acting(PAGE, address)
        row = record(session, person, "user.password_set", "user", user_id)
        row.details = {"login": found.login, "row_version": found.row_version, "own": True}
        session.commit()
    return person


def require_passwords(services: Services) -> None:
    """Raise NotAllowed passwords_not_used where an identity provider signs people in."""
    if services.settings.auth == "oidc":
        raise NotAllowed("passwords_not_used")


def normalize_login(login: str) -> str:
    """Return the login name as it is stored: NFKC, without surrounding space, lower case."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def _keep_success(services: Services, found: User, password: str, nearest: Limit, address: str) -> Person:
    with writing(services) as session:
        user = session.get_one(User, found.id)
        if not user.is_active or user.password_hash != found.password_hash:
            raise NotAllowed("sign_in_refused")  # disabled, or given a new password, while the old one was checked
        # The wider counts stay: one success does not make fifty guesses from elsewhere undone.
        clear_limit(session, nearest)
        user.last_seen_at = utc_now()
        if user.password_hash and passwords.needs_rehash(user.password_hash):
            user.password_hash = passwords.hash_again(password)
        person = as_person(user).acting(PAGE, address)
        entry = record(session, person, "user.signed_in", "user", user.id)
        entry.user_name = user.login
        session.commit()
        return person
