"""Codes that let somebody in once: the first administrator, an invitation, a new password."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sqlmodel import Session, col, update

from core.access import ADMIN, Person, require_role
from core.audit import record
from core.errors import NotFound
from core.transactions import writing
from storage.tables import SignInCode, User, utc_now

if TYPE_CHECKING:
    from core.services import Services

Purpose = Literal["first_admin", "invitation", "reset"]
GOOD_FOR: dict[Purpose, timedelta] = {
    "first_admin": timedelta(days=1),
    "invitation": timedelta(days=7),
    "reset": timedelta(days=1),
}


@dataclass(frozen=True)
class NewCode:
    """A code as it is shown once: `text` is what the person types, or what the link carries."""

    row: SignInCode
    text: str = field(repr=False)


def create_code(services: Services, person: Person, *, user_id: int, purpose: Purpose) -> NewCode:
    """Make a code for an account; those made for it before count no more. Raises NotAllowed, NotFound."""
    require_role(services, person, ADMIN)
    text = "-".join(secrets.token_hex(2).upper() for _ in range(6))
    now = utc_now()
    with writing(services) as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("not_found")
        end_codes(session, user_id)
        row = SignInCode(
            code_sha256=hashlib.sha256(text.encode()).hexdigest(),
            purpose=purpose,
            user_id=user_id,
            created_by=person.id,
            expires_at=now + GOOD_FOR[purpose],
        )
        session.add(row)
        session.flush()
        record(session, person, "user.code_made", "user", user_id, login=user.login, purpose=purpose)
        session.commit()
        return NewCode(row, text)


def revoke_codes(services: Services, person: Person, user_id: int) -> None:
    """End every code of an account that nobody has used. Raises NotAllowed."""
    require_role(services, person, ADMIN)
    with writing(services) as session:
        if end_codes(session, user_id):
            record(session, person, "user.codes_revoked", "user", user_id)
        session.commit()


def end_codes(session: Session, user_id: int) -> int:
    """End the unused codes of an account in the caller's transaction; return how many there were."""
    unused = (
        col(SignInCode.user_id) == user_id,
        col(SignInCode.used_at).is_(None),
        col(SignInCode.revoked_at).is_(None),
    )
    return int(session.exec(update(SignInCode).where(*unused).values(revoked_at=utc_now())).rowcount)
