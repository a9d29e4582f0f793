"""Periods in Korean and English words: today, last week, the last 10 days, from one day to another.

Each expression is read by itself; two that are joined are one period, and one with “since” or “until” is open-ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from core.assistant.offline.words.calendar_words import (
    COUNTS,
    DAY,
    DAY_SPAN,
    FROM_DAY,
    HALF,
    LAST_N,
    MONTH,
    MONTHS,
    N_AGO,
    NAMED,
    NOT_THIS,
    ORDER,
    PAIR,
    PARTS,
    QUARTER,
    RANGE,
    RELATIVE,
    SINCE,
    UNITS,
    UNTIL,
    WEEKDAY,
    WEEKDAYS,
)
from core.assistant.periods import ALL, find_span

Period = dict[str, str]
_LONGEST_DAYS = 3660


@dataclass(frozen=True)
class _Said:
    """A period as it stands in a text, from `start` to `stop`: its days (None: from the beginning), and its name."""

    start: int
    stop: int
    first: date | None
    last: date
    name: str = ""
    kind: str = ""

    @property
    def arguments(self) -> Period:
        """Return it as arguments of a tool."""
        if self.name:
            return {"period": self.name}
        ends = {"last_day": self.last.isoformat()}
        return ends if self.first is None else {"first_day": self.first.isoformat(), **ends}


def read_period(text: str, today: date, *, mark: str = " ") -> tuple[Period, str]:
    """Return the period of normalized text as arguments of a tool, {} for none, and the text with `mark` for it."""
    found = list_said(text, today)
    if not found:
        return {}, text
    for start, stop in sorted(((one.start, one.stop) for one in found.parts), reverse=True):
        text = f"{text[:start]} {mark} {text[stop:]}"
    return found.whole.arguments, text


def shift_relative(text: str, before: Period, today: date) -> str:
    """Return normalized text with days in place of “the week before”, seen from the period `before`, else today."""
    said = next(((found, unit, step) for pattern, unit, step in RELATIVE if (found := pattern.search(text))), None)
    if said is None:
        return text
    found, unit, step = said
    ends = {name: before.get(name, "") for name in ("first_day", "last_day")}
    span = find_span(before.get("period") or "today", today, **ends)
    base = span.first or today
    if unit == "day":
        first = last = span.last + timedelta(days=1) if step > 0 else base - timedelta(days=1)
    elif unit == "week":
        first = base + timedelta(days=7 * step - base.weekday())
        last = first + timedelta(days=6)
    else:
        first, last = _month(*_months_before(base, -step))
    if first > today:
        return text
    days = first.isoformat() if first == last else f"{first.isoformat()} ~ {min(last, today).isoformat()}"
    return f"{text[: found.start()]}{days}{text[found.end() :]}"


@dataclass(frozen=True)
class Found:
    """The period that a text means, and the expressions that it is made of; false where there is none."""

    whole: _Said
    parts: tuple[_Said, ...]


def list_said(text: str, today: date) -> Found | None:
    """Return the period that normalized text means, None for none."""
    said = _pick_apart(text, today)
    if len(said) > 1:
        # “어제 말고 오늘”: what is not meant goes.
        said = [one for one in said if NOT_THIS.match(text[one.stop :]) is None] or said
        narrower = [one for one in said if one.name != ALL]
        said = narrower or said
    if not said:
        return None
    first = said[0]
    if len(said) > 1 and said[1].kind == "count" and not text[first.stop : said[1].start].strip():
        # “어제 하루 동안”: the second only says how long the first is.
        return Found(first, (first, said[1]))
    if len(said) > 1 and (joined := _join(text, first, said[1])) is not None:
        is_range = RANGE.fullmatch(text[first.stop : said[1].start]) is not None
        return Found(joined, (joined,) if is_range else (first, said[1]))
    return Found(_open_end(text, first, today), (first,))


def _join(text: str, one: _Said, other: _Said) -> _Said | None:
    """Return two periods as one, None where they are not joined: “monday to wednesday”, “이번 주랑 지난주”."""
    between = text[one.stop : other.start]
    are_days = {one.kind, other.kind} == {"day"}
    if not (are_days or RANGE.fullmatch(between) or PAIR.fullmatch(between)):
        return None
    if other.kind == "weekday" and one.kind == "weekday" and one.first is not None:
        # “last week monday to wednesday”: both are of that week.
        days = (other.last - one.first).days % 7
        other = replace(other, first=one.first + timedelta(days=days), last=one.first + timedelta(days=days))
    if one.name == ALL or other.name == ALL or one.first is None or other.first is None:
        return None
    name = one.name if one.name == other.name else ""
    return _Said(one.start, other.stop, min(one.first, other.first), max(one.last, other.last), name)


def _open_end(text: str, one: _Said, today: date) -> _Said:
    before, after = text[max(0, one.start - 16) : one.start], text[one.stop :]
    if one.name == ALL:
        return one
    since = SINCE.search(after[:10]) or SINCE.search(before) or (one.kind == "day" and FROM_DAY.search(before))
    if since and one.first is not None:
        is_moving = one.name.removesuffix("d").isdecimal() or (one.name and one.last == today)
        return one if is_moving else replace(one, last=max(today, one.first), name="")
    if UNTIL.search(after[:8]) or UNTIL.search(before):
        return one if one.last == today and one.name else replace(one, first=None, name="")
    return one


def _pick_apart(text: str, today: date) -> list[_Said]:
    """Return the expressions in their order; of those that overlap the one that begins first, then the longest."""
    found = [
        one
        for read in (_read_spans, _read_days, _read_weekdays, _read_last_n, _read_ago, _read_named, _read_parts_of_year,
                     _read_months)
        for one in read(text, today)
    ]  # fmt: skip
    found.sort(key=lambda one: (one.start, -one.stop))
    kept: list[_Said] = []
    for one in found:
        if not kept or one.start >= kept[-1].stop:
            kept.append(one)
    return kept


def _read_named(text: str, today: date) -> Iterator[_Said]:
    for pattern, name in NAMED:
        for found in re.finditer(pattern, text):
            yield _named(name, today, found.span())


def _named(name: str, today: date, span: tuple[int, int]) -> _Said:
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    quarter = _quarter(today.year, (today.month + 2) // 3)[0]
    before = quarter - timedelta(days=1)
    saturday = monday - timedelta(days=2)
    last_month = month - timedelta(days=1)
    spans: dict[str, tuple[date, date]] = {
        "day_before": (today - timedelta(days=2), today - timedelta(days=2)),
        "week_before_last": (monday - timedelta(days=14), monday - timedelta(days=8)),
        "month_before_last": _month(*_months_before(today, 2)),
        "weekend": (saturday, saturday + timedelta(days=1)),
        "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        "this_quarter": (quarter, today),
        "last_quarter": (date(before.year, before.month - 2, 1), before),
        "last_month": (last_month.replace(day=1), last_month),
    }
    if name in spans and name != "last_month":
        return _Said(*span, *spans[name])
    known = find_span(name, today)
    return _Said(*span, known.first, known.last, name)


def _read_last_n(text: str, today: date) -> Iterator[_Said]:
    for found in LAST_N.finditer(text):
        if found["few"]:
            count = COUNTS[" ".join(found["few"].split())]
        elif said := found["one"] or found["counted"]:
            count = COUNTS["".join(said.split())]
        else:
            number, unit = next(
                (number, unit)
                for number, unit in (
                    *((found[one], found[one + 1]) for one in (1, 3, 5)), (found["bare"], found["unit"])
                )
                if number
            )  # fmt: skip
            count = int(number) * _days_of(unit)
        count = max(1, min(_LONGEST_DAYS, count))
        yield _Said(*found.span(), today - timedelta(days=count - 1), today, f"{count}d", kind="count")


def _days_of(unit: str) -> int:
    return UNITS[unit.removesuffix("s") if unit.isascii() else unit]


def _read_ago(text: str, today: date) -> Iterator[_Said]:
    for found in N_AGO.finditer(text):
        if found["counted"]:
            number = COUNTS["".join(found["counted"].split())]
            unit = 30 if number % 30 == 0 else 7 if number % 7 == 0 else 1
            days = number
        else:
            said = found["n"] or found["number"]
            unit = _days_of(found["korean"] or found["unit"])
            days = unit * (1 if said in {"a", "an"} else int(said))
        if not 0 < days <= _LONGEST_DAYS:
            continue
        day = today - timedelta(days=days)
        if unit == UNITS["week"]:
            monday = day - timedelta(days=day.weekday())
            yield _Said(*found.span(), monday, monday + timedelta(days=6))
        elif unit == UNITS["month"]:
            yield _Said(*found.span(), *_month(*_months_before(today, days // unit)))
        else:
            yield _Said(*found.span(), day, day, kind="day")


def _read_weekdays(text: str, today: date) -> Iterator[_Said]:
    for found in WEEKDAY.finditer(text):
        said = found["day"] or found["english"]
        wanted = next(place for place, one in enumerate(WEEKDAYS) if re.match(one, said))
        monday = today - timedelta(days=today.weekday())
        if week := found["week"] or found["after"]:
            day = monday + timedelta(days=wanted - (7 if re.match(r"last|지난|저번|전", week) else 0))
        else:
            # A day of the week alone is the one that has been; with `since` and today's name it is a week ago.
            day = today - timedelta(days=(today.weekday() - wanted) % 7)
        yield _Said(*found.span(), day, day, kind="weekday")


def _read_spans(text: str, today: date) -> Iterator[_Said]:
    """Yield `3일부터 10일까지` and `november 3 to 9`, where the month is said once or is this one."""
    for found in DAY_SPAN.finditer(text):
        name = found["name"] or found["of"]
        month = int(found["month"]) if found["month"] else MONTHS[name] if name else today.month
        first = int(found["first"] or found["begin"] or found["start"])
        last = int(found["last"] or found["end"] or found["stop"])
        try:
            begin, end = date(today.year, month, first), date(today.year, month, last)
            if begin > today:
                begin, end = begin.replace(year=today.year - 1), end.replace(year=today.year - 1)
        except ValueError:
            continue
        if begin <= end:
            yield _Said(*found.span(), begin, end, kind="span")


def _read_days(text: str, today: date) -> Iterator[_Said]:
    for found in DAY.finditer(text):
        day = _to_day(found, today)
        if day is not None:
            # Its particle says whether it is open-ended: it is no part of the expression.
            stop = found.end() - len(re.search(r"(?:에|부터|까지)?$", found[0])[0])  # type: ignore[index]
            yield _Said(found.start(), stop, day, day, kind="day")


def _to_day(found: re.Match[str], today: date) -> date | None:
    year = next((int(found[one]) for one in ("year", "y3", "y5") if found[one]), None)
    if found["yy"]:
        year = 2000 + int(found["yy"])
    number = next((int(found[one]) for one in ("m1", "m2", "m3", "m4", "m7") if found[one]), 0)
    name = found["n5"] or found["n6"]
    month = number or (MONTHS[name] if name else 0)
    day = next(int(found[f"d{one}"]) for one in range(1, 10) if found[f"d{one}"])
    try:
        if not month:
            # A day of this month, or of the last one where it is still to come.
            made = date(today.year, today.month, day)
            return made if made <= today else date(*_months_before(today, 1), day)
        made = date(year or today.year, month, day)
        # A day without a year is one that has been.
        return made.replace(year=made.year - 1) if year is None and made > today else made
    except ValueError:
        return None


def _read_months(text: str, today: date) -> Iterator[_Said]:
    for found in MONTH.finditer(text):
        name = found["partial"] or found["named"] or found["alone"]
        month = MONTHS[name] if name else 10 if found["month"] == "시" else int(found["month"])
        if not 1 <= month <= 12:
            continue
        year = today.year if month <= today.month else today.year - 1
        if said := found["year"] or found["year2"] or found["year3"]:
            year = int(said) if said.isdecimal() else today.year - 1
        first, last = _month(year, month)
        if part := found["part"] or (found["early"] or "").removeprefix("the "):
            begin, end = PARTS[part]
            first, last = first.replace(day=begin), min(last, last.replace(day=min(end, last.day)))
        # A preposition may say that it is open-ended: it is no part of the expression.
        start = found.start("named") if found["named"] else found.start()
        if first <= today:
            yield _Said(start, found.end(), first, min(last, today), kind="month")


def _read_parts_of_year(text: str, today: date) -> Iterator[_Said]:
    for found in QUARTER.finditer(text):
        number = int(found["n"] or found["q"] or ORDER[found["word"]])
        first, last = _quarter(today.year, number)
        if first > today:
            first, last = _quarter(today.year - 1, number)
        yield _Said(*found.span(), first, min(last, today))
    for found in HALF.finditer(text):
        if found["korean"]:
            number = 1 if found["korean"] == "상반기" else 2
        else:
            number = int(found["h"] or ORDER[found["word"]])
        year = today.year if number == 1 or today.month > 6 else today.year - 1
        first, last = date(year, 6 * number - 5, 1), _month(year, 6 * number)[1]
        yield _Said(*found.span(), first, min(last, today))


def _month(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _months_before(today: date, count: int) -> tuple[int, int]:
    months = 12 * today.year + today.month - 1 - count
    return months // 12, months % 12 + 1


def _quarter(year: int, number: int) -> tuple[date, date]:
    return date(year, 3 * number - 2, 1), _month(year, 3 * number)[1]
