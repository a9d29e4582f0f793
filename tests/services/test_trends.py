"""The figures of the quality trends are the same on MariaDB and PostgreSQL as on SQLite."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.analytics.agreement import read_agreement
from core.analytics.causes import count_steps
from core.analytics.drift import measure_drift
from core.analytics.scope import Scope
from core.analytics.score_trend import read_score_trend
from core.analytics.trend_filter import GROUPINGS, TrendFilter
from core.analytics.trends import read_trend
from core.analytics.yields import read_action_times, read_yields
from core.rollups.counting import count_new
from core.rollups.rebuilding import ensure_counts
from storage.database import Database
from storage.tables import ChecklistTick, Inspection
from tests.counted_rows import add_plant, make_moments, make_row, set_calendar

pytestmark = pytest.mark.services

DAYS = (date(2025, 3, 29), date(2025, 3, 30))
LAST = date(2025, 4, 2)
PERIOD = Scope(date(2025, 3, 1), LAST)
# The versions were made now, and each database says when.
NOT_COMPARED = {"changes", "created_at", "at", "since"}


@dataclass(frozen=True)
class Opened:
    """Services that have a database alone."""

    database: Database


def _fill(database: Database) -> Opened:
    set_calendar(database, "Europe/Berlin", ("Day", "06:00"), ("Night", "18:30"))
    plant, dice = add_plant(database), random.Random(5)
    opened = Opened(database)
    ensure_counts(opened)
    with database.unit_of_work() as session:
        rows = [make_row(plant, dice, moment) for moment in make_moments(dice, DAYS, 240)]
        for row in rows:
            row.serial = dice.choice(("", f"S{dice.randrange(90)}"))
            if row.final_verdict != "ok":
                row.action_status, row.action_at = "done", row.created_at + timedelta(minutes=dice.randrange(600))
            row.review_state, row.reviewed_at = "done", row.created_at
        session.add_all(rows)
        session.flush()
        session.add_all(
            ChecklistTick(
                inspection_id=row.id, step_key=f"{row.id % 3:064d}", section="cause", step_text=f"Cause {row.id % 3}",
                ticked_at=row.created_at,
            )
            for row in rows
            if row.final_verdict == "reject"
        )  # fmt: skip
        count_new(session, rows)
        session.commit()
    return opened


def _plain(value: Any) -> Any:
    """Return nested figures as they compare: floats to seven digits, without moments of now."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name not in NOT_COMPARED}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _figures(opened: Opened) -> dict[str, Any]:
    with opened.database.reading() as session:
        product = min(session.exec(select(Inspection.product_id)).all())
    found: dict[str, Any] = {
        f"by {by}": read_trend(opened, TrendFilter(period="90", by=by), today=LAST) for by in GROUPINGS
    }
    return {
        **found,
        "scores": read_score_trend(opened, TrendFilter(period="90", product=product), today=LAST),
        "yields": read_yields(opened, PERIOD),
        "night's yields": read_yields(opened, Scope(PERIOD.first, LAST, shift="Night")),
        "times": read_action_times(opened, PERIOD),
        "agreement": read_agreement(opened, PERIOD),
        "causes": count_steps(opened, PERIOD, "cause"),
        "drift": measure_drift(opened, now=datetime(2025, 4, 1, tzinfo=UTC)),
    }


def test_the_figures_are_those_of_sqlite(database: Database, tmp_path: Path) -> None:
    sqlite = Database(f"sqlite:///{tmp_path / 'reference.db'}")
    sqlite.migrate()
    expected, found = (_figures(_fill(one)) for one in (sqlite, database))
    sqlite.dispose()
    with database.reading() as session:
        assert len(session.exec(select(Inspection.id)).all()) == 240
    assert expected["yields"].n_repeated > 10
    assert len(expected["by hour"].groups) > 20
    assert len(expected["scores"].points) > 1
    for name, value in expected.items():
        assert _plain(found[name]) == _plain(value), name
