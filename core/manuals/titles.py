"""What a manual is called: its own title where that says something, else the name of its file."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from core.errors import BadInput

LONGEST_TITLE = 255
# What programs write into a document nobody gave a title, with or without a number behind it.
_NO_TITLE = re.compile(
    r"\(?(untitled|anonymous|unspecified|no title|"
    r"document|doc|presentation|powerpoint presentation|slide|layout|workbook|book|sheet|"
    r"new document|print|scan|scanned document|title|test|"
    r"무제|제목 ?없음|문서|새 ?문서|프레젠테이션|powerpoint 프레젠테이션|슬라이드|통합 ?문서|스캔|빈 ?문서)"
    r"[\s_\-]*\(?\d*\)?\)?",
    re.IGNORECASE,
)
# "Microsoft Word - QM-031.docx": the name of some file, which may long be another one.
_NAMES_A_FILE = re.compile(
    r"(microsoft (word|powerpoint|excel) ?[-–] ?.*|.*\.(docx?|pptx?|xlsx?|hwpx?|odt|odp|indd|pdf|txt|tmp|dvi|ai))",
    re.IGNORECASE,
)


def choose_title(own: str | None, file_name: str) -> str:
    """Return the title that a PDF carries, where that is one; else its file's name without the ending."""
    title = _one_line(own or "").strip("?")
    says_something = (
        any(character.isalnum() for character in title)
        and _NO_TITLE.fullmatch(title) is None
        and _NAMES_A_FILE.fullmatch(title) is None
    )
    if says_something:
        return title[:LONGEST_TITLE]
    return PurePosixPath(file_name).stem or file_name


def clean_title(title: str) -> str:
    """Return a title that a person typed, on one line. Raises BadInput manual_title_missing, manual_title_too_long."""
    text = _one_line(unicodedata.normalize("NFC", title))
    if not text:
        raise BadInput("manual_title_missing")
    if len(text) > LONGEST_TITLE:
        raise BadInput("manual_title_too_long", highest=LONGEST_TITLE)
    return text


def _one_line(text: str) -> str:
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text).split())
