"""Keys of the REST interface: a program comes with one, and acts as an account of the key's own in the key's role.

A key is `gms_PREFIX_SECRET`. The prefix is kept to find and to name it; of the secret (256 random bits) only the
SHA-256 is kept, which needs no slow hash because nobody can guess what is random.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import or_, update
from sqlmodel import col, select

from core.access import ADMIN, ENGINEER, WORKER, Person, as_person, require_role
from core.accounts.bindings import UNBOUND, Bindings, bindings_of, put_bindings
from core.accounts.built_in import API_LOGIN_PREFIX
from core.accounts.key_scopes import check_scopes
from core.accounts.sessions import end_all
from core.audit import REFUSED, record
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.tables import ApiKey, User, utc_now

if TYPE_CHECKING:
    from core.services import Services

KeyState = Literal["valid", "ends_soon", "expired", "revoked"]

_log = logging.getLogger(__name__)

# A program is no administrator: what deletes people or data for good is decided by a person.
KEY_ROLES = (WORKER, ENGINEER)
TOUCH_EVERY = timedelta(minutes=1)
# Whoever runs the program needs time to get another key.
WARN_BEFORE = timedelta(days=14)
_KEY = re.compile(r"gms_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class NewKey:
    """A key as it is shown once: `text` is what the program sends."""

    row: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True)
class Caller:
    """The program behind a request: its key's id and name, when that ends (UTC), and the account that it acts as.

    `scopes` are what the key is for (none: everything that the role may), `bindings` what its account is bound to.
    """

    key_id: int
    name: str
    person: Person
    expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    bindings: Bindings = UNBOUND


def create_key(
    services: Services,
    person: Person,
    *,
    name: str,
    role: str,
    expires_at: datetime | None = None,
    scopes: Collection[str] = (),
    products: Collection[int] = (),
    lines: Collection[str] = (),
) -> NewKey:
    """Make a key and the account that it acts as; nobody can read the key's text again.

    `scopes` are what it is for (of `key_scopes.SCOPES`; none: everything that the role may). In the role of a line
    worker it may be bound to `products` and `lines`. Raises NotAllowed, BadInput api_key_name_missing, name_too_long,
    api_key_role_unknown, api_key_expiry_past, api_scope_unknown, and what `bindings.set_bindings` raises.
    """
    require_role(services, person, ADMIN)
    name = " ".join(name.split())
    if not name:
        raise BadInput("api_key_name_missing")
    if len(name) > 190:
        raise BadInput("name_too_long", highest=190)
    if role not in KEY_ROLES:
        raise BadInput("api_key_role_unknown", choices=", ".join(KEY_ROLES))
    if expires_at is not None and expires_at <= utc_now():
        raise BadInput("api_key_expiry_past")
    wanted = check_scopes(scopes)
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    user = User(login=f"{API_LOGIN_PREFIX}{prefix}", display_name=name, role=role)
    with writing(services) as session:
        session.add(user)
        session.flush()
        row = ApiKey(
            name=name,
            user_id=user.id,
            role=role,
            scopes=wanted,
            prefix=prefix,
            secret_sha256=_hash(secret),
            created_by=person.id,
            expires_at=expires_at,
        )
        session.add(row)
        session.flush()
        put_bindings(session, person, user, products=products, lines=lines)
        record(
            session,
            person,
            "api_key.created",
            "api_key",
            row.id,
            name=name,
            role=role,
            prefix=prefix,
            scopes=wanted,
            expires_at=None if expires_at is None else expires_at.isoformat(timespec="seconds"),
        )
        session.commit()
        session.refresh(row)
    return NewKey(row, f"gms_{prefix}_{secret}")


def list_keys(services: HasDatabase, person: Person) -> list[ApiKey]:
    """Return all keys, revoked ones too, the newest first. Needs an administrator."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        return list(session.exec(select(ApiKey).order_by(col(ApiKey.id).desc())).all())


def key_state(row: ApiKey, now: datetime | None = None) -> KeyState:
    """Return whether a key still counts; "ends soon" in its last WARN_BEFORE."""
    now = utc_now() if now is None else now
    if row.revoked_at is not None:
        return "revoked"
    if _is_past(row.expires_at, now):
        return "expired"
    return "ends_soon" if row.expires_at is not None and row.expires_at - now <= WARN_BEFORE else "valid"


