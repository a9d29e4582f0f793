"""The words by which people confirm, cancel, point back, and say by what something is to be grouped."""

from __future__ import annotations

import re

from core.assistant.offline.words.places_words import WEEKLY

START = re.compile(
    r"시작\s*(?:해|하자|시켜|할게|합시다|하세요|$)|(?:그대로|바로|이대로|당장)?\s*(?:진행|실행|돌려"
    r"|확정)\s*(?:해|하자|시켜|$)|(?:^|\s)확인\s*(?:했|해|함|$)|컨펌"
    r"|\b(?:start|launch|run|begin|kick) (?:it|now|that|this|off|the (?:training|run|draft))\b|\bstart\b$"
    r"|\bgo ahead\b|\bconfirm(?:ed)?\b"
    r"|\bdo it\b|\bjust start\b|\bi confirm\b|\bapproved?\b|\bproceed\b"
)
SHORT_START = re.compile(
    r"(?:네|넵|예|응|ㅇㅇ|좋아|좋아요|오케이|ㅇㅋ|yes|yep|yeah|ok|okay|sure|go|fine|y)[\s,.!]*(?:please"
    r"|해\s*줘|부탁해|진행해|시작해)?[\s.!]*"
)
CANCEL = re.compile(
    r"취소|그만\s*(?:둬|두|해)|됐어|필요\s*없|버려|폐기|안\s*할래|하지\s*마|\bcancel\b|\bnever\s?mind\b"
    r"|\bdiscard\b|\bforget (?:it|that)\b|\bdrop (?:it|the draft)\b"
    r"|\bthrow it away\b|\bdon'?t (?:train|do it|bother)\b"
)
_NOT_OWN = re.compile(
    r"\b(?:show|tell|give|let|for|help) me\b|\b(?:can|could|may) i (?:see|have|get)\b|\bi(?:'d| would) like\b"
    r"|\bi (?:want|need) to (?:see|know)\b"
)
_OWN = re.compile(
    r"\b(?:i|my|mine|me|myself|i'm|i've)\b|내가|내\s|나의|제가|본인|내꺼|내\s*것|(?<![가-힣])(?:제|저한테|나한테)\s"
)
INSTEAD = re.compile(
    r"\binstead\b|\bmake (?:it|that)\b|\bchange\b|\bswitch\b|\bactually\b|바꿔|바꾸|변경|대신|말고|아니"
)
# What was said before goes on to hold: “그 제품”, “and which of those”.
BACK = re.compile(
    r"^(?:그럼|그러면|그리고|그중|그\s|거기|해당|그건|그거)|그\s*(?:제품|라인|로트|품목|기간|중|때|불량)|거기서|해당\s*(?:제품|라인)"
    r"|^(?:and|then|so|also|ok(?:ay)?,? and|but)\b|\b(?:that|those|these|same) (?:products?|lines?|lots?|parts?|ones?"
    r"|periods?|days?|weeks?|months?|shifts?|types?|defects?)\b|\b(?:in|from|on|over) there\b|\bthere\??$"
    r"|\babout (?:that|it|them|those)\b|그거|그것|그게|\bof (?:those|them|these)\b|\bits\b|\b(?:for|on|of) it\b"
    r"|\bthe (?:last|latest|newest|most recent|first|other) one\b|(?:마지막|최근|첫)\s*(?:거|것|건|꺼)(?![가-힣]{2})"
    r"|그\s*중"
)
# One thing more of the same.
ALSO = re.compile(
    r"(?:이력|기록|내역|목록|결과|성적|현황|상태|버전|데이터|데이터\s*셋|학습|훈련|실행|모델|약점|임계값|기준값|기준)들?도(?![가-힣])"
    r"|\b(?:too|also|as well)\b"
)
# Trainings of before are asked for by their settings: “which runs had 40 epochs”, “40에폭으로 돌린 학습 있어?”. What is
# wanted of the draft that is open (“make it 40 epochs”) is never told of in the past.
PAST_RUNS = re.compile(
    r"\b(?:which|what|any|did|list|show|find|were|was)\b.*\b(?:runs?|trainings?|experiments?|train(?:ed)?)\b"
    r".*\b(?:had|have|used|took|ran|with|at|of|for)\b"
    r"|\b(?:which|what|any)\b.*\b(?:runs?|trainings?|experiments?) (?:was|were|did|is|are)\b"
    r"|\bdid\b.*\b(?:runs?|trainings?|experiments?|we|you)\b.*\b(?:use|take|train|need|run)\b"
    r"|(?:돌린|돌렸던|학습한|학습했던|훈련한|훈련했던|학습시킨|썼던|쓴|(?<![가-힣])한|했던|끝난|짜리|였던|이던)\s*"
    r"(?:학습|훈련|실행|실험|거|게|것|건|적)(?:이|은|는|들|들이|들은)?\s*.*(?:있|뭐|무엇|무슨|어떤|어느|언제|몇|보여|알려|찾아|골라)"
    r"|(?:어떤|어느|무슨)\s*(?:학습|훈련|실행|실험)(?:이|은|에서|들이)?\s.*(?:었|였|했|썼|돌렸|걸렸)"
)
# Models or products at large, whatever was spoken of.
OF_MANY = re.compile(
    r"(?:모델|제품|학습)들|(?:어느|어떤|무슨)\s*(?:제품|모델|품목)|제품별|지금|현재|돌고|돌아가|진행\s*중"
    r"|\b(?:models|products|running|currently|right now|at the moment|in progress|any)\b"
    r"|\b(?:which|what) (?:model|product)\b"
)
# All of it is meant, not only what was narrowed down to before.
WHOLE = re.compile(
    r"전체|전부|모두|합쳐|통틀어|(?<![가-힣])전\s*(?:제품|라인|품목|교대)|(?<![가-힣])다(?![가-힣])"
    r"|\b(?:all|overall|every|everything|everyone|everybody'?s?|in total|altogether|whole)\b"
)
_NOUNS: tuple[tuple[str, str, str], ...] = (
    ("line", r"(?:생산\s*)?(?:라인|호기|공정|설비)", r"(?:production )?(?:line|station|machine|press)"),
    ("product", r"(?:제품|품목|모델명|품종|아이템)", r"(?:product|item|part type)"),
    ("lot", r"(?:로트|롯트|배치\s*번호)", r"(?:lot|batch number)"),
    ("shift", r"(?:교대조|교대|근무조|근무|(?<![제구])조)", r"(?:shift|crew|team)"),
    ("type", r"(?:불량\s*)?(?:유형|종류|타입|불량명|항목)|불량(?=\s*별)", r"(?:defect )?(?:type|kind|category|mode)"),
    ("hour", r"(?:시간대|시간)", r"hour"),
    ("day", r"(?:일자|날짜|요일|하루|(?<![가-힣])일|날)", r"(?:day|date|weekday)"),
    ("week", r"(?:주차|(?<![가-힣매])주간?)", r"week"),
    ("month", r"(?:월|달)", r"month"),
)
_EVERY = {
    "hour": r"hourly|an hour",
    "day": r"daily|매일|일간|하루\s*하루|day over day|day by day|a day|일자"
    r"|하루에\s*(?:몇|얼마)|하루\s*(?:평균|단위|간격)",
    "week": rf"weekly|매주|{WEEKLY}|a week|(?:일주일|1\s*주일?|한\s*주)\s*(?:단위|마다|간격|씩)",
    "month": r"monthly|매달|매월|월간|a month|(?:1|한)\s*달\s*(?:단위|마다|간격|씩)",
    "shift": r"주야간?(?:조)?|주\s*[/·]\s*야간?|days? (?:and|vs\.?|versus) nights?|nights? (?:and|vs\.?|versus) days?",
}
# One of several times is looked for: “몇 월에 제일 많았어”, “which week was worst”.
_WHICH_TIME = {
    "week": r"(?:몇|어느|무슨)\s*주(?:차)?(?:에|가|이)?(?![가-힣])|\b(?:which|what|worst|best) week\b",
    "month": r"(?:몇|어느|무슨)\s*(?:월|달)(?:에|이)?(?![가-힣])|\b(?:which|what|worst|best) month\b",
}
_PARTED = r"나눠|나누|나눌|나눈|나뉘|쪼개|갈라|가르|구분|분리|묶"
# What was asked before is to be parted: “주야간으로 나눠서”, “split it into shifts”.
_PARTS = re.compile(
    rf"{_PARTED}|따로|별로|마다(?![가-힣])|비교"
    r"|\b(?:split|separat|divid|group|compar)\w*|\b(?:by|per|each|apart|versus|vs)\b"
)
# A defect type that is counted: “burr count”, “얼룩 건수”.
_COUNTED_TYPE = re.compile(
    r"T(?:의|이|가|은|는)?\s*(?:불량\s*|발생\s*|검출\s*)?"
    r"(?:건수|개수|갯수|수량|횟수|총\s*수|몇\s*(?:건|개|장|번|회)|\b(?:counts?|tally|tallies|totals?|numbers?|quantity)\b)"
    r"|\b(?:counts?|numbers?|tally|totals?|amount|quantity) of (?:the |all )?T|\bhow many (?:of the )?T"
)
# Which types of defects there were, of whatever it is said: “LOT-77은 무슨 불량이 많았는데”.
_WHICH_DEFECTS = re.compile(
    r"(?:무슨|어떤|뭔|어느)\s*(?:종류의\s*|유형의\s*)?(?:불량|결함|하자|흠|디펙트)(?!\s*(?:률|율|수|건수|제품|품))"
    r"|\b(?:what|which) (?:(?:sorts?|kinds?|types?) of )?(?:defects?|flaws?|faults?|imperfections?)\b"
    r"(?! (?:rates?|counts?|numbers?|percent\w*|totals?))"
)
# What is asked for as one of many: “which line”, “어느 라인”. Of a time it is more often a period that is meant.
_WHICH = frozenset({"line", "product", "lot", "shift", "day"})


