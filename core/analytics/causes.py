"""Why parts failed and what was done about it: the steps of the corrective checklists that people ticked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlmodel import col, select

from core.analytics.conditions import conditions_of
from core.analytics.scope import Scope
from core.rollups.calendar import read_calendar
from core.transactions import HasDatabase, reading
from storage.tables import ChecklistTick, Inspection

Section = Literal["cause", "action"]


@dataclass(frozen=True)
class StepCount:
    """A step by its words, and on how many NG parts it was ticked."""

    step_key: str
    text: str
    count: int


@dataclass(frozen=True)
class StepCounts:
    """The steps, the most frequent first, and on how many parts any of them was ticked."""

    steps: tuple[StepCount, ...] = ()
    n_parts: int = 0


def count_steps(services: HasDatabase, scope: Scope, section: Section) -> StepCounts:
    """Return the ticked causes (or actions) of the NG parts of a scope. A part may have several. Raises AppError."""
    with reading(services) as session:
        calendar = read_calendar(session)
        conditions = [
            col(ChecklistTick.section) == section,
            col(Inspection.final_verdict) == "reject",
            *conditions_of(scope, calendar),
        ]
        if scope.first is not None:
            # A tick comes after its inspection: older ones need not be looked up.
            conditions.append(col(ChecklistTick.ticked_at) >= calendar.start_of(scope.first))
        own = select(ChecklistTick.step_key, ChecklistTick.step_text, ChecklistTick.inspection_id)
        rows = session.exec(
            own.join(Inspection, col(Inspection.id) == col(ChecklistTick.inspection_id))
            .where(*conditions)
            .order_by(col(ChecklistTick.id))
        ).all()
    counts: dict[str, int] = {}
    texts: dict[str, str] = {}
    parts: set[int] = set()
    for key, text, inspection_id in rows:
        counts[key] = counts.get(key, 0) + 1
        texts[key] = text  # as it was written last
        parts.add(inspection_id)
    steps = [StepCount(key, texts[key], count) for key, count in counts.items()]
    return StepCounts(tuple(sorted(steps, key=lambda step: (-step.count, step.text))), len(parts))
