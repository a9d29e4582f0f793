"""The words by which lines, lots, shifts, runs and inspections are named in a message."""

from __future__ import annotations

import re

_PLACE = r"(?:line|station|machine|press|cell)"
_KOREAN_PLACE = r"(?:생산\s*)?(?:라인|호기|호\s*라인|호선|공정)"
LINE = re.compile(
    rf"(?:\b{_PLACE}|\bln|\bl(?=\d))\s*(?:no\.?|number|#)?\s*(?!of\b)"
    r"([a-z]?-?\d{1,4}[a-z]?|(?<=[ #])[a-z](?![-']))(?![a-z0-9])(?:\s*(?:라인|호기))?"
    rf"|(?<![a-z0-9])([a-z]?-?\d{{1,4}}[a-z]?|[a-z])\s*(?:번\s*)?{_KOREAN_PLACE}"
    r"|(?:라인|호기)\s*(?:은|는|이)?\s*([a-z]?-?\d{1,4}|[a-z])(?![a-z0-9가-힣])"
    r"|(?:라인|호기)\s*([a-z]?-?\d{1,4})(?!\d|\s*(?:개|건|장|분|점|일|주|월|시))"
    r"|\b(\d{1,2})(?:st|nd|rd|th) line\b"
)
LOT = re.compile(
    r"(?:\blot|로트|롯트)[\s_-]*(?:no\.?|number|번호|#|은|는|:)?\s*([a-z0-9][a-z0-9_.-]*)(?:\s*(?:번\s*)?(?:로트|롯트))?"
    r"|([a-z0-9][a-z0-9_.-]*)\s*(?:번\s*)?(?:로트|롯트)"
)
# 주간 is the day shift, and the week: before a figure it is the week.
WEEKLY = r"주간\s*(?=불량|추이|추세|단위|보고|수율|평균|그래프|트렌드|변화|통계|요약|현황|경향)"
SHIFT = re.compile(
    r"(주간|야간|오전|오후|심야|[a-z]|\d)\s*(?:조|교대|근무조?|시프트|반(?![가-힣]))(?![가-힣]*별)"
    rf"|(?<![가-힣])(?!{WEEKLY})(주간|야간)(?=에|조|\s|은|의|이랑|하고|와|과|$)"
    r"|\b(day|night|morning|evening|late|early|first|second|third|[a-c])\s+(?:shift|crew|team)\b|\bshift\s+([a-z]|\d{1,2})\b"
    r"|\b(day|night|morning|early)"
    r"(?= (?:vs\.?|versus|and|or|than|to) (?:the )?(?:night|day|evening|late)[ -](?:shift|crew|team)\b)"
)
TOP = re.compile(
    r"(?:top|worst|first|biggest|상위|톱|탑|워스트)\s*(\d{1,3})(?!\s*(?:days?|weeks?|months?|일|주))"
    r"|(?:last|latest|newest|recent|최근|최신|마지막)\s*(?:[^\d\s]+\s*){0,2}?(\d{1,3})\s*(?:건|개(?!월)|장|parts?\b|inspections?\b|ng\b"
    r"|불량|rejects?\b|ones\b|pieces\b|images?\b|pictures?\b)"
    r"|\b(\d{1,3}) (?:most recent|latest|newest|last|worst|biggest|most (?:frequent|common))\b"
    r"|(?<![\d.])(\d{1,3})\s*(?:건|개|장|가지)\s*(?:만|씩만|정도만)(?![가-힣])"
)
RUN = re.compile(
    r"\brun\s*(?:no\.?|number|#)?\s*(\d{1,9})\b|#(\d{1,9})|(?:실행|런)\s*(?:번호)?\s*(\d{1,9})"
    r"|(\d{1,9})\s*번\s*(?:학습|실행|런)"
)
INSPECTION = re.compile(
    r"\b(?:inspection|part|no\.?|number)\s*#?\s*(\d{1,9})\b|#(\d{1,9})|(\d{1,9})\s*번\s*(?:검사|부품|제품"
    r"|건)?|검사\s*(?:번호)?\s*(\d{1,9})"
)
LATEST = re.compile(r"\b(?:last|latest|newest|most recent|previous)\b|마지막|최근|방금|직전|아까")
ORDINALS = (
    r"(?:^|\D)1\s*번|첫\s*번?째|첫째|\bfirst\b|^\s*1\s*$",
    r"(?:^|\D)2\s*번|두\s*번?째|둘째|\bsecond\b|^\s*2\s*$",
    r"(?:^|\D)3\s*번|세\s*번?째|셋째|\bthird\b|^\s*3\s*$",
    r"(?:^|\D)4\s*번|네\s*번?째|넷째|\bfourth\b|^\s*4\s*$",
)
