"""Editing an account as a whole: name, role and bindings in one transaction, under the row version that was seen."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from core.access import ADMIN, ROLES, WORKER, Person, require_role
from core.accounts.bindings import put_bindings
from core.accounts.built_in import is_built_in
from core.accounts.directory import clean_display_name
from core.accounts.people import has_other_admin
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, Conflict, NotFound
from core.transactions import writing
from storage.tables import User

if TYPE_CHECKING:
    from core.services import Services


def edit_account(
    services: Services,
    person: Person,
    user_id: int,
    *,
    row_version: int,
    display_name: str,
    role: str,
    products: Collection[int] = (),
    lines: Collection[str] = (),
) -> User:
    """Give an account a name, a role and, as a line worker, bindings; who is none any more is not bound any more.

    Everything is kept, or nothing. Raises NotAllowed; NotFound; BadInput role_unknown, display_name_missing,
    name_too_long and what `bindings.set_bindings` raises; Conflict last_admin and stale_save.
    """
    require_role(services, person, ADMIN)
    if role not in ROLES:
        raise BadInput("role_unknown", role=role[:40], choices=", ".join(ROLES))
    wanted = {"display_name": clean_display_name(display_name), "role": role}
    with writing(services) as session:
        user = session.get(User, user_id)
        if user is None or is_built_in(user.login):
            raise NotFound("not_found")
        if user.row_version != row_version:
            raise stale_save(session, subject_type="user", subject_id=user_id, row_version=row_version)
        changes = find_changes({name: getattr(user, name) for name in wanted}, wanted)
        if "role" in changes and user.role == ADMIN and user.is_active and not has_other_admin(session, user_id):
            raise Conflict("last_admin", login=user.login)
        if role != WORKER:
            # Before the role: only a line worker's can be changed.
            put_bindings(session, person, user, products=(), lines=())
        user.display_name, user.role = wanted["display_name"], role
        if changes:
            user.row_version += 1
            record(
                session,
                person,
                "user.changed",
                "user",
                user_id,
                login=user.login,
                row_version=user.row_version,
                changes=changes,
            )
        if role == WORKER:
            put_bindings(session, person, user, products=products, lines=lines)
        session.commit()
        return user
