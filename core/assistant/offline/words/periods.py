"""Periods in Korean and English words: today, last week, the last 10 days, from one day to another."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from core.assistant.offline.words.calendar_words import (
    COUNTS,
    DAY,
    DAY_SPAN,
    LAST_N,
    MONTH,
    MONTHS,
    N_AGO,
    NAMED,
    SINCE,
    UNITS,
    UNTIL,
    WEEKDAY,
    WEEKDAYS,
)

Period = dict[str, str]


def read_period(text: str, today: date, *, mark: str = " ") -> tuple[Period, str]:
    """Return the period of normalized text as arguments of a tool, {} for none, and the text with `mark` for it."""
    for read in (_read_span, _read_days, _read_named, _read_last_n, _read_ago, _read_weekday, _read_month):
        period, spans = read(text, today)
        if period:
            for start, stop in sorted(spans, reverse=True):
                text = f"{text[:start]} {mark} {text[stop:]}"
            return period, text
    return {}, text


Found = tuple[Period, list[tuple[int, int]]]
_NONE: Found = ({}, [])


def _read_named(text: str, today: date) -> Found:
    for pattern, name in NAMED:
        found = re.search(pattern, text)
        if found is not None:
            return _named(name, today), [found.span()]
    return _NONE


def _named(name: str, today: date) -> Period:
    monday = today - timedelta(days=today.weekday())
    quarter = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    before = quarter - timedelta(days=1)
    saturday = monday - timedelta(days=2)
    spans: dict[str, Callable[[], tuple[date, date]]] = {
        "day_before": lambda: (today - timedelta(days=2), today - timedelta(days=2)),
        "week_before_last": lambda: (monday - timedelta(days=14), monday - timedelta(days=8)),
        "weekend": lambda: (saturday, saturday + timedelta(days=1)),
        "last_year": lambda: (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        "this_quarter": lambda: (quarter, today),
        "last_quarter": lambda: (date(before.year, before.month - 2, 1), before),
    }
    return _days(*spans[name]()) if name in spans else {"period": name}


def _read_last_n(text: str, _today: date) -> Found:
    found = LAST_N.search(text)
    if found is None:
        return _NONE
    if found["few"]:
        count = COUNTS[" ".join(found["few"].split())]
    elif said := found["one"] or found["counted"]:
        count = COUNTS["".join(said.split())]
    else:
        number, unit = next((found[one], found[one + 1]) for one in (1, 3, 5) if found[one])
        count = int(number) * UNITS[unit.removesuffix("s") if unit.isascii() else unit]
    return {"period": f"{max(1, min(3660, count))}d"}, [found.span()]


def _read_ago(text: str, today: date) -> Found:
    found = N_AGO.search(text)
    if found is None:
        return _NONE
    number, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
    days = int(number) * UNITS[unit.removesuffix("s")]
    if not 0 < days <= 3660:
        return _NONE
    day = today - timedelta(days=days)
    if UNITS[unit.removesuffix("s")] == 7:
        monday = day - timedelta(days=day.weekday())
        return _days(monday, monday + timedelta(days=6)), [found.span()]
    return _days(day, day), [found.span()]


def _read_weekday(text: str, today: date) -> Found:
    found = WEEKDAY.search(text)
    if found is None:
        return _NONE
    wanted = next(place for place, one in enumerate(WEEKDAYS) if re.match(one, found["day"]))
    monday = today - timedelta(days=today.weekday())
    if found["week"]:
        day = monday + timedelta(days=wanted - (7 if re.match(r"last|지난|저번|전", found["week"]) else 0))
    else:
        # A day of the week alone is the one that has been; with `since` and today's name it is a week ago.
        day = today - timedelta(days=(today.weekday() - wanted) % 7)
    return _open_ended(text, found, day, today)


def _read_span(text: str, today: date) -> Found:
    """Return `3일부터 10일까지` and `november 3 to 9`, where the month is said once or is this one."""
    found = DAY_SPAN.search(text)
    if found is None:
        return _NONE
    month = int(found["month"]) if found["month"] else MONTHS[found["name"]] if found["name"] else today.month
    first, last = int(found["first"] or found["begin"]), int(found["last"] or found["end"])
    try:
        begin, end = date(today.year, month, first), date(today.year, month, last)
        if begin > today:
            begin, end = begin.replace(year=today.year - 1), end.replace(year=today.year - 1)
    except ValueError:
        return _NONE
    return (_days(begin, end), [found.span()]) if begin <= end else _NONE


def _read_days(text: str, today: date) -> Found:
    found = [(day, one) for one in DAY.finditer(text) if (day := _to_day(one, today)) is not None][:2]
    if not found:
        return _NONE
    if len(found) == 2:
        first, last = sorted(day for day, _one in found)
        return _days(first, last), [one.span() for _day, one in found]
    return _open_ended(text, found[0][1], found[0][0], today)


def _open_ended(text: str, found: re.Match[str], day: date, today: date) -> Found:
    after, before = text[found.end() : found.end() + 8], text[max(0, found.start() - 7) : found.start()]
    if SINCE.search(after) or SINCE.search(before):
        return _days(day, today), [found.span()]
    if UNTIL.search(after) or UNTIL.search(before):
        return {"last_day": day.isoformat()}, [found.span()]
    return _days(day, day), [found.span()]


def _to_day(found: re.Match[str], today: date) -> date | None:
    year: int | None = None
    if found[1]:
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    elif found[4]:
        month, day = int(found[4]), int(found[5])
    elif found[6]:
        month, day = MONTHS[found[6]], int(found[7])
    elif found[8]:
        month, day = MONTHS[found[9]], int(found[8])
    else:
        month, day = int(found[10]), int(found[11])
    try:
        made = date(year or today.year, month, day)
        # A day without a year is one that has been.
        return made.replace(year=made.year - 1) if year is None and made > today else made
    except ValueError:
        return None


def _read_month(text: str, today: date) -> Found:
    found = MONTH.search(text)
    month = 0 if found is None else int(found[1]) if found[1] else MONTHS[found[2] or found[3]]
    if found is None or not 1 <= month <= 12:
        return _NONE
    first = date(today.year if month <= today.month else today.year - 1, month, 1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return _days(first, min(last, today)), [found.span()]


def _days(first: date, last: date) -> Period:
    return {"first_day": first.isoformat(), "last_day": last.isoformat()}
