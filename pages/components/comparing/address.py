"""What the address of *Compare methods* says: which comparison, which side of it, which images, which one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import streamlit as st

from core.comparisons.subjects import CELLS, SubjectFilter

COMPARISON = "comparison"
SUMMARY, IMAGES, CONFIGURATION = "summary", "images", "configuration"
LOOKS = (SUMMARY, IMAGES, CONFIGURATION)
_MOST_DIGITS = 18  # as many as every database's largest number has
_OF_IMAGES = ("view", "differ", "entry", "cell", "truth", "named", "subject", "page")


@dataclass(frozen=True)
class Look:
    """What is shown of a comparison. `subject` is the one image or part that is open, empty for the list."""

    look: str = SUMMARY
    wanted: SubjectFilter = field(default_factory=SubjectFilter)
    subject: str = ""
    page: int = 1


def asked_comparison() -> int | None:
    """Return the number of the comparison that the address names; 0 for one that cannot be, None for none."""
    text = st.query_params.get(COMPARISON)
    return None if text is None else _number(text)


def open_comparison(number: int | None) -> None:
    """Name a comparison in the address, from a callback or before a rerun; None for the list."""
    for word in (COMPARISON, "look", *_OF_IMAGES):
        st.query_params.pop(word, None)
    if number is not None:
        st.query_params[COMPARISON] = str(number)


def read_look() -> Look:
    """Return what the address says of the comparison that is open."""
    words = st.query_params
    look, cell = words.get("look", SUMMARY), words.get("cell", "")
    wanted = SubjectFilter(
        view=words.get("view", ""),
        differing=words.get("differ") == "1",
        key=words.get("entry", ""),
        cell=cell if cell in CELLS else "",
        truth=words.get("truth"),
        named=words.get("named"),
    )
    return Look(
        look if look in LOOKS else SUMMARY, wanted, words.get("subject", ""), max(1, _number(words.get("page", "1")))
    )


def write_look(look: Look) -> None:
    """Put what is shown into the address, from a callback."""
    number = st.query_params.get(COMPARISON, "")
    for word in ("look", *_OF_IMAGES):
        st.query_params.pop(word, None)
    for word, value in query_of(number, look).items():
        st.query_params[word] = value


def change_look(**changes: object) -> None:
    """Change some of what is shown, from a callback; another page begins where the images are others."""
    before = read_look()
    now = replace(before, **changes)  # type: ignore[arg-type]
    write_look(replace(now, page=1) if now.wanted != before.wanted else now)


def query_of(number: str | int, look: Look) -> Mapping[str, str]:
    """Return the words of the address that show this of a comparison."""
    wanted = look.wanted
    words = {COMPARISON: str(number)}
    if look.look != SUMMARY:
        words["look"] = look.look
    optional = {
        "view": wanted.view,
        "differ": "1" if wanted.differing else "",
        "entry": wanted.key,
        "cell": wanted.cell,
        "subject": look.subject,
        "page": str(look.page) if look.page > 1 else "",
    }
    words |= {word: value for word, value in optional.items() if value}
    if wanted.truth is not None:
        words["truth"] = wanted.truth
    if wanted.named is not None:
        words["named"] = wanted.named
    return words


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
