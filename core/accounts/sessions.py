"""Sign-in sessions: a signed token in the browser's cookie, its SHA-256 in the database, one read to check it."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from itsdangerous import BadSignature, Signer
from sqlmodel import Session, col, select, update

from core.access import ADMIN, WORKER, Person, as_person, require_role
from core.audit import record
from core.errors import AppError, Conflict, NotAllowed, NotFound
from core.transactions import reading, writing
from storage.tables import SignInSession, SystemConfig, User, utc_now

if TYPE_CHECKING:
    from core.services import Services
    from storage.database import Database

# A shift and its hand-over; and a week after which even a browser that never rests signs in again.
IDLE_LIMIT = timedelta(hours=12)
LONGEST = timedelta(days=7)
TOUCH_EVERY = timedelta(minutes=1)
KEPT_AFTER_END = timedelta(days=30)
_SECRET_KEY = "sign_in_secret"  # noqa: S105 - the name of the row
_SALT_SESSION, _SALT_DEVICE = "geomsa.session", "geomsa.device"
# Logins that a shared terminal is known by.
_DEVICE_LOGINS = 30

_secrets: WeakKeyDictionary[Database, bytes] = WeakKeyDictionary()
_secrets_lock = threading.Lock()


def cookie_names(services: Services) -> tuple[str, str]:
    """Return the names of the session's and the device's cookie.

    A browser sends cookies to every port of a machine: two installations on it must not sign each other's people out.
    """
    suffix = _hash(services.database.describe())[:8]
    return f"geomsa_session_{suffix}", f"geomsa_device_{suffix}"


def begin(services: Services, person: Person, *, address: str) -> str:
    """Begin a session and return the cookie's value. Raises AppError when the database fails."""
    token = secrets.token_urlsafe(32)
    now = utc_now()
    with writing(services) as session:
        old = select(SignInSession).where(SignInSession.created_at < now - LONGEST - KEPT_AFTER_END).limit(100)
        for row in session.exec(old).all():
            session.delete(row)
        session.add(
            SignInSession(
                token_sha256=_hash(token),
                user_id=person.id,
                sign_in_epoch=person.sign_in_epoch,
                address=address[:64],
            )
        )
        session.commit()
    return _signer(services, _SALT_SESSION).sign(token).decode()


def find(services: Services, cookie: str) -> Person:
    """Return the person of a session, as the account is in the database now (role, name, language).

    One read by the token's unique index; at most once a minute also a write, which may fail without a word. Raises
    NotAllowed session_over for a cookie that is forged, ended, idle for IDLE_LIMIT, older than LONGEST, or of an
    account that was disabled or has a new password; Unavailable when the database fails.
    """
    token = _unsign(services, _SALT_SESSION, cookie)
    if token is None:
        raise NotAllowed("session_over")
    query = (
        select(SignInSession, User)
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(SignInSession.token_sha256 == _hash(token))
    )
    with reading(services) as session:
        found = session.exec(query).first()
    now = utc_now()
    if found is None or not _holds(found[0], found[1], now):
        raise NotAllowed("session_over")
    # Also where the clock was set back: a moment in the future would otherwise count as seen for long.
    if abs(now - found[0].last_seen_at) > TOUCH_EVERY:
        _touch(services, found[0].id, now)
    return as_person(found[1])


def end(services: Services, cookie: str) -> None:
    """End the session of this cookie; one that is over already is left alone. Raises AppError (database)."""
    token = _unsign(services, _SALT_SESSION, cookie)
    if token is None:
        return
    with writing(services) as session:
        session.exec(
            update(SignInSession)
            .where(col(SignInSession.token_sha256) == _hash(token), col(SignInSession.ended_at).is_(None))
            .values(ended_at=utc_now())
        )
        session.commit()


def end_all(session: Session, user: User) -> None:
    """End every session of an account in the caller's transaction; whoever has signed in must do so again."""
    user.sign_in_epoch += 1
    session.exec(
        update(SignInSession)
        .where(col(SignInSession.user_id) == user.id, col(SignInSession.ended_at).is_(None))
        .values(ended_at=utc_now())
    )


@dataclass(frozen=True)
class SessionView:
    """A browser in which somebody is signed in; `device` is what it says of itself."""

    id: int
    device: str
    address: str
    method: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


