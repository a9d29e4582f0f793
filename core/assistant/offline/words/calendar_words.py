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
_MONTH = "|".join(MONTHS)
# 주 begins many words (주조품, 주요): a week is it only where it ends, or a particle follows.
_END = (
    r"(?=[^가-힣]|$|에|은|는|의|도|꺼|거|것|껄|부터|까지|동안|보다|이?랑|하고|와|과|만(?!\s*개)|대비|말|초|내|처럼|이(?!물)|가|"
    r"를|로|째|들|치|중|간(?!조|\s*조)|끝|쯤|분)"
)
_TURN_OF_WEEK = r"(?!\s*[월화수목금토일](?:요일|욜))"
_BEFORE = r"(?:last|previous|prior|prev|preceding)"
_THE_PAST = r"(?:(?<=the )last|past|trailing)"
# From the closest to the widest: what stands first is tried first where two begin at the same place.
NAMED: tuple[tuple[str, str], ...] = (
    (r"그저께|그제|엊그제|엊그저께|재작일|전전일|(?:the )?day before yesterday", "day_before"),
    (r"어제|어저께|전일|작일|간밤|어젯밤|\byesterd?ay'?s?\b|\byday\b|\byesterd\w*|\blast night(?:'s)?\b", "yesterday"),
    (
        r"오늘|금일|당일|\btoday'?s?\b|\btday\b|\b2day\b|\bthis (?:morning|afternoon|evening)\b|\btonight\b"
        r"|\bsince (?:this )?morning\b|아침부터|새벽부터|(?<!매일 )(?:아침|오전|오후|새벽)에(?!\s*는)|\bof the day\b",
        "today",
    ),
    (
        rf"(?:지지난|저저번|전전)\s*주{_END}{_TURN_OF_WEEK}|(?:the )?(?:week before last|last week but one)",
        "week_before_last",
    ),
    (r"(?:지지난|저저번|전전)\s*(?:달|월(?!요일|욜))|(?:the )?month before last", "month_before_last"),
    (r"(?:지난|저번|이번)?\s*주말|\b(?:last|this|over the|on the|the|at the)? ?weekend\b", "weekend"),
    (
        rf"(?:지난|저번)\s*(?:한|1)\s*주{_END}(?:일)?|\b(?:the )?{_THE_PAST} week\b",
        "7d",
    ),
    (
        rf"(?:지난|저번)\s*주{_END}{_TURN_OF_WEEK}|(?<![가-힣])전\s*주{_END}{_TURN_OF_WEEK}"
        rf"|\b(?:the )?{_BEFORE} (?:calendar )?week'?s?\b|\blastweek\b|\b{_BEFORE} wk\b",
        "last_week",
    ),
    (
        rf"(?:이번|요번)\s*(?:한\s*|1\s*)?주{_END}{_TURN_OF_WEEK}|금주|이\s*주(?:에|는)"
        r"|\bthis (?:week|wk)'?s?\b|\bthisweek\b"
        r"|\bwtd\b|\bweek to date\b|\b(?:current|present) week\b|\bof the week\b|\bweek so far\b|주초부터",
        "this_week",
    ),
    (rf"\b(?:the )?{_THE_PAST} month\b|(?:지난|최근)\s*(?:한|1)\s*달(?:\s*(?:간|동안))?", "30d"),
    (
        r"지난\s*달|저번\s*달|전월|(?<![가-힣])전\s*달|지난\s*월(?!요일|욜)"
        rf"|\b(?:the )?{_BEFORE} (?:calendar )?month'?s?\b|\blastmonth\b",
        "last_month",
    ),
    (
        r"이번\s*달|이달|금월|당월|요번\s*달|이번\s*월(?!요일|욜)|\bthis month'?s?\b|\bthismonth\b|\bmtd\b"
        r"|\bmonth to date\b|\b(?:current|present) month\b|\bof the month\b|\bmonth so far\b|월초부터"
        r"|\bsince the (?:start|beginning) of the month\b",
        "this_month",
    ),
    (r"지난\s*분기|전\s*분기|직전\s*분기|\b(?:last|previous|past) quarter'?s?\b", "last_quarter"),
    (r"이번\s*분기|금\s*분기|당\s*분기|\bthis quarter'?s?\b|\bqtd\b|\bquarter to date\b", "this_quarter"),
    (rf"\b(?:the )?{_THE_PAST} year\b", "365d"),
    (
        r"올해|금년|올\s*한\s*해|연초부터|년초부터|올\s*초부터|\bthis year'?s?\b|\bytd\b"
        r"|\byear to date\b|\bof the year\b|\byear so far\b|\bsince the (?:start|beginning) of the year\b",
        "this_year",
    ),
    (r"작년|지난\s*해|전년|\b(?:last|previous) year'?s?\b", "last_year"),
    (
        r"전체\s*기간|전\s*기간|(?:처음부터\s*)?지금까지|여태(?:까지|껏)?|모든\s*기간|이제까지|누적"
        r"|\ball[- ]time\b|\bso far\b|\bin total ever\b|\bever\b|(?<!up )\bto date\b|\bsince the beginning\b",
        "all",
    ),
)  # fmt: skip
UNITS = {
    "일": 1, "날": 1, "day": 1, "d": 1, "주": 7, "주일": 7, "week": 7, "wk": 7, "w": 7, "fortnight": 14, "달": 30,
    "개월": 30, "month": 30, "mo": 30, "분기": 90, "quarter": 90, "년": 365, "year": 365,
}  # fmt: skip
COUNTS = {
    "few days": 3, "couple of days": 2, "couple days": 2, "couple of weeks": 14, "couple weeks": 14,
    "few weeks": 21, "fortnight": 14, "few months": 90, "couple of months": 60, "half year": 180, "24 hours": 1,
    "48 hours": 2, "half a year": 180, "several days": 5,
    "하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "열흘": 10, "보름": 15, "일주일": 7, "1주일": 7,
    "한주": 7, "이주": 14, "한달": 30, "두달": 60, "석달": 90, "넉달": 120, "며칠": 3, "몇일": 3, "반년": 180,
    "1년": 365, "일년": 365, "삼일": 3, "오일": 5, "24시간": 1, "48시간": 2, "한해": 365,
}  # fmt: skip
_KOREAN_COUNTS = "|".join(r"\s*".join(one) for one in sorted(COUNTS, key=len, reverse=True) if not one.isascii())
_FEW = "|".join(one.replace(" ", r"\s+") for one in COUNTS if one.isascii())
_KOREAN_UNIT = r"주일|주|일|날|달|개월|분기|년"
_RECENT = r"(?:최근|지난|직전|근래|과거|요|요\s*며칠)"
_LASTING = r"(?:\s*(?:동안|간|치)(?!지))?"
LAST_N = re.compile(
    rf"(?:{_RECENT}|last|past|previous|recent|prior|trailing|preceding)\s*(?:the\s*)?(\d{{1,4}})[\s-]*"
    rf"({_KOREAN_UNIT}|days?|d\b|weeks?|wks?|w\b|fortnights?|months?|mo\b|quarters?|years?){_LASTING}"
    rf"|(?<![\d-])(\d{{1,4}})\s*({_KOREAN_UNIT})\s*(?:동안|간|치|꺼|어치)(?!지)"
    rf"|\b(?:over|in|within|during|for)\s+(?:the\s+)?(\d{{1,3}})\s*(days?|weeks?|wks?|months?)\b(?!\s*ago)"
    r"|\b(?P<bare>\d{1,3})[\s-](?P<unit>days?|weeks?|months?)\b(?!\s*ago)"
    rf"|{_RECENT}\s*(?P<one>{_KOREAN_COUNTS}){_LASTING}"
    rf"|\b(?:last|past|previous|recent)\s+(?:the\s+)?(?P<few>{_FEW})\b"
    rf"|(?<![가-힣])(?P<counted>{_KOREAN_COUNTS})\s*(?:동안|간|치)"
)
N_AGO = re.compile(
    r"(?<![\d-])(?P<n>\d{1,3})\s*(?P<korean>일|주일|주|달|개월)\s*전"
    rf"|(?<![가-힣])(?P<counted>{_KOREAN_COUNTS})\s*전"
    r"|\b(?P<number>\d{1,3}|an?)\s*(?P<unit>days?|weeks?|months?)\s+ago\b"
)
# A lot may be named like a day, a line like a half of the year.
_NO_LOT = r"(?<!lot )(?<!lot-)(?<!로트 )(?<!로트)"
_NO_LINE = r"(?<!line )(?<!station )(?<!machine )(?<!lot )"
_ISO = rf"{_NO_LOT}(?<!\d)(?P<year>20\d{{2}})\s*[-./년]\s*(?P<m1>\d{{1,2}})\s*[-./월]\s*(?P<d1>\d{{1,2}})(?!\d)\s*일?"
_SHORT_ISO = rf"{_NO_LOT}(?<![\d./-])'?(?P<yy>2\d)\s*[./-](?P<m2>\d{{1,2}})[./-](?P<d2>\d{{1,2}})(?![\d./-])"
_DIGITS = rf"{_NO_LOT}(?<![\d-])(?P<y3>20\d{{2}})(?P<m3>0[1-9]|1[0-2])(?P<d3>[0-2]\d|3[01])(?![\d-])"
_KOREAN_DAY = r"(?P<m4>\d{1,2})\s*월\s*(?P<d4>\d{1,2})\s*일"
_ENGLISH_DAY = rf"\b(?P<n5>{_MONTH})\.?\s+(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y5>20\d{{2}}))?"
_DAY_ENGLISH = (
    r"(?<!line )(?<!lot )(?<!part )\b(?:the )?(?P<d6>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?"
    rf"(?P<n6>{_MONTH})\b"
)
_SLASHED = r"(?<![\d/.])(?P<m7>1[0-2]|0?[1-9])/(?P<d7>3[01]|[12]\d|0?[1-9])(?![\d/])"
# The day alone is one of this month: “on the 3rd”, “3일날”.
_BARE_DAY = (
    r"\b(?:on )?the (?P<d8>\d{1,2})(?:st|nd|rd|th)\b(?! (?:line|lot|shift|part|time|one|run|inspection))"
    r"|(?<!\d)(?P<d9>[12]?\d|3[01])\s*일\s*(?:날|자(?![가-힣])|에(?![가-힣])|부터|까지)"
)
DAY = re.compile("|".join((_ISO, _SHORT_ISO, _DIGITS, _KOREAN_DAY, _ENGLISH_DAY, _DAY_ENGLISH, _SLASHED, _BARE_DAY)))
DAY_SPAN = re.compile(
    r"(?:(?P<month>1[0-2]|[1-9])\s*월\s*)?(?<!\d)(?P<first>\d{1,2})\s*일?\s*(?:부터|에서|~|-)\s*(?P<last>\d{1,2})\s*일"
    r"(?:\s*(?:까지|사이))?"
    rf"|\b(?P<name>{_MONTH})\.?\s+(?P<begin>\d{{1,2}})(?:st|nd|rd|th)?\s*"
    r"(?:-|to|till|until|through|thru|and|~)\s*(?:the )?(?P<end>\d{1,2})(?:st|nd|rd|th)?\b"
    rf"|\b(?:the )?(?P<start>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|to|through|and|~)\s*(?:the )?(?P<stop>\d{{1,2}})"
    rf"(?:st|nd|rd|th)?\s+(?:of )?(?P<of>{_MONTH})\b"
)
# “may” and “march” alone are verbs, “mar” is a scratch.
_SURE_MONTH = "|".join(one for one in MONTHS if one not in {"may", "march", "mar"})
MONTH = re.compile(
    r"(?:(?P<year>20\d{2}|작|전)\s*년\s*)?(?<!\d)(?P<month>\d{1,2}|시)\s*월(?!요일|욜)(?:달|\s*(?:한|1)\s*달)?(?:\s*(?:간|동안))?"
    r"(?:\s*(?P<part>초|중순|말)(?![가-힣]))?"
    r"|\b(?P<early>(?:the )?(?:early|late|mid|start of|beginning of|end of))[\s-]+(?P<partial>"
    rf"{_MONTH})\b"
    rf"|\b(?:in|for|of|during|since|from|until|till|through|by|to|last) (?P<named>{_MONTH})\b"
    r"(?:\s+(?P<year2>20\d{2}))?"
    rf"|\b(?P<alone>{_SURE_MONTH})\b(?:\s+(?P<year3>20\d{{2}}))?"
)
PARTS = {
    "초": (1, 10), "중순": (11, 20), "말": (21, 31), "early": (1, 10), "start of": (1, 10), "beginning of": (1, 10),
    "mid": (11, 20), "late": (21, 31), "end of": (21, 31),
}  # fmt: skip
QUARTER = re.compile(
    rf"(?<!\d)(?P<n>[1-4])\s*분기|{_NO_LINE}\bq(?P<q>[1-4])\b"
    r"|\b(?P<word>first|second|third|fourth|1st|2nd|3rd|4th) quarter\b"
)
HALF = re.compile(
    rf"(?P<korean>상반기|하반기)|{_NO_LINE}\bh(?P<h>[12])\b(?! ?\d)"
    r"|\b(?P<word>first|second|1st|2nd) half of (?:the|this) year\b"
)
ORDER = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
WEEKDAYS = ("월|mon", "화|tue", "수|wed", "목|thu", "금|fri", "토|sat", "일|sun")
_WEEK = r"지난\s*주|저번\s*주|전\s*주|이번\s*주|금주|last week'?s?|this week'?s?"
_ENGLISH_WEEKDAY = r"mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sat|sun"
WEEKDAY = re.compile(
    rf"(?:(?P<week>{_WEEK})\s*(?:on\s+)?)?(?:(?:last|this|past|on|지난|저번|이번)\s*)?"
    rf"(?:(?<![가-힣])(?P<day>[월화수목금토일])(?:요일|욜)|\b(?P<english>{_ENGLISH_WEEKDAY})(?:day)?'?s?\b(?! ?\d))"
    r"(?:\s+(?:of )?(?P<after>last week|this week))?"
)
UNTIL = re.compile(r"^\s*(?:까지|until|till|up to)|\b(?:until|till|up to|through)\s*(?:the )?$")
SINCE = re.compile(
    r"^\s*(?:부터|이후|이래|on(?:wards?)?\b(?! (?:line|lot|the|[a-z]))|onwards?\b)"
    r"|\b(?:since|after|starting(?: from)?|as of)\s*(?:the )?$"
)
FROM_DAY = re.compile(r"\bfrom\s*(?:the )?$")
# Between two periods that are one: “어제부터 오늘까지”, “monday to wednesday”, “this week vs last week”.
RANGE = re.compile(r"\s*(?:부터|에서|~|-|to|till|until|through|thru|and)?\s*(?:the\s*)?")
PAIR = re.compile(
    r"\s*(?:의|에)?\s*(?:이랑|랑|하고|와|과|및|,|&|vs\.?|versus|대비|보다|against|or|and|compared (?:to|with)|than)?"
    r"\s*(?:the\s*)?"
)
NOT_THIS = re.compile(r"^\s*(?:꺼|거|것)?\s*(?:말고|아니고|not\b|instead)")
_UNIT_WORDS = {
    "day": (r"(?:날|일(?![가-힣]))", "day"),
    "week": (r"주(?=[^가-힣]|$|에|은|는|거|꺼|도|보다|엔)", "week"),
    "month": (r"(?:달|월(?!요일|욜))", "month"),
}
# Seen from the period that was asked about before: “그 전 주는?”, “and the day before?”. Pattern, unit, steps.
RELATIVE: tuple[tuple[re.Pattern[str], str, int], ...] = tuple(
    (
        re.compile(
            rf"(?<![가-힣])(?:그|바로)\s*{korean_step}\s*{korean}|\bthe {english_before} {english}\b"
            rf"|\b(?:the |one )?{english} {english_after}(?: that| then)?\b(?! (?:yesterday|last|that one))"
        ),
        unit,
        step,
    )
    for unit, (korean, english) in _UNIT_WORDS.items()
    for korean_step, english_before, english_after, step in (
        ("전", "(?:previous|prior|preceding)", "(?:before|earlier)", -1),
        ("다음", "(?:following|next)", "(?:after|later)", 1),
    )
)
