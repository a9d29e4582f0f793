"""How far passages say the words of a question, in these words or in others that mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.language.lexical_index import LexicalIndex
from inference.language.ranking.glossary import Glossary, Said
from inference.language.ranking.spelling import respell
from inference.language.search_terms import cut_words, only_asks, split_terms

# From this share of its own terms on a word stands in a passage: forgives an ending and a misspelling.
_SAME_WORD = 0.6
# A word that no passage holds may be misspelt: one that is a letter away counts almost as much.
_MISSPELT = 0.8
# What only asks (why, how often) tells less than what is asked about.
_ASKING_WEIGHT = 0.5


@dataclass(frozen=True)
class QuestionWord:
    """A word of the question, and the groups of words of like meaning that it belongs to."""

    text: str
    said: tuple[Said, ...]
    weight: float


@dataclass(frozen=True)
class WordMatch:
    """For each passage float32 (n,): the share of the question's words that it says, weighed by their rarity.

    `rarest` is how far each says the rarest word that is about something.
    """

    covered: np.ndarray
    rarest: np.ndarray


def read_question(text: str, glossaries: Sequence[Glossary]) -> list[QuestionWord]:
    """Return the words of a question that tell something: those that only ask are left out unless a group has them."""
    said = [found for glossary in glossaries for found in glossary.find(text)]
    words = []
    for place, word in enumerate(cut_words(text)):
        own = tuple(found for found in said if place in found.words)
        if own or not only_asks(word):
            words.append(QuestionWord(word, own, _ASKING_WEIGHT if only_asks(word) else 1.0))
    return words


def match_words(index: LexicalIndex, words: Sequence[QuestionWord]) -> WordMatch:
    """Return how far each passage of the index says the words."""
    count = index.passage_count
    total = 0.0
    covered = np.zeros(count, np.float32)
    rarest, rarest_weight = np.zeros(count, np.float32), 0.0
    for word in words:
        shares = index.score(split_terms(word.text)).coverage
        shares = np.where(shares >= _SAME_WORD, shares, shares * 0.5).astype(np.float32)
        if not (shares >= _SAME_WORD).any():
            for terms in respell(word.text, index.places):
                shares = np.maximum(shares, _MISSPELT * index.find_holding(terms)).astype(np.float32)
        for said in word.said:
            for entry in said.entries:
                if entry.terms:
                    shares = np.maximum(shares, index.find_holding(entry.terms))
        weight = word.weight * index.rarity_of(int((shares >= _SAME_WORD).sum()))
        covered += weight * shares
        total += weight
        if weight > rarest_weight and word.weight == 1.0:
            rarest, rarest_weight = shares, weight
    total = max(total, 1e-6)
    return WordMatch(np.asarray(covered / total, np.float32), rarest)
