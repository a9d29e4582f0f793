"""What changed in how a product is judged, and when: other models in use, other thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from core.models.kinds import MEMORY_BANK
from core.transactions import HasDatabase, reading
from storage.tables import AuditLog, ModelVersion, ThresholdSetting, User

_ACTIVATED = "version.activate"


@dataclass(frozen=True)
class Change:
    """From `at` (UTC) on, another model (`number` of its version) or other thresholds judged; `reason` in their words.

    The thresholds are float32 distances, None where the row of them is gone.
    """

    at: datetime
    what: Literal["model", "thresholds"]
    number: int
    review_at: float | None = None
    reject_at: float | None = None
    person_name: str = ""
    reason: str = ""


def list_changes(
    services: HasDatabase, product_id: int, *, since: datetime | None = None, until: datetime | None = None
) -> list[Change]:
    """Return the changes of a product's memory bank and thresholds between two moments, the oldest first.

    Thresholds that a version brought with it are no change of their own: the version is. Those that were set while it
    was a candidate came into force with it.
    """
    with reading(services) as session:
        own = select(ModelVersion.id, ModelVersion.number).where(
            ModelVersion.kind == MEMORY_BANK, ModelVersion.product_id == product_id
        )
        versions = dict(session.exec(own).all())
        changes = [*_activations(session, versions), *_thresholds(session, versions)]
    in_use: int | None = None
    found: list[Change] = []
    for one in sorted(changes, key=lambda one: (one.at, one.what)):
        if one.what == "model":
            in_use = one.number
        elif in_use not in {None, one.number}:
            continue
        if (since is None or one.at >= since) and (until is None or one.at < until):
            found.append(one)
    return found


def _activations(session: Session, versions: dict[int, int]) -> list[Change]:
    """Return when each version came into use: as the audit log says, else as the version's own row does."""
    logged = session.exec(
        select(AuditLog.created_at, AuditLog.subject_id, AuditLog.user_name).where(
            AuditLog.subject_type == "model_version",
            col(AuditLog.subject_id).in_(versions),
            AuditLog.action == _ACTIVATED,
        )
    ).all()
    found = [
        Change(at, "model", versions[number], person_name=name) for at, number, name in logged if number is not None
    ]
    known = {number for _at, number, _name in logged}
    rows = session.exec(
        select(ModelVersion.id, ModelVersion.activated_at).where(
            col(ModelVersion.id).in_(versions), col(ModelVersion.activated_at).is_not(None)
        )
    ).all()
    found += [Change(at, "model", versions[number]) for number, at in rows if number not in known and at is not None]
    return found


def _thresholds(session: Session, versions: dict[int, int]) -> list[Change]:
    rows = session.exec(
        select(ThresholdSetting, User.display_name)
        .join(User, col(User.id) == col(ThresholdSetting.created_by), isouter=True)
        .where(col(ThresholdSetting.model_version_id).in_(versions))
        .order_by(col(ThresholdSetting.id))
    ).all()
    seen: set[int] = set()
    found: list[Change] = []
    for row, name in rows:
        if row.model_version_id in seen:
            found.append(
                Change(
                    row.created_at, "thresholds", versions[row.model_version_id], row.review_at, row.reject_at,
                    name or "", row.reason,
                )
            )  # fmt: skip
        seen.add(row.model_version_id)
    return found
