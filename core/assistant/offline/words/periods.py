"""Periods in Korean and English words: today, last week, the last 10 days, from one day to another."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january|jan", "february|feb", "march|mar", "april|apr", "may", "june|jun", "july|jul", "august|aug",
         "september|sept|sep", "october|oct", "november|nov", "december|dec"),
        1,
    )
    for name in names.split("|")
}  # fmt: skip
_NAMED: tuple[tuple[str, str], ...] = (
    (r"그저께|그제|엊그제|day before yesterday", "day_before"),
    (r"어제|어저께|전일|작일|\byesterday'?s?\b|\byday\b|\byesteday\b", "yesterday"),
    (r"오늘|금일|당일|\btoday'?s?\b|\btday\b", "today"),
    (r"지지난\s*주|저저번\s*주|week before last", "week_before_last"),
    (r"지난\s*주|저번\s*주|전\s*주(?!간)|\b(?:last|previous|past) week'?s?\b|\blastweek\b", "last_week"),
    (r"이번\s*주|금주|요번\s*주|\bthis week'?s?\b|\bthisweek\b", "this_week"),
    (r"지난\s*달|저번\s*달|전월|\b(?:last|previous) month'?s?\b", "last_month"),
    (r"이번\s*달|이\s*달|금월|당월|요번\s*달|\bthis month'?s?\b", "this_month"),
    (r"올해|금년|\bthis year'?s?\b", "this_year"),
    (r"작년|지난\s*해|\blast year'?s?\b", "last_year"),
    (r"전체\s*기간|전\s*기간|지금까지|여태|모든\s*기간|\ball[- ]time\b|\bso far\b|\bin total ever\b|\bever\b", "all"),
)
_UNITS = {"일": 1, "날": 1, "day": 1, "주": 7, "week": 7, "달": 30, "개월": 30, "month": 30, "년": 365, "year": 365}
_LAST_N = re.compile(
    r"(?:최근|지난|직전|last|past|previous|recent)\s*(?:the\s*)?(\d{1,4})\s*(일|날|주|달|개월|년|days?|weeks?|months?|years?)"
    r"|(?<![\d-])(\d{1,4})\s*(일|주|달|개월|년)\s*(?:동안|간|치)"
    r"|(?:최근|지난)\s*(?P<one>일주일|한\s*주|한\s*달|1\s*년)|\b(?:last|past)\s+(?P<few>few days|couple of weeks)\b"
)
_ISO = r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*일?"
_KOREAN_DAY = r"(\d{1,2})\s*월\s*(\d{1,2})\s*일"
_ENGLISH_DAY = rf"\b({'|'.join(_MONTHS)})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b"
_DAY_ENGLISH = rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({'|'.join(_MONTHS)})\b"
_DAY = re.compile("|".join((_ISO, _KOREAN_DAY, _ENGLISH_DAY, _DAY_ENGLISH)))
_MONTH = re.compile(rf"(?<!\d)(\d{{1,2}})\s*월(?!\s*\d)|\bin ({'|'.join(_MONTHS)})\b")
_UNTIL = re.compile(r"(?:까지|\buntil\b|\btill\b)")
_SINCE = re.compile(r"(?:부터|이후|\bsince\b|\bfrom\b|\bafter\b)")


def read_period(text: str, today: date) -> tuple[dict[str, str], str]:
    """Return the period of normalized text as arguments of a tool, {} for none, and the text without its words."""
    days, rest = _read_days(text, today)
    if days:
        return days, rest
    for pattern, name in _NAMED:
        found = re.search(pattern, text)
        if found is not None:
            return _named(name, today), _cut(text, found)
    found = _LAST_N.search(text)
    if found is not None:
        return {"period": f"{_count_days(found)}d"}, _cut(text, found)
    return _read_month(text, today)


def _count_days(found: re.Match[str]) -> int:
    if found["few"]:
        return 3 if "few" in found["few"] else 14
    if found["one"]:
        return 30 if "달" in found["one"] else 365 if "년" in found["one"] else 7
    count, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
    return max(1, min(3660, int(count) * _UNITS[unit.removesuffix("s") if unit.isascii() else unit]))


def _named(name: str, today: date) -> dict[str, str]:
    monday = today - timedelta(days=today.weekday())
    spans = {
        "day_before": (today - timedelta(days=2), today - timedelta(days=2)),
        "week_before_last": (monday - timedelta(days=14), monday - timedelta(days=8)),
        "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    if name not in spans:
        return {"period": name}
    first, last = spans[name]
    return {"first_day": first.isoformat(), "last_day": last.isoformat()}


def _read_days(text: str, today: date) -> tuple[dict[str, str], str]:
    found = [(day, one) for one in _DAY.finditer(text) if (day := _to_day(one, today)) is not None]
    if not found:
        return {}, text
    rest = text
    for _day, one in reversed(found[:2]):
        rest = _cut(rest, one)
    if len(found) >= 2:
        first, last = sorted(day for day, _one in found[:2])
        return {"first_day": first.isoformat(), "last_day": last.isoformat()}, rest
    day, one = found[0]
    after, before = text[one.end() : one.end() + 8], text[max(0, one.start() - 7) : one.start()]
    if _SINCE.search(after) or _SINCE.search(before):
        return {"first_day": day.isoformat(), "last_day": today.isoformat()}, rest
    if _UNTIL.search(after) or _UNTIL.search(before):
        return {"last_day": day.isoformat()}, rest
    return {"first_day": day.isoformat(), "last_day": day.isoformat()}, rest


def _to_day(found: re.Match[str], today: date) -> date | None:
    year: int | None = None
    if found[1]:
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    elif found[4]:
        month, day = int(found[4]), int(found[5])
    elif found[6]:
        month, day = _MONTHS[found[6]], int(found[7])
    else:
        month, day = _MONTHS[found[9]], int(found[8])
    try:
        made = date(year or today.year, month, day)
        # A day without a year is one that has been.
        return made.replace(year=made.year - 1) if year is None and made > today else made
    except ValueError:
        return None


def _read_month(text: str, today: date) -> tuple[dict[str, str], str]:
    found = _MONTH.search(text)
    month = 0 if found is None else int(found[1]) if found[1] else _MONTHS[found[2]]
    if found is None or not 1 <= month <= 12:
        return {}, text
    first = date(today.year if month <= today.month else today.year - 1, month, 1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return {"first_day": first.isoformat(), "last_day": min(last, today).isoformat()}, _cut(text, found)


def _cut(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"
