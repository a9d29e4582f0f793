"""What the address of *Experiments* says: which runs are chosen, what of them is shown, which image is open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

RUNS = "runs"
SUMMARY, CURVES, IMAGES = "summary", "curves", "images"
LOOKS = (SUMMARY, CURVES, IMAGES)
SPLITS = ("test", "val")
_MOST_DIGITS, _MOST_RUNS = 18, 50
_WORDS = ("look", "split", "image", "page")


@dataclass(frozen=True)
class Look:
    """What is shown of the runs; `image` is 0 where none is open."""

    look: str = SUMMARY
    split: str = "test"
    image: int = 0
    page: int = 1


def asked_runs() -> tuple[int, ...]:
    """Return the numbers of the runs that the address names, without what is no number."""
    words = st.query_params.get(RUNS, "").split(",")[:_MOST_RUNS]
    return tuple(dict.fromkeys(number for word in words if (number := _number(word.strip()))))


def open_runs(numbers: tuple[int, ...]) -> None:
    """Name runs in the address, from a callback or before a rerun; none for the table."""
    for word in (RUNS, *_WORDS):
        st.query_params.pop(word, None)
    if numbers:
        st.query_params[RUNS] = ",".join(str(number) for number in numbers)


def read_look() -> Look:
    """Return what the address says is shown."""
    words = st.query_params
    look, split = words.get("look", SUMMARY), words.get("split", "test")
    return Look(
        look if look in LOOKS else SUMMARY,
        split if split in SPLITS else "test",
        _number(words.get("image", "0")),
        max(1, _number(words.get("page", "1"))),
    )


def change_look(**changes: object) -> None:
    """Change some of what is shown, from a callback; another split begins at its first page."""
    before = read_look()
    now = replace(before, **changes)  # type: ignore[arg-type]
    if now.split != before.split:
        now = replace(now, page=1, image=0)
    values = {
        "look": now.look if now.look != SUMMARY else "",
        "split": now.split if now.split != "test" else "",
        "image": str(now.image) if now.image else "",
        "page": str(now.page) if now.page > 1 else "",
    }
    for word, value in values.items():
        if value:
            st.query_params[word] = value
        else:
            st.query_params.pop(word, None)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
