"""Sign-in sessions: a signed token in the browser's cookie, its SHA-256 in the database, one read to check it.

A session begins by a password, by a code (`codes`) or at an identity provider (`provider`), and ends when it has not
been used for GEOMSA_IDLE_MINUTES, after a week, by signing out, and with whatever ends the account's right.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from itsdangerous import BadSignature, Signer
from sqlmodel import Session, col, select, update

from core.access import PAGE, Person, as_person
from core.audit import record
from core.errors import AppError, Conflict, NotAllowed
from core.transactions import reading, writing
from storage.tables import SignInSession, SystemConfig, User, utc_now

if TYPE_CHECKING:
    from core.services import Services
    from storage.database import Database

# After a week even a browser that never rests signs in again.
LONGEST = timedelta(days=7)
TOUCH_EVERY = timedelta(minutes=1)
KEPT_AFTER_END = timedelta(days=30)
BY_PASSWORD, BY_CODE, BY_PROVIDER = "password", "code", "oidc"
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


def begin(services: Services, person: Person, *, address: str, device: str = "", method: str = BY_PASSWORD) -> str:
    """Begin a session and return the cookie's value; `device` is what `browsers.describe_browser` says of the browser.

    Raises AppError when the database fails.
    """
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
                device=device[:190],
                method=method,
            )
        )
        session.commit()
    return _signer(services, _SALT_SESSION).sign(token).decode()


def find(services: Services, cookie: str, *, is_use: bool = True) -> Person:
    """Return the person of a session, as the account is in the database now (role, name, language).

    One read by the token's unique index; at most once a minute also a write, which may fail without a word. What a
    page asks for by itself is no use of the session (`is_use`): a screen that nobody sits at signs out.
    Raises NotAllowed session_over for a cookie that is forged, ended, idle for GEOMSA_IDLE_MINUTES, older than LONGEST,
    or of an account that was disabled or has a new password; password_change_due for whom somebody else has given the
    password that the session was begun with; Unavailable when the database fails.
    """
    row, user = _find(services, cookie)
    if _must_change(row, user):
        raise NotAllowed("password_change_due")
    now = utc_now()
    # Also where the clock was set back: a moment in the future would otherwise count as seen for long.
    if is_use and abs(now - row.last_seen_at) > min(TOUCH_EVERY, _idle_limit(services) / 4):
        _touch(services, row.id, now)
    return as_person(user)


def find_due(services: Services, cookie: str) -> Person:
    """Return the person of a session that is good for choosing another password alone. Raises session_over."""
    row, user = _find(services, cookie)
    if not _must_change(row, user):
        raise NotAllowed("session_over")
    return as_person(user)


def end(services: Services, cookie: str, *, address: str = "") -> None:
    """End the session of this cookie; one that is over already is left alone. Raises AppError (database)."""
    token = _unsign(services, _SALT_SESSION, cookie)
    if token is None:
        return
    query = (
        select(SignInSession, User)
        .join(User, col(User.id) == col(SignInSession.user_id))
        .where(SignInSession.token_sha256 == _hash(token))
    )
    with writing(services) as session:
        found = session.exec(query).first()
        if found is None or found[0].ended_at is not None:
            return
        row, user = found
        row.ended_at = utc_now()
        person = as_person(user).acting(PAGE, address)
        record(session, person, "user.signed_out", "user", user.id, session_id=row.id)
        session.commit()


def end_all(session: Session, user: User) -> None:
    """End every session of an account in the caller's transaction; whoever has signed in must do so again."""
    user.sign_in_epoch += 1
    session.exec(
        update(SignInSession)
        .where(col(SignInSession.user_id) == user.id, col(SignInSession.ended_at).is_(None))
        .values(ended_at=utc_now())
    )


def hash_of(services: Services, cookie: str) -> str | None:
    """Return the SHA-256 by which the session of this cookie is kept; None for a cookie that is not ours."""
    token = _unsign(services, _SALT_SESSION, cookie)
    return None if token is None else _hash(token)


def sign_value(services: Services, purpose: str, value: str) -> str:
    """Return `value` signed for `purpose`, to be kept by a browser."""
    return _signer(services, f"geomsa.{purpose}").sign(value).decode()


def read_value(services: Services, purpose: str, signed: str) -> str | None:
    """Return the value that `sign_value` has signed for this purpose; None for anything else."""
    return _unsign(services, f"geomsa.{purpose}", signed)


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


def _find(services: Services, cookie: str) -> tuple[SignInSession, User]:
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
    if found is None or not holds(services, found[0], found[1], utc_now()):
        raise NotAllowed("session_over")
    return found[0], found[1]


def holds(services: Services, row: SignInSession, user: User, now: datetime) -> bool:
    """Return whether a session of the account lets its browser in at the moment `now` (UTC)."""
    return (
        row.ended_at is None
        and user.is_active
        and user.sign_in_epoch == row.sign_in_epoch
        # Whom passwords let in must come again once the provider does, and the other way round.
        and (row.method == BY_PROVIDER) == (services.settings.auth == "oidc")
        and now - row.last_seen_at <= _idle_limit(services)
        and now - row.created_at <= LONGEST
    )


def _must_change(row: SignInSession, user: User) -> bool:
    return user.must_change_password and row.method == BY_PASSWORD


def _idle_limit(services: Services) -> timedelta:
    return timedelta(minutes=services.settings.idle_minutes)


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
