"""What people do with their own account: its name, its password, the other browsers in which they are signed in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from core.access import WORKER, Person, as_person, require_role
from core.accounts import passwords
from core.accounts.back_off import (
    FREE_FAILURES,
    LONGEST_WAIT_S,
    Limit,
    clear_failures,
    keep_failure,
    one_at_a_time,
    require_no_wait,
)
from core.accounts.directory import clean_display_name, keep_name
from core.accounts.session_list import end_session, list_sessions
from core.accounts.sessions import end_all
from core.audit import record
from core.errors import BadInput, NotAllowed, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.tables import SignInSession, User, utc_now

if TYPE_CHECKING:
    from core.services import Services


def rename_oneself(services: HasDatabase, person: Person, display_name: str) -> Person:
    """Give one's own account another name to show. Raises NotAllowed, BadInput display_name_missing, name_too_long."""
    require_role(services, person, WORKER)
    name = clean_display_name(display_name)
    with writing(services) as session:
        user = session.get_one(User, person.id)
        keep_name(session, person, user, name)
        session.commit()
        return as_person(user)


def has_password(services: HasDatabase, person: Person) -> bool:
    """Return whether the person signs in with a password that is kept here."""
    require_role(services, person, WORKER)
    with reading(services) as session:
        return session.get_one(User, person.id).password_hash is not None


def change_password(services: Services, person: Person, *, present: str, new: str, current_cookie: str = "") -> Person:
    """Set one's own password, given the present one; every other session of the account ends.

    Wrong ones are counted as at sign-in, and make the next wait: whoever finds a browser open must not guess. The
    session of `current_cookie` goes on. Raises BadInput password_own_wrong, password_own_missing, password_unchanged,
    and what `passwords.hash_password` raises; NotAllowed password_own_locked, sign_in_busy.
    """
    require_role(services, person, WORKER)
    limit = Limit(f"own:{hashlib.sha256(str(person.id).encode()).hexdigest()}", FREE_FAILURES, LONGEST_WAIT_S)
    current = next(
        (one.id for one in list_sessions(services, person, person.id, current_cookie=current_cookie) if one.is_current),
        None,
    )
    with one_at_a_time():
        try:
            require_no_wait(services, [limit])
        except NotAllowed as error:
            raise NotAllowed("password_own_locked", **error.params) from error
        with reading(services) as session:
            user = session.get_one(User, person.id)
        if user.password_hash is None:
            raise BadInput("password_own_missing")
        if not passwords.fits(user.password_hash, present):
            keep_failure(
                services,
                [limit],
                action="user.password_refused",
                address=person.address,
                login=user.login,
                user_id=user.id,
            )
            raise BadInput("password_own_wrong")
        if passwords.fits(user.password_hash, new):
            raise BadInput("password_unchanged")
        hashed = passwords.hash_password(new)
    with writing(services) as session:
        row = session.get_one(User, person.id, with_for_update=True)
        if not row.is_active or row.password_hash != user.password_hash:
            raise NotAllowed("session_over")
        row.password_hash, row.password_set_at, row.must_change_password = hashed, utc_now(), False
        row.row_version += 1
        end_all(session, row)
        kept = session.get(SignInSession, current) if current is not None else None
        if kept is not None:
            kept.ended_at, kept.sign_in_epoch = None, row.sign_in_epoch
        clear_failures(session, row.login)
        record(
            session,
            person,
            "user.password_set",
            "user",
            row.id,
            login=row.login,
            row_version=row.row_version,
            own=True,
        )
        session.commit()
        return as_person(row).acting(person.channel, person.address)


def sign_out_elsewhere(services: Services, person: Person, *, current_cookie: str) -> int:
    """End every session of the person but the one of `current_cookie`; return how many. Raises NotAllowed."""
    others = [
        one for one in list_sessions(services, person, person.id, current_cookie=current_cookie) if not one.is_current
    ]
    ended = 0
    for one in others:
        try:
            end_session(services, person, one.id)
        except NotFound:
            continue  # over since it was listed
        ended += 1
    return ended
