"""Reading a model's response: sections, citations, and what the manual bears out."""

from __future__ import annotations

import pytest

from inference.language.citations import AnswerReader, find_heading, is_borne_out, split_citations
from inference.language.guidance import Section
from tests.unit.inference.language.findings import CHECK, GOOD_RESPONSE, PASSAGES, PREVENT, SCRATCH


def read(response: str, *, size: int = 11) -> tuple[Section, ...]:
    reader = AnswerReader(passages=PASSAGES)
    for start in range(0, len(response), size):
        list(reader.feed(response[start : start + size]))
    list(reader.finish())
    return reader.sections()


@pytest.mark.parametrize("size", [1, 3, 17, 5000])
def test_a_response_reads_alike_however_it_is_cut_into_pieces(size: int) -> None:
    assert read(GOOD_RESPONSE, size=size) == read(GOOD_RESPONSE, size=5000)


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("## Cause", "cause"),
        ("**원인**", "cause"),
        ("Cause:", "cause"),
        ("2. Immediate action:", "action"),
        ("### 즉시 조치", "action"),
        ("[Check]", "check"),
        ("확인 사항:", "check"),
        ("# 재발 방지 대책", "prevention"),
        ("**Prevention:**", "prevention"),
        ("- The cause is a worn nozzle", None),
        ("원인을 먼저 찾는다", None),
    ],
)
def test_headings_are_known_in_many_shapes(line: str, section: str | None) -> None:
    assert find_heading(line)[0] == section


@pytest.mark.parametrize(
    ("text", "numbers", "plain"),
    [
        ("격리한다 [1][3].", (1, 3), "격리한다."),
        ("격리한다 【2】", (2,), "격리한다"),
        ("Set aside [1, 2]", (1, 2), "Set aside"),
        ("Set aside (passage 2)", (2,), "Set aside"),
        ("5개를 검사한다 (3)", (), "5개를 검사한다 (3)"),
        ("Set aside [7] [0] [1]", (1,), "Set aside"),
    ],
)
def test_citations_are_taken_out_and_only_those_that_exist_count(
    text: str, numbers: tuple[int, ...], plain: str
) -> None:
    assert split_citations(text, n_passages=3) == (numbers, plain)


def test_a_figure_must_stand_in_the_cited_passage() -> None:
    assert is_borne_out("이송 가이드를 #400 사포로 연마한다.", [SCRATCH])
    assert not is_borne_out("이송 가이드를 #600 사포로 연마한다.", [SCRATCH])
    assert not is_borne_out("이송 가이드를 8시간마다 청소한다.", [CHECK])
    assert is_borne_out("이송 가이드를 8시간마다 청소한다.", [PREVENT]), "across languages the figures decide"


def test_a_citation_of_a_passage_that_says_something_else_does_not_count() -> None:
    assert not is_borne_out("Grease the spindle bearing and restart the robot.", [PREVENT])
    assert is_borne_out("Replace the liner of the guide.", [PREVENT])


def test_a_step_without_a_citation_is_kept_and_marked() -> None:
    (section,) = read("## Immediate action\n- 해당 부품을 격리하고 NG 라벨을 붙인다.\n")
    assert [step.from_manual for step in section.steps] == [False]


def test_json_is_read_as_well() -> None:
    sections = read(
        '```json\n{"cause": ["이송 가이드의 버가 표면을 긁는다 [1]"],\n'
        '"check": [{"text": "5개를 연속 검사하여 확인한다", "citations": [2]}]}\n```'
    )
    assert [section.name for section in sections] == ["cause", "check"]
    assert all(step.from_manual for section in sections for step in section.steps)


def test_thoughts_and_greetings_are_no_steps() -> None:
    sections = read(
        "<think>\n## Cause\n- secret plan [1]\n</think>\nSure, here it is:\n## 원인\n- 이송 가이드의 버가 긁는다 [1]\n"
    )
    assert [step.text for section in sections for step in section.steps] == ["이송 가이드의 버가 긁는다"]


def test_the_same_step_is_kept_once_and_a_section_ends_at_six() -> None:
    same = "## Check\n" + "- 연마 후 5개를 연속 검사한다 [2]\n" * 3
    assert len(read(same)[0].steps) == 1
    words = ("guide", "liner", "nozzle", "sensor", "robot", "spindle", "conveyor", "gripper", "camera")
    many = "## Check\n" + "".join(f"- Look at the {word} carefully\n" for word in words)
    assert len(read(many)[0].steps) == 6
