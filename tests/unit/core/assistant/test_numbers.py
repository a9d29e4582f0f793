"""Numbers in a model's words: each must stand in a result, however it is written."""

from __future__ import annotations

import pytest

from core.assistant.numbers import is_supported, know, split_finished
from core.assistant.results import Column, ToolResult

RESULT = ToolResult(
    "count_inspections",
    {"period": "last_week"},
    "Inspections",
    "last week (2026-11-16 – 2026-11-22)",
    ("1,234 inspected, 87 NG (7.1%).",),
    (Column("Line"), Column("n", "number"), Column("rate", "share"), Column("score", "number")),
    (("L3", 1234, 0.07050243, 31.4159),),
)


@pytest.mark.parametrize(
    "sentence",
    [
        "There were 1234 inspections, or 1,234.",
        "The rate is 7.1%, exactly 7.05 percent.",
        "불량률은 7.1퍼센트이고 검사는 1,234건입니다.",
        "The score was 31.4 (31.42).",
        "Line L3, from 2026-11-16 to 2026-11-22.",
        "11월 16일부터 22일까지입니다.",
        "Nothing to count here.",
        "1. The rate of L3 is 7.1%.",
    ],
)
def test_numbers_of_the_results_pass(sentence: str) -> None:
    assert is_supported(sentence, know([RESULT]))


@pytest.mark.parametrize(
    "sentence",
    [
        "There were 1235 inspections.",
        "The rate is 7.2%.",
        "About 1,300 parts.",
        "That is twice as many.",
        "불량이 두 배로 늘었습니다.",
        "열 건이 더 있습니다.",
        "It fell by 12 %.",
        "On 2026-11-17 it was worse.",
        "The score was 31.5.",
    ],
)
def test_other_numbers_do_not(sentence: str) -> None:
    assert not is_supported(sentence, know([RESULT]))


def test_the_persons_own_numbers_may_be_said_again() -> None:
    known = know([], said=("train for 20 epochs",))
    assert is_supported("You asked for 20 epochs.", known)
    assert not is_supported("You asked for 30 epochs.", known)


def test_sentences_are_over_when_the_next_begins() -> None:
    assert split_finished("It is 7.1% now. And th") == (["It is 7.1% now."], "And th")
    assert split_finished("Line\nnext") == (["Line"], "next")
