"""Words that are one letter away from others: what a misspelt word of a question may have been meant to be."""

from __future__ import annotations

import string
from collections.abc import Container, Iterator

from inference.language.search_terms import is_korean, stem_of

_FIRST, _LAST = ord("가"), ord("힣")
_VOWELS, _FINALS = 21, 28
_INITIALS = 19
# Shorter words are one letter away from too many others.
_SYLLABLES, _LETTERS = 2, 4


def respell(word: str, known: Container[str]) -> list[tuple[str, ...]]:
    """Return the terms of every known word that is one letter (of Korean: one jamo) away from this one's stem.

    `known` are the terms of an index: of Korean words pairs of syllables, all of which have to be known.
    """
    if is_korean(word):
        spelt = (tuple(one[at : at + 2] for at in range(len(one) - 1)) for one in one_letter_away(word))
        return [terms for terms in spelt if all(term in known for term in terms)]
    return [(one,) for one in one_letter_away(word) if one in known]


def one_letter_away(word: str) -> list[str]:
    """Return the words that this one's stem may have been meant to be; none for a short word, or one with digits.

    What ends like a particle may belong to the word: of 깁이 the stem is too short to be changed, not the word.
    """
    stem = stem_of(word)
    if is_korean(word):
        stem = stem if len(stem) >= _SYLLABLES else word
        return list(_korean(stem)) if len(stem) >= _SYLLABLES else []
    if len(stem) < _LETTERS or not stem.isascii() or not stem.isalpha():
        return []
    return list(dict.fromkeys(_english(stem)))


def _korean(stem: str) -> Iterator[str]:
    for place, syllable in enumerate(stem):
        number = ord(syllable) - _FIRST
        if not 0 <= number <= _LAST - _FIRST:
            continue
        initial, rest = divmod(number, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        others = [(one, vowel, final) for one in range(_INITIALS) if one != initial]
        others += [(initial, one, final) for one in range(_VOWELS) if one != vowel]
        others += [(initial, vowel, one) for one in range(_FINALS) if one != final]
        for first, middle, last in others:
            changed = chr(_FIRST + (first * _VOWELS + middle) * _FINALS + last)
            yield stem[:place] + changed + stem[place + 1 :]


def _english(stem: str) -> Iterator[str]:
    for place in range(len(stem) + 1):
        before, after = stem[:place], stem[place:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in string.ascii_lowercase:
            yield before + letter + after
            if after:
                yield before + letter + after[1:]
