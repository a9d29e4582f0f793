"""Password hashes: Argon2id (RFC 9106) with the parameters that argon2-cffi recommends."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from core.errors import BadInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_CHARACTERS = 10
MAX_CHARACTERS = 1000


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def decoy_hash() -> str:
    """Return a hash that no password fits: checked for unknown logins, so that they take as long as others."""
    return _hasher().hash(secrets.token_urlsafe(32))


def hash_password(password: str) -> str:
    """Return the hash of a new password. Raises BadInput password_too_short, password_too_long."""
    password = _normalize(password)
    if len(password) < MIN_CHARACTERS:
        raise BadInput("password_too_short", lowest=MIN_CHARACTERS)
    if len(password) > MAX_CHARACTERS:
        raise BadInput("password_too_long", highest=MAX_CHARACTERS)
    return _hasher().hash(password)


def fits(hashed: str, password: str) -> bool:
    """Return whether `password` is the one that was hashed."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(hashed, _normalize(password)[:MAX_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(hashed: str) -> bool:
    """Return whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(hashed)


def _normalize(password: str) -> str:
    # NIST SP 800-63B: one password must be one sequence of bytes, whatever keyboard and system it was typed on.
    return unicodedata.normalize("NFKC", password)
