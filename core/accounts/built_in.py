"""The accounts that nobody signs in to: the built-in people, and those that programs with a key act as."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_
from sqlmodel import col

from core.access import ROLES
from storage.tables import User

COMMAND_LINE_LOGIN = "command-line"
WATCH_LOGIN = "watched-folders"
OPEN_LOGINS = {role: f"open-{role}" for role in ROLES}
# Nobody signs in as these, so they are no administrators that an installation could rely on.
BUILT_IN_LOGINS = frozenset({COMMAND_LINE_LOGIN, WATCH_LOGIN, *OPEN_LOGINS.values()})
# The accounts that programs act as (core.accounts.api_keys): theirs is the key alone, which is made and revoked there.
API_LOGIN_PREFIX = "api-key:"


def is_built_in(login: str) -> bool:
    """Return whether the account of this login is no person's."""
    return login in BUILT_IN_LOGINS or login.startswith(API_LOGIN_PREFIX)


def is_persons_own() -> ColumnElement[bool]:
    """Return the SQL condition of the accounts that are people's."""
    return and_(col(User.login).not_in(BUILT_IN_LOGINS), col(User.login).not_like(f"{API_LOGIN_PREFIX}%"))
