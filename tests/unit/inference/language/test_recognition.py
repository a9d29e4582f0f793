"""Text recognition: scanned pages get the words of an engine, marked; real text stays; what was missed is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest

from inference.errors import ManualError
from inference.language.passages import split_passages
from inference.language.pdf_text import PdfText, read_pdf
from inference.language.recognition import scans, tesseract
from inference.language.recognition.picture import find_rules, unread_share
from inference.language.recognition.scans import recognize_pages
from inference.language.recognition.tesseract import FoundWord, Tesseract
from tests.unit.inference.language.pdf_making import set_plain, write_page, write_stream

Look = Callable[[], None] | None


def word(text: str, left: int, top: int, *, confidence: float = 95) -> FoundWord:
    return FoundWord(text, left, top, left + 22 * len(text), top + 40, top, top + 40, confidence)


EMPTY_PAGE = write_page(write_stream(b" "))


@dataclass
class FakeEngine:
    """An engine that finds the same words on each page, or fails."""

    words: Sequence[FoundWord] = ()
    turn: int = 0
    error: ManualError | None = None
    pictures: list[bytes] = field(default_factory=list)

    def find_turn(self, picture: bytes, *, look: Look = None) -> int:
        return self.turn

    def read(self, picture: bytes, *, look: Look = None) -> list[FoundWord]:
        if look is not None:
            look()
        if self.error is not None:
            raise self.error
        self.pictures.append(picture)
        return list(self.words)


STEPS = (word("1.", 200, 300), word("Stop", 280, 300), word("2.", 200, 370), word("Clean", 280, 370))


def recognize(content: bytes, engine: FakeEngine, **options: Callable[..., None]) -> PdfText:
    text = read_pdf(content, needs_text=False)
    return recognize_pages(content, text, cast(Tesseract, engine), **options)


def test_only_pages_without_text_are_recognized_and_they_say_so() -> None:
    engine = FakeEngine(STEPS)
    text = recognize(set_plain(["Wear gloves.", ""]), engine)
    assert [(page.has_text, page.is_ocr) for page in text.pages] == [(True, False), (True, True)]
    assert len(engine.pictures) == 1
    real, recognized = split_passages(text, source_id=1)
    assert (real.text, real.is_ocr, real.certain) == ("Wear gloves.", False, True)
    assert (recognized.text, recognized.is_ocr) == ("1. Stop\n2. Clean", True)


def test_a_page_with_ink_that_nobody_read_is_not_certain() -> None:
    # The page shows a black box that the engine says nothing about: it may be a heading.
    (page,) = recognize(set_plain([""]), FakeEngine(STEPS)).pages
    assert page.has_text
    assert not page.certain


def test_running_text_of_a_picture_is_shown_as_a_page_and_not_quoted() -> None:
    # An empty page: all ink is read. Still nothing tells a heading that is set in bold from the text around it.
    text = recognize(EMPTY_PAGE, FakeEngine(STEPS))
    assert [page.certain for page in text.pages] == [True]
    (passage,) = split_passages(text, source_id=1)
    assert (passage.is_ocr, passage.certain) == (True, False)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_page_on_its_side_is_read_upright_and_marked_where_it_stands(turn: int) -> None:
    text = recognize(set_plain([""]), FakeEngine(STEPS, turn=turn))
    (page,) = text.pages
    assert [line.text for line in page.lines] == ["1. Stop", "2. Clean"]
    first, second = page.lines
    # The upper lines of the upright text lie at the top, the left, the foot and the right of the sheet.
    before, after = {
        0: (first.box.y0, second.box.y0),
        1: (first.box.x0, second.box.x0),
        2: (-first.box.y0, -second.box.y0),
        3: (-first.box.x0, -second.box.x0),
    }[turn]
    assert before < after


def test_a_page_that_the_engine_fails_on_stays_without_text() -> None:
    text = recognize(set_plain(["", "Wear gloves."]), FakeEngine(error=ManualError("ocr_timeout", limit_s=60)))
    assert [page.has_text for page in text.pages] == [False, True]


def test_a_page_with_hardly_a_letter_stays_without_text() -> None:
    text = recognize(set_plain(["", "x"]), FakeEngine([word("l", 5, 5), word("noise", 90, 90, confidence=12)]))
    assert not text.pages[0].has_text


def test_whoever_looks_can_end_the_reading() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        recognize(set_plain(["", "x"]), FakeEngine(STEPS), look=stop)


def test_progress_is_told_page_by_page() -> None:
    told: list[tuple[int, int]] = []
    recognize(set_plain(["", "x", ""]), FakeEngine(STEPS), progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2)]


def test_pieces_of_a_word_are_one_word() -> None:
    pieces = [
        FoundWord("롤", 100, 10, 130, 40, 10, 40, 90),
        FoundWord("러", 133, 10, 163, 40, 10, 40, 90),
        FoundWord("청소", 175, 10, 235, 40, 10, 40, 90),
    ]
    assert [one.text for one in scans.join_pieces(pieces)] == ["롤러", "청소"]


def test_rules_are_found_and_strokes_are_not() -> None:
    gray = np.full((200, 1000), 255, np.uint8)
    gray[50:52, 100:900] = 0
    gray[20:180, 300:302] = 0
    gray[100:110, 400:420] = 0
    level, upright = find_rules(gray)
    assert level == pytest.approx((100, 50, 899, 51), abs=4)
    assert upright == pytest.approx((300, 20, 301, 179), abs=4)


def test_the_share_of_ink_that_was_not_read_is_told() -> None:
    gray = np.full((100, 100), 255, np.uint8)
    gray[10:20, 10:20] = 0
    gray[60:70, 60:70] = 0
    assert unread_share(gray, [(10, 10, 20, 20)]) == pytest.approx(0.5)
    assert unread_share(np.full((10, 10), 255, np.uint8), []) == 0.0


@pytest.mark.skipif(tesseract.find_tesseract() is None, reason="Tesseract is not installed")
def test_the_installed_engine_reads_a_picture() -> None:
    import io

    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (1400, 400), 255)
    draw = ImageDraw.Draw(image)
    draw.text((60, 60), "Stop the press and clean the rail.", fill=0, font=ImageFont.load_default(48))
    target = io.BytesIO()
    image.save(target, "PNG")
    engine = tesseract.find_tesseract()
    assert engine is not None
    if "eng" not in engine.languages:
        pytest.skip("no English")
    assert "press" in " ".join(found.text for found in engine.read(target.getvalue()))


@pytest.mark.skipif(
    (found := tesseract.find_tesseract()) is None or "kor" not in found.languages,
    reason="Tesseract reads no Korean here",
)
def test_the_installed_engine_reads_a_scanned_korean_page() -> None:
    import difflib
    import io

    from PIL import Image

    from benchmarks.manual_pages import set_manual
    from inference.language.page_image import render_page

    original = set_manual(504, pages=1, language="ko", watermarks=("",)).content
    scan = Image.open(io.BytesIO(render_page(original, 1, width_px=1654))).convert("L")
    target = io.BytesIO()
    scan.save(target, "PDF", resolution=200)
    engine = tesseract.find_tesseract()
    assert engine is not None
    text = recognize_pages(target.getvalue(), read_pdf(target.getvalue(), needs_text=False), engine)
    assert [page.is_ocr for page in text.pages] == [True]
    said, read = (
        "".join(line.text.replace(" ", "") for page in document.pages for line in page.lines)
        for document in (read_pdf(original), text)
    )
    assert difflib.SequenceMatcher(None, said, read, autojunk=False).ratio() > 0.7
