"""Which section a heading, a column's head or, where there is none, a sentence belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inference.language.guidance import SectionName
from inference.language.quoting.names import DefectNames

_PREVENTION = re.compile(
    r"재발|예방|방지|사전\s*관리|관리\s*(포인트|항목|방안)|정기|주기|prevent|recurr|avoid|periodic|maintenance|schedule"
    r"|keep\w*\s+it\s+from|long[- ]term|permanent",
    re.I,
)
_STRONG: tuple[tuple[SectionName, re.Pattern[str]], ...] = (
    (
        "cause",
        re.compile(r"원인|요인|발생\s*(이유|배경|경로|메커니즘)|기인|cause|reason|origin|brings it about|why\b", re.I),
    ),
    (
        "action",
        re.compile(
            r"조치|대응|대처|처리|처치|즉시|격리|응급|긴급|보고|통보|알릴|수정\s*방법|재작업|immediate|action|response"
            r"|contain|remed|correct|repair|rework|disposition|what to do|report|notify|\btell\b|escalat|counterm",
            re.I,
        ),
    ),
    ("check", re.compile(r"확인|점검|검증|check|verif|confirm|validation", re.I)),
)
_WEAK_CHECK = re.compile(r"검사|측정|판정|기준|한도|inspect|measure|criteri|accept|limit|grade", re.I)
_JOINED = re.compile(r"\s(및|and|or)\s|\S(와|과)\s|[·/&,]")
# Chapters that speak of the manual or of the shop in general, not of what to do about a defect.
_NO_STEPS = re.compile(
    r"개정|이력|목차|용어|정의|목적|적용\s*범위|개요|머리말|참고\s*문헌|관련\s*(문서|표준)|revision|history|contents|glossary"
    r"|definition|purpose|scope|introduction|overview|foreword|references|related documents",
    re.I,
)
_TITLE = re.compile(r"매뉴얼|지침|표준서|절차서|요령서|manual|handbook|guide|instruction|procedure", re.I)
_NUMBER = re.compile(r"^\s*(?:제\s*)?(\d{1,2}(?:\.\d{1,2})*)\s*[.)장절:]?\s*")
_SEVERITY = re.compile(
    r"(치명|중대|중|경|경미|주요|심각)(한)?\s*(불량|결함)|심각도|등급(은|이)|\b(critical|major|minor)\b|\bseverity\b",
    re.I,
)
# The words that stand for a section by themselves, before a colon or in a cell of their own.
SECTION_WORDS = (
    r"(?:(?:발생|추정|주요)\s?)?원인|(?:(?:즉시|응급|시정|개선|처리)\s?)?(?:조치|대책|대응)(?:\s?(?:방법|사항|내용))?"
    r"|확인|점검|재발\s?방지(?:\s?대책)?|예방(?:\s?조치)?|(?:(?:possible|likely|root)\s)?causes?"
    r"|(?:(?:immediate|corrective|preventive)\s)?(?:actions?|measures?)|remed(?:y|ies)|checks?|prevention"
)
_LONGEST_HEAD = 60
_SAID = re.compile(r"[:：]\s*\S+\s+\S+\s+\S")
_RESULTS_IN = re.compile(r"원인이\s*(되|된|될)|\b(may|can|could|will)\s+cause\b|\bcauses\b|\bleads? to\b", re.I)
_SENTENCES: tuple[tuple[SectionName, re.Pattern[str]], ...] = (
    (
        "prevention",
        re.compile(
            r"재발|예방|정기적|주기적|\bprevent|\bperiodic|\bregularly\b|\bevery (day|week|month|shift)\b", re.I
        ),
    ),
    (
        "cause",
        re.compile(
            r"원인(은|:|으로|이다)|때문(에|이다)|(으로|로)\s*인해|에서\s*비롯|기인|caused by|due to|because"
            r"|comes? from|\bcause is\b",
            re.I,
        ),
    ),
    (
        "check",
        re.compile(
            r"(확인|점검|측정|검사|검증)(한다|할 것|하십시오|하시오|합니다|하세요)|(재어|찍어)\s*본다|잰다"
            r"|^(check|verify|inspect|measure|confirm|make sure|look)\b",
            re.I,
        ),
    ),
)
# Korean instructions end in a verb that somebody does; what only is, shows or comes about is description.
_DOES = re.compile(r"(다|것|시오|세요|니다|마라|말라)\s*[.。]?\s*$")
_IS = re.compile(
    r"(이다|있다|없다|된다|생긴다|보인다|나타난다|발생한다|다룬다|말한다|뜻한다|나온다|쉽다|많다|적다|높다|낮다|크다|작다|"
    r"입니다|있습니다|됩니다|보입니다|발생합니다|나타납니다|남는다|커진다|떨어진다|았다|었다|했다)\s*[.。]?\s*$"
)
_DO = re.compile(
    r"^(do not |never |always |then |first,? |immediately |at once,? )?("
    r"add|adjust|align|apply|ask|blow|calibrate|call|change|clean|clear|close|collect|cool|cut|discard"
    r"|dispose|drain|dry|file|fill|fit|fix|flush|grease|grind|heat|hold|increase|isolate|keep|label|lift"
    r"|lock|loosen|lower|lubricate|mark|move|notify|open|place|polish|press|pull|put|quarantine|raise"
    r"|re-?inspect|record|reduce|reflow|remove|repair|replace|report|reset|retighten|return|rework|rinse"
    r"|rotate|sand|scrap|send|separate|set|shut|sort|start|stop|store|switch|tag|take|take apart|tell"
    r"|tighten|touch|turn|use|wash|wear|weld|wipe|write"
    r")\b",
    re.I,
)


def section_of_heading(words: str, names: DefectNames | None = None) -> SectionName | None:
    """Return the section that a heading or a column's head tells, None where it tells none, or two of them.

    A defect's own name tells nothing (“Inspection mark”). Of several words the last decides in Korean, the first in
    English: 조치 후 확인, verification of the action.
    """
    text = names.without(words) if names is not None else words
    if _PREVENTION.search(text):
        return "prevention"
    found = sorted((match.start(), name) for name, sign in _STRONG for match in sign.finditer(text))
    if not found:
        return "check" if _WEAK_CHECK.search(text) else None
    told = {name for _place, name in found}
    if len(told) > 1 and _JOINED.search(text):
        return None
    return found[-1][1] if re.search("[가-힣]", text) else found[0][1]


def section_of_headings(headings: Sequence[str], names: DefectNames | None = None) -> SectionName | None:
    """Return what the innermost heading tells, else one farther out; the manual's title and the defect's own end it.

    Above the heading that names the defect only a bare section counts (원인 › 기공): a chapter that is called
    “what to do about defects” holds their causes, too.
    """
    inner = list(headings[1:] if _begins_with_title(headings) else headings)
    passed = False
    for heading in reversed(inner):
        section = section_of_heading(heading, names)
        if section is not None and not (passed and not _is_bare(heading)):
            return section
        passed = passed or (names is not None and names.find(heading).own)
    return None


def _begins_with_title(headings: Sequence[str]) -> bool:
    """Return whether the outermost heading is the manual's title, and not a chapter such as “1. Causes”."""
    if _TITLE.search(headings[0] if len(headings) > 1 else " ".join(headings)):
        return True
    return len(headings) > 1 and not (_NUMBER.match(headings[0]) and _is_bare(headings[0]))


