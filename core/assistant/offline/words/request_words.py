"""The words by which each task is known, in the order in which they are looked for."""

from __future__ import annotations

import re

TRAIN = re.compile(
    r"\b(?:re)?-?trai?n(?:ing)?\b|\btrian\b|\btrainig\b|fine[-\s]?tun(?:e|ing)|\bfinetun\w*|\bteach\b|\blearn\b"
    r"|\b(?:build|make|create|develop|set up|want|need|get)\b[^.?!]{0,40}?\b(?:classifier|detector|segmenter"
    r"|segmentation"
    r"|detection|classification|model)\b(?!\s*(?:report|state|status))"
    r"|\brun (?:an? |the |some )?(?:segmentation|classification|detection|fine)\w*"
    r"|학습|훈련|트레이닝|파인\s*튜닝|미세\s*조정|가르쳐"
    r"|(?:분류|검출|분할|세그\S*|탐지|모델|판별|classif\w*|detect\w*|segment\w*)[^?.]{0,14}?(?:만들|만드"
    r"|생성|구축|돌려|돌리|뽑아|짜\s*줘|개발|제작)"
)
_RUN_WORDS = re.compile(
    r"(?:학습|훈련)\s*(?:실행|결과|이력|목록|기록|내역|현황|상태|런|성적)|(?:학습|훈련)(?:은|이|된|한"
    r"|했던)?\s*(?:어떻게|얼마나|끝났|잘|뭐|거\s*(?:보여|목록))"
    r"|\btrain(?:ing|ed)?\s*(?:runs?|results?|history|jobs?|status|progress|figures|models?\s+(?:list|do we"
    r"|are))\b|\bruns?\b(?! it| (?:an? |the |some )?(?:segm|class|detec|fine|train))|실험\s*(?:목록|결과"
    r"|보여|현황)"
    r"|\bexperiments?\b[^.]{0,20}(?:list|show|results?)|(?:list|show)[^.]{0,20}\bexperiments?\b"
    r"|how (?:did|is|was|are) (?:the |my |our |that )?(?:last |latest )?(?:training|run)"
)
_ORDERS = re.compile(
    r"(?:학습|훈련)\s*(?:을|를)?\s*(?:시켜|시키|해\s*(?:줘|주|봐)|돌려|시작|하자|할래|하고\s*싶|부탁"
    r"|좀\s*해)|\btrain a\b|\btrain the\b"
)
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
OWN = re.compile(r"\bmy\b|\bmine\b|\bi inspected\b|내가|내\s|나의|제가|본인")