_TIME_LOOKED_FOR = re.compile(
    rf"{'|'.join(_WHICH_TIME.values())}|(?:어느|무슨|며칠)\s*(?:날|요일)|\b(?:which|what) (?:day|date|weekday)\b"
)


def is_own(text: str) -> bool:
    """Return whether only what is the person's own is meant: “show me” means nothing of the kind."""
    return _OWN.search(_NOT_OWN.sub(" ", text)) is not None


def _grouped(name: str, korean: str, english: str) -> re.Pattern[str]:
    found = [
        rf"{korean}\s*(?:별|마다|단위|대로|기준)|각\s*{korean}|{korean}\s*(?:끼리|간)?\s*비교",
        rf"\b(?:by|per|each|every|across|between|vs\.?|versus)[ -](?:the )?{english}s?\b",
        rf"\b{english}[- ]?wise\b|\b{english}s compare\b|\bcompar\w+ (?:\w+ ){{0,2}}{english}s\b",
        rf"\b{english}[- ](?:by|over|on)[- ]{english}\b",
        rf"{korean}(?:으로|로)\s*(?:좀\s*|다시\s*)?(?:{_PARTED})",
        rf"\b(?:split|separat|divid|group)\w* (?:(?!by\b|per\b)\w+ ){{0,3}}?{english}s?\b",
        rf"\bcompare (?:all )?(?:the |our )?{english}s\b|\b{english} comparison\b",
    ]
    if name in _EVERY:
        found.append(rf"(?<![a-z가-힣])(?:{_EVERY[name]})(?![a-z])")
    if name in _WHICH:
        found += [
            rf"(?:어느|어떤|무슨|몇\s*번)\s*{korean}|(?:많|높|심|나쁘|나쁜|좋|낮|적)\S{{0,3}}\s*(?:\S{{1,3}}\s*)?{korean}"
            rf"|{korean}(?:이|은|중|중에)?\s*(?:에서\s*)?(?:어디|제일|가장|젤)"
            rf"|{korean}(?:들)?\s*(?:중|중에|중에서|가운데)\s.{{0,12}}?(?:제일|가장|젤|꼴찌|꼴등|최하위|최고|최저)|{korean}\s*(?:간(?![가-힣])|들(?:을|끼리)?\s*비교)",
            rf"\b(?:which|wich|whch|what|worst|best) {english}s?\b"
            rf"|\b{english}s? (?:has|have|had|with|makes?|made|produce[sd]?) (?:the )?"
            r"(?:most|least|fewest|highest|lowest|worst|best)",
        ]
    if name in _WHICH_TIME:
        found.append(_WHICH_TIME[name])
    return re.compile("|".join(found))


