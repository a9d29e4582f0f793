"""People: the built-in ones, and the administration of accounts."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ADMIN, CLI, ROLE_NAMES, ROLES, SYSTEM, WORKER, Person, as_person, require_role
from core.accounts import passwords
from core.accounts.bindings import put_bindings
from core.accounts.built_in import (
    API_LOGIN_PREFIX,
    BUILT_IN_LOGINS,
    COMMAND_LINE_LOGIN,
    OPEN_LOGINS,
    WATCH_LOGIN,
    is_built_in,
)
from core.accounts.codes import end_codes
from core.accounts.sessions import end_all
from core.accounts.sign_in import clear_failures, normalize_login
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.i18n import LANGUAGES
from core.transactions import reading, writing
from storage.tables import User, utc_now

if TYPE_CHECKING:
    from core.services import Services

_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{1,190}")


def open_person(services: Services, role: str) -> Person:
    """Return the built-in person of a role, for GEOMSA_AUTH=open. Raises NotAllowed open_access_off otherwise."""
    if services.settings.auth != "open":
        raise NotAllowed("open_access_off")
    return _built_in(services, OPEN_LOGINS[role], name=ROLE_NAMES[role], role=role)


def command_line_person(services: Services) -> Person:
    """Return the built-in administrator who acts in commands: whoever may run them can read the database anyway."""
    return _built_in(services, COMMAND_LINE_LOGIN, name="Command line", role=ADMIN).acting(CLI)


def watch_person(services: Services) -> Person:
    """Return the built-in line worker who inspects what arrives in watched folders."""
    return _built_in(services, WATCH_LOGIN, name="Watched folder", role=WORKER).acting(SYSTEM)


def save_language(services: Services, person: Person, language: str) -> Person:
    """Keep the person's choice of language. Raises BadInput language_unknown."""
    require_role(services, person, WORKER)
    if language not in LANGUAGES:
        raise BadInput("language_unknown", choices=", ".join(LANGUAGES))
    with writing(services) as session:
        user = _get_user(session, person.id)
        user.language = language
        session.commit()
        return as_person(user).acting(person.channel, person.address)


def list_users(services: Services, person: Person, *, include_built_in: bool = False) -> list[User]:
    """Return the accounts by login; the built-in ones and API keys' only when asked for. Needs an administrator."""
    require_role(services, person, ADMIN)
    query = select(User).order_by(User.login)
    if not include_built_in:
        query = query.where(col(User.login).not_in(BUILT_IN_LOGINS))
        query = query.where(col(User.login).not_like(f"{API_LOGIN_PREFIX}%"))
    with reading(services) as session:
        return list(session.exec(query).all())


def create_user(
    services: Services,
    person: Person,
    *,
    login: str,
    display_name: str,
    role: str,
    password: str | None,
    must_change_password: bool = False,
    products: Collection[int] = (),
    lines: Collection[str] = (),
) -> User:
    """Add an account; `password` is None for people whom an identity provider, or a code of their own, lets in.

    With `must_change_password` the person chooses another password at the first sign-in. A line worker may be bound to
    `products` and `lines` from the start (`core.accounts.bindings`).
    Raises BadInput login_invalid, role_unknown and what `passwords.hash_password` raises; Conflict login_taken.
    """
    require_role(services, person, ADMIN)
    login = known_login(login)
    user = User(
        login=login,
        display_name=" ".join(display_name.split())[:190] or login,
        role=_known_role(role),
        password_hash=None if password is None else passwords.hash_password(password, login=login),
        password_set_at=None if password is None else utc_now(),
        must_change_password=must_change_password and password is not None,
    )
    with writing(services) as session:
        if session.exec(select(User.id).where(User.login == login)).first() is not None:
            raise Conflict("login_taken", login=login)
        session.add(user)
        session.flush()
        record(session, person, "user.created", "user", user.id, login=login, role=role)
        put_bindings(session, person, user, products=products, lines=lines)
        session.commit()
    return user


def set_role(services: Services, person: Person, user_id: int, role: str, *, row_version: int | None = None) -> User:
    """Give an account another role.

    `row_version` is the state that the administrator saw; None for whoever saw none. Raises BadInput role_unknown,
    Conflict last_admin and stale_save, NotFound not_found.
    """
    require_role(services, person, ADMIN)
    return _change(services, person, user_id, row_version, role=_known_role(role))