_DEFECT = r"(?:불량|결함|defects?|defective|ng\b|faults?|rejects?|errors?|flaws?|하자)"
_MOST = (
    r"(?:가장|제일|젤|많은|많이|자주|최다|잦은|흔한|순위|상위|주요|주된|파레토|워스트|\btop\b|\bmost\b|frequent"
    r"|common|\bmain\b|\bworst\b|pareto|rank|\bbiggest\b|\boften\b|\bhighest\b|\bleading\b|\bdominant\b)"
)
_WHERE = (
    r"(?:어느|어떤|무슨|몇\s*번)\s*(?:생산\s*)?(?:라인|제품|로트|교대|조|날|요일)|\b(?:which|wich"
    r"|what) (?:production )?(?:line|product|lot|shift|day|week|month)s?\b"
    r"|\bwhere (?:do|did|are) (?:the )?(?:most )?defects\b"
)
BY_WORDS: dict[str, str] = {
    "line": r"라인\s*별|\b(?:by|per|each|every|across) (?:production )?lines?\b|각\s*라인|라인마다|line by line",
}
GROUPS: tuple[tuple[str, str], ...] = (
    (
        "line",
        BY_WORDS["line"]
        + r"|(?:어느|어떤|무슨|몇\s*번)\s*(?:생산\s*)?라인|\b(?:which|wich|whch|what) (?:production )?lines?\b"
        r"|\blines? (?:has|have|had|with|makes?|made|produce[sd]?) (?:the )?(?:most|highest|worst)"
        r"|(?<![\d])(?<!\d )(?<!번 )라인(?:이|은|에서|중)?\s*(?:에서\s*)?(?:제일|가장|젤)",
    ),
    (
        "product",
        r"(?:제품|품목|모델명)\s*별|\b(?:by|per|each|every) products?\b|각\s*제품|제품마다|(?:어느|어떤"
        r"|무슨)\s*(?:제품|품목)|\b(?:which|wich|what) products?\b|\bproducts? (?:has|have|had"
        r"|with) (?:the )?(?:most|highest|worst)|제품(?:이|은|중)?\s*(?:에\s*)?(?:제일|가장|젤)",
    ),
    ("lot", r"로트\s*별|롯트\s*별|\b(?:by|per|each|every) lots?\b|(?:어느|어떤)\s*로트|\bwhich lots?\b"),
    ("shift", r"(?:교대|근무|조)\s*별|\b(?:by|per|each|every) shifts?\b|(?:어느|어떤)\s*(?:교대|조)|\bwhich shifts?\b"),
    ("type", r"(?:유형|종류|타입|불량명)\s*별|\b(?:by|per|each) (?:defect )?(?:types?|kinds?)\b|불량별"),
    (
        "day",
        r"일\s*별|날짜\s*별|하루\s*단위|매일|\b(?:by|per|each|every) day\b|\bdaily\b|a day\b|(?:어느"
        r"|무슨)\s*(?:날|요일)|\bwhich day\b",
    ),
    ("week", r"주\s*별|주\s*단위|매주|\b(?:by|per|each|every) week\b|\bweekly\b"),
    ("month", r"월\s*별|달\s*별|매달|매월|\b(?:by|per|each|every) month\b|\bmonthly\b"),
)
STEPS: tuple[tuple[str, str], ...] = (
    ("hour", r"시간\s*별|시간대\s*별|\b(?:by|per|each) hour\b|\bhourly\b"),
    ("shift", r"(?:교대|근무|조)\s*별|\b(?:by|per) shift\b"),
    ("week", r"주\s*별|주간\s*(?:단위|추이)|주\s*단위|\b(?:by|per) week\b|\bweekly\b"),
    ("month", r"월\s*별|월간|월\s*단위|\b(?:by|per) month\b|\bmonthly\b"),
    ("day", r"일\s*별|날짜\s*별|\b(?:by|per) day\b|\bdaily\b"),
)
_HOW_MANY = (
    r"몇|검사량|생산량|개수|갯수|건수|수량|얼마나|얼만큼|총\s*\d*|합계|집계|현황|통계|\bhow many\b|\bhow much\b"
    r"|\bcount\b|\bnumber of\b|\btotals?\b|\bstatistics\b|\bstats\b"
)
_RATE = (
    r"불량률|불량율|불합격률|양품률|수율|합격률|defect rate|reject rate|\byield\b|\bng rate\b|failure rate"
    r"|scrap rate|first pass"
)
_LIST = (
    r"목록|리스트|보여|알려|뽑아|조회|열어|찾아|나열|\blist\b|\bshow\b|\bdisplay\b|\bgive me\b|\bsee\b|\bfind\b"
    r"|\bopen\b|\bpull up\b"
)
_PARTS = r"검사|부품|제품|불량|불합격|\bng\b|inspections?|parts?|rejects?|양품"

ASKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "explain_inspection",
            r"(?:왜|어째서|이유|무슨\s*근거|근거가|어디가)[^?]*(?:ng\b|불량|불합격|리젝|reject|걸|떨어|보류"
            r"|판정|나왔|잘못|이상|문제)"
            rf"|(?:ng\b|불량|불합격|보류)[^?]*(?:왜|이유|근거|까닭)"
            r"|\bwhy\b[^?]*(?:\bng\b|reject|defect|fail|bad|not ok|flagged|review|judged|verdict|stopped"
            r"|wrong)|\bexplain\b[^?]*(?:part|inspection|verdict|ng\b|reject|#?\d)"
            rf"|\bwhat(?:'s| is| was) wrong\b|\breason\b[^?]*(?:{_DEFECT}|reject|verdict)|\bhow come\b"
            r"|뭐가\s*(?:문제|잘못|이상)",
        ),
        (
            "list_open_actions",
            r"미조치|미처리|조치\s*(?:안|못|대기|필요|남은|전|해야|할)|(?:열린|남은|밀린|미완료|안\s*끝난"
            r"|대기\s*중인)\s*조치|처리\s*(?:안|못)\s*(?:된|한)"
            r"|\b(?:open|pending|outstanding|unresolved|remaining"
            r"|unfinished)\s+(?:corrective\s+)?(?:actions?|issues?|tasks?|items?)\b"
            r"|\bactions?\b[^?]*\b(?:open|pending|left|outstanding|todo|to do|not done|still)\b"
            r"|조치\s*(?:목록|현황|리스트)|\bto-?do\b",
        ),
        (
            "read_manual",
            r"매뉴얼|메뉴얼|지침|조치\s*(?:방법|안내|사항|법|요령|절차)|대응\s*(?:방법|법|절차|매뉴얼)|대처"
            r"|어떻게\s*(?:조치|대응|처리|해결|고치|고쳐|하면|해야|없애)|해결\s*(?:방법|법)|원인(?:이|은|과"
            r"|을|\s|$)"
            r"|\bmanual\b|\bguidance\b|\binstructions? (?:for|on)\b|\bwhat (?:should|do|can) (?:i|we) do\b"
            r"|\bhow (?:do|can|should|to)\b[^?]*\b(?:fix|handle|deal|repair|treat|correct|remove|prevent"
            r"|resolve|solve|get rid of|avoid|eliminate|stop)\b"
            r"|\bcorrective (?:steps?|measures?)\b|\bwhat causes\b|\bcauses? of\b|\bcountermeasures?\b"
            r"|\bsop\b|작업\s*표준|가이드|응급\s*조치|재발\s*방지",
        ),
        ("read_thresholds",
            r"임계\s*값|임계\s*치|문턱|기준\s*(?:값|치|점수)|판정\s*기준|쓰레숄드|스레숄드|\bthre?sho?lds?\b"
            r"|\bcut-?offs?\b|\blimits?\b(?![^?]*control)"),
        ("weak_spots",
            r"약점|취약|약한\s*(?:모델|부분|점)|잘\s*못\s*(?:찾|잡|검출)|못\s*(?:찾는|잡는)|\bweak\w*\b"
            r"|\bblind spots?\b|\bhardly find\b|\bmiss(?:es|ed)? (?:which|what|most)\b|\bstruggl\w+"),
        ("list_datasets", r"데이터\s*셋|데이터\s*세트|\bdata\s?sets?\b"),
        ("show_run",
            r"\brun\s*(?:no\.?|number|#)?\s*\d+|(?:실행|런)\s*(?:번호)?\s*\d+|\d+\s*번\s*(?:학습|실행|런)"
            r"|(?:마지막|최근|직전)\s*(?:학습|훈련)|\b(?:last|latest) (?:training|run)\b|how (?:did"
            r"|was) the (?:training|run)"),
        ("list_runs", _RUN_WORDS.pattern),
        (
            "model_state",
            r"모델[^?]{0,8}(?:최신|구버전|오래)|모델(?:들|은|이|의)?\s*(?:상태|현황|최신|어때|업데이트|배포"
            r"|다\s*있|있어|버전)|(?:최신|오래된|구버전)\s*모델|배포\s*(?:상태|현황|됐|되어|된)"
            r"|메모리\s*뱅크|\bmodels?\b[^?]*\b(?:state|status|current|up[- ]to[- ]date|out[- ]?of[- ]?date"
            r"|outdated|stale|deployed|missing|version)\b"
            r"|\b(?:state|status) of (?:the |our )?models?\b|\b(?:outdated|stale|current|deployed"
            r"|missing) models?\b|\bmemory banks?\b|\bneeds? (?:re)?deploy\w*|재배포",
        ),
        ("review",
            r"검토\s*(?:대기|할|해야|남은|필요)|판정\s*보류|보류\s*(?:된|건|목록|인|중|몇)|\breview queue\b"
            r"|\b(?:wait\w*|pending|needs?|to)\s+(?:for\s+)?(?:a\s+)?review\b|\bin review\b"),
        ("trend_defect_rate",
            r"추이|추세|변화|경향|그래프|관리도|\btrends?\b|\bover time\b|\bcontrol chart\b|\bplot\b|\bgraph\b"
            r"|\bchart\b|\bdevelop(?:ed|ment)\b|\bgoing (?:up|down)\b|\bevol\w+|(?:늘|줄|증가|감소)\w*\s*(?:고"
            rf"|했|하)|\b(?:in|de)creas\w+|(?:{_RATE})[^?]*(?:일별|주별|월별|daily|weekly|monthly|(?:by|per"
            r"|each) (?:day|week|month))"),
        ("defects_where", rf"(?:{_WHERE})[^?]*(?:{_DEFECT}|{_RATE}|{_MOST})|(?:{_DEFECT}|{_RATE})[^?]*(?:{_WHERE})"),
        ("rank_defect_types",
            rf"{_MOST}[^?]*{_DEFECT}|{_DEFECT}[^?]*{_MOST}(?!\s*(?:아|어|은가|나|나요|지)\b)|(?:불량"
            r"|결함)\s*(?:유형|종류)[^?]*(?:순위|뭐|무엇|어떤|알려|보여|몇)|(?:어떤|무슨)\s*(?:불량|결함)"
            r"|\b(?:what|which) (?:kinds?|types?|sort) of defects?\b|\b(?:what|which) defects\b"
            r"|\bdefect types?\b[^?]*(?:rank|list|this|last|today|yesterday)"),
        ("count_inspections",
            rf"(?:{_HOW_MANY})[^?]*(?:{_PARTS}|{_DEFECT}|{_RATE}|\bok\b)|(?:{_PARTS}|{_DEFECT}|{_RATE}"
            rf"|\bok\b)[^?]*(?:{_HOW_MANY})|{_RATE}|불량(?:이|은|가)?\s*(?:좀\s*)?(?:많|적|있|나왔|났|나오)"
            r"|(?:검사|inspections?)\s*(?:실적|결과|summary|results?)|\b(?:any|many|much) (?:defects?|rejects?"
            r"|ng)\b|\bsummar\w+|요약"),
        ("count_inspections",
            rf"(?:{_DEFECT}|검사|inspections?)[^?]*(?:{'|'.join(pattern for _by, pattern in GROUPS)})"
            rf"|(?:{'|'.join(pattern for _by, pattern in GROUPS)})[^?]*(?:{_DEFECT}|검사|inspections?)"),
        ("list_products",
            r"(?:제품|품목)\s*(?:목록|리스트|종류|뭐|무엇|어떤\s*게|전체)|(?:어떤|무슨)\s*(?:제품|품목)"
            r"|등록된\s*제품|\b(?:list|show|which|what)\b[^?]{0,20}\bproducts?\b"),
        ("list_inspections",
            rf"(?:{_PARTS})[^?]*(?:{_LIST})|(?:{_LIST})[^?]*(?:{_PARTS})|(?:최근|마지막|\blast\b|\blatest\b"
            rf"|\brecent\b)[^?]*(?:{_PARTS})|검사\s*이력|\bhistory\b"),
    )
)  # fmt: skip


HOW_MANY = re.compile(_HOW_MANY)


def is_question_about_runs(text: str) -> bool:
    """Return whether normalized text asks about trainings that there were, and orders none."""
    return _RUN_WORDS.search(text) is not None and _ORDERS.search(text) is None
