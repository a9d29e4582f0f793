"""First-pass yield, rolled throughput over the lines, and how long it takes until something is done about a defect."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlmodel import and_, case, col, func, select

from core.analytics.conditions import conditions_of
from core.analytics.scope import Scope
from core.rollups.calendar import read_calendar
from core.rollups.counting import named_type_column
from core.transactions import HasDatabase, reading
from storage.row_limits import execute_columns
from storage.tables import Inspection

MOST_INSPECTIONS = 50_000
MOST_ACTIONS = 20_000


@dataclass(frozen=True)
class PassYield:
    """Parts at a line ("" where none was noted; None: all lines), and those that were OK at once and stayed it."""

    line: str | None
    n_parts: int
    n_first_ok: int

    @property
    def share(self) -> float | None:
        """Return the first-pass yield, 0 to 1; None without parts."""
        return self.n_first_ok / self.n_parts if self.n_parts else None


@dataclass(frozen=True)
class Yields:
    """The yield of all, and line by line. `n_inspections` is what it stands on; the newest ones where `is_capped`."""

    total: PassYield
    lines: tuple[PassYield, ...]
    n_inspections: int
    n_repeated: int
    is_capped: bool = False

    @property
    def rolled(self) -> float | None:
        """Return the share of parts that pass all lines, one after another, at once; None for fewer than two lines."""
        shares = [line.share for line in self.lines if line.line and line.share is not None]
        return math.prod(shares) if len(shares) > 1 else None


@dataclass(frozen=True)
class ActionTimes:
    """How long closed actions took, in seconds from the inspection: median and 90 % point."""

    n: int
    median_s: float
    p90_s: float


@dataclass(frozen=True)
class TimesToAction:
    """The times of all, by defect type (id, None: not named) and by line. The newest ones where `is_capped`."""

    total: ActionTimes | None
    by_type: dict[int | None, ActionTimes]
    by_line: dict[str, ActionTimes]
    is_capped: bool = False


def read_yields(services: HasDatabase, scope: Scope) -> Yields:
    """Return the first-pass yield of a scope. Raises AppError.

    A part is known by its serial number; without one, every inspection is a part of its own. It passes at once when
    its first inspection in the period (at the line) is OK by the model and nobody decided otherwise.
    """
    with reading(services) as session:
        calendar = read_calendar(session)
        newest = (
            select(
                Inspection.id, Inspection.product_id, Inspection.created_at, Inspection.line, Inspection.serial,
                Inspection.verdict, Inspection.final_verdict,
            )  # type: ignore[call-overload]
            .where(*conditions_of(scope, calendar))
            .order_by(col(Inspection.created_at).desc(), col(Inspection.id).desc())
            .limit(MOST_INSPECTIONS + 1)
        )  # fmt: skip
        if scope.shift is None and scope.version_id is None:
            # All that is asked for lies in this index; SQLite would read the rows.
            newest = newest.with_hint(Inspection, "INDEXED BY ix_inspections_history", "sqlite")
        some = newest.subquery()
        alone = case((some.c.serial == "", some.c.id), else_=0)
        order = (some.c.created_at, some.c.id)
        part = (some.c.product_id, some.c.serial, alone)
        ranked = select(
            some.c.line,
            and_(some.c.verdict == "ok", some.c.final_verdict == "ok").label("is_ok"),
            func.row_number().over(partition_by=part, order_by=order).label("turn"),
            func.row_number().over(partition_by=(*part, some.c.line), order_by=order).label("line_turn"),
        ).subquery()
        turns = (ranked.c.turn, ranked.c.line_turn)
        firsts = (_count_first(turn) for turn in turns)
        passed = (_count_first(turn, ranked.c.is_ok) for turn in turns)
        per_line = select(ranked.c.line, func.count(), *firsts, *passed).group_by(ranked.c.line)
        rows = execute_columns(session, per_line.order_by(ranked.c.line)).all()
    n = sum(row[1] for row in rows)
    total = PassYield(None, sum(int(row[2]) for row in rows), sum(int(row[4]) for row in rows))
    lines = tuple(PassYield(row[0], int(row[3]), int(row[5])) for row in rows)
    is_capped = n > MOST_INSPECTIONS
    return Yields(total, lines, min(n, MOST_INSPECTIONS), n - total.n_parts, is_capped)


def _count_first(turn: Any, also: Any = None) -> Any:
    return func.sum(case((turn == 1 if also is None else and_(turn == 1, also), 1), else_=0))


def read_action_times(services: HasDatabase, scope: Scope) -> TimesToAction:
    """Return how long it took from the inspection to the action that closed it. Raises AppError."""
    kind = named_type_column()
    with reading(services) as session:
        calendar = read_calendar(session)
        query = (
            select(kind, Inspection.line, Inspection.created_at, Inspection.action_at)
            .where(
                col(Inspection.action_status) == "done",
                col(Inspection.action_at).is_not(None),
                *conditions_of(scope, calendar),
            )
            .order_by(col(Inspection.created_at).desc())
            .limit(MOST_ACTIONS + 1)
        )
        rows = session.exec(query).all()
    by_type: dict[int | None, list[float]] = defaultdict(list)
    by_line: dict[str, list[float]] = defaultdict(list)
    everything: list[float] = []
    for type_id, line, created_at, action_at in rows[:MOST_ACTIONS]:
        if action_at is None:
            continue
        seconds = max(0.0, (action_at - created_at).total_seconds())
        everything.append(seconds)
        by_type[type_id].append(seconds)
        by_line[line].append(seconds)
    return TimesToAction(
        total=_summarize(everything) if everything else None,
        by_type={key: _summarize(found) for key, found in sorted(by_type.items(), key=_longest_first)},
        by_line={key: _summarize(found) for key, found in sorted(by_line.items())},
        is_capped=len(rows) > MOST_ACTIONS,
    )


def _longest_first(item: tuple[int | None, list[float]]) -> float:
    return -float(np.median(item[1]))


def _summarize(seconds: Sequence[float]) -> ActionTimes:
    median, p90 = np.percentile(np.asarray(seconds), [50, 90])
    return ActionTimes(len(seconds), float(median), float(p90))
