"""What kind of value a question asks for, and which passages tell one: a temperature, an interval, a person.

“몇 도”, “how often” and “누구” have no word in common with “350 ℃”, “매주” and “품질 팀장”, whatever the trade.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Value(NamedTuple):
    """A kind of value: how questions ask for it, and how passages tell it."""

    asked: re.Pattern[str]
    told: re.Pattern[str]


def _value(asked: str, told: str) -> Value:
    return Value(re.compile(asked, re.I), re.compile(told, re.I))


_NUMBER = r"\d[\d.,]*\s*(?:~|-|–|±|to|/)?\s*[\d.,]*\s*"
VALUES = (
    # temperature
    _value(
        r"몇\s*도|온도|얼마나\s*(?:뜨|차|달|데우)|how (?:hot|cold|warm)|temperature|degrees?\b|which heat",
        _NUMBER + r"(?:℃|°|도(?![가-힣])|도[로에를가이의])",
    ),
    # interval
    _value(
        r"주기|자주|간격|마다|(?:달|주|년|해|시간|분|개월|일)에\s*(?:한|두|몇)\s*번"
        r"|얼마(?:나|만에)\s*(?:쓰|갈|바꾸|한\s*번)"
        r"|수명|언제\s*(?:갈|바꾸|교체|교환|닦|청소|씻)|몇\s*(?:번|회|숏|타|장|판|개|시간)\s*(?:쓰|찍|만에|돌|깎)"
        r"|how (?:often|frequent)|interval"
        r"|when (?:are|is|must|should|do|does) .*(?:chang|replac|renew|clean|wash|check|swap)|service life"
        r"|schedule|how many .* (?:before|until|between)|after how many"
        r"|(?:몇|얼마)[가-힣\s]*(?:만에|지나면|쓰고|넘으면)",
        r"마다|매일|매주|매월|매년|날마다|주초|격주|반기|분기|교대\s*(?:시작|때|전)|(?:연|월|주|하루|일)\s*\d"
        r"|\bevery\b|\b(?:dai|week|month|year|quarter)ly\b|\b(?:once|twice) an?\b"
        r"|\b(?:per|each) (?:shift|day|week|month)\b"
        r"|\d\s*(?:strokes|cycles|shots|cuts|prints)\b",
    ),
    # time
    _value(
        r"몇\s*(?:분|초|시간|일|년|달|개월|주)|얼마\s*(?:동안|안에|만에)|얼마나\s*(?:오래|두|말리|굳|굽|식)"
        r"|며칠|언제까지|기간|시간|기한|빨리"
        r"|how (?:long|soon|quickly|fast)|how many (?:minutes|seconds|hours|days|years|months|weeks)|until when|for how"
        r"|time limit",
        _NUMBER
        + r"(?:분|초|시간|일|년|개월|주(?!문)|달|s\b|sec|min|h\b|hours?|days?|weeks?|months?|years?)|즉시|당일|그날"
        r"|퇴근\s*전|\b(?:at once|immediately|same day|half an hour)\b|\bone (?:hour|day|week|year)\b",
    ),
    # length
    _value(
        r"몇\s*(?:밀리|미리|센티|센치|마이크로|미크론|mm|cm|㎜)|깊이|두께|길이|폭|너비|높이|간격|지름|직경|크기"
        r"|치수|얼마나\s*(?:깊|두꺼|길|넓|높|크)|how (?:deep|wide|thick|long|high|big|far|large|tall)|depth"
        r"|width|thickness|length"
        r"|height|diameter|distance|size",
        _NUMBER + r"(?:mm|㎜|cm|µm|μm|um|nm|m\b|마이크로미터|밀리|센티)",
    ),
    # number
    _value(
        r"몇\s*(?:개|장|매|병|롤|판|숏|대|번|회|군데|점|곳|칸|명|줄)|개수|수량|how many|number of|count|sample size",
        _NUMBER
        + r"(?:개|장|매|병|롤|판|숏|대\b|회|군데|점|곳|칸|명|pcs|pieces|parts|sheets|times|points|places|samples|shots"
        r"|boards|cells|units|bottles|rolls)|(?:한|두|세|네|다섯|여섯|열)\s*(?:개|장|번|점|군데|매)"
        r"|\b(?:one|two|three|four|five|six|ten|twenty|thirty|twice|once)\b",
    ),
    # weight
    _value(
        r"몇\s*(?:그램|킬로|g|kg)|무게|중량|how heavy|weight|how much does .* weigh",
        _NUMBER + r"(?:g\b|kg|mg|그램|킬로|t\b|톤)",
    ),
    # force and pressure
    _value(
        r"힘|압력|토크|하중|세기|강도|인장|몇\s*(?:뉴턴|바\b|n\b|메가|파스칼)|얼마나\s*(?:세|강|조|당|누르)"
        r"|how (?:strong|hard|tight|much force)|force|pressure|torque|strength|load",
        _NUMBER + r"(?:N\b|kN|kgf|MPa|kPa|Pa\b|bar|N·m|N\s*m|cN|t\b|hPa|psi)",
    ),
    # share
    _value(
        r"몇\s*(?:프로|퍼센트|%)|비율|함량|습도|농도|수분|얼마까지|어느\s*정도|percent|ratio|share|content"
        r"|humidity|concentration"
        r"|moisture|how (?:damp|moist|humid|dry)|how much",
        _NUMBER + r"(?:%|％|퍼센트|ppm|RH|percent)",
    ),
    # light
    _value(
        r"몇\s*(?:룩스|럭스)|밝기|조도|얼마나\s*밝|how bright|brightness|\blux\b|light level",
        _NUMBER + r"(?:lux|lx|룩스|럭스)",
    ),
    # speed and flow
    _value(
        r"속도|몇\s*(?:알피엠|rpm|바퀴)|회전수|유량|얼마나\s*(?:빠르|빨리)"
        r"|how fast|speed|\brpm\b|flow rate|how much (?:gas|air|water)",
        _NUMBER + r"(?:m/min|mm/s|m/s|mm/min|rpm|L/min|l/min|m³|L\b|리터|km)|분당|초당|a minute|per minute|per second",
    ),
    # place
    _value(
        r"어디(?:에|로|다|서|야|죠|예요|까지|에다|\s*두|\s*놓|\s*넣|\s*있)|어느\s*(?:서랍|칸|구역|통|선반|상자|방|장소)"
        r"|\bwhere (?:do|does|should|must|is|are|can|to)\b"
        r"|which (?:drawer|shelf|bin|box|cabinet|zone|area|room|lane|place)",
        r"서랍|캐비닛|선반|보관함|구역|창고|실에|통에|상자에|함에|칸에|장에|\b(?:drawer|cabinet|shelf|zone|area|room|bin|box"
        r"|rack|lane|locker|cupboard|warehouse|store)\b",
    ),
    # person
    _value(
        r"누구|누가|누굴|담당|허락|허가|승인|결재|책임"
        r"|연락|보고|알려야|알릴|전화|불러|\bwho\b|whom|notify|report|tell any"
        r"|contact person|call\b|inform|permission|approv|responsible|in charge",
        r"조장|반장|팀장|부장|과장|본부장|공장장|담당|책임자|관리자|기술자|엔지니어|금형반|보전반|정비|보건"
        r"|품질\s*(?:팀|관리|보증)|에게"
        r"|manager|leader|supervisor|engineer|foreman|head of|inspector|officer|technician|quality|nurse|maintenance",
    ),
    # what is allowed and what is not
    _value(
        r"(?:[가-힣]도|해|써)\s*(?:되나|돼|되는|될까|괜찮)"
        r"|안\s*되나|안\s*돼|(?:may|can|should) (?:i|we|it|the|an?)\b"
        r"|is it (?:ok|okay|allowed|possible)|allowed to|do i have to"
        r"|(?:[가-힣]면|써도|쓸\s*수)\s*(?:안|되|돼|있)|[가-힣]도\s*됩니까"
        r"|\bok(?:ay)? to\b|must (?:i|we)\b|do (?:i|we) need|(?:may|can) (?:be|they|these|this|that)\b",
        r"않는다|않고|말고|말\s*것|금지|못한다|한해|만\s*(?:쓴다|한다|고친다)|안\s*된다"
        r"|\b(?:do not|never|must not|not allowed|only|may|forbidden)\b",
    ),
)


def values_asked(question: str) -> list[int]:
    """Return the places in `VALUES` of what the question asks for."""
    return [place for place, value in enumerate(VALUES) if value.asked.search(question)]
