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
    of its words that it says in one way or another, `said_above` that its headings say, `around` that its chapter
    says; `rarest`: how far it says the rarest word; `section`: 1 where it stands in a section that the question asks
    for; `aside`: 1 where it speaks of the manual itself, and the question does not; `value`: 1 where it tells a value
    of a kind that the question asks for; `opening`: 1 where it opens a chapter, before its sections; `passed_over`: 1
    where it does and the question asks for a section or a value; `likeness` of meaning, `likeness_around` that of the
    likest of its chapter; `second`: that of the second look, None without one. `asks_section`: whether the question
    asks for a section at all.
    """

    words: np.ndarray
    covered: np.ndarray
    said: np.ndarray
    said_above: np.ndarray
    around: np.ndarray
    rarest: np.ndarray
    section: np.ndarray
    aside: np.ndarray
    value: np.ndarray
    opening: np.ndarray
    passed_over: np.ndarray
    likeness: np.ndarray
    likeness_around: np.ndarray
    asks_section: bool
    second: np.ndarray | None = None

    def with_second(self, places: np.ndarray, likeness: np.ndarray) -> Evidence:
        """Return it with the second look at these places; the others are as the least of them."""
        second = np.full(len(self.words), float(likeness.min()), np.float32)
        second[places] = likeness
        return replace(self, second=second)


class OrderWeights(NamedTuple):
    """How much each piece of evidence counts; `second` counts from `SECOND_FROM` on: all its likenesses lie there.

    `section_around`: the section that is asked for, in a chapter that says what is asked about; `value_said`: a value
    of the kind that is asked for, in a passage that does.
    """

    words: float
    covered: float
    said: float
    said_above: float
    around: float
    section: float
    section_around: float
    aside: float
    value: float
    value_said: float
    opening: float
    passed_over: float
    likeness: float
    likeness_around: float
    second: float = 0.0


class FoundWeights(NamedTuple):
    """How much each counts for the question being answered: of the best three passages, and at all.

    `asks_section`: what asks for causes, actions, checks … is what manuals are written for; what asks for anything
    else about the subject is answered less often.
    """

    score: float
    said: float
    rarest: float
    second: float
    asks_section: float
    least: float


SECOND_FROM = 0.8
FIRST = OrderWeights(0.46, 1.42, 1.51, 2.6, 0.95, 0.65, 0.96, -0.4, 0.61, 0.99, -0.41, -0.59, 2.67, 2.8)
WITH_SECOND = OrderWeights(0.24, 1.35, 1.34, 2.33, 0.89, 0.55, 0.95, -0.33, 0.59, 0.92, -0.4, -0.57, 1.83, 2.36, 12.0)
FOUND_FIRST = FoundWeights(0.68, 4.4, 0.22, 0.0, 1.82, 7.34)
FOUND_WITH_SECOND = FoundWeights(0.67, 3.85, 0.29, 15.35, 1.82, 7.14)


def weigh(evidence: Evidence) -> np.ndarray:
    """Return how well each passage answers, float32 (n,)."""
    weights = FIRST[:-1] if evidence.second is None else WITH_SECOND
    return np.asarray(tabulate(evidence) @ np.array(weights), np.float32)


def tabulate(evidence: Evidence) -> np.ndarray:
    """Return what is weighed, float64 (n, 14), or (n, 15) with the second look: columns as in `OrderWeights`."""
    columns = [
        evidence.words,
        evidence.covered,
        evidence.said,
        evidence.said_above,
        evidence.around,
        evidence.section,
        evidence.section * evidence.around,
        evidence.aside,
        evidence.value,
        evidence.value * evidence.said,
        evidence.opening,
        evidence.passed_over,
        evidence.likeness,
        evidence.likeness_around,
    ]
    if evidence.second is not None:
        columns.append(evidence.second - SECOND_FROM)
    return np.stack(columns, axis=1).astype(np.float64)


def describe_best(evidence: Evidence) -> tuple[float, float, float, float, float]:
    """Return what tells whether the question is answered, in the order of `FoundWeights`."""
    score = weigh(evidence)
    best = np.argsort(-score, kind="stable")[:_LOOKED_AT]
    return (
        float(score[best[0]]),
        float(evidence.said[best].max()),
        float(evidence.rarest[best].max()),
        0.0 if evidence.second is None else float(evidence.second.max()) - SECOND_FROM,
        float(evidence.asks_section),
    )


def is_answered(evidence: Evidence) -> bool:
    """Return whether the passages answer the question at all."""
    weights = FOUND_FIRST if evidence.second is None else FOUND_WITH_SECOND
    return sum(a * b for a, b in zip(weights, describe_best(evidence), strict=False)) >= weights.least
