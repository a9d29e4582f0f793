"""The accounts of people as an administrator sees them: who may come in, what keeps somebody out, who is here now."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlmodel import Session, col, func, select

from core.access import ADMIN, WORKER, Person, require_role
from core.accounts.back_off import clear_failures
from core.accounts.bindings import UNBOUND, Bindings, load_bindings
from core.accounts.built_in import is_built_in, is_persons_own
from core.accounts.locks import find_locks
from core.accounts.sessions import LONGEST
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, NotFound
from core.i18n import N_
from core.transactions import HasDatabase, reading, writing
from storage.tables import SignInCode, SignInSession, User, utc_now

if TYPE_CHECKING:
    from core.services import Services

State = Literal["active", "invited", "waiting", "locked", "disabled"]
STATES: tuple[State, ...] = ("active", "invited", "waiting", "locked", "disabled")
# waiting: neither a password nor a code that still counts, nor an identity at a provider: nothing lets the person in.
STATE_NAMES: dict[State, str] = {
    "active": N_("Active"),
    "invited": N_("Invited"),
    "waiting": N_("No way in yet"),
    "locked": N_("Locked for now"),
    "disabled": N_("Disabled"),
}
LONGEST_NAME = 190


@dataclass(frozen=True)
class Account:
    """One account: `locked_until` (UTC) after wrong passwords, `invited_until` while an unused code counts.

    `sessions` are the browsers in which the person is signed in. Send `row_version` back with a change.
    """

    id: int
    login: str
    display_name: str
    role: str
    state: State
    row_version: int
    created_at: datetime
    last_seen_at: datetime | None
    locked_until: datetime | None
    invited_until: datetime | None
    sessions: int
    has_password: bool
    must_change_password: bool
    is_external: bool
    bindings: Bindings = UNBOUND


def list_accounts(
    services: Services, person: Person, *, text: str = "", role: str | None = None, state: str | None = None
) -> list[Account]:
    """Return the accounts of people by login: those whose login or name has `text`, of one role, in one state.

    Built-in accounts and those of API keys are none of people. A handful of queries for any number of accounts. Raises
    NotAllowed, AppError (database).
    """
    require_role(services, person, ADMIN)
    query = select(User).where(is_persons_own()).order_by(col(User.login))
    if role is not None:
        query = query.where(User.role == role)
    with reading(services) as session:
        users = list(session.exec(query).all())
        locks = find_locks(session, [user.login for user in users])
        invited = _find_invited(session)
        open_sessions = _count_sessions(services, session)
    bindings = load_bindings(services, person, [user.id for user in users])
    wanted = _fold(text)
    accounts = (
        _describe(user, locks.get(user.login), invited.get(user.id), open_sessions.get(user.id, 0), bindings)
        for user in users
        if wanted in _fold(user.login) or wanted in _fold(user.display_name)
    )
    return [account for account in accounts if state is None or account.state == state]


def get_account(services: Services, person: Person, user_id: int) -> Account:
    """Return one account as it is now. Raises NotAllowed, NotFound."""
    found = next((one for one in list_accounts(services, person) if one.id == user_id), None)
    if found is None:
        raise NotFound("not_found")
    return found


def find_account(services: Services, person: Person, login: str) -> Account:
    """Return the account with this login, however it is capitalized. Raises NotAllowed, NotFound user_unknown."""
    accounts = list_accounts(services, person)
    wanted = unicodedata.normalize("NFKC", login).strip().lower()
    found = next((one for one in accounts if one.login == wanted), None)
    if found is None:
        raise NotFound("user_unknown", login=login[:190])
    return found


def rename_account(
    services: HasDatabase, person: Person, user_id: int, display_name: str, *, row_version: int | None = None
) -> User:
    """Give an account another name to show; what was done under the old one keeps it.

    Raises NotAllowed, NotFound, BadInput display_name_missing, name_too_long, Conflict stale_save.
    """
    require_role(services, person, ADMIN)
    name = clean_display_name(display_name)
    with writing(services) as session:
        user = _get_person(session, user_id)
        if row_version is not None and user.row_version != row_version:
            raise stale_save(session, subject_type="user", subject_id=user_id, row_version=row_version)
        keep_name(session, person, user, name)
        session.commit()
        return user


def unlock_account(services: HasDatabase, person: Person, user_id: int) -> None:
    """End the wait after wrong passwords at once. Raises NotAllowed, NotFound."""
    require_role(services, person, ADMIN)
    with writing(services) as session:
        user = _get_person(session, user_id)
        clear_failures(session, user.login)
        record(session, person, "user.unlocked", "user", user_id, login=user.login)
        session.commit()


def clean_display_name(name: str) -> str:
    """Return a name as it is stored. Raises BadInput display_name_missing, name_too_long."""
    cleaned = " ".join(name.split())
    if not cleaned:
        raise BadInput("display_name_missing")
    if len(cleaned) > LONGEST_NAME:
        raise BadInput("name_too_long", highest=LONGEST_NAME)
    return cleaned


def keep_name(session: Session, person: Person, user: User, name: str) -> None:
    """Change the name of an account in the caller's transaction, and record it."""
    changes = find_changes({"display_name": user.display_name}, {"display_name": name})
    if changes:
        user.display_name = name
        user.row_version += 1
        record(
            session,
            person,
            "user.changed",
            "user",
            user.id,
            login=user.login,
            row_version=user.row_version,
            changes=changes,
        )


def _get_person(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None or is_built_in(user.login):
        raise NotFound("not_found")
    return user


def _find_invited(session: Session) -> dict[int, datetime]:
    """Return until when the last unused code of an account counts."""
    query = (
        select(SignInCode.user_id, func.max(SignInCode.expires_at))
        .where(
            col(SignInCode.used_at).is_(None),
            col(SignInCode.revoked_at).is_(None),
            col(SignInCode.expires_at) > utc_now(),
            SignInCode.purpose == "invitation",
        )
        .group_by(col(SignInCode.user_id))
    )
    return {user_id: until for user_id, until in session.exec(query).all() if user_id is not None}


def _count_sessions(services: Services, session: Session) -> dict[int, int]:
    now = utc_now()
    query = (
        select(SignInSession.user_id, func.count())
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(
            col(SignInSession.ended_at).is_(None),
            col(User.is_active),
            SignInSession.sign_in_epoch == User.sign_in_epoch,
            col(SignInSession.last_seen_at) >= now - timedelta(minutes=services.settings.idle_minutes),
            col(SignInSession.created_at) >= now - LONGEST,
        )
        .group_by(col(SignInSession.user_id))
    )
    return dict(session.exec(query).all())


def _describe(
    user: User,
    locked_until: datetime | None,
    invited_until: datetime | None,
    n_sessions: int,
    bindings: dict[int, Bindings],
) -> Account:
    has_way = user.password_hash is not None or user.identity is not None
    state: State = "active"
    if not user.is_active:
        state = "disabled"
    elif not has_way:
        state = "waiting" if invited_until is None else "invited"
    elif locked_until is not None:
        state = "locked"
    return Account(
        id=user.id,
        login=user.login,
        display_name=user.display_name,
        role=user.role,
        state=state,
        row_version=user.row_version,
        created_at=user.created_at,
        last_seen_at=user.last_seen_at,
        locked_until=locked_until,
        invited_until=invited_until,
        sessions=n_sessions,
        has_password=user.password_hash is not None,
        must_change_password=user.must_change_password,
        is_external=user.identity is not None,
        bindings=bindings.get(user.id, UNBOUND) if user.role == WORKER else UNBOUND,
    )


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
