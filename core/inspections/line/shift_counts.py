"""How many parts a shift has inspected on its line, and how they came out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, func, select

from core.transactions import HasDatabase, reading
from storage.tables import Inspection, utc_now

if TYPE_CHECKING:
    from core.inspections.part_details import PartDetails

# No calendar of shifts is kept. A shift that is named is counted this far back: longer than any shift, and shorter than
# the time until the next day's shift of the same name begins.
SHIFT_HOURS = 12


@dataclass(frozen=True)
class ShiftCounts:
    """Numbers of inspections by their verdict as it stands now, people's changes included; `since` is where it begins.

    `by_shift` tells whether a named shift was counted, over SHIFT_HOURS, or everything since midnight.
    """

    ok: int
    review: int
    reject: int
    since: datetime
    by_shift: bool

    @property
    def total(self) -> int:
        """Return how many parts were inspected."""
        return self.ok + self.review + self.reject


def count_shift(services: HasDatabase, product_id: int, details: PartDetails, *, midnight: datetime) -> ShiftCounts:
    """Count the inspections of the product on the line and in the shift of `details`.

    Where no shift is named, those of all shifts since `midnight` (aware; of the person's own day) are counted. The
    database reads one index and no row (`ix_inspections_line_shift`).
    """
    line, shift = details.line.strip(), details.shift.strip()
    since = utc_now() - timedelta(hours=SHIFT_HOURS) if shift else midnight
    query = (
        select(Inspection.final_verdict, func.count())
        .where(Inspection.product_id == product_id, Inspection.line == line, col(Inspection.created_at) >= since)
        .group_by(col(Inspection.final_verdict))
    )
    if shift:
        query = query.where(Inspection.shift == shift)
    with reading(services) as session:
        counts = dict(session.exec(query).all())
    return ShiftCounts(
        ok=counts.get("ok", 0),
        review=counts.get("review", 0),
        reject=counts.get("reject", 0),
        since=since,
        by_shift=bool(shift),
    )
