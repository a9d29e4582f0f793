"""How far inspections are counted: with which calendar, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, select, update
from sqlmodel import Session, col

from core.rollups.calendar import STATE_KEY, PlantCalendar
from storage.tables import METADATA, SystemConfig, utc_now


@dataclass(frozen=True)
class RollupState:
    """What the roll-ups hold: inspections made since `counted_from` (None: all), by the days of `calendar`.

    Without a calendar nothing is counted yet. While they are counted again, `counted_from` moves back into the past.
    `first_zone` is the time zone of days as long as the plant has no calendar; `version` grows with every change.
    """

    calendar: PlantCalendar | None = None
    counted_from: datetime | None = None
    first_zone: str = ""
    version: int = 0

    def is_complete_for(self, calendar: PlantCalendar) -> bool:
        """Return whether all inspections are counted by the days and shifts of this calendar."""
        return self.counted_from is None and calendar.is_same_as(self.calendar)

    def includes(self, moment: datetime) -> bool:
        """Return whether an inspection of that moment is counted already: later ones are, earlier ones will be."""
        return self.calendar is not None and (self.counted_from is None or moment >= self.counted_from)


def read_state(session: Session) -> RollupState:
    """Return the state as it is now."""
    return _find(session, lock=None)


def hold_state(session: Session) -> RollupState:
    """Return the state, which stays as it is until the transaction ends; others may hold it, too.

    Nobody begins to count again, or counts another period, while an inspection is on its way into the roll-ups: it
    would be missed or counted twice. (SQLite lets one transaction write at a time.)
    """
    return _find(session, lock="shared")


def take_state(session: Session) -> RollupState:
    """Return the state for this transaction alone, once those that hold it have ended."""
    return _find(session, lock="alone")


def save_state(session: Session, state: RollupState) -> None:
    """Keep the state that a transaction has taken, one version further."""
    value = {
        "calendar": None if state.calendar is None else state.calendar.to_json(),
        "counted_from": None if state.counted_from is None else state.counted_from.isoformat(),
        "first_zone": state.first_zone,
    }
    session.execute(
        update(SystemConfig)
        .where(col(SystemConfig.key) == STATE_KEY)
        .values(value=value, updated_at=utc_now(), row_version=col(SystemConfig.row_version) + 1)
    )


def _find(session: Session, *, lock: str | None) -> RollupState:
    found = session.execute(_query(lock)).first()
    if found is None:
        return RollupState()
    value: Mapping[str, Any] = found[0]
    calendar, since = value.get("calendar"), value.get("counted_from")
    return RollupState(
        None if calendar is None else PlantCalendar.from_json(calendar),
        None if since is None else datetime.fromisoformat(since),
        value.get("first_zone", ""),
        found[1],
    )


@cache
def _query(lock: str | None) -> Select[Any]:
    # Columns, not the row: a row that the session knows would be as it was when it was first read. Made once, as every
    # inspection that is stored asks.
    table = METADATA.tables["system_config"]
    query = select(table.c.value, table.c.row_version).where(table.c.key == STATE_KEY)
    return query if lock is None else query.with_for_update(read=lock == "shared")
