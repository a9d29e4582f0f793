"""What a question asks for: the sections and the kinds of value, and which passages tell them."""

from __future__ import annotations

import pytest

from inference.language.ranking.sections import asks_aside, is_aside, sections_asked, sections_of
from inference.language.ranking.values import VALUES, values_asked


def tells(question: str, text: str) -> bool:
    """Return whether a text tells a value of a kind that the question asks for."""
    return any(VALUES[place].told.search(text) for place in values_asked(question))


@pytest.mark.parametrize(
    ("question", "section"),
    [
        ("유리가 뿌옇게 되는 까닭", "cause"),
        ("what makes the film curl", "cause"),
        ("병에 금이 갔어 뭐부터 하지", "action"),
        ("숫돌은 얼마나 자주 바꿔", "prevention"),
        ("주름 깊이는 어디까지 합격이야", "check"),
        ("반장 말고 누구한테 알려야 해", "report"),
        ("how many years are the papers kept", "record"),
        ("약품이 눈에 튀었어요", "safety"),
        ("what is behind the streaks", "cause"),
        ("먼지가 어디서 들어오나", "cause"),
        ("압력을 얼마나 올려야 해", "action"),
        ("which setting do I change", "action"),
        ("how can I tell if the weld is sound", "check"),
        ("몇 장 꺼내서 들여다봐야 하나", "check"),
        ("after how many parts is the blade swapped", "prevention"),
        ("귀마개는 어디까지 껴야 돼", "safety"),
        ("깎은 축은 다음 공정까지 어떻게 보관해", "storage"),
        ("where are the coils kept", "storage"),
        ("보류한 상자는 누가 풀어 주나", "held"),
        ("who decides on quarantined lots", "held"),
    ],
)
def test_a_question_asks_for_a_section(question: str, section: str) -> None:
    assert section in sections_asked(question)


def test_a_question_that_names_no_section_asks_for_none() -> None:
    assert not sections_asked("베어링 궤도면 흑점")


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("3.1 왜 생기는가", "cause"),
        ("3.2 On the spot", "action"),
        ("3.3 고친 뒤 볼 것", "check"),
        ("3.4 다시 안 나오게", "prevention"),
        ("7. 알리기와 남기기", "report"),
        ("7. 알리기와 남기기", "record"),
        ("8. Looking after yourself", "safety"),
        ("3.1 원인", "cause"),
        ("3.1 어디서 생기나", "cause"),
        ("3.1 What lies behind it", "cause"),
        ("3.2 First measures", "action"),
        ("3.2 당장 하는 것", "action"),
        ("3.3 Being sure", "check"),
        ("3.4 Avoiding it", "prevention"),
        ("3.4 앞으로", "prevention"),
        ("7. Paperwork", "record"),
        ("8. 위생과 복장", "safety"),
        ("2.4 운반과 적치", "storage"),
        ("2.5 Blocked goods", "held"),
        ("2.5 부적합품", "held"),
    ],
)
def test_a_heading_in_a_shop_s_own_words_tells_its_section(heading: str, section: str) -> None:
    assert section in sections_of(("매뉴얼", "3. 기공", heading))


def test_where_goods_are_kept_is_no_question_for_records() -> None:
    assert "record" not in sections_asked("깎은 축은 다음 공정까지 어떻게 보관해")
    assert "record" in sections_asked("사진은 몇 달 동안 보관해")


def test_a_defect_s_name_tells_no_section() -> None:
    assert not sections_of(("Manual", "3. Blow hole"))


@pytest.mark.parametrize(
    ("question", "told", "other"),
    [
        ("오븐은 몇 도로 맞춰", "건조 온도는 120 ℃이다", "건조는 30분 한다"),
        ("숫돌 교체 주기", "드레서는 매주 간다", "숫돌을 손으로 만지지 않는다"),
        ("how often is the felt washed", "Wash it every shift", "Wash it with water"),
        ("얼마 동안 굳혀", "40분 둔다", "그늘에 둔다"),
        ("how deep may a scratch be", "up to 0.2 mm", "none on the front"),
        ("무게는 얼마여야 해", "212±1.5 g", "저울로 잰다"),
        ("how strong must the seal be", "at least 25 N", "The seal is even"),
        ("습도는 몇 프로", "50~60 %로 한다", "창고에 둔다"),
        ("누구를 불러", "품질 팀장에게 알린다", "노란 상자에 둔다"),
        ("다시 녹여 써도 되나요", "다시 쓰지 않는다", "새것을 쓴다"),
        ("조명은 얼마나 밝아야 해", "800 lux로 비춘다", "위에서 비춘다"),
        ("how fast does the belt run", "The belt runs at 12 m/min", "The belt is clean"),
        ("줄자는 어디에 두나요", "2번 서랍에 둔다", "닦아 둔다"),
        ("where do I put the torn bags", "Into the grey bin", "Count them"),
    ],
)
def test_a_passage_tells_a_value_of_the_kind_that_is_asked_for(question: str, told: str, other: str) -> None:
    assert tells(question, told)
    assert not tells(question, other)


def test_a_question_for_no_value_has_none() -> None:
    assert not values_asked("기공이 생기는 원인")


def test_what_a_manual_says_of_itself_stands_aside_unless_it_is_asked_for() -> None:
    assert is_aside(("Manual",))
    assert is_aside(("매뉴얼", "9. 개정 이력"))
    assert not is_aside(("매뉴얼", "3. 기공", "3.1 원인"))
    assert asks_aside("이 문서의 적용 범위는?")
    assert not asks_aside("기공의 원인은?")
