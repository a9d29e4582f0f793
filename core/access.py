"""Who acts, in which role, and whether that still holds: every use case asks the database as it is now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlmodel import select

from core.audit import API, CLI, PAGE, SYSTEM
from core.errors import NotAllowed
from core.i18n import N_
from core.refusals import note_refusal
from core.transactions import HasDatabase, reading
from storage.tables import User

__all__ = [
    "ADMIN", "API", "CLI", "ENGINEER", "PAGE", "ROLES", "ROLE_NAMES", "SYSTEM", "WORKER", "Person", "as_person",
    "reaches", "require_role",
]  # fmt: skip

WORKER = "worker"
ENGINEER = "engineer"
ADMIN = "admin"
ROLES: tuple[str, ...] = (WORKER, ENGINEER, ADMIN)
ROLE_NAMES: dict[str, str] = {WORKER: N_("Line worker"), ENGINEER: N_("Quality engineer"), ADMIN: N_("Administrator")}


@dataclass(frozen=True)
class Person:
    """Who acts. `language` is the saved choice ("ko" or "en"), None while there is none.

    `sign_in_epoch` is the account's when the person signed in: a new password or a disabled account raises it, and
    whoever holds the old one is nobody from then on. `channel` (page, api, cli or system) and `address` (of the
    network, "" where there is none) say from where the person acts; they make nobody another person.
    """

    id: int
    login: str
    display_name: str
    role: str
    language: str | None = None
    sign_in_epoch: int = 0
    channel: str = field(default="", compare=False)
    address: str = field(default="", compare=False)

    def acting(self, channel: str, address: str = "") -> Person:
        """Return the same person as acting through `channel` from the network address `address`."""
        return replace(self, channel=channel, address=address[:64])


def as_person(user: User) -> Person:
    """Return the person of a stored account."""
    return Person(
        id=user.id,
        login=user.login,
        display_name=user.display_name,
        role=user.role,
        language=user.language,
        sign_in_epoch=user.sign_in_epoch,
    )


def reaches(role: str, needed: str) -> bool:
    """Return whether `role` may do what `needed` may. A higher role may do everything that a lower one may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def require_role(services: HasDatabase, person: Person, needed: str) -> None:
    """Raise NotAllowed unless the person's account, as it is in the database now, reaches `needed`.

    One read by primary key. Codes: session_over for an account that is gone, disabled or has a new password since
    the person signed in; role_too_low for a role that does not reach (the stored one, not the one in `person`).
    Either is kept in the audit log, in a transaction of its own: never to be called with one that writes open.
    """
    query = select(User.role, User.is_active, User.sign_in_epoch).where(User.id == person.id)
    with reading(services) as session:
        found = session.exec(query).first()
    if found is None or not found[1] or found[2] != person.sign_in_epoch:
        note_refusal(services, person, reason="session_over", needed=needed)
        raise NotAllowed("session_over")
    if not reaches(found[0], needed):
        note_refusal(services, person, reason="role_too_low", needed=needed, role=found[0])
        raise NotAllowed("role_too_low", needed=needed)