def disable_user(services: Services, person: Person, user_id: int, *, row_version: int | None = None) -> User:
    """Lock an account out and end its sessions; its history keeps its name.

    `row_version` is as of `set_role`. Raises Conflict last_admin and stale_save, NotFound not_found.
    """
    require_role(services, person, ADMIN)
    return _change(services, person, user_id, row_version, is_active=False)


def enable_user(services: Services, person: Person, user_id: int, *, row_version: int | None = None) -> User:
    """Enable a disabled account again. `row_version` is as of `set_role`. Raises Conflict stale_save, NotFound."""
    require_role(services, person, ADMIN)
    return _change(services, person, user_id, row_version, is_active=True)


def set_password(services: Services, person: Person, user_id: int, password: str) -> None:
    """Set an account's password: one's own, or anybody's as administrator.

    Ends every session of the account, its codes, and the wait after wrong passwords. Whose password somebody else has
    set chooses another one at the next sign-in. Raises NotFound not_found and what `passwords.hash_password` raises.
    """
    require_role(services, person, WORKER if user_id == person.id else ADMIN)
    with reading(services) as session:
        login = _get_user(session, user_id).login
    hashed = passwords.hash_password(password, login=login)
    with writing(services) as session:
        user = _get_user(session, user_id)
        if is_built_in(user.login):
            raise NotFound("not_found")
        user.password_hash = hashed
        user.password_set_at = utc_now()
        user.must_change_password = user_id != person.id
        end_codes(session, user_id)
        user.row_version += 1
        end_all(session, user)
        clear_failures(session, user.login)
        row = record(session, person, "user.password_set", "user", user_id)
        row.details = {"login": user.login, "row_version": user.row_version}
        session.commit()


def known_login(login: str) -> str:
    """Return a login as it is stored. Raises BadInput login_invalid."""
    login = normalize_login(login)
    if not _LOGIN.fullmatch(login) or is_built_in(login):
        raise BadInput("login_invalid")
    return login


def _change(services: Services, person: Person, user_id: int, row_version: int | None, **values: object) -> User:
    with writing(services) as session:
        user = _get_user(session, user_id)
        if is_built_in(user.login):
            raise NotFound("not_found")
        if row_version is not None and user.row_version != row_version:
            raise stale_save(session, subject_type="user", subject_id=user_id, row_version=row_version)
        changes = find_changes({name: getattr(user, name) for name in values}, values)
        if not changes:
            return user
        loses_admin = user.role == ADMIN and user.is_active and {"role", "is_active"} & changes.keys()
        if loses_admin and not has_other_admin(session, user_id):
            raise Conflict("last_admin", login=user.login)
        for name, value in values.items():
            setattr(user, name, value)
        user.row_version += 1
        if not user.is_active:
            end_all(session, user)
            end_codes(session, user_id)
        record(session, person, "user.changed", "user", user_id, row_version=user.row_version, changes=changes)
        session.commit()
        return user


def has_other_admin(session: Session, user_id: int) -> bool:
    """Return whether somebody else, too, is an administrator who can sign in."""
    # Locked where the database can: two administrators who disable each other must not both succeed.
    admins = session.exec(select(User).where(User.role == ADMIN).with_for_update()).all()
    return any(user.is_active and user.id != user_id and not is_built_in(user.login) for user in admins)


def _built_in(services: Services, login: str, *, name: str, role: str) -> Person:
    query = select(User).where(User.login == login)
    with reading(services) as session:
        user = session.exec(query).first()
    if user is None:
        try:
            with writing(services) as session:
                user = session.exec(query).first()
                if user is None:
                    user = User(login=login, display_name=name, role=role)
                    session.add(user)
                    session.commit()
        except Conflict:
            # Another process made the same row between our look and our insert.
            with reading(services) as session:
                user = session.exec(query).one()
    return as_person(user)


def _get_user(session: Session, user_id: int | None) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("not_found")
    return user


def _known_role(role: str) -> str:
    if role not in ROLES:
        raise BadInput("role_unknown", role=role, choices=", ".join(ROLES))
    return role
