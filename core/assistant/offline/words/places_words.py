"""The words by which lines, lots, shifts, runs and inspections are named in a message."""

from __future__ import annotations

import re

LINE = re.compile(
    r"(?:\bline|\bl(?=\d))\s*(?:no\.?|number|#)?\s*(?!of\b)([a-z]?-?\d{1,4}[a-z]?|[a-z])\b"
    r"|(?<![a-z0-9])([a-z]?-?\d{1,4}[a-z]?|[a-z])\s*(?:번\s*)?(?:생산\s*)?(?:라인|호기)"
    r"|(?:라인|호기)\s*(?:은|는|이)?\s*([a-z]?-?\d{1,4}|[a-z])(?![a-z0-9가-힣])"
)
LOT = re.compile(
    r"(?:\blot|로트|롯트)[\s_-]*(?:no\.?|number|번호|#|은|는|:)?\s*([a-z0-9][a-z0-9_.-]*)"
    r"|([a-z0-9][a-z0-9_.-]*)\s*(?:번\s*)?(?:로트|롯트)"
)
SHIFT = re.compile(
    r"(주간|야간|오전|오후|심야|[a-z]|\d)\s*(?:조|교대|근무조?|시프트)(?![가-힣]*별)|(?<![가-힣])(주간"
    r"|야간)(?=에|조|\s|은|의|$)"
    r"|\b(day|night|morning|evening|late|early|first|second|third|[a-c])\s+shift\b|\bshift\s+([a-z0-9]+)\b"
)
TOP = re.compile(
    r"(?:top|상위|톱|탑)\s*(\d{1,3})|(?:last|latest|newest|recent|최근|마지막)\s*(\d{1,3})\s*(?:건|개|parts?"
    r"|inspections?|ng|불량)"
)
RUN = re.compile(
    r"\brun\s*(?:no\.?|number|#)?\s*(\d{1,9})\b|#(\d{1,9})|(?:실행|런)\s*(?:번호)?\s*(\d{1,9})"
    r"|(\d{1,9})\s*번\s*(?:학습|실행|런)"
)
INSPECTION = re.compile(
    r"\b(?:inspection|part|no\.?|number)\s*#?\s*(\d{1,9})\b|#(\d{1,9})|(\d{1,9})\s*번\s*(?:검사|부품|제품"
    r"|건)?|검사\s*(?:번호)?\s*(\d{1,9})"
)
HOW_IS_IT = re.compile(
    r"어때|어땠|어떤가|어떻|상황|괜찮|문제\s*(?:없|있)|양호|심각|\bhow(?:'s| is| are| was| were| did"
    r"| does)\b|\b(?:bad|good|fine|okay|well|doing)\b"
)
LATEST = re.compile(r"\b(?:last|latest|newest|most recent|previous)\b|마지막|최근|방금|직전|아까")
ORDINALS = (
    r"(?:^|\D)1\s*번|첫\s*번?째|첫째|\bfirst\b|^\s*1\s*$",
    r"(?:^|\D)2\s*번|두\s*번?째|둘째|\bsecond\b|^\s*2\s*$",
    r"(?:^|\D)3\s*번|세\s*번?째|셋째|\bthird\b|^\s*3\s*$",
    r"(?:^|\D)4\s*번|네\s*번?째|넷째|\bfourth\b|^\s*4\s*$",
)
