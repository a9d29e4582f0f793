"""The sessions of an account, as the person and the administrators see and end them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ADMIN, WORKER, Person, require_role
from core.accounts import sessions
from core.accounts.built_in import is_built_in
from core.audit import record
from core.errors import NotFound
from core.transactions import reading, writing
from storage.tables import SignInSession, User, utc_now

if TYPE_CHECKING:
    from core.services import Services


@dataclass(frozen=True)
class SessionView:
    """A browser in which somebody is signed in now; moments are UTC, `method` is password, code or oidc."""

    id: int
    device: str
    address: str
    method: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


def list_sessions(services: Services, person: Person, user_id: int, *, current_cookie: str = "") -> list[SessionView]:
    """Return the sessions of an account that hold now, the last used first: one's own, or anybody's as administrator.

    `current_cookie` is the cookie of the browser that asks: its session is marked. Raises NotAllowed.
    """
    require_role(services, person, WORKER if user_id == person.id else ADMIN)
    current = sessions.hash_of(services, current_cookie)
    query = (
        select(SignInSession, User)
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(SignInSession.user_id == user_id, col(SignInSession.ended_at).is_(None))
        .order_by(col(SignInSession.last_seen_at).desc(), col(SignInSession.id).desc())
    )
    with reading(services) as session:
        found = session.exec(query).all()
    now = utc_now()
    return [
        SessionView(
            id=row.id,
            device=row.device,
            address=row.address,
            method=row.method,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_current=current is not None and row.token_sha256 == current,
        )
        for row, user in found
        if sessions.holds(services, row, user, now)
    ]


def end_session(services: Services, person: Person, session_id: int) -> None:
    """End one session: one's own, or anybody's as administrator. One that is over already is left alone.

    Raises NotAllowed, NotFound not_found.
    """
    require_role(services, person, WORKER)
    with reading(services) as session:
        row = session.get(SignInSession, session_id)
    if row is None or row.user_id != person.id:
        # Whoever may not know that it is there is refused before being told that it is not.
        require_role(services, person, ADMIN)
    if row is None:
        raise NotFound("not_found")
    with writing(services) as session:
        row = session.get_one(SignInSession, session_id, with_for_update=True)
        if row.ended_at is not None:
            return
        row.ended_at = utc_now()
        record(session, person, "user.session_ended", "user", row.user_id, session_id=row.id, device=row.device)
        session.commit()


def end_all_sessions(services: Services, person: Person, user_id: int) -> int:
    """End every session of an account and return how many there were: one's own, or anybody's as administrator.

    Whoever has signed in must do so again, this browser as well. Raises NotAllowed, NotFound not_found.
    """
    require_role(services, person, WORKER if user_id == person.id else ADMIN)
    with writing(services) as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None or is_built_in(user.login):
            raise NotFound("not_found")
        query = select(SignInSession.id).where(SignInSession.user_id == user_id, col(SignInSession.ended_at).is_(None))
        count = len(session.exec(query).all())
        sessions.end_all(session, user)
        record(session, person, "user.sessions_ended", "user", user_id, sessions=count)
        session.commit()
    return count
