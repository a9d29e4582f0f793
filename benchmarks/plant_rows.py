"""A year of a plant as rows, made fast: fifty products, run in lots on ten lines, around the clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any

from benchmarks.history_rows import add_references, load_rows, make_row
from core.rollups.calendar import KEY, PlantCalendar, Shift
from core.services import Services
from storage.tables import SystemConfig

PRODUCTS, LINES, LOT_SIZE = 50, 10, 400
START = datetime(2025, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=365)
_HOUR = timedelta(hours=1)
CALENDAR = PlantCalendar("Asia/Seoul", (Shift("A", time(6)), Shift("B", time(14)), Shift("C", time(22))))


def fill_plant(services: Services, *, rows: int, seed: int = 1) -> dict[str, list[int]]:
    """Add what inspections refer to, and `rows` of them, into a fresh SQLite database; return the ids of the former.

    Each line runs a lot of one product after another, some products far more often than others. Half of the lines
    note their shift; of the others the calendar knows it.
    """
    ids = add_references(services, count=PRODUCTS)
    with services.database.unit_of_work() as session:
        session.add(SystemConfig(key=KEY, value=CALENDAR.to_json()))
        session.commit()
    load_rows(services, _rows(rows, random.Random(seed), ids))
    return ids


def _rows(rows: int, dice: random.Random, ids: dict[str, list[int]]) -> Iterator[dict[str, Any]]:
    places, lots, left = [0] * LINES, [0] * LINES, [0] * LINES
    started = 0
    for number in range(rows):
        line = number % LINES
        if not left[line]:
            places[line] = min(PRODUCTS - 1, int(dice.expovariate(0.06)))
            started += 1
            lots[line], left[line] = started, dice.randrange(LOT_SIZE // 2, 2 * LOT_SIZE)
        left[line] -= 1
        moment = START + SPAN * (number / rows)
        row = make_row(number, rows, dice, ids, places[line], moment)
        hour = int((moment - START) / _HOUR)
        shift, usual = _find_hour(hour)
        score = dice.gauss(usual, 0.8)
        row["line"], row["lot"] = f"L{line + 1}", f"LOT-{lots[line]:06d}"
        row["shift"] = shift if line % 2 else ""
        row["score"] = score if row["verdict"] == "ok" else score + 4
        yield row


@cache
def _find_hour(number: int) -> tuple[str, float]:
    """Return the shift of an hour of the year, and the usual score in it: the process wanders by the week."""
    moment = START + number * _HOUR
    return CALENDAR.shift_of(moment), 21.0 + 0.3 * (moment.isocalendar().week % 7)
