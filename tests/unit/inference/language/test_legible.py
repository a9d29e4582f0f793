"""Fonts that do not say which letters their pictures are: the page is one without text."""

from __future__ import annotations

import pytest

from inference.errors import ManualError
from inference.language.layout.legible import is_legible
from inference.language.layout.sheet import Box, Word
from inference.language.pdf_text import read_pdf
from tests.unit.inference.language.pdf_making import set_manual, set_plain

PROSE = (
    "Stop the press and lock it before you clean the guide rail with alcohol; replace the roller when it is worn. " * 2
)
KOREAN = "설비를 멈추고 이송 롤러를 청소한 뒤 다음 부품 열 개를 확인한다 " * 2


def words(text: str, *, font: int = 0, legible: bool = True) -> list[Word]:
    return [
        Word(one, 0, 0, 10, 10, 10, bold=False, pale=False, legible=legible, font=font, box=Box(0, 0, 1, 1))
        for one in text.split()
    ]


def shift(text: str, by: int) -> str:
    return "".join(chr(ord(letter) + by) if letter.isalpha() else letter for letter in text)


@pytest.mark.parametrize("text", [PROSE, KOREAN, "A-100/12 B-200/14", "NG", "M8 × 1.25, 12 N·m, 0.5 mm"])
def test_prose_figures_and_codes_are_legible(text: str) -> None:
    assert is_legible(words(text))


@pytest.mark.parametrize(
    "text", [shift(PROSE, 3), shift(PROSE, -29), shift(KOREAN, 1000), "Á¶Ä¡¹æ¹ýÀ»È®ÀÎÇÑ´Ù" * 3, "\ue001\ue002 " * 20]
)
def test_shifted_letters_are_not(text: str) -> None:
    assert not is_legible(words(text))


def test_letters_without_a_meaning_count_by_their_font() -> None:
    assert is_legible([*words(PROSE), *words("\uf0b7 " * 8, font=1)])  # bullets
    assert not is_legible([*words(PROSE), *words(shift(PROSE, 3), font=1)])
    assert not is_legible([*words(PROSE), *words("abcdefgh ijklmnop", font=1, legible=False)])


def test_a_page_in_a_font_without_a_map_is_like_a_scanned_one() -> None:
    from benchmarks.manual_pages import set_manual as draw_manual

    manual = next(found for seed in range(40) if (found := draw_manual(seed, pages=4)).unreadable_pages)
    pages = read_pdf(manual.content).pages
    assert tuple(page.number for page in pages if not page.has_text) == manual.unreadable_pages


def test_a_document_without_text_can_be_asked_for() -> None:
    content = set_plain(["", ""])
    with pytest.raises(ManualError):
        read_pdf(content)
    text = read_pdf(content, needs_text=False)
    assert [page.has_text for page in text.pages] == [False, False]


def test_a_manual_of_real_words_has_text_on_every_page() -> None:
    assert all(page.has_text for page in read_pdf(set_manual("# 1. 기공\n주물사의 수분이 많다.")).pages)
