"""Finding inspections by what they have in common, the newest first, within a fraction of a second among a million.

Whatever is asked, no row is read to find out whether it fits: a single filter is walked in its own index, which stands
in the order of time; several together in the index of one of them where that leaves few, else in the one index that
holds all columns. SQLite is told which, because it keeps no statistics; the servers know by themselves.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, union_all
from sqlmodel import Session, and_, col, func, select

from core.history.filters import NO_TYPE, HistoryFilter
from core.transactions import HasDatabase, reading
from storage.row_limits import execute_columns
from storage.tables import Inspection

# So many are found and counted at most; beyond, the number is "more than", and a narrower filter finds the others.
MOST_FOUND = 50_000
PAGE_SIZE = 50
# Up to so many rows are read one by one faster than the index of all columns is walked.
_FEW = 10_000
_LAST_CHARACTER = "\U0010ffff"
_Tests = tuple[ColumnElement[bool], ...]


@dataclass(frozen=True)
class Found:
    """The ids of the inspections that fit a filter, the newest first, as they were at one moment.

    `newest` is the highest id of all inspections then (0: there were none): with it the same list is found again while
    others arrive. `is_cut` says that more fit than `MOST_FOUND`.
    """

    ids: array[int] = field(repr=False)
    newest: int
    is_cut: bool

    @property
    def total(self) -> int:
        """Return how many were found."""
        return len(self.ids)

    def count_pages(self, page_size: int = PAGE_SIZE) -> int:
        """Return how many pages they fill, at least one."""
        return max(1, -(-len(self.ids) // page_size))

    def page(self, number: int, page_size: int = PAGE_SIZE) -> list[int]:
        """Return the ids of a page, counted from 1; of the first or last one where there is no such page."""
        number = min(max(1, number), self.count_pages(page_size))
        return list(self.ids[(number - 1) * page_size : number * page_size])


def find_inspections(
    services: HasDatabase,
    wanted: HistoryFilter,
    *,
    zone: tzinfo = UTC,
    newest: int | None = None,
    limit: int | None = MOST_FOUND,
) -> Found:
    """Return the inspections that fit, the newest first, at most `limit`; of `zone` are the days of the filter.

    With `newest`, the list is as it was when that was the highest id, but for what was decided since.
    """
    with reading(services) as session:
        highest = session.exec(select(func.max(Inspection.id))).one() or 0
        newest = highest if newest is None else min(newest, highest)
        dialect = session.get_bind().dialect.name
        asked = _conditions(wanted, zone, dialect)
        # Only a list of earlier needs the limit: it would be one more column to look at.
        until = (col(Inspection.id) <= newest,) if newest < highest else ()
        query = _choose(session, asked, until) if dialect == "sqlite" else _walk((*asked.tests, *until), "history")
        query = query if limit is None else query.limit(limit + 1)
        found = array("q", execute_columns(session, query).scalars())
    return Found(found[:limit], newest, limit is not None and len(found) > limit)


def count_newer(services: HasDatabase, newest: int) -> int:
    """Return how many inspections were made since `newest` was the highest id, at most `MOST_FOUND`."""
    with reading(services) as session:
        some = select(Inspection.id).where(col(Inspection.id) > newest).limit(MOST_FOUND).subquery()
        return session.exec(select(func.count()).select_from(some)).one()


@dataclass(frozen=True)
class _Way:
    """One way in which a row fits a filter, and the index that finds those that do."""

    condition: ColumnElement[bool]
    index: str


@dataclass(frozen=True)
class _Condition:
    """One filter: a row fits it in any of its ways."""

    ways: tuple[_Way, ...]
    # Whether the index gives the rows in the order of time.
    is_ordered: bool = True

    @property
    def test(self) -> ColumnElement[bool]:
        """Return the filter as one condition."""
        return or_(*(way.condition for way in self.ways))


@dataclass(frozen=True)
class _Conditions:
    """All filters: `time` narrows every index, and no index helps with `others`."""

    single: tuple[_Condition, ...]
    others: _Tests
    time: _Tests

    @property
    def tests(self) -> _Tests:
        """Return all of them as they are tested."""
        return (*(one.test for one in self.single), *self.others, *self.time)


def _conditions(wanted: HistoryFilter, zone: tzinfo, dialect: str) -> _Conditions:
    equal: tuple[tuple[str, Any, int | str | None], ...] = (
        ("product_time", Inspection.product_id, wanted.product),
        ("verdict_time", Inspection.final_verdict, wanted.verdict),
        ("model_verdict_time", Inspection.verdict, wanted.model_verdict),
        ("action_time", Inspection.action_status, wanted.action),
        ("review_time", Inspection.review_state, wanted.review),
        ("line_time", Inspection.line, wanted.line or None),
        ("lot_time", Inspection.lot, wanted.lot or None),
        ("person_time", Inspection.created_by, wanted.person),
        ("source_time", Inspection.source, wanted.source),
        ("batch_time", Inspection.batch_job_id, wanted.batch),
    )
    single = [_Condition((_Way(col(column) == value, index),)) for index, column, value in equal if value is not None]
    others: list[ColumnElement[bool]] = []
    if wanted.defect_type == NO_TYPE:
        # A person may have said that it is none of the known ones: then what the model suggests does not count.
        unsuggested = or_(col(Inspection.suggested_defect_type_id).is_(None), col(Inspection.confirmed_at).is_not(None))
        others.append(and_(col(Inspection.final_defect_type_id).is_(None), unsuggested))
    elif wanted.defect_type is not None:
        confirmed = col(Inspection.final_defect_type_id) == wanted.defect_type
        suggested = col(Inspection.suggested_defect_type_id) == wanted.defect_type
        undecided = and_(suggested, col(Inspection.confirmed_at).is_(None))
        single.append(_Condition((_Way(confirmed, "type_time"), _Way(undecided, "suggestion_time"))))
    if wanted.serial:
        single.append(_Condition((_Way(_begins(wanted.serial, dialect), "serial_time"),), is_ordered=False))
    if wanted.name:
        name = col(Inspection.original_name)
        # SQLite alone takes capitals and small letters for the same by itself.
        find = name.contains if dialect == "sqlite" else name.icontains
        others.append(find(wanted.name, autoescape=True))
    if wanted.version is not None:
        others.append(col(Inspection.memory_bank_version_id) == wanted.version)
    time: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        time.append(col(Inspection.created_at) >= wanted.since)
    if wanted.until is not None:
        time.append(col(Inspection.created_at) < wanted.until)
    if wanted.first_day is not None:
        time.append(col(Inspection.created_at) >= _start_of(wanted.first_day, zone))
    if wanted.last_day is not None and wanted.last_day < date.max:
        time.append(col(Inspection.created_at) < _start_of(wanted.last_day + timedelta(days=1), zone))
    return _Conditions(tuple(single), tuple(others), tuple(time))


def _start_of(day: date, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(day, time_of_day.min, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time_of_day.min, tzinfo=UTC)


def _begins(text: str, dialect: str) -> ColumnElement[bool]:
    serial = col(Inspection.serial)
    if dialect == "sqlite":
        # A range is looked up in the index, what LIKE asks is not.
        return and_(serial >= text, serial < text + _LAST_CHARACTER)
    return serial.startswith(text, autoescape=True)


def _choose(session: Session, asked: _Conditions, limit: _Tests) -> Select[Any]:
    """Return the query of the ids by the index that is fastest on SQLite, which keeps no statistics."""
    if not asked.single and not asked.others:
        return _walk((*asked.time, *limit), "created_at")
    if len(asked.single) == 1 and not asked.others and asked.single[0].is_ordered:
        return _walk_ways(asked.single[0], (*asked.time, *limit))
    counts = [_count_few(session, one, asked.time) for one in asked.single]
    if counts and min(counts) <= _FEW:
        place = counts.index(min(counts))
        tests = [one.test for number, one in enumerate(asked.single) if number != place]
        return _walk_ways(asked.single[place], (*tests, *asked.others, *asked.time, *limit))
    return _walk((*asked.tests, *limit), "history")


def _walk(conditions: _Tests, index: str) -> Select[Any]:
    newest_first = (col(Inspection.created_at).desc(), col(Inspection.id).desc())
    return _by(select(Inspection.id).where(*conditions).order_by(*newest_first), index)


def _walk_ways(one: _Condition, others: _Tests) -> Select[Any]:
    """Return the query that walks the index of each way of a filter, and merges them where there are two."""
    if len(one.ways) == 1:
        return _walk((one.ways[0].condition, *others), one.ways[0].index)
    ways = [
        _by(select(Inspection.id, Inspection.created_at).where(way.condition, *others), way.index) for way in one.ways
    ]
    both = union_all(*ways).subquery()
    return select(both.c.id).order_by(both.c.created_at.desc(), both.c.id.desc())


def _count_few(session: Session, one: _Condition, time: _Tests) -> int:
    """Return how many fit one filter, counted no further than it matters."""
    some = 0
    for way in one.ways:
        few = _by(select(Inspection.id).where(way.condition, *time), way.index).limit(_FEW + 1).subquery()
        some += session.exec(select(func.count()).select_from(few)).one()
    return some


def _by(query: Any, index: str) -> Select[Any]:
    hinted: Select[Any] = query.with_hint(Inspection, f"INDEXED BY ix_inspections_{index}", "sqlite")
    return hinted
