"""What a sentence says of a wrong setting: which one was probably meant, the value and the limits in short."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence

from core.training.configuration.fields import fields_by_path

_LONGEST_SHOWN = 60


def find_nearest(section: str, name: str, known: Sequence[str]) -> str | None:
    """Return the setting that was probably meant: of this section, or the one of that name elsewhere."""
    elsewhere = [path for path in fields_by_path() if path.rpartition(".")[2] == name]
    if len(elsewhere) == 1:
        return elsewhere[0]
    here = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    if here:
        return f"{section}.{here[0]}" if section else here[0]
    names = {path.rpartition(".")[2]: path for path in fields_by_path()}
    anywhere = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.8)
    return names[anywhere[0]] if anywhere else None


def show_limit(value: float | None) -> str:
    """Return a limit as it is written in a configuration."""
    if value is None:
        return "–"
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def show_value(value: object) -> str:
    """Return a value as it stands in YAML, in short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 10**_LONGEST_SHOWN:
        return "…"
    text = f"“{value}”" if isinstance(value, str) else str(value)
    text = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in text)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