def list_ending_soon(services: HasDatabase) -> list[ApiKey]:
    """Return the keys that count now and end within WARN_BEFORE, the first to end first: for the checks of a server."""
    now = utc_now()
    query = (
        select(ApiKey)
        .where(
            col(ApiKey.revoked_at).is_(None),
            col(ApiKey.expires_at) > now,
            col(ApiKey.expires_at) <= now + WARN_BEFORE,
        )
        .order_by(col(ApiKey.expires_at))
    )
    with reading(services) as session:
        return list(session.exec(query).all())


def record_scope_refusal(services: HasDatabase, caller: Caller, *, scope: str, operation: str) -> None:
    """Keep in the audit log that a key asked for what it is not for. Raises AppError (database)."""
    with writing(services) as session:
        row = record(
            session,
            caller.person,
            "api_key.scope_refused",
            "api_key",
            caller.key_id,
            name=caller.name,
            scope=scope,
            operation=operation,
        )
        row.outcome = REFUSED
        session.commit()


def revoke_key(services: HasDatabase, person: Person, key_id: int) -> ApiKey:
    """End a key at once; its account is disabled, and what was done in its name keeps the name.

    Raises NotAllowed, NotFound not_found, Conflict api_key_revoked_already.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        row = session.get(ApiKey, key_id, with_for_update=True)
        if row is None:
            raise NotFound("not_found")
        if row.revoked_at is not None:
            raise Conflict("api_key_revoked_already", name=row.name)
        row.revoked_at, row.revoked_by = utc_now(), person.id
        user = session.get(User, row.user_id)
        assert user is not None
        user.is_active = False
        user.row_version += 1
        end_all(session, user)
        record(session, person, "api_key.revoked", "api_key", row.id, name=row.name, prefix=row.prefix)
        session.commit()
        session.refresh(row)
        return row


def prefix_of(text: str) -> str:
    """Return the part of a key that names it and is no secret; "" for what is no key of ours."""
    parts = _KEY.fullmatch(text)
    return parts.group(1) if parts is not None else ""


def find_caller(services: HasDatabase, text: str) -> Caller:
    """Return the program that sends this key, and note (once a minute) that it was used.

    Raises NotAllowed api_key_wrong for one that was never made, api_key_over for one that has expired or was revoked.
    """
    parts = _KEY.fullmatch(text)
    if parts is None:
        raise NotAllowed("api_key_wrong")
    prefix, secret = parts.groups()
    now = utc_now()
    with reading(services) as session:
        found = session.exec(
            select(ApiKey, User).join(User, col(User.id) == col(ApiKey.user_id)).where(ApiKey.prefix == prefix)
        ).first()
    if found is None or not hmac.compare_digest(found[0].secret_sha256, _hash(secret)):
        raise NotAllowed("api_key_wrong")
    row, user = found
    if row.revoked_at is not None or not user.is_active or _is_past(row.expires_at, now):
        raise NotAllowed("api_key_over", name=row.name)
    if row.last_used_at is None or now - row.last_used_at >= TOUCH_EVERY:
        _touch(services, row.id, now)
    person = as_person(user)
    return Caller(row.id, row.name, person, row.expires_at, frozenset(row.scopes), bindings_of(services, person))


def require_unexpired(caller: Caller) -> None:
    """Raise NotAllowed api_key_over once the key's time has come."""
    if _is_past(caller.expires_at, utc_now()):
        raise NotAllowed("api_key_over", name=caller.name)


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _touch(services: HasDatabase, key_id: int, now: datetime) -> None:
    # Of several processes that see the same, one writes.
    unseen = or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) <= now - TOUCH_EVERY)
    try:
        with writing(services) as session:
            session.execute(update(ApiKey).where(col(ApiKey.id) == key_id, unseen).values(last_used_at=now))
            session.commit()
    except AppError:
        # What the program asks for may need no write at all.
        _log.warning("the use of API key %d could not be noted", key_id)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
