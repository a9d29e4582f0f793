"""Codes that let somebody in once: an invitation, a new password, the first administrator.

A code is 20 characters of 32 (100 random bits), so its SHA-256 needs no salt and no slow hash. It is shown once, used
once, ends after its time, and ends with the next one of the same account.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from sqlmodel import Session, col, select, update

from core.access import ADMIN, PAGE, Person, as_person, require_role
from core.accounts import passwords
from core.accounts.back_off import clear_failures, code_limits, keep_failure, one_at_a_time, require_no_wait
from core.accounts.built_in import is_built_in
from core.accounts.sessions import end_all
from core.accounts.sign_in import require_passwords
from core.audit import record
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.transactions import reading, writing
from storage.tables import SignInCode, User, utc_now

if TYPE_CHECKING:
    from core.services import Services

INVITATION, RESET, FIRST_ADMIN = "invitation", "reset", "first_admin"
GOOD_FOR = {INVITATION: timedelta(hours=72), RESET: timedelta(hours=24), FIRST_ADMIN: timedelta(hours=24)}
# Crockford's Base32: no I, L, O and U, so that a code can be read out on the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("ILO", "110", "- \t\r\n\u2010\u2011\u2013")
_CHARACTERS, _GROUP = 20, 5
_LONGEST_TYPED = 100


@dataclass(frozen=True)
class NewCode:
    """A code as it is shown once: `text` is what the person types."""

    row: SignInCode
    text: str = field(repr=False)


def create_code(services: Services, person: Person, *, user_id: int, purpose: str) -> NewCode:
    """Make a code with which a person chooses a password: `purpose` is "invitation" (72 h) or "reset" (24 h).

    Earlier codes of the account end. Nobody can read the text again. Raises NotAllowed, NotFound not_found, BadInput
    code_purpose_unknown, Conflict code_for_disabled and codes_without_passwords (an identity provider signs people in).
    """
    require_role(services, person, ADMIN)
    if purpose not in (INVITATION, RESET):
        raise BadInput("code_purpose_unknown", choices=f"{INVITATION}, {RESET}")
    if services.settings.auth == "oidc":
        raise Conflict("codes_without_passwords")
    with writing(services) as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None or is_built_in(user.login):
            raise NotFound("not_found")
        if not user.is_active:
            raise Conflict("code_for_disabled", login=user.login)
        end_codes(session, user_id)
        made = add_code(session, purpose, user_id=user_id, created_by=person.id)
        row = record(session, person, "sign_in_code.created", "user", user_id)
        row.details = {"login": user.login, "purpose": purpose, "code": made.row.id}
        session.commit()
        session.refresh(made.row)
    return made


def revoke_codes(services: Services, person: Person, user_id: int) -> int:
    """End the codes of an account that could still be used; return how many there were. Raises NotAllowed."""
    require_role(services, person, ADMIN)
    with writing(services) as session:
        count = end_codes(session, user_id)
        if count:
            record(session, person, "sign_in_code.revoked", "user", user_id, codes=count)
            session.commit()
    return count


def use_code(services: Services, text: str, password: str, *, address: str) -> Person:
    """Set the password that somebody with a code has chosen, and return the person: the code is used up.

    Every session of the account ends. Raises NotAllowed code_refused (the same for a code that is wrong, used, ended
    or over, and for a disabled account), sign_in_locked, sign_in_busy, passwords_not_used, and what
    `passwords.hash_password` raises, which leaves the code as it is.
    """
    require_passwords(services)
    limits = code_limits(address)
    with one_at_a_time():
        require_no_wait(services, limits)
        with reading(services) as session:
            found = find_code(session, text, (INVITATION, RESET))
            user = session.get(User, found.user_id) if found is not None else None
        if found is None or user is None or not user.is_active or is_built_in(user.login):
            refuse_code(services, address)
        hashed = passwords.hash_password(password, login=user.login)
    with writing(services) as session:
        if not take_code(session, found.id):
            raise NotAllowed("code_refused")
        user = session.get_one(User, user.id, with_for_update=True)
        if not user.is_active:
            raise NotAllowed("code_refused")
        user.password_hash = hashed
        user.password_set_at = user.last_seen_at = utc_now()
        user.must_change_password = False
        user.row_version += 1
        end_all(session, user)
        end_codes(session, user.id)
        clear_failures(session, user.login)
        person = as_person(user).acting(PAGE, address)
        row = record(session, person, "sign_in_code.used", "user", user.id)
        row.details = {"login": user.login, "purpose": found.purpose, "code": found.id, "row_version": user.row_version}
        session.commit()
    return person


def refuse_code(services: Services, address: str) -> NoReturn:
    """Count a wrong code. Raises NotAllowed code_refused."""
    keep_failure(
        services, code_limits(address), action="sign_in_code.refused", address=address, subject_type="sign_in_code"
    )
    raise NotAllowed("code_refused")


def add_code(session: Session, purpose: str, *, user_id: int | None, created_by: int | None) -> NewCode:
    """Add a new code to the caller's transaction; record it, and end those that it replaces, there as well."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))
    now = utc_now()
    row = SignInCode(
        code_sha256=_hash(letters),
        purpose=purpose,
        user_id=user_id,
        created_by=created_by,
        created_at=now,
        expires_at=now + GOOD_FOR[purpose],
    )
    session.add(row)
    session.flush()
    return NewCode(row, "-".join(letters[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP)))


def find_code(session: Session, text: str, purposes: tuple[str, ...]) -> SignInCode | None:
    """Return the code with this text that can be used now; case, spaces and hyphens do not matter."""
    letters = text[:_LONGEST_TYPED].upper().translate(_READ_AS)
    row = session.exec(select(SignInCode).where(SignInCode.code_sha256 == _hash(letters))).first()
    is_good = (
        row is not None
        and row.purpose in purposes
        and row.used_at is None
        and row.revoked_at is None
        and row.expires_at > utc_now()
    )
    return row if is_good else None


def take_code(session: Session, code_id: int) -> bool:
    """Use a code up in the caller's transaction; return whether nobody has been faster and its time is not over."""
    now = utc_now()
    taken = session.execute(
        update(SignInCode)
        .where(
            col(SignInCode.id) == code_id,
            col(SignInCode.used_at).is_(None),
            col(SignInCode.revoked_at).is_(None),
            col(SignInCode.expires_at) > now,
        )
        .values(used_at=now)
    )
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]  # of an UPDATE: a CursorResult


def end_codes(session: Session, user_id: int | None, *, purpose: str | None = None) -> int:
    """End the codes of an account (None: of no account) in the caller's transaction; return how many."""
    owner = col(SignInCode.user_id).is_(None) if user_id is None else col(SignInCode.user_id) == user_id
    wanted = [owner, col(SignInCode.used_at).is_(None), col(SignInCode.revoked_at).is_(None)]
    if purpose is not None:
        wanted.append(col(SignInCode.purpose) == purpose)
    now = utc_now()
    ended = session.execute(update(SignInCode).where(*wanted, col(SignInCode.expires_at) > now).values(revoked_at=now))
    return int(ended.rowcount)  # type: ignore[attr-defined]  # of an UPDATE: a CursorResult


def _hash(letters: str) -> str:
    return hashlib.sha256(letters.encode("utf-8", "surrogatepass")).hexdigest()
