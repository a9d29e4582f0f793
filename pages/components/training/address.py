"""What the address of *Train a model* says: which run, which side of it, which images, which one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

RUN = "run"
RESULT, CURVES, IMAGES, CONFIGURATION, LOG = "result", "curves", "images", "configuration", "log"
LOOKS = (RESULT, CURVES, IMAGES, CONFIGURATION, LOG)
SPLITS = ("test", "val")
_MOST_DIGITS = 18  # as many as every database's largest number has
_WORDS = ("look", "split", "wrong", "truth", "named", "domain", "image", "page")


@dataclass(frozen=True)
class ImageFilter:
    """Which images of a run are looked at; None and "" stand for all."""

    split: str = "test"
    only_wrong: bool = False
    truth: str | None = None
    named: str | None = None
    domain: str | None = None

    @property
    def is_narrow(self) -> bool:
        """Return whether a cell of a table was opened."""
        return self.truth is not None or self.named is not None or self.domain is not None


@dataclass(frozen=True)
class RunLook:
    """What is shown of a run: `look` is empty where the address does not say, `image` is 0 where none is open."""

    look: str = ""
    wanted: ImageFilter = ImageFilter()
    image: int = 0
    page: int = 1


def asked_run() -> int | None:
    """Return the number of the run that the address names; 0 for one that cannot be, None for none."""
    text = st.query_params.get(RUN)
    return None if text is None else _number(text)


def open_run(number: int | None) -> None:
    """Name a run in the address, from a callback or before a rerun; None for the form and the list."""
    for word in (RUN, *_WORDS):
        st.query_params.pop(word, None)
    if number is not None:
        st.query_params[RUN] = str(number)


def read_look() -> RunLook:
    """Return what the address says of the run that is open."""
    words = st.query_params
    look, split = words.get("look", ""), words.get("split", "test")
    wanted = ImageFilter(
        split=split if split in SPLITS else "test",
        only_wrong=words.get("wrong") == "1",
        truth=words.get("truth"),
        named=words.get("named"),
        domain=words.get("domain"),
    )
    return RunLook(
        look if look in LOOKS else "", wanted, _number(words.get("image", "0")), max(1, _number(words.get("page", "1")))
    )


def change_look(**changes: object) -> None:
    """Change some of what is shown, from a callback; another page begins where the images are others."""
    before = read_look()
    now = replace(before, **changes)  # type: ignore[arg-type]
    if now.wanted != before.wanted:
        now = replace(now, page=1, image=0)
    number = st.query_params.get(RUN, "")
    for word in _WORDS:
        st.query_params.pop(word, None)
    for word, value in query_of(number, now).items():
        st.query_params[word] = value


def query_of(number: str | int, look: RunLook) -> Mapping[str, str]:
    """Return the words of the address that show this of a run."""
    wanted = look.wanted
    optional = {
        "look": look.look,
        "split": wanted.split if wanted.split != "test" else "",
        "wrong": "1" if wanted.only_wrong else "",
        "image": str(look.image) if look.image else "",
        "page": str(look.page) if look.page > 1 else "",
    }
    words = {RUN: str(number)} | {word: value for word, value in optional.items() if value}
    for word, value in (("truth", wanted.truth), ("named", wanted.named), ("domain", wanted.domain)):
        if value is not None:
            words[word] = value
    return words


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
