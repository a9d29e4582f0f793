"""The API keys as an administrator sees them: what each is for, how long it counts, who made it, who used it last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from core.access import Person
from core.accounts.api_keys import KeyState, key_state, list_keys
from core.accounts.bindings import UNBOUND, Bindings, load_bindings
from core.transactions import HasDatabase, reading
from storage.tables import User, utc_now


@dataclass(frozen=True)
class KeyView:
    """One key; `scopes` none: everything that its role may. `made_by` is a name, "" where nobody is known."""

    id: int
    name: str
    role: str
    scopes: tuple[str, ...]
    prefix: str
    state: KeyState
    created_at: datetime
    made_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    bindings: Bindings

    @property
    def counts(self) -> bool:
        """Return whether a program is let in with it now."""
        return self.state in {"valid", "ends_soon"}


def view_keys(services: HasDatabase, person: Person) -> list[KeyView]:
    """Return all keys, those that count first, of each the newest first. Needs an administrator."""
    rows = list_keys(services, person)
    bindings = load_bindings(services, person, [row.user_id for row in rows])
    makers = {row.created_by for row in rows} - {None}
    with reading(services) as session:
        names = dict(session.exec(select(User.id, User.display_name).where(col(User.id).in_(makers))).all())
    now = utc_now()
    found = [
        KeyView(
            id=row.id,
            name=row.name,
            role=row.role,
            scopes=tuple(row.scopes),
            prefix=row.prefix,
            state=key_state(row, now),
            created_at=row.created_at,
            made_by=names.get(row.created_by or 0, ""),
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
            bindings=bindings.get(row.user_id, UNBOUND),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.counts, -one.id))
