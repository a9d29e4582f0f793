"""The search of a product's manuals: by words, by meaning, and both fused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inference.language.passages import Passage


@dataclass(frozen=True)
class Query:
    """A question, the words of the defect type that it is about, and the language that is preferred."""

    text: str
    defect_terms: tuple[str, ...] = ()
    language: Literal["ko", "en"] = "ko"


@dataclass(frozen=True)
class Hit:
    """A passage found; ranks count from 1 and are None where that search did not find it."""

    passage: Passage
    score: float
    lexical_rank: int | None
    dense_rank: int | None


@dataclass(frozen=True)
class Answer:
    """The hits, best first. `found` is False where nothing in the manuals answers the question."""

    hits: tuple[Hit, ...]
    found: bool
