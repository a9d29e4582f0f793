"""What figures are asked of: a period in production days, and what the inspections have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Scope:
    """Production days from `first` to `last`, both counted; `first` None: from the beginning. Others: None means all.

    `shift` is the one that was noted with the inspection, else the calendar's at that moment. `defect_type_id` is the
    confirmed type, else the suggested one (unless a person said that it is none of the known); `version_id` the memory
    bank that judged.
    """

    first: date | None
    last: date
    product_id: int | None = None
    line: str | None = None
    lot: str | None = None
    shift: str | None = None
    defect_type_id: int | None = None
    version_id: int | None = None

    @property
    def days(self) -> int | None:
        """Return how many production days there are; None for all time."""
        return None if self.first is None else (self.last - self.first).days + 1

    def before(self) -> Scope | None:
        """Return the period of the same length that ends where this one begins; None for all time."""
        if self.first is None or self.days is None:
            return None
        return Scope(
            self.first - timedelta(days=self.days),
            self.first - timedelta(days=1),
            self.product_id,
            self.line,
            self.lot,
            self.shift,
            self.defect_type_id,
            self.version_id,
        )