_GROUPS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, _grouped(name, korean, english)) for name, korean, english in _NOUNS
)


_SUPERLATIVE = (
    r"제일|가장|젤|최고|최저|최악|최다|꼴찌|꼴등|최하위|어느|어떤"
    r"|\b(?:most|least|fewest|best|worst|highest|lowest|biggest|which|what|who|where)\b"
)
# Of these the noun alone tells it, where one of them is looked for: “which of the lines”, “제일 불량 안 나는 라인”.
_LOOSE = tuple(
    (name, re.compile(rf"(?:{_SUPERLATIVE}).{{0,30}}?(?:{korean}(?![가-힣]*별)|\b{english}s?\b)"))
    for name, korean, english in _NOUNS
    if name in {"line", "shift", "lot", "product"}
)


def asks_for_parts(masked: str) -> bool:
    """Return whether something is to be parted: by what, `read_group` tells."""
    return _PARTS.search(masked) is not None


def counts_a_type(masked: str) -> bool:
    """Return whether a count word stands beside a defect type."""
    return _COUNTED_TYPE.search(masked) is not None


def asks_which_defects(masked: str) -> bool:
    """Return whether it is asked which types of defects there were, none of them named."""
    return "T" not in masked and _WHICH_DEFECTS.search(masked) is not None


def looks_for_time(masked: str) -> bool:
    """Return whether one of several days, weeks or months is looked for."""
    return _TIME_LOOKED_FOR.search(masked) is not None


def read_looked_for(masked: str) -> str:
    """Return which one of several is looked for, empty for none."""
    return next((name for name, pattern in _LOOSE if pattern.search(masked)), "")


def read_group(masked: str) -> str:
    """Return by what is counted, empty for the total."""
    for mark, name in (("S", "shift"), ("L", "line")):
        if masked.count(mark) > 1:
            # Two are named: they are to be compared.
            return name
    return next((name for name, pattern in _GROUPS if name != "hour" and pattern.search(masked)), "")


def read_step(masked: str) -> str:
    """Return the steps in time of a trend, empty for none."""
    steps = {"hour", "shift", "day", "week", "month"}
    return next((name for name, pattern in _GROUPS if name in steps and pattern.search(masked)), "")
