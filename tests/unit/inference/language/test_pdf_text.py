"""Reading a PDF: lines with places and sizes, by page; what has no text; what is cleaned away."""

from __future__ import annotations

from typing import Any

import pytest

from core.demo.manuals import list_demo_manuals
from inference.errors import ManualError
from inference.language import pdf_text
from inference.language.pdf_process import open_process
from inference.language.pdf_text import Box, clean_text, read_pdf
from tests.unit.inference.language.pdf_making import set_manual, set_plain


def test_lines_come_with_their_size_weight_and_place() -> None:
    text = read_pdf(set_manual("# 1. 기공\n주물사의 수분이 많다.", title="주조 매뉴얼"))
    assert (text.page_count, text.title) == (1, "주조 매뉴얼")
    lines = {line.text: line for line in text.pages[0].lines}
    title, chapter, body = lines["주조 매뉴얼"], lines["1. 기공"], lines["주물사의 수분이 많다."]
    assert [title.size_pt, chapter.size_pt, body.size_pt] == [20.0, 15.0, 10.5]
    assert [title.bold, chapter.bold, body.bold] == [True, True, False]
    assert 0 < title.box.y0 < title.box.y1 < chapter.box.y0 < body.box.y0 < body.box.y1 < 1
    assert 0.05 < body.box.x0 < body.box.x1 < 0.95


def test_cells_of_a_table_are_lines_of_their_own() -> None:
    text = read_pdf(set_manual("| 항목 | 주기 |\n|---|---|\n| 맞춤핀 마모 | 매주 월요일 |"))
    lines = [line.text for line in text.pages[0].lines]
    assert [line for line in lines if line in {"항목", "주기", "맞춤핀 마모", "매주 월요일"}] == [
        "항목", "주기", "맞춤핀 마모", "매주 월요일",
    ]  # fmt: skip


def test_a_page_without_text_says_so_and_the_others_go_on() -> None:
    text = read_pdf(set_plain(["Wear gloves.", "", "Call the shift leader."]))
    assert [(page.number, page.has_text) for page in text.pages] == [(1, True), (2, False), (3, True)]


def test_a_scanned_document_is_refused() -> None:
    with pytest.raises(ManualError) as caught:
        read_pdf(set_plain(["", ""]))
    assert caught.value.code == "pdf_without_text"


def test_progress_is_told_page_by_page() -> None:
    told: list[tuple[int, int]] = []
    read_pdf(set_plain(["one", "two", "three"]), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("pages", [["one"], ["one", "", "three"], [str(number) for number in range(1, 41)]])
def test_two_processes_read_what_one_reads(pages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    content = set_plain(pages)
    alone = read_pdf(content)
    monkeypatch.setattr(pdf_text, "LARGE_BYTES", 0)
    monkeypatch.setattr(pdf_text, "CORES", 2)
    told: list[tuple[int, int]] = []
    assert read_pdf(content, progress=lambda done, total: told.append((done, total))) == alone
    assert told == [(number, len(pages)) for number in range(1, len(pages) + 1)]


def test_a_process_that_dies_beside_another_is_not_a_short_document(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_one_that_stops(content: bytes, task: str, arguments: list[str], **limits: Any) -> Any:
        # The second one is asked for pages from far behind the last on: it ends well, and too early.
        first = "1000" if arguments[1] == "1" else arguments[1]
        return open_process(content, task, [arguments[0], first, arguments[2]], **limits)

    monkeypatch.setattr(pdf_text, "LARGE_BYTES", 0)
    monkeypatch.setattr(pdf_text, "CORES", 2)
    monkeypatch.setattr(pdf_text, "open_process", open_one_that_stops)
    with pytest.raises(ManualError) as caught:
        read_pdf(set_plain(["one", "two", "three"]))
    assert caught.value.code == "pdf_damaged"


def test_places_follow_the_page_as_it_is_turned() -> None:
    import io

    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(800, 600))  # as it is shown
    canvas.setPageRotation(90)
    canvas.drawString(10, 780, "corner")
    canvas.save()
    (line,) = read_pdf(target.getvalue()).pages[0].lines
    # The upper left corner of the sheet is the upper right one when it is turned clockwise.
    assert line.box.x0 > 0.9
    assert line.box.y1 < 0.2
    assert isinstance(line.box, Box)


def test_every_demo_manual_has_five_to_ten_pages_with_text() -> None:
    for manual in list_demo_manuals():
        text = read_pdf(manual.content)
        assert 5 <= text.page_count <= 10
        assert all(page.has_text for page in text.pages)
        assert text.title == manual.title


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("각\u1100\u1161", "각가"),  # letters come composed
        ("a\u202eb\u200bc", "abc"),  # hidden letters and turned directions go
        ("a\x1b[31m\tb\u00a0 c", "a[31m b c"),
        ("\ue000정상\ufffd", "정상"),
    ],
)
def test_text_is_cleaned(before: str, after: str) -> None:
    assert clean_text(before) == after
