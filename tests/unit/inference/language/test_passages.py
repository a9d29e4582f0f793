"""Splitting a manual: headings, steps and tables are respected; running heads and feet are left out."""

from __future__ import annotations

from inference.language.passages import Passage, split_passages
from inference.language.pdf_text import Box, Line, PageText, PdfText, read_pdf
from tests.unit.inference.language.pdf_making import set_manual


def split(body: str) -> list[Passage]:
    """Return the passages of a manual in the markup, without the line under its title."""
    return [item for item in split_passages(read_pdf(set_manual(body)), source_id=7) if "QM-1" not in item.text]


def make_pdf(*pages: list[tuple[str, float, float]]) -> PdfText:
    """Make pages of lines (text, top, size_pt), as a program without bold letters would set them."""
    made = []
    for number, lines in enumerate(pages, start=1):
        found = tuple(Line(text, Box(0.1, y, 0.8, y + 0.012), size, bold=False) for text, y, size in lines)
        made.append(PageText(number, found, has_text=bool(found)))
    return PdfText(len(made), tuple(made), None)


def test_steps_stay_together_under_their_headings() -> None:
    (passage,) = split("# 3. 기공\n## 3.2 즉시 조치\n1. 꼬리표를 붙인다.\n2. 격리한다.\n3. 알린다.")
    assert passage.kind == "steps"
    assert passage.heading == ("시험 매뉴얼", "3. 기공", "3.2 즉시 조치")
    assert passage.text == "1. 꼬리표를 붙인다.\n2. 격리한다.\n3. 알린다."
    assert (passage.source_id, passage.page, len(passage.boxes)) == (7, 1, 3)


def test_a_step_that_goes_on_in_the_next_line_is_one_step() -> None:
    long = "가공면에 걸친 기공은 폐기하고 비가공면의 것은 품질 담당자가 특채 여부를 정한 뒤 " * 3 + "적는다."
    (passage,) = split(f"# 조치\n1. {long}\n2. 끝낸다.")
    assert passage.text.splitlines() == [f"1. {long}", "2. 끝낸다."]


def test_steps_that_go_on_on_the_next_page_stay_together() -> None:
    steps = "\n".join(f"{number}. 단계 {number}을 한다." for number in range(1, 6))
    rest = "\n".join(f"{number}. 단계 {number}을 한다." for number in range(6, 9))
    (passage,) = split(f"# 조치\n{steps}\n---\n{rest}")
    assert [line.split(".")[0] for line in passage.text.splitlines()] == [str(n) for n in range(1, 9)]
    assert (passage.page, len(passage.boxes)) == (1, 5)


def test_steps_that_begin_anew_are_another_passage() -> None:
    passages = split("# 조치\n1. 가.\n2. 나.\n# 확인\n1. 다.\n2. 라.")
    assert [(item.heading[-1], item.text) for item in passages] == [
        ("조치", "1. 가.\n2. 나."),
        ("확인", "1. 다.\n2. 라."),
    ]


def test_a_table_keeps_its_rows_and_wrapped_cells() -> None:
    cell = "비가공면 지름 0.5 mm 이하 1개까지는 그대로 쓴다"
    (passage,) = split(f"# 기준\n| 불량 | 허용 | 담당 |\n|---|---|---|\n| 기공 | {cell} | 조장 |\n| 버 | 없음 | 반장 |")
    assert passage.kind == "table"
    assert passage.text == f"불량 | 허용 | 담당\n기공 | {cell} | 조장\n버 | 없음 | 반장"


def test_a_long_table_is_parted_between_rows_with_its_head_row() -> None:
    rows = "\n".join(f"| 항목 {n} | {'기준을 적은 긴 칸입니다 ' * 3}| 담당 {n} |" for n in range(25))
    parts = [item for item in split(f"# 기준\n| 항목 | 기준 | 담당 |\n|---|---|---|\n{rows}") if item.kind == "table"]
    assert len(parts) > 1
    assert all(part.text.startswith("항목 | 기준 | 담당\n") for part in parts)
    assert sum(part.text.count("\n") for part in parts) >= 25


def test_paragraphs_are_put_together_up_to_a_length() -> None:
    sentence = "이 공정의 작업자는 장갑을 끼고 조명을 켠 뒤 마스터 시편을 촬영한다. "
    passages = split("# 준비\n" + "\n".join([sentence * 4] * 6))
    assert len(passages) > 1
    assert all(item.kind == "text" and len(item.text) <= 650 for item in passages)


def test_running_heads_and_feet_are_left_out() -> None:
    pages = [
        [("Company manual", 0.02, 9.0), (f"Text of page {n}.", 0.3, 10.0), (f"{n} / 4", 0.96, 9.0)] for n in range(1, 5)
    ]
    assert [item.text for item in split_passages(make_pdf(*pages), source_id=1)] == [
        f"Text of page {n}." for n in range(1, 5)
    ]


def test_headings_are_known_by_their_size_where_nothing_is_bold() -> None:
    text = make_pdf([
        ("Burr", 0.1, 16.0), ("Action", 0.14, 13.0), ("File it off and wash the part again.", 0.2, 10.0),
        ("Check", 0.3, 13.0), ("Measure the bore in two directions.", 0.34, 10.0),
    ])  # fmt: skip
    assert [item.heading for item in split_passages(text, source_id=1)] == [("Burr", "Action"), ("Burr", "Check")]


def test_numbers_in_a_sentence_are_no_steps() -> None:
    text = make_pdf(
        [("The pressure must be at least", 0.1, 10.0), ("0.6 MPa for", 0.115, 10.0), ("30. Not less.", 0.3, 10.0)]
    )
    assert {item.kind for item in split_passages(text, source_id=1)} == {"text"}


def test_a_document_without_lines_has_no_passages() -> None:
    assert split_passages(make_pdf([]), source_id=1) == []
