"""PDFs that are wrong, or meant to do harm, are refused by code; nothing hangs, and memory stays within its limit."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from core.messages import MESSAGES
from inference.errors import ManualError
from inference.language import pdf_process
from inference.language.page_image import render_page
from inference.language.pdf_text import read_pdf
from tests.unit.inference.language.pdf_making import (
    set_plain,
    write_bomb,
    write_empty_pages,
    write_objects,
    write_page,
    write_stream,
)

WHOLE = set_plain(["one", "two"])
TEXT = b"BT /F1 12 Tf 72 700 Td (hello) Tj ET"
FONT = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> /XObject << /X 5 0 R >> >>"
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"


def refusal(content: bytes, **options: float | int) -> str:
    """Return the code that reading ends with."""
    with pytest.raises(ManualError) as caught:
        read_pdf(content, **options)  # type: ignore[arg-type]
    sentence = MESSAGES[caught.value.code].format(name="manual.pdf", **caught.value.params)
    assert "{" not in sentence
    return caught.value.code


@pytest.mark.parametrize("content", [b"", b"MZ\x90\0" * 300, b"<html>%PDF is great</html>", b"\0" * 5000 + WHOLE])
def test_what_is_no_pdf_is_refused(content: bytes) -> None:
    assert refusal(content) == "pdf_not_a_pdf"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_off_file_is_refused(share: float) -> None:
    assert refusal(WHOLE[: int(len(WHOLE) * share)]) == "pdf_damaged"


def test_a_password_is_asked_for_by_no_one() -> None:
    assert refusal(set_plain(["secret"], password="x")) == "pdf_encrypted"


def test_garbage_between_header_and_end_is_refused() -> None:
    assert refusal(b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF\n") == "pdf_damaged"


def test_too_many_pages_are_refused_by_number() -> None:
    with pytest.raises(ManualError) as caught:
        read_pdf(write_empty_pages(2001))
    assert caught.value.code == "pdf_too_many_pages"
    assert caught.value.params == {"pages": 2001, "limit": 2000}


def test_as_many_pages_as_are_allowed_are_gone_through() -> None:
    assert refusal(write_empty_pages(2000)) == "pdf_without_text"


def test_a_file_that_is_too_large_is_refused_unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_process, "LIMIT_BYTES", 1000)
    assert refusal(WHOLE + b"\n" * 2000) == "pdf_too_large"


@pytest.mark.parametrize(
    "pages",
    [
        b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>",  # its own child
        b"<< /Type /Pages /Kids [3 0 R 2 0 R 3 0 R] /Count 1999 >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 999999999 >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count -5 >>",
        b"2 0 R",
    ],
)
def test_page_trees_that_loop_or_lie_end_soon(pages: bytes) -> None:
    loop = b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 7 >>"
    started = time.monotonic()
    code = refusal(write_objects({1: CATALOG, 2: pages, 3: loop}), timeout_s=20)
    assert code in {"pdf_damaged", "pdf_without_text", "pdf_too_many_pages"}
    assert time.monotonic() - started < 20


def form_that_draws(content: bytes) -> bytes:
    """Return a page that draws a form with this content, which may draw the form again."""
    entries = b" /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources " + FONT
    return write_page(write_stream(b"/X Do " + TEXT), FONT, o5=write_stream(content, entries))


def test_a_drawing_that_draws_itself_is_read() -> None:
    content = form_that_draws(b"/X Do " + TEXT)
    text = read_pdf(content, timeout_s=30)
    assert any("hello" in line.text for line in text.pages[0].lines)
    assert render_page(content, 1, width_px=100).startswith(b"\x89PNG")


def test_a_drawing_that_doubles_itself_is_stopped_in_time() -> None:
    started = time.monotonic()
    assert refusal(form_that_draws(b"/X Do " * 20 + TEXT), timeout_s=1) == "pdf_timeout"
    assert time.monotonic() - started < 10


def test_a_stream_whose_length_is_itself_is_refused_or_read() -> None:
    content = write_page(b"<< /Length 4 0 R >>\nstream\n" + TEXT + b"\nendstream", FONT, o5=b"null")
    with contextlib.suppress(ManualError):
        assert read_pdf(content, timeout_s=30).page_count == 1


def test_a_bomb_cannot_take_more_memory_than_the_limit() -> None:
    bomb = write_bomb(600 * 2**20)
    assert len(bomb) < 100_000
    assert refusal(bomb, timeout_s=60, memory_bytes=300 * 2**20) in {"pdf_out_of_memory", "pdf_without_text"}


def test_a_page_of_endless_text_is_cut() -> None:
    content = write_page(write_stream(b"BT /F1 1 Tf 1 1 Td " + b"(a) Tj " * 210_000 + b"ET"), FONT, o5=b"null")
    text = read_pdf(content, timeout_s=60)
    assert sum(len(line.text) for line in text.pages[0].lines) <= 200_000


def test_the_time_limit_ends_the_child() -> None:
    content = write_empty_pages(1999)
    started = time.monotonic()
    assert refusal(content, timeout_s=0.05) == "pdf_timeout"
    assert time.monotonic() - started < 5


def test_the_child_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    with pdf_process.open_process(WHOLE, "read", ["2000", "0", "1"], timeout_s=20, memory_bytes=2**30) as process:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"sk-secret" not in environment
