"""A finding and passages of a manual, as the tests of writing share them."""

from __future__ import annotations

from inference.language.guidance import Finding, PastCase
from inference.language.passages import Passage
from inference.language.pdf_text import Box

SCRATCH = Passage(
    source_id=1,
    page=3,
    heading=("2. 표면 불량", "2.1 스크래치 (scratch)"),
    text="원인\n1. 이송 가이드의 버(burr)가 표면을 긁는다.\n조치\n1. 해당 부품을 격리하고 NG 라벨을 붙인다.\n"
    "2. 이송 가이드를 #400 사포로 연마한다.",
    kind="steps",
    boxes=(Box(0.1, 0.2, 0.9, 0.4),),
)
CHECK = Passage(
    source_id=1,
    page=4,
    heading=("2. 표면 불량", "2.1 스크래치 (scratch)", "확인"),
    text="- 연마 후 5개를 연속 검사하여 스크래치가 없는지 확인한다.",
    kind="steps",
    boxes=(Box(0.1, 0.1, 0.9, 0.2),),
)
PREVENT = Passage(
    source_id=2,
    page=9,
    heading=("Scratch", "Prevention"),
    text="- Clean the transfer guide every 8 hours.\n- Replace the guide liner every 30 days.",
    kind="steps",
    boxes=(Box(0.1, 0.1, 0.9, 0.2),),
)
PASSAGES = (SCRATCH, CHECK, PREVENT)
KOREAN = Finding(
    product="브래킷",
    verdict="reject",
    score=31.5,
    review_at=20.0,
    reject_at=25.0,
    language="ko",
    defect_code="scratch",
    defect_name_ko="스크래치",
    defect_name_en="Scratch",
    severity="major",
    past_cases=(PastCase("스크래치", 0.93, "가이드 교체"),),
    image_png=b"\x89PNG part",
    heat_map_png=b"\x89PNG heat",
)
GOOD_RESPONSE = """## Cause
- 이송 가이드의 버가 표면을 긁는다. [1]

## Immediate action
- 해당 부품을 격리하고 NG 라벨을 붙인다. [1]
- 이송 가이드를 #400 사포로 연마한다. [1]
## Check
- 연마 후 5개를 연속 검사하여 스크래치를 확인한다 [2].
## Prevention
- 이송 가이드를 8시간마다 청소한다. [3]
- 윤활유를 12 g 도포한다. [1]
"""
