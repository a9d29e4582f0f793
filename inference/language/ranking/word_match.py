"""How far passages say the words of a question, in these words or in others that mean the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inference.language.lexical_index import LexicalIndex
from inference.language.ranking.glossary import Entry, Glossary, Said
from inference.language.ranking.spelling import respell
from inference.language.search_terms import cut_words, only_asks, split_terms

# From this share of its own terms on a word stands in a passage: forgives an ending and a misspelling.
_SAME_WORD = 0.6
# A word that no passage holds may be misspelt: one that is a letter away counts almost as much.
_MISSPELT = 0.8
# So much counts a word that only means the same.
_MEANS_THE_SAME = 0.9
# What only asks (why, how often) tells less than what is asked about.
_ASKING_WEIGHT = 0.5


@dataclass(frozen=True)
class QuestionWord:
    """A word of the question, and the groups of words of like meaning that it belongs to.

    A word that is in no group may be misspelt: `meant` are the groups of those that are one letter away.
    """

    text: str
    said: tuple[Said, ...]
    weight: float
    meant: tuple[tuple[Entry, ...], ...] = ()


@dataclass(frozen=True)
class WordMatch:
    """For each passage float32 (n,): the share of the question's words that it says, weighed by their rarity.

    `around` is the share that its chapter says, all passages of it together; `rarest` is how far each says the rarest
    word that is about something.
    """

    covered: np.ndarray
    around: np.ndarray
    rarest: np.ndarray


def read_question(text: str, glossaries: Sequence[Glossary]) -> list[QuestionWord]:
    """Return the words of a question that tell something: those that only ask are left out unless a group has them."""
    said = [found for glossary in glossaries for found in glossary.find(text)]
    words = []
    for place, word in enumerate(cut_words(text)):
        own = tuple(found for found in said if place in found.words)
        if own or not only_asks(word):
            meant = () if own else tuple(group for one in glossaries for group in one.find_meant(word))
            words.append(QuestionWord(word, own, _ASKING_WEIGHT if only_asks(word) else 1.0, meant))
    return words


def match_words(index: LexicalIndex, words: Sequence[QuestionWord], chapters: np.ndarray | None = None) -> WordMatch:
    """Return how far each passage of the index says the words; `chapters` are the numbers (n,) of its chapters."""
    count = index.passage_count
    total = 0.0
    covered = np.zeros(count, np.float32)
    around = np.zeros(0 if chapters is None or not count else int(chapters.max()) + 1, np.float32)
    rarest, rarest_weight = np.zeros(count, np.float32), 0.0
    for word in words:
        shares = index.score(split_terms(word.text)).coverage
        shares = np.where(shares >= _SAME_WORD, shares, shares * 0.5).astype(np.float32)
        if not (shares >= _SAME_WORD).any():
            for terms in respell(word.text, index.places):
                shares = np.maximum(shares, _MISSPELT * index.find_holding(terms)).astype(np.float32)
        if not (shares >= _SAME_WORD).any():
            shares = np.maximum(shares, _MISSPELT * _find_any(index, word.meant))
        shares = np.maximum(shares, _MEANS_THE_SAME * _find_any(index, [said.entries for said in word.said]))
        holding = int((shares >= _SAME_WORD).sum())
        # What only asks need not be said.
        if not holding and word.weight < 1.0:
            continue
        weight = word.weight * index.rarity_of(holding)
        covered += weight * shares
        if chapters is not None:
            best = np.zeros(len(around), np.float32)
            np.maximum.at(best, chapters, shares)
            around += weight * best
        total += weight
        if weight > rarest_weight and word.weight == 1.0:
            rarest, rarest_weight = shares, weight
    total = max(total, 1e-6)
    return WordMatch(
        covered=np.asarray(covered / total, np.float32),
        around=np.zeros(count, np.float32) if chapters is None else np.asarray(around[chapters] / total, np.float32),
        rarest=rarest,
    )


def _find_any(index: LexicalIndex, groups: Iterable[Sequence[Entry]]) -> np.ndarray:
    """Return which passages hold one entry of the groups or more, float32 (n,) of 0 and 1."""
    found = np.zeros(index.passage_count, bool)
    for terms in {entry.terms for group in groups for entry in group if entry.terms}:
        found |= index.find_holding(terms)
    return found.astype(np.float32)
