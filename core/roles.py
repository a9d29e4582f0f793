"""Roles and what each may do. A higher role may do everything that a lower one may."""

from __future__ import annotations

from core.errors import NotAllowed
from core.i18n import N_

WORKER = "worker"
ENGINEER = "engineer"
ADMIN = "admin"
ROLES: tuple[str, ...] = (WORKER, ENGINEER, ADMIN)
ROLE_NAMES: dict[str, str] = {WORKER: N_("Line worker"), ENGINEER: N_("Quality engineer"), ADMIN: N_("Administrator")}


def reaches(role: str, needed: str) -> bool:
    """Whether `role` may do what `needed` may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def require_role(role: str, needed: str) -> None:
    """Raise NotAllowed unless `role` reaches `needed`."""
    if not reaches(role, needed):
        raise NotAllowed("role_too_low", needed=needed)
