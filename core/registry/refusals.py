"""Candidates that a person has refused: they stay candidates, and the audit log says who refused them, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, Conflict, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.json_fields import read_text
from storage.tables import AuditLog, ModelVersion

if TYPE_CHECKING:
    from core.access import Person

_ACTION = "version.refuse"


@dataclass(frozen=True)
class Refusal:
    """Who refused a candidate, when (UTC) and why."""

    refused_by: str
    refused_at: datetime
    reason: str


def refuse_version(
    services: HasDatabase,
    person: Person,
    version_id: int,
    *,
    reason: str,
    flips: Mapping[str, int] | None = None,
) -> None:
    """Note that a candidate is not to be put into use; what is in use stays.

    `flips` are the counts of what would change, as the person has seen them. Raises NotAllowed, NotFound,
    BadInput(`refusal_needs_reason`) and Conflict(`version_not_candidate`).
    """
    require_role(services, person, ENGINEER)
    if not reason.strip():
        raise BadInput("refusal_needs_reason")
    with writing(services) as session:
        version = session.get(ModelVersion, version_id)
        if version is None:
            raise NotFound("not_found")
        if version.state != "candidate":
            raise Conflict("version_not_candidate", number=version.number)
        record(
            session,
            person,
            _ACTION,
            "model_version",
            version_id,
            kind=version.kind,
            number=version.number,
            reason=reason.strip(),
            **({"flips": dict(flips)} if flips is not None else {}),
        )
        session.commit()


def find_refusals(services: HasDatabase, versions: Sequence[ModelVersion]) -> dict[int, Refusal]:
    """Return the last refusal of each version that is still a candidate, by its id; nothing for the others."""
    waiting = [version.id for version in versions if version.state == "candidate"]
    if not waiting:
        return {}
    with reading(services) as session:
        rows = session.exec(
            select(AuditLog)
            .where(
                AuditLog.subject_type == "model_version",
                AuditLog.action == _ACTION,
                col(AuditLog.subject_id).in_(waiting),
            )
            .order_by(col(AuditLog.id))
        ).all()
    return {
        row.subject_id: Refusal(row.user_name, row.created_at, read_text(row.details.get("reason")) or "")
        for row in rows
        if row.subject_id is not None
    }
