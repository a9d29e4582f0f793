"""Which sections of a manual a question asks for, and which of them a heading begins.

What is shown to a worker as a defect's steps is decided more strictly (`quoting/headings.py`): here a wrong guess only
moves a passage by a few places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from inference.language.quoting.headings import section_of_headings

# A passage under the manual's title alone.
_COVER = 2


class _Section(NamedTuple):
    asked: re.Pattern[str]
    told: re.Pattern[str]


def _any_of(*signs: str) -> re.Pattern[str]:
    return re.compile("|".join(signs), re.I)


_SECTIONS = {
    "cause": _Section(
        _any_of(
            r"원인|왜|이유|때문|까닭|탓|어째서|(어떤|무슨)\s*(불량|문제|결함|일)|생기는\s*(불량|문제)|나빠지",
            r"\bwhy\b|how come|cause|reason|comes? from|what (kind of |sort of )?(fault|defect|problem|trouble)",
            r"what (happens|makes|goes wrong)|due to|behind\b|(source|origin|root) of",
            r"what( is| are|'?s) (causing|making)",
            r"where (do|does|did|is|are) .*(com(e|ing)|originat)|how (do|does|did) .* (happen|arise|come about)",
            r"어디서\s*(오|온|와|왔|생|들어|나오)|어쩌다|비롯|만드는\s*(게|건|것)|잘못(됐|되어|된)",
        ),
        _any_of(
            r"왜|까닭|이유|생기는|발생|배경|요인|어디서\s*(오|생|나)|비롯|근원|유래|출처|연유|어째서|때문|메커니즘",
            r"factors?\b|culprit|trigger|mechanism",
            r"\bwhy\b|brings|comes? from|origin|background|reason|source|behind|how it (happens|forms|arises)",
            r"what goes wrong",
        ),
    ),
    "action": _Section(
        _any_of(
            r"조치|어떻게|방법|되나|돼|해도|처리|제거|없애|뭐부터|뭐\s*(해|하)|뭘\s*해|어쩌|어떡|고치|고쳐",
            r"살리|살려|살릴|때우|때워|메우|메꾸|닦|떼|버려|버리|폐기|격리|보류|손대|건드|멈춰|멈추|세워|세우",
            r"올려|올리|내려|내리|낮춰|낮추|높여|높이면|줄여|줄이|늘려|늘리|조절|조정|바로잡|어케|우째|다시\s*(써|쓰|돌|켜|붙|찍|넣|깎|칠)",
            r"what (to|do|should|now)|(may|can|should|must) (i|we|the operator)|should|repair|remove|\bnext\b",
            r"\bnow\b",
            r"deal with|get rid|\bfix|\bmend|right away|immediate|at once|first\b|throw away|scrap",
            r"discard|salvag|\bsav(e|ed|ing)\b",
            r"rework|re-?us|touch up|restart|start again|quarantin|isolat|set aside|\bstop\b|\badjust",
            r"\blower\b|\braise\b",
            r"turn (up|down|off)|what .* (change|do) (i|we|you)|which (setting|parameter|knob)",
            r"allowed to|(may|can) it be",
        ),
        _any_of(
            r"바로|할\s*일|현장|대응|순서|고치는|손보|손질|처방|나왔을\s*때|벗어나|났을\s*때|먼저|우선|당장|즉각|조처|대책",
            r"손쓰|수습|operator (does|must|should)|disposition",
            r"on the spot|to do|at once|when it|remed|\bfix|handling|steps|deal",
            r"do (this|it|now|first)|right away|react|\btreat\b",
            r"\bfirst (steps|measures|things?)",
        ),
    ),
    "check": _Section(
        _any_of(
            r"기준|허용|확인|시험|합격|한도|합부|판정|등급|특채|재야|재나|재는|재요|재면|잰|검사|어디까지|얼마까지",
            r"까지\s*(괜찮|허용|합격|통과|봐)|limit|accept|\btest|measure|verif|inspect|tolera|grade|pass\b",
            r"how (rough|strong|big|deep|wide|large|thick|many .*allow)",
            r"how (can|do|would|should) (i|we|you) (tell|see|know|hear|feel|spot|find|detect|recogni)",
            r"tell (if|whether|apart)",
            r"double.?check|confirm|prove|make sure|be sure|magnif|look(ed|ing)? at|\bgau[gc]e|reading\b|sampl|\bcount",
            r"알아보|알아내|아는\s*법|어떻게\s*(봐|보|알)|어케\s*(봐|보|알)|구별|구분|감별|세어|세\s*(봐|보)|들여다|살펴|봐야",
            r"몇\s*(개|장|병|매|점|군데|봉지|통)\s*(를|을)?\s*(봐|보|검|재|뽑|확|까|꺼)",
        ),
        _any_of(
            r"볼\s*것|보는\s*법|재는|합부|한계|구분|고친\s*뒤|뒤에\s*보|증명|확실히|알아보|찾는\s*법|찾기|살피",
            r"판별|판단|재검|보는\s*방법|judg|\btest(s|ing)?\b|certain|look for",
            r"measuring|signs|limits|apart|afterwards|after the|how to (see|tell|find|know|recogni)",
            r"make sure|being sure",
            r"proof|prove|confirm|detect|recogni|spotting|acceptance",
        ),
    ),
    "prevention": _Section(
        _any_of(
            r"재발|예방|방지|막으려|막으면|막을|안\s*(나오|생기)게|않게|미리|주기|마다|교체|교환|자주|수명"
            r"|얼마나 쓰|몇 번",
            r"언제\s*(갈|바꾸|닦|청소)|interval|how (often|frequent)|prevent|keep .* from|from happening|come back",
            r"when (are|is|must|should|do|does) .*(chang|replac|renew|clean|swap)|renew|replace|avoid|upkeep"
            r"|maintenance",
            r"service life|in future|next time|again\?|stay away|how many .* (before|until)|after how many",
            r"생기지|나지\s*않|안\s*(나|생기)(려면|도록|게)|앞으로|다음부터|평소|얼마\s*(만에|안에)|유효|몇\s*(주|달|일|시간|교대)에\s*한",
        ),
        _any_of(
            r"미리|막기|막으려|안\s*(나오|생기|나)(게|도록|려면)|유지|정비|보전|손보기|되풀이|평소|앞으로|다시는|않게|않도록",
            r"upkeep|keep|maintenance|\bcare\b|servic|come back|ahead|avoid|never again|not again",
            r"happening again|in future",
            r"long run|stop it|staying|precaution|\breturn|\brepeat|routine",
        ),
    ),
    "report": _Section(
        _any_of(
            r"누구|누가|누굴|연락|보고|알려야|알릴|알리|전화|불러|말해야|담당",
            r"\bwho\b|whom|\btell\b|report|notify|inform|\bcall\b|escalat",
        ),
        _any_of(
            r"보고|연락|알리|알릴|통보|체계|비상", r"report|escalat|tell(?!ing .* apart)|whom|notif|contact|communicat"
        ),
    ),
    "record": _Section(
        _any_of(
            r"기록|적어|적나|적는|적죠|남기|남겨|보존|몇\s*년",
            r"보관\s*(기간|기한)|(몇\s*(달|개월)|얼마).*보관|서류|양식|서식|일지",
            r"write|record|\blog\b|papers?\b|how many (years|months)",
            r"how long .*(kept|keep|stored)|\bfile[ds]?\b|archive|document",
        ),
        _any_of(
            r"기록|남기|보존|보관|이력|서류|양식|일지|장부",
            r"record|document|traceab|filing|papers|paper ?work|retention|log ?book|entries",
        ),
    ),
    "storage": _Section(
        _any_of(
            r"보관|저장|놔두|쌓아|쌓을|둬야|두나|둡니까|적치|운반|나르|창고",
            r"\bstor(e|ed|age|ing)\b|\bstock|warehouse|\bstack|\bcarry|\bcarried",
            r"where .* (kept|put|lie)|keep (it|them|the)",
        ),
        _any_of(
            r"보관|저장|창고|적치|운반|취급|포장",
            r"storage|storing|\bstock|warehouse|transport|packing|carrying|stacking",
        ),
    ),
    "held": _Section(
        _any_of(
            r"보류|격리|폐기|버리|버려|버린|해제|풀어|재선별|불합격품|불량품",
            r"\bhold\b|\bheld\b|quarantin|block(ed)? |releas|scrap|throw|discard|destroy|dispos|reject|re-?sort",
        ),
        _any_of(
            r"보류|격리|폐기|부적합|불합격|불량품|재선별|처분",
            r"\bhold|\bheld|quarantin|blocked|scrap|nonconform|non-conform|dispos|destroy|waste|reject|re-?sort|release",
        ),
    ),
    "safety": _Section(
        _any_of(
            r"다치|다쳤|다친|베였|베인|데었|데였|데인|덴|찔렸|찔린|끼였|끼인|아프|아파|따가",
            r"어지러|감전|손(을|가락|이)|피가|피부|눈에|눈이",
            r"안전|보호|위험|보안경|장갑|마스크|hurt|injur|burnt|my (hand|finger|eye|skin|arm|foot)|bleed"
            r"|dizzy|squeezed",
            r"pinched|stung|safe|protect|goggles|gloves|wear|inhal|breath|ear (plugs?|muffs?|defend)",
            r"dangerous|first aid",
            r"귀마개|안전화|앞치마|보호구|복장|입어야|써야\s*(하|되|돼)|끼어야|응급|병원|삼켰|마셨|화상|위생",
        ),
        _any_of(
            r"안전|보건|몸|다치|보호|위생|복장|응급|부상|위험|사고",
            r"\bhurt\b|accident",
            r"safety|protect|yourself|health|first aid|injur|hazard|hygiene|clothing|hearing|\bppe\b|danger",
        ),
    ),
}

_ASIDE = _Section(
    _any_of(
        r"목적|적용|대상|범위|다루|개정|문서|판\b|purpose|scope|covers?\b|applies|edition|revision|issue\b|document"
    ),
    _any_of(
        r"목적|적용|대상|다루는|머리말|개정|이력|목차|purpose|scope|object\b|covers|revision|history|contents"
        r"|foreword|introduction"
    ),
)


def sections_asked(question: str) -> frozenset[str]:
    """Return the sections that the words of a question ask for, none where they tell none."""
    return frozenset(name for name, section in _SECTIONS.items() if section.asked.search(question))


def asks_aside(question: str) -> bool:
    """Return whether a question asks what a manual says of itself: its scope, its edition."""
    return bool(_ASIDE.asked.search(question))


def is_aside(headings: Sequence[str]) -> bool:
    """Return whether a passage under these headings tells of the manual itself: its cover, scope, revisions."""
    return len(headings) < _COVER or bool(_ASIDE.told.search(headings[-1]))


def sections_of(headings: Sequence[str]) -> frozenset[str]:
    """Return the sections that a passage under these headings, outermost first, belongs to."""
    strict = section_of_headings(headings)
    innermost = headings[-1] if headings else ""
    wide = {name for name, section in _SECTIONS.items() if section.told.search(innermost)}
    return frozenset(wide if strict is None else wide | {strict})
