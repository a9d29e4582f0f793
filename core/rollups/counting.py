"""Counting an inspection in the transaction that adds, changes or deletes it.

To be called last, right before the commit: who writes the same groups waits until then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, case, delete, func
from sqlmodel import Session, col

from core.rollups.calendar import PlantCalendar
from core.rollups.state import hold_state
from storage.tables import METADATA, Inspection
from storage.upserts import add_up

DAYS: Table = METADATA.tables["day_counts"]
DETAILS: Table = METADATA.tables["detail_counts"]
# In this order everywhere: who waits for one of the tables holds nothing of the next.
TABLES = (DAYS, DETAILS)
_NUMBERS = ("n", "regions", "score_sum", "score_square_sum")


@dataclass(frozen=True)
class Counted:
    """What of an inspection is counted, and by what. `defect_type_id` is 0 where no type is named."""

    created_at: datetime
    product_id: int
    line: str
    lot: str
    shift: str
    version_id: int
    verdict: str
    final_verdict: str
    defect_type_id: int
    regions: int
    score: float

    @classmethod
    def from_row(cls, row: Inspection) -> Counted:
        """Return what an inspection's row says now."""
        return cls(
            created_at=row.created_at,
            product_id=row.product_id,
            line=row.line,
            lot=row.lot,
            shift=row.shift,
            version_id=row.memory_bank_version_id,
            verdict=row.verdict,
            final_verdict=row.final_verdict,
            defect_type_id=named_type(row) or 0,
            regions=len(row.regions) if row.final_verdict == "reject" else 0,
            score=row.score,
        )

    def to_key(self, calendar: PlantCalendar) -> dict[str, Any]:
        """Return all that it is counted by."""
        return {
            "day": calendar.day_of(self.created_at),
            "product_id": self.product_id,
            "line": self.line,
            "lot": self.lot,
            "shift": self.shift or calendar.shift_of(self.created_at),
            "version_id": self.version_id,
            "verdict": self.verdict,
            "final_verdict": self.final_verdict,
            "defect_type_id": self.defect_type_id,
        }


def named_type(row: Inspection) -> int | None:
    """Return the type of an inspection: the confirmed one, else the suggested; None where none is named.

    Who confirmed that it is none of the known types has refused the suggestion.
    """
    if row.final_defect_type_id is not None or row.confirmed_at is not None:
        return row.final_defect_type_id
    return row.suggested_defect_type_id


def named_type_column() -> ColumnElement[int | None]:
    """Return `named_type` as an expression of the inspections' table."""
    suggested = case((col(Inspection.confirmed_at).is_(None), col(Inspection.suggested_defect_type_id)))
    return func.coalesce(col(Inspection.final_defect_type_id), suggested)


def count_new(session: Session, rows: Iterable[Inspection]) -> None:
    """Count inspections that this transaction adds."""
    _add(session, [(Counted.from_row(row), 1) for row in rows])


def count_change(session: Session, before: Counted, after: Counted) -> None:
    """Count an inspection as it is now, and no longer as it was before this transaction changed it."""
    if before != after:
        _add(session, [(before, -1), (after, 1)])


def count_deleted(session: Session, rows: Iterable[Inspection]) -> None:
    """Count inspections no more that this transaction deletes."""
    _add(session, [(Counted.from_row(row), -1) for row in rows])


def forget_products(session: Session, product_ids: Sequence[int]) -> None:
    """Drop all counts of products whose inspections this transaction has deleted."""
    hold_state(session)
    for table in TABLES:
        session.execute(delete(table).where(table.c.product_id.in_(product_ids)))


def _add(session: Session, changes: Sequence[tuple[Counted, int]]) -> None:
    if not changes:
        return
    state = hold_state(session)
    calendar = state.calendar
    if calendar is None:
        return
    keyed = [(one.to_key(calendar), one, sign) for one, sign in changes if state.includes(one.created_at)]
    for table in TABLES:
        sums: dict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0, 0, 0.0, 0.0])
        names = [column.name for column in table.primary_key.columns]
        for key, one, sign in keyed:
            found = sums[tuple(key[name] for name in names)]
            for place, number in enumerate((1, one.regions, one.score, one.score**2)):
                found[place] += sign * number
        rows = [
            dict(zip([*names, *_NUMBERS], [*key, *numbers], strict=True))
            for key, numbers in sorted(sums.items())
            if any(numbers)
        ]
        add_up(session, table, rows)
        for row in rows:
            if row["n"] < 0:
                _drop_empty(session, table, {name: row[name] for name in names})


def _drop_empty(session: Session, table: Table, key: dict[str, Any]) -> None:
    same = [table.c[name] == value for name, value in key.items()]
    session.execute(delete(table).where(*same, table.c.n <= 0))
