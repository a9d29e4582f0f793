"""Whose a step is: the section, the row or the item that it stands in decides, never a mention."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference.language.extractive import collect_sections
from inference.language.guidance import Finding
from inference.language.passages import Passage, PassageKind
from inference.language.quoting.headings import section_of_heading, section_of_headings, section_of_sentence
from inference.language.quoting.names import DefectNames, Named
from inference.language.quoting.scope import choose_passages, place_of, scope_passages

OTHERS = (("버", "Burr", "burr"), ("긁힘", "Scratch", "scratch"))
PORE = Finding(
    product="임펠러",
    verdict="reject",
    score=3.0,
    review_at=1.0,
    reject_at=2.0,
    language="ko",
    defect_code="hole",
    defect_name_ko="기공",
    defect_name_en="Blow hole",
    other_defects=OTHERS,
)
BURR = replace(
    PORE, defect_code="burr", defect_name_ko="버", defect_name_en="Burr", other_defects=(("기공", "Blow hole"),)
)


def passage(
    text: str, *heading: str, kind: PassageKind = "text", certain: bool = True, title: str = "불량 대응 매뉴얼"
) -> Passage:
    """Return a passage under these headings of a manual."""
    return Passage(1, 1, (title, *heading), text, kind, (), certain=certain)


def steps(finding: Finding, *passages: Passage) -> list[tuple[str, str]]:
    """Return the steps with their sections."""
    return [(found.name, step.text) for found in collect_sections(finding, passages) for step in found.steps]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("버를 없앤다", Named(own=True, other=False)),
        ("4. 버 (Burr)", Named(own=True, other=False)),
        ("버제거 방법", Named(own=True, other=False)),
        ("서버를 끄고 버튼을 누른다. 내버려 두지 않는다", Named(own=False, other=False)),
        ("BURRS at the parting line", Named(own=True, other=False)),
        ("burring tool", Named(own=False, other=False)),
        ("블로우홀 blow-holes", Named(own=False, other=True)),
        ("기공과 버", Named(own=True, other=True)),
    ],
)
def test_a_name_counts_as_a_word_with_its_particles(text: str, expected: Named) -> None:
    assert DefectNames(("버", "burr"), (("기공", "Blow hole"),)).find(text) == expected


def test_the_longer_name_counts_where_it_holds_another() -> None:
    crack = DefectNames(("균열", "Crack"), (("미세 균열", "Micro-crack"),))
    assert not crack.find("미세균열이 자란다, a microcrack grows").own
    assert crack.find("균열이 자란다").alone
    assert DefectNames(("미세 균열",), (("균열",),)).find("미세 균열").alone


def test_a_type_that_is_called_defect_is_not_named_by_every_sentence() -> None:
    assert not DefectNames(("기타", "Other", "dirt"), ()).find("기타 불량은 담당자를 부른다").own
    assert DefectNames(("불량",), ()).find("불량은 격리한다").own


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("3.1 원인", "cause"),
        ("발생 요인", "cause"),
        ("What brings it about", "cause"),
        ("3.2 즉시 조치", "action"),
        ("조치 후 확인", "check"),
        ("Verification of the corrective action", "check"),
        ("예방 조치", "prevention"),
        ("Preventive action", "prevention"),
        ("2.3 판정 기준", "check"),
        ("원인 및 조치", None),
        ("Causes and actions", None),
        ("3. 기공 (Blow hole)", None),
    ],
)
def test_a_heading_tells_its_section(heading: str, section: str | None) -> None:
    assert section_of_heading(heading) == section


def test_the_name_of_a_defect_tells_no_section() -> None:
    names = DefectNames(("검사 자국", "Inspection mark"))
    assert section_of_heading("3. 검사 자국 (Inspection mark)", names) is None
    assert section_of_heading("3.1 검사 자국의 원인", names) == "cause"


def test_above_the_defects_own_heading_only_a_bare_section_counts() -> None:
    names = DefectNames(("기공",))
    assert section_of_headings(("매뉴얼", "2. 원인", "2.1 기공"), names) == "cause"
    assert section_of_headings(("매뉴얼", "2. 외관 불량이 나왔을 때의 조치 안내", "2.1 기공"), names) is None


@pytest.mark.parametrize(
    ("sentence", "section"),
    [
        ("내부 기공과 이어지면 누설과 강도 저하의 원인이 되므로 치명 불량으로 다룬다.", None),
        ("Where it leads to porosity inside, the part leaks, so it is critical.", None),
        ("조립 간섭과 작업자 베임의 원인이 된다.", None),
        ("It may cause a leak.", None),
        ("주조 중 혼입된 가스로 표면에 생긴 움푹한 구멍이다.", None),
        ("원인은 주물사의 수분이다.", "cause"),
        ("It is caused by moisture in the sand.", "cause"),
        ("해당 부품을 격리한다.", "action"),
        ("Put a red tag on the part.", "action"),
        ("보어 지름을 확인한다.", "check"),
        ("Check the bore.", "check"),
        ("재발하지 않도록 수분을 관리한다.", "prevention"),
    ],
)
def test_a_sentence_without_a_heading_is_placed_only_where_it_says_so(sentence: str, section: str | None) -> None:
    assert section_of_sentence(sentence) == section


@pytest.mark.parametrize(
    ("language", "intro", "name", "cause_heading", "cause"),
    [
        (
            "ko",
            "누설의 원인이 되므로 치명 불량으로 다룬다.",
            "3. 기공 (Blow hole)",
            "3.1 원인",
            "수분이 3.5 %를 넘는다.",
        ),
        ("en", "It causes leaks, so it is critical.", "3. Blow hole", "3.1 Causes", "The sand is too moist."),
    ],
)
def test_how_severe_a_defect_is_is_no_cause_of_it(
    language: str, intro: str, name: str, cause_heading: str, cause: str
) -> None:
    finding = replace(PORE, language="ko" if language == "ko" else "en")
    passages = (passage(intro, name), passage(f"- {cause}", name, cause_heading))
    (section,) = collect_sections(finding, passages)
    assert (section.name, [step.text for step in section.steps]) == ("cause", [cause])
    assert section.steps[0].citations == (2,)


def test_the_innermost_heading_that_names_a_defect_says_whose_section_it_is() -> None:
    names = DefectNames(("기공", "Blow hole"), OTHERS)
    assert place_of(("매뉴얼", "3. 기공 (Blow hole)", "3.1 원인"), names) == "own"
    assert place_of(("매뉴얼", "4. 버", "4.2 즉시 조치"), names) == "other"
    assert place_of(("기공 대응 매뉴얼", "2. 버"), names) == "other"
    assert place_of(("기공 대응 매뉴얼", "1. 원인"), names) == "own"
    assert place_of(("매뉴얼", "3. 기공과 긁힘"), names) == "shared"
    # A heading of the same size that the product has no type for was read as being under the one before.
    assert place_of(("매뉴얼", "3. 기공", "4. 찍힘"), names) == "shared"
    assert place_of(("매뉴얼", "3. 기공", "4. 재발 방지"), names) == "own"


def test_what_another_section_says_of_the_defect_is_not_quoted() -> None:
    own = passage("1. 부품을 격리한다.", "3. 기공", "3.2 즉시 조치")
    elsewhere = passage("1. 기공이 함께 있으면 벨트 샌더로 민다.", "4. 버", "4.2 즉시 조치")
    unknown = passage("1. 기공처럼 보이면 손톱으로 긁어 본다.", "6. 찍힘", "6.2 즉시 조치")
    assert steps(PORE, own, elsewhere, unknown) == [("action", "부품을 격리한다.")]
    assert steps(PORE, elsewhere) == []


def test_of_a_table_of_several_defects_only_the_own_row_is_quoted() -> None:
    table = passage(
        "번호 | 불량 | 원인 | 조치\n1 | 기공 | 수분 과다 | 격리한다\n2 | 버 | 기공 보수 중 밀림 | 줄로 없앤다\n"
        "3 | 긁힘 | 취급 | 닦는다",
        "불량별 대응",
        kind="table",
    )
    assert steps(PORE, table) == [("cause", "수분 과다"), ("action", "격리한다")]
    assert steps(BURR, table) == [("cause", "기공 보수 중 밀림"), ("action", "줄로 없앤다")]


def test_a_row_whose_name_is_empty_goes_on_from_the_one_above() -> None:
    table = passage("불량 | 조치\n기공 | 격리한다\n | 히트를 멈춘다\n버 | 줄로 없앤다\n | 날을 바꾼다", kind="table")
    assert steps(PORE, table) == [("action", "격리한다"), ("action", "히트를 멈춘다")]
    assert steps(BURR, table) == [("action", "줄로 없앤다"), ("action", "날을 바꾼다")]


def test_a_table_with_a_column_for_each_defect_is_read_by_its_column() -> None:
    table = passage("구분 | 기공 | 버\n원인 | 수분 과다 | 핀 마모\n즉시 조치 | 격리한다 | 줄로 없앤다", kind="table")
    assert steps(BURR, table) == [("cause", "핀 마모"), ("action", "줄로 없앤다")]


def alone(finding: Finding) -> Finding:
    """Return the finding of a product that knows no other defect type."""
    return replace(finding, other_defects=())


@pytest.mark.parametrize("finding", [BURR, alone(BURR)], ids=["others known", "alone"])
def test_cards_are_read_each_for_its_own_defect(finding: Finding) -> None:
    beside = passage(
        "불량명 | 기공 | 불량명 | 버\n원인 | 수분 | 원인 | 핀 마모\n조치 | 격리 | 조치 | 줄로 민다", kind="table"
    )
    below = passage(
        "불량명 | 기공\n원인 | 수분\n조치 | 격리\n불량명 | 버\n원인 | 핀 마모\n조치 | 줄로 민다", kind="table"
    )
    for cards in (beside, below):
        assert steps(finding, cards) == [("cause", "핀 마모"), ("action", "줄로 민다")]


@pytest.mark.parametrize(("yes", "no"), [("O", "X"), ("○", "-"), ("Y", "N"), ("●", "")])
def test_a_matrix_gives_the_rows_that_are_marked_for_the_defect(yes: str, no: str) -> None:
    rows = ("조치 | 기공 | 버", f"격리한다 | {yes} | {no}", f"줄로 민다 | {no} | {yes}")
    assert steps(BURR, passage("\n".join(rows), kind="table")) == [("action", "줄로 민다")]


def test_a_matrix_whose_marks_mean_nothing_known_gives_nothing() -> None:
    rows = "조치 | 기공 | 버\n격리한다 | 1 | 3\n줄로 민다 | 2 | 4"
    assert steps(BURR, passage(rows, kind="table")) == []


@pytest.mark.parametrize("finding", [BURR, alone(BURR)], ids=["others known", "alone"])
def test_items_beside_the_one_that_begins_with_the_name_are_of_others(finding: Finding) -> None:
    items = passage("- 버: 줄로 민다.\n- 기공: 격리한다.", "2. 조치")
    assert [text for _section, text in steps(finding, items)] == ["버: 줄로 민다."]


def test_what_begins_with_another_name_is_left_out_of_the_own_section() -> None:
    section = passage("1. 줄로 민다.\n2. 기공: 격리한다.", "4. 버", "조치")
    assert steps(BURR, section) == [("action", "줄로 민다.")]


def test_a_box_with_causes_of_its_own_in_the_section_is_of_another_defect() -> None:
    box = passage("원인: 수분이 많다.\n조치: 격리한다.", "4. 버", "모서리 균열")
    own = passage("줄로 민다.", "4. 버", "조치")
    assert steps(alone(BURR), box, own) == [("action", "줄로 민다.")]


def test_a_list_of_defects_in_the_section_gives_only_the_own_rows() -> None:
    table = passage("불량 | 원인 | 조치\n균열 | 충격 | 폐기한다\n버 | 핀 마모 | 줄로 민다", "4. 버", kind="table")
    assert steps(alone(BURR), table) == [("cause", "핀 마모"), ("action", "줄로 민다")]


def test_a_cell_below_two_heads_is_parted_by_its_sentences() -> None:
    cell = "핀이 닳아 있다. 줄로 민다."
    table = passage(f"불량 | 원인 | 조치\n버 | {cell} | {cell}\n기공 | 수분 | 격리한다", kind="table")
    assert steps(BURR, table) == [("cause", "핀이 닳아 있다."), ("action", "줄로 민다.")]


def test_steps_that_differ_by_their_figures_are_both_shown() -> None:
    section = passage("1. 볼트를 12 N·m로 조인다.\n2. 볼트를 24 N·m로 조인다.", "4. 버", "조치")
    assert len(steps(BURR, section)) == 2


def test_rows_of_an_interval_and_a_limit_stay_one_step() -> None:
    table = passage(
        "항목 | 주기 | 기준\n맞춤핀 마모 | 매주 | 9.95 mm 이상", "4. 버 (Burr)", "4.4 재발 방지", kind="table"
    )
    assert steps(BURR, table) == [("prevention", "맞춤핀 마모 · 주기: 매주 · 기준: 9.95 mm 이상")]


def test_what_is_not_parted_for_certain_is_shown_as_a_page_and_not_quoted() -> None:
    table = passage("불량 | 조치\n기공 | 줄로 없앤다\n버 | 격리한다", "불량별 대응", kind="table", certain=False)
    own = passage("1. 부품을 격리한다.", "3. 기공", "3.2 즉시 조치")
    assert steps(PORE, table) == []
    assert choose_passages(PORE, (table,), at_most=8) == [table]
    assert choose_passages(PORE, (table, own), at_most=8) == [own, table]
    assert [one.number for one in scope_passages(PORE, (table, own))] == [2]


def test_items_that_name_several_defects_belong_to_none() -> None:
    shared = passage(
        "1. 기공은 격리한다.\n2. 버는 줄로 없앤다.\n3. 기공과 버는 함께 폐기한다.\n4. 라인을 멈춘다.", "5. 조치"
    )
    assert steps(PORE, shared) == [("action", "기공은 격리한다.")]
    assert steps(BURR, shared) == [("action", "버는 줄로 없앤다.")]
    led = passage("기공:\n1. 격리한다.\n버:\n1. 줄로 없앤다.", "5. 조치")
    assert steps(PORE, led) == []
    assert steps(PORE, replace(led, text="기공:\n1. 해당 부품을 격리한다.\n버:\n1. 줄로 없앤다.")) == [
        ("action", "해당 부품을 격리한다.")
    ]


def test_where_the_defect_is_not_known_nothing_is_quoted() -> None:
    unknown = replace(PORE, defect_code="", defect_name_ko="", defect_name_en="", other_defects=())
    own = passage("1. 부품을 격리한다.", "3. 기공", "3.2 즉시 조치")
    assert steps(unknown, own) == []
    assert choose_passages(unknown, (own,), at_most=8) == [own]


def test_purpose_and_revisions_hold_no_steps() -> None:
    revisions = passage("판 | 날짜 | 내용\n3판 | 2026-03-02 | 기공의 재검사 범위를 넓힘", "8. 개정 이력", kind="table")
    purpose = passage("기공이 나오면 이 매뉴얼을 따른다.", "1. 목적과 적용 범위")
    assert steps(PORE, revisions, purpose) == []


def test_the_readers_language_and_the_own_section_come_first() -> None:
    own = passage("- 수분이 많다.", "3. 기공", "3.1 원인")
    row = passage("불량 | 허용\n기공 | 0.5 mm 이하\n버 | 없음", "2.3 판정 기준", kind="table")
    english = passage("- The sand is moist.", "3. Blow hole", "3.1 Causes", title="What to do")
    other = passage("- 핀이 닳았다.", "4. 버", "4.1 원인")
    assert choose_passages(PORE, (english, other, row, own), at_most=8) == [own, row, english]
    assert choose_passages(replace(PORE, language="en"), (own, row, english), at_most=1) == [english]
