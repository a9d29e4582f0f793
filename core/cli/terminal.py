"""What the terminal is told, and in which language: data on standard output, progress and notes on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from core.i18n import LANGUAGES

STATUS_WIDTH = 78
MOST_NAMED = 20


def language() -> str:
    """Return the language of messages in the terminal: GEOMSA_LANGUAGE, else the locale's."""
    chosen = os.environ.get("GEOMSA_LANGUAGE", "").strip().lower()
    if chosen in LANGUAGES:
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ko" if locale.lower().startswith("ko") else "en"


def write_out(text: str) -> None:
    """Write a line of data, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_note(text: str) -> None:
    """Write a line for the person who watches."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def to_json(value: Any) -> str:
    """Return one JSON value on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def name_some(names: Sequence[str]) -> str:
    """Return the first names of a list, and a sign that there are more."""
    return ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")


class StatusLine:
    """One line that is written over on a terminal; in a log, a line whenever the text before the counts changes."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""

    def show(self, text: str, counts: str = "") -> None:
        """Show what is happening."""
        if self._live:
            sys.stderr.write("\r" + f"{text} {counts}"[:STATUS_WIDTH].ljust(STATUS_WIDTH))
            sys.stderr.flush()
        elif text != self._last:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        self._last = text

    def clear(self) -> None:
        """Leave a clean line for what comes next."""
        if self._live and self._last:
            sys.stderr.write("\r" + " " * STATUS_WIDTH + "\r")
        self._last = ""
