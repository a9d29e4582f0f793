"""The words by which days, weeks and months are named."""

from __future__ import annotations

import re

MONTHS = {
    name: number
    for number, names in enumerate(
        ("january|jan", "february|feb", "march|mar", "april|apr", "may", "june|jun", "july|jul", "august|aug",
         "september|sept|sep", "october|oct", "november|nov", "december|dec"),
        1,
    )
    for name in names.split("|")
}  # fmt: skip
_BEFORE = r"(?:last|previous|past|prior|prev)"
NAMED: tuple[tuple[str, str], ...] = (
    (r"그저께|그제|엊그제|엊그저께|재작일|day before yesterday", "day_before"),
    (r"어제|어저께|전일|작일|간밤|어젯밤|\byesterd?ay'?s?\b|\byday\b|\byesterd\w*|\blast night\b", "yesterday"),
    (
        r"오늘|금일|당일|\btoday'?s?\b|\btday\b|\b2day\b|\bthis (?:morning|afternoon|evening)\b|\btonight\b"
        r"|\bso far today\b|\bsince (?:this )?morning\b|아침부터|새벽부터|(?<!매일 )(?:아침|오전|오후|새벽)에(?!\s*는)",
        "today",
    ),
    (r"지지난\s*주|저저번\s*주|2\s*주\s*전|week before last", "week_before_last"),
    (r"(?:지난|저번|이번)?\s*주말|\b(?:last|this|over the|on the|the) weekend\b", "weekend"),
    (
        rf"지난\s*주(?!\s*[월화수목금토일]요)|저번\s*주(?!\s*[월화수목금토일]요)|전\s*주(?!간|\s*[월화수목금토일]요)"
        rf"|(?<![가-힣])전주(?!간)|\b{_BEFORE} (?:calendar )?week'?s?\b|\blastweek\b|\blast wk\b",
        "last_week",
    ),
    (
        r"이번\s*주(?!\s*[월화수목금토일]요)|금주|요번\s*주|이\s*주(?:에|는)|\bthis (?:week|wk)'?s?\b|\bthisweek\b"
        r"|\bwtd\b|\bweek to date\b|\b(?:current|present) week\b",
        "this_week",
    ),
    (
        rf"지난\s*달|저번\s*달|전월|전\s*달|지난\s*월|\b{_BEFORE} month'?s?\b|\blastmonth\b",
        "last_month",
    ),
    (
        r"이번\s*달|이달|금월|당월|요번\s*달|이번\s*월|\bthis month'?s?\b|\bthismonth\b|\bmtd\b|\bmonth to date\b"
        r"|\b(?:current|present) month\b",
        "this_month",
    ),
    (r"지난\s*분기|전\s*분기|직전\s*분기|\b(?:last|previous|past) quarter'?s?\b", "last_quarter"),
    (r"이번\s*분기|금\s*분기|당\s*분기|\bthis quarter'?s?\b|\bqtd\b|\bquarter to date\b", "this_quarter"),
    (r"올해|금년|올\s*한\s*해|\bthis year'?s?\b|\bytd\b|\byear to date\b", "this_year"),
    (r"작년|지난\s*해|전년|\b(?:last|previous) year'?s?\b", "last_year"),
    (
        r"전체\s*기간|전\s*기간|지금까지|여태|모든\s*기간|이제까지|누적|\ball[- ]time\b|\bso far\b|\bin total ever\b"
        r"|\bever\b|\bto date\b|\bsince the beginning\b",
        "all",
    ),
)  # fmt: skip
UNITS = {
    "일": 1, "날": 1, "day": 1, "주": 7, "주일": 7, "week": 7, "wk": 7, "fortnight": 14, "달": 30, "개월": 30,
    "month": 30, "mo": 30, "분기": 90, "quarter": 90, "년": 365, "year": 365,
}  # fmt: skip
COUNTS = {
    "few days": 3, "couple of days": 2, "couple days": 2, "couple of weeks": 14, "couple weeks": 14,
    "few weeks": 21, "fortnight": 14, "few months": 90, "couple of months": 60, "half year": 180, "24 hours": 1,
    "48 hours": 2, "half a year": 180,
    "하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "열흘": 10, "보름": 15, "일주일": 7, "1주일": 7,
    "한주": 7, "이주": 14, "한달": 30, "두달": 60, "석달": 90, "며칠": 3, "몇일": 3, "반년": 180, "1년": 365,
}  # fmt: skip
_KOREAN_COUNTS = "|".join(r"\s*".join(one) for one in sorted(COUNTS, key=len, reverse=True) if not one.isascii())
_FEW = "|".join(one.replace(" ", r"\s+") for one in COUNTS if one.isascii())
_KOREAN_UNIT = r"주일|주|일|날|달|개월|분기|년"
LAST_N = re.compile(
    rf"(?:최근|지난|직전|요|요\s*며칠|last|past|previous|recent|prior|trailing|preceding)\s*(?:the\s*)?(\d{{1,4}})[\s-]*"
    rf"({_KOREAN_UNIT}|days?|weeks?|wks?|fortnights?|months?|quarters?|years?)(?:\s*(?:동안|간|치)(?!지))?"
    rf"|(?<![\d-])(\d{{1,4}})\s*({_KOREAN_UNIT})\s*(?:동안|간|치|꺼|어치)(?!지)"
    rf"|\b(?:over|in|within|during|for)\s+(?:the\s+)?(\d{{1,3}})\s*(days?|weeks?|wks?|months?)\b(?!\s*ago)"
    rf"|(?:최근|지난|요|직전)\s*(?P<one>{_KOREAN_COUNTS})(?:\s*(?:동안|간|치))?"
    rf"|\b(?:last|past|previous)\s+(?:the\s+)?(?P<few>{_FEW})\b"
    rf"|(?<![가-힣])(?P<counted>{_KOREAN_COUNTS})\s*(?:동안|간|치)"
)
N_AGO = re.compile(r"(?<![\d-])(\d{1,3})\s*(일|주일|주|달|개월)\s*전|\b(\d{1,3})\s*(days?|weeks?|months?)\s+ago\b")
_ISO = r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*일?"
_KOREAN_DAY = r"(\d{1,2})\s*월\s*(\d{1,2})\s*일"
_ENGLISH_DAY = rf"\b({'|'.join(MONTHS)})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b"
_DAY_ENGLISH = rf"(?<!line )(?<!lot )(?<!part )\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({'|'.join(MONTHS)})\b"
_SLASHED = r"(?<![\d/.])(1[0-2]|0?[1-9])/(3[01]|[12]\d|0?[1-9])(?![\d/])"
DAY = re.compile("|".join((_ISO, _KOREAN_DAY, _ENGLISH_DAY, _DAY_ENGLISH, _SLASHED)))
DAY_SPAN = re.compile(
    r"(?:(?P<month>1[0-2]|[1-9])\s*월\s*)?(?<!\d)(?P<first>\d{1,2})\s*일?\s*(?:부터|에서|~|-)\s*(?P<last>\d{1,2})\s*일(?:\s*까지)?"
    rf"|\b(?P<name>{'|'.join(MONTHS)})\.?\s+(?P<begin>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|to|till|until|through|~)\s*"
    r"(?P<end>\d{1,2})(?:st|nd|rd|th)?\b"
)
# “may” and “march” alone are verbs.
MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}})\s*월(?!\s*\d|요일)|\b(?:in|for|of|during) ({'|'.join(MONTHS)})\b"
    r"|\b(january|february|april|june|july|august|september|october|november|december)\b"
)
WEEKDAYS = ("월|mon", "화|tue", "수|wed", "목|thu", "금|fri", "토|sat", "일|sun")
WEEKDAY = re.compile(
    r"(?:(?P<week>지난\s*주|저번\s*주|전\s*주|이번\s*주|금주|last week'?s?|this week'?s?)\s*(?:on\s+)?)?"
    r"(?:last|this|past)?\s*(?<![가-힣])(?P<day>[월화수목금토일](?=요일)|\b(?:mon|tues?|wednes|thurs|fri|satur|sun)(?=day'?s?\b))(?:요일|day'?s?)"
)
UNTIL = re.compile(r"(?:까지|\buntil\b|\btill\b|\bup to\b)")
SINCE = re.compile(r"(?:부터|이후|이래|\bsince\b|\bfrom\b|\bafter\b)")
