"""Text in tables that spreadsheets open: never run as a formula (OWASP, "CSV Injection"). One rule for every writer."""

from __future__ import annotations

import re
from typing import Any

# What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def guard_text(text: str) -> str:
    """Return the text with an apostrophe before it where a spreadsheet would run it; a plain number stays one."""
    # Some spreadsheets overlook blanks before it.
    first = (text.lstrip(" \u00a0\u3000\ufeff") or " ")[0]
    return f"'{text}" if first in _FORMULA_STARTS and _PLAIN_NUMBER.fullmatch(text) is None else text


def guard_cell(value: Any) -> Any:
    """Return a cell that is safe to open: text as `guard_text` does, anything else as it is."""
    return guard_text(value) if isinstance(value, str) else value
