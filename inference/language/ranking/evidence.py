"""What speaks for a passage as the answer to a question, and how much each counts.

The weights are a conditional logit over the passages of a manual, fitted by `benchmarks/fit_retrieval.py`, which also
tells how they hold on manuals that they were not fitted on. A part of the glossary was left out at random at that:
words that no glossary knows are the rule, and the encoders must keep their share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

# How many of the best passages tell whether the question is answered.
_LOOKED_AT = 3


@dataclass(frozen=True)
class Evidence:
    """For each passage of an index float32 (n,).

    `words`: BM25 relative to the best; `covered`: the share of the question's terms that it holds; `said`: the share
    of its words that it says in one way or another, `said_above` that its headings say; `rarest`: how far it says the
    rarest word; `section`: 1 where it stands in a section that the question asks for; `likeness` of meaning; `second`:
    that of the second look, None without one.
    """

    words: np.ndarray
    covered: np.ndarray
    said: np.ndarray
    said_above: np.ndarray
    rarest: np.ndarray
    section: np.ndarray
    likeness: np.ndarray
    second: np.ndarray | None = None

    def with_second(self, places: np.ndarray, likeness: np.ndarray) -> Evidence:
        """Return it with the second look at these places; the others are as the least of them."""
        second = np.full(len(self.words), float(likeness.min()), np.float32)
        second[places] = likeness
        return replace(self, second=second)


class OrderWeights(NamedTuple):
    """How much each piece of evidence counts; `second` counts from `SECOND_FROM` on: all its likenesses lie there."""

    words: float
    covered: float
    said: float
    said_above: float
    section: float
    likeness: float
    second: float = 0.0


class FoundWeights(NamedTuple):
    """How much each counts for the question being answered: of the best three passages, and at all."""

    score: float
    said: float
    rarest: float
    second: float
    least: float


SECOND_FROM = 0.8
FIRST = OrderWeights(0.42, 2.55, 4.09, 2.24, 1.27, 3.27)
WITH_SECOND = OrderWeights(0.20, 2.44, 3.78, 1.90, 1.14, 2.26, 12.0)
FOUND_FIRST = FoundWeights(0.80, 2.83, 1.52, 0.0, 5.11)
FOUND_WITH_SECOND = FoundWeights(0.62, 3.23, 1.82, 18.69, 5.21)


def weigh(evidence: Evidence) -> np.ndarray:
    """Return how well each passage answers, float32 (n,)."""
    weights = FIRST if evidence.second is None else WITH_SECOND
    score = (
        weights.words * evidence.words
        + weights.covered * evidence.covered
        + weights.said * evidence.said
        + weights.said_above * evidence.said_above
        + weights.section * evidence.section
        + weights.likeness * evidence.likeness
    )
    if evidence.second is not None:
        score = score + weights.second * (evidence.second - SECOND_FROM)
    return np.asarray(score, np.float32)


def describe_best(evidence: Evidence) -> tuple[float, float, float, float]:
    """Return what tells whether the question is answered, in the order of `FoundWeights`."""
    score = weigh(evidence)
    best = np.argsort(-score, kind="stable")[:_LOOKED_AT]
    return (
        float(score[best[0]]),
        float(evidence.said[best].max()),
        float(evidence.rarest[best].max()),
        0.0 if evidence.second is None else float(evidence.second.max()) - SECOND_FROM,
    )


def is_answered(evidence: Evidence) -> bool:
    """Return whether the passages answer the question at all."""
    weights = FOUND_FIRST if evidence.second is None else FOUND_WITH_SECOND
    return sum(a * b for a, b in zip(weights, describe_best(evidence), strict=False)) >= weights.least