def is_head_row(cells: Sequence[str]) -> bool:
    """Return whether a table's first row can be its head: words, not what is said of something."""
    return not any(len(cell) > _LONGEST_HEAD or cell.endswith((".", "다")) or _SAID.search(cell) for cell in cells)


def section_of_sentence(sentence: str) -> SectionName | None:
    """Return the section of a sentence under no such heading, None for one that only describes.

    How severe a defect is and what it leads to is no cause of it.
    """
    if tells_severity(sentence):
        return None
    leads_on = _RESULTS_IN.search(sentence)
    for section, sign in _SENTENCES:
        if sign.search(sentence) and not (section == "cause" and leads_on):
            return section
    if re.search("[가-힣]", sentence):
        return "action" if _DOES.search(sentence) and not _IS.search(sentence) else None
    return "action" if _DO.match(sentence) else None


def tells_severity(sentence: str) -> bool:
    """Return whether a sentence says how severe a defect is."""
    return bool(_SEVERITY.search(sentence))


def holds_no_steps(headings: Sequence[str]) -> bool:
    """Return whether the passage stands in a chapter such as the purpose or the revisions."""
    return any(_NO_STEPS.search(heading) for heading in headings[1:])


def number_of(heading: str) -> tuple[int, ...]:
    """Return the number that a heading begins with, () where it has none: (3, 1) of “3.1 Causes”."""
    found = _NUMBER.match(heading)
    return tuple(map(int, found[1].split("."))) if found else ()


def _is_bare(heading: str) -> bool:
    """Return whether a heading is hardly more than the word that tells its section."""
    return len(_NUMBER.sub("", heading).split()) <= 3