def list_sessions(services: Services, person: Person, user_id: int, *, current_cookie: str = "") -> list[SessionView]:
    """Return the open sessions of an account, the one seen last first: one's own, or anybody's as administrator."""
    require_role(services, person, WORKER if user_id == person.id else ADMIN)
    token = _unsign(services, _SALT_SESSION, current_cookie) if current_cookie else None
    current = _hash(token) if token is not None else ""
    now = utc_now()
    query = (
        select(SignInSession, User)
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(SignInSession.user_id == user_id, col(SignInSession.ended_at).is_(None))
        .order_by(col(SignInSession.last_seen_at).desc())
    )
    with reading(services) as session:
        rows = session.exec(query).all()
    return [
        SessionView(
            row.id,
            row.device,
            row.address,
            row.method,
            row.created_at,
            row.last_seen_at,
            row.token_sha256 == current,
        )
        for row, user in rows
        if _holds(row, user, now)
    ]


def end_session(services: Services, person: Person, session_id: int) -> None:
    """End one session: one's own, or anybody's as administrator. Raises NotAllowed, NotFound session_unknown."""
    with writing(services) as session:
        row = session.get(SignInSession, session_id)
        if row is None or row.ended_at is not None:
            raise NotFound("session_unknown")
        require_role(services, person, WORKER if row.user_id == person.id else ADMIN)
        row.ended_at = utc_now()
        record(session, person, "user.session_ended", "user", row.user_id, address=row.address)
        session.commit()


def end_all_sessions(services: Services, person: Person, user_id: int) -> None:
    """End every session of an account: one's own, or anybody's as administrator. Raises NotAllowed, NotFound."""
    require_role(services, person, WORKER if user_id == person.id else ADMIN)
    with writing(services) as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("not_found")
        end_all(session, user)
        record(session, person, "user.signed_out_everywhere", "user", user_id, login=user.login)
        session.commit()


def know_device(services: Services, cookie: str, login: str) -> str:
    """Return the device cookie's value with which this browser is known as one of `login`'s from now on."""
    device_id, logins = _read_device(services, cookie)
    name = _hash(login)[:16]
    kept = [name, *(known for known in logins if known != name)][:_DEVICE_LOGINS]
    value = "~".join([device_id or secrets.token_urlsafe(12), *kept])
    return _signer(services, _SALT_DEVICE).sign(value).decode()


def known_device(services: Services, cookie: str, login: str) -> str | None:
    """Return the id of the device, where `login` has signed in from it before; None for a device that is not known."""
    device_id, logins = _read_device(services, cookie)
    return device_id if device_id and _hash(login)[:16] in logins else None


def _read_device(services: Services, cookie: str) -> tuple[str, list[str]]:
    value = _unsign(services, _SALT_DEVICE, cookie)
    device_id, *logins = value.split("~") if value else [""]
    return device_id, logins


def _holds(row: SignInSession, user: User, now: datetime) -> bool:
    return (
        row.ended_at is None
        and user.is_active
        and user.sign_in_epoch == row.sign_in_epoch
        and now - row.last_seen_at <= IDLE_LIMIT
        and now - row.created_at <= LONGEST
    )


def _touch(services: Services, session_id: int | None, now: datetime) -> None:
    try:
        with writing(services) as session:
            session.exec(update(SignInSession).where(col(SignInSession.id) == session_id).values(last_seen_at=now))
            session.commit()
    except AppError:
        # The session holds whether or not its last use could be recorded.
        return


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unsign(services: Services, salt: str, cookie: str) -> str | None:
    try:
        return _signer(services, salt).unsign(cookie.encode()).decode()
    except (BadSignature, UnicodeError):
        return None


def _signer(services: Services, salt: str) -> Signer:
    return Signer(_secret(services), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)


def _secret(services: Services) -> bytes:
    """Return the installation's signing secret, made at first use; all servers of one database share it."""
    with _secrets_lock:
        known = _secrets.get(services.database)
    if known is not None:
        return known
    with reading(services) as session:
        row = session.get(SystemConfig, _SECRET_KEY)
    if row is None:
        try:
            with writing(services) as session:
                row = session.get(SystemConfig, _SECRET_KEY)
                if row is None:
                    row = SystemConfig(key=_SECRET_KEY, value={"hex": secrets.token_hex(32)})
                    session.add(row)
                    session.commit()
        except Conflict:
            # Another server made it between our look and our insert.
            with reading(services) as session:
                row = session.get_one(SystemConfig, _SECRET_KEY)
    secret = bytes.fromhex(row.value["hex"])
    with _secrets_lock:
        _secrets[services.database] = secret
    return secret
