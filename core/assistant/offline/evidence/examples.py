"""Examples of what people type, by task, and the words that stand for concepts: the data of the offline parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PRODUCT, TYPE, PERIOD, LINE_MARK, SHIFT_MARK, LOT_MARK, NUMBER = "P", "T", "D", "L", "S", "K", "N"
_PLACES = {
    "{p}": PRODUCT, "{t}": TYPE, "{d}": PERIOD, "{l}": LINE_MARK, "{s}": SHIFT_MARK, "{k}": LOT_MARK, "{n}": NUMBER,
}  # fmt: skip
_KOREAN = {"P": "주조품", "T": "얼룩", "D": "어제", "L": "3라인", "S": "주간조", "K": "로트 77", "N": "20"}
_ENGLISH = {"P": "casting", "T": "stain", "D": "yesterday", "L": "line 3", "S": "day shift", "K": "lot 77", "N": "20"}
_FOLDER = Path(__file__).resolve().parents[4] / "assets" / "assistant"


@dataclass(frozen=True)
class Example:
    """A masked message, and the task that it means."""

    intent: str
    text: str


@cache
def load_examples() -> tuple[Example, ...]:
    """Return all examples, masked as messages are."""
    found: list[Example] = []
    intent = ""
    for line in _read_lines("examples.txt"):
        if line.startswith("["):
            intent = line.strip("[]")
        else:
            found.append(Example(intent, _mask(line.casefold())))
    return tuple(found)


@cache
def list_example_words() -> frozenset[str]:
    """Return the words of all examples and concepts: whatever a product is called, a slip of these is no name."""
    words = {word for one in load_examples() for word in re.findall(r"[a-z]+|[가-힣]+", one.text)}
    return frozenset(words | {word for _name, said in load_concepts() for one in said for word in _whole_words(one)})


@cache
def load_concepts() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the concepts by name with the words that mean them, as they are written in the file."""
    found = []
    for line in _read_lines("concepts.txt"):
        name, _, words = line.partition(":")
        found.append((name, tuple(one.strip() for one in words.split(","))))
    return tuple(found)


def _mask(line: str) -> str:
    for place, mark in _PLACES.items():
        line = line.replace(place, mark)
    return re.sub(r"\d+", NUMBER, line)


def _whole_words(said: str) -> list[str]:
    return [bare for word in said.split() if (bare := word.rstrip("*~"))]


def _read_lines(name: str) -> Iterator[str]:
    for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def to_words(masked: str, *, korean: bool) -> str:
    """Return masked text with usual words for the letters: what a sentence encoder can read."""
    words = _KOREAN if korean else _ENGLISH
    return re.sub(r"[A-Z]", lambda found: words.get(found[0], found[0]), masked)
