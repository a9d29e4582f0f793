"""Thresholds that a person sets for a memory bank: a new row, from the next inspection on; old ones stay as judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record
from core.errors import BadInput, Conflict, NotFound
from core.models.kinds import MEMORY_BANK
from core.registry.versions import current_threshold
from core.transactions import LOCKED, HasDatabase, reading, retried, writing
from storage.tables import ModelVersion, ThresholdSetting

if TYPE_CHECKING:
    from core.access import Person

MANUAL, PERCENTILE, MEAN_STD, F1_MAX, CHEAPEST = "manual", "percentile", "mean_std", "f1_max", "cheapest"
# How a person came to thresholds: set by hand, by a method of the calibration, or as the cheapest pair.
METHODS = (MANUAL, PERCENTILE, MEAN_STD, F1_MAX, CHEAPEST)
# What a float32 score can hold.
_HIGHEST = 3.4e38


def check_thresholds(review_at: float, reject_at: float) -> None:
    """Raise BadInput(`thresholds_invalid`) for what is no positive number, `thresholds_crossed` for the wrong order."""
    if not all(math.isfinite(value) and 0 < value <= _HIGHEST for value in (review_at, reject_at)):
        raise BadInput("thresholds_invalid")
    if review_at > reject_at:
        raise BadInput("thresholds_crossed", review_at=f"{review_at:.4g}", reject_at=f"{reject_at:.4g}")


def find_threshold(services: HasDatabase, version_id: int) -> ThresholdSetting:
    """Return the thresholds in force for a memory bank. Raises NotFound."""
    with reading(services) as session:
        return current_threshold(session, version_id)


def list_thresholds(services: HasDatabase, version_id: int) -> list[ThresholdSetting]:
    """Return all thresholds that a memory bank has had, the ones in force first. Raises NotFound."""
    with reading(services) as session:
        version = session.get(ModelVersion, version_id)
        if version is None or version.kind != MEMORY_BANK:
            raise NotFound("not_found")
        newest = (
            select(ThresholdSetting)
            .where(ThresholdSetting.model_version_id == version_id)
            .order_by(col(ThresholdSetting.id).desc())
        )
        return list(session.exec(newest).all())


def undo_thresholds(
    services: HasDatabase, person: Person, version_id: int, *, reason: str, seen_id: int
) -> ThresholdSetting:
    """Put the thresholds before those in force back in force, as a new row; return it.

    They keep the method and figures that they had. Undone once more, they change places again. Raises as
    `save_thresholds`, and Conflict(`thresholds_nothing_to_undo`).
    """
    require_role(services, person, ENGINEER)
    rows = list_thresholds(services, version_id)
    if len(rows) < 2:
        raise Conflict("thresholds_nothing_to_undo")
    before = rows[1]
    return save_thresholds(
        services,
        person,
        version_id,
        before.review_at,
        before.reject_at,
        reason=reason,
        seen_id=seen_id,
        method=before.method,
        figures=before.figures,
    )


@retried
def save_thresholds(
    services: HasDatabase,
    person: Person,
    version_id: int,
    review_at: float,
    reject_at: float,
    *,
    reason: str,
    seen_id: int,
    flips: Mapping[str, int] | None = None,
    method: str = MANUAL,
    figures: Mapping[str, Any] | None = None,
) -> ThresholdSetting:
    """Put other thresholds in force for a memory bank, from the next inspection on; return their row.

    `seen_id` is the row that was in force when the person decided. `flips` are the counts of what would change, as
    the person has seen them; the audit log keeps them with the reason. `method` is how the person came to them, and
    `figures` what they stand on, as JSON. Raises NotAllowed, NotFound, BadInput (`thresholds_invalid`,
    `thresholds_crossed`, `thresholds_need_reason`, `method_unknown`) and Conflict(`thresholds_changed`).
    """
    require_role(services, person, ENGINEER)
    check_thresholds(review_at, reject_at)
    if method not in METHODS:
        raise BadInput("method_unknown", method=method, methods=", ".join(METHODS))
    if not reason.strip():
        raise BadInput("thresholds_need_reason")
    with writing(services) as session:
        # Locked: of two who change the same thresholds the second is told of the first.
        version = session.get(ModelVersion, version_id, with_for_update=LOCKED)
        if version is None or version.kind != MEMORY_BANK:
            raise NotFound("not_found")
        before = current_threshold(session, version_id)
        if before.id != seen_id:
            raise Conflict(
                "thresholds_changed", review_at=f"{before.review_at:.4g}", reject_at=f"{before.reject_at:.4g}"
            )
        row = ThresholdSetting(
            model_version_id=version_id,
            review_at=review_at,
            reject_at=reject_at,
            method=method,
            figures=dict(figures or {}),
            reason=reason.strip(),
            created_by=person.id,
        )
        session.add(row)
        session.flush()
        limits = ("review_at", "reject_at")
        record(
            session,
            person,
            "thresholds.changed",
            "model_version",
            version_id,
            number=version.number,
            reason=row.reason,
            method=method,
            changes=find_changes(
                {name: getattr(before, name) for name in limits}, {name: getattr(row, name) for name in limits}
            ),
            **({"flips": dict(flips)} if flips is not None else {}),
        )
        session.commit()
        session.refresh(row)
        return row
