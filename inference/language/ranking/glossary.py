"""Words that mean the same in visual inspection, Korean and English: what a question says another way than the manual.

The groups are data (`assets/glossary/inspection_terms.txt`, which says how they are written). Names of a product's own
defect types are groups of one search. A group is looked up in an index that knows nothing of it, by the terms of its
entries, so that indexes that were built before are searched by it, too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

from inference.language.ranking.spelling import one_letter_away
from inference.language.search_terms import cut_words, is_korean, letter_groups, stem_of

TERMS_FILE = Path(__file__).resolve().parents[3] / "assets" / "glossary" / "inspection_terms.txt"
_CONTRACTED = {"ᅵ": "ᅵᅧ", "ᅮ": "ᅮᅯ", "ᅩ": "ᅩᅪ", "ᅳ": "ᅳᅥᅡ"}
# What may follow a verb's stem of one syllable; without it 재 would be every word that begins so.
_ENDING = re.compile(
    unicodedata.normalize("NFD", "(고|지|면|는|서|도|야|나|니|다|기|려|거|게|아|어|여|았|었|으|은|을|자|요)")
    + "|[\u11ab\u11af\u11b7]?$"
)
# Entries are looked up by so many first letters (of Korean: jamo).
_BEGINNING = 2

Kind = Literal["is", "begins", "verb"]


@dataclass(frozen=True)
class Entry:
    """One way to say what a group means, word by word.

    `keys` are what the words of a question have to be, or to begin with; `terms` are those of an index that a passage
    has to hold, all of them: none where they would stand for too many words.
    """

    keys: tuple[tuple[str, Kind], ...]
    terms: tuple[str, ...]


class _Part(NamedTuple):
    key: str
    kind: Kind
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """A group that words of a question belong to: the places of these words, and all entries of the group."""

    words: tuple[int, ...]
    entries: tuple[Entry, ...]


class Glossary:
    """Groups of entries, found by the first letters of their first word. Read-only."""

    def __init__(self, groups: Iterable[Sequence[str]]) -> None:
        """Take the groups as people write them."""
        self._groups: list[tuple[Entry, ...]] = []
        self._starts: dict[str, list[tuple[int, Entry]]] = {}
        self._single: dict[str, list[int]] = {}
        for words in groups:
            entries = tuple(entry for word in words for entry in _read_entries(word))
            if len(entries) < 2:
                continue
            number = len(self._groups)
            self._groups.append(entries)
            for entry in entries:
                self._starts.setdefault(entry.keys[0][0][:_BEGINNING], []).append((number, entry))
                if len(entry.keys) == 1:
                    self._single.setdefault(entry.keys[0][0], []).append(number)

    def find(self, question: str) -> list[Said]:
        """Return the groups that the question's words belong to; places are those of `cut_words`.

        Of two groups the one that more words say wins: “contact tip” is no contact.
        """
        words = [
            (unicodedata.normalize("NFD", word), unicodedata.normalize("NFD", stem_of(word)))
            for word in cut_words(question)
        ]
        spans: set[tuple[int, int, int]] = set()
        for place, (whole, stem) in enumerate(words):
            # A key may be shorter than what entries are sorted by.
            for start in {one[:length] for one in (whole, stem) for length in range(1, _BEGINNING + 1)}:
                for number, entry in self._starts.get(start, ()):
                    end = place + len(entry.keys)
                    if _matches(entry, words[place:end]):
                        spans.add((number, place, end))
        found: dict[int, set[int]] = {}
        for number, first, end in spans:
            within = any(
                first >= other_first and end <= other_end and end - first < other_end - other_first
                for _other, other_first, other_end in spans
            )
            if not within:
                found.setdefault(number, set()).update(range(first, end))
        return [Said(tuple(sorted(places)), self._groups[number]) for number, places in sorted(found.items())]

    def find_meant(self, word: str) -> list[tuple[Entry, ...]]:
        """Return the groups of the words of one word each that a misspelt one may have been meant to be."""
        meant = (unicodedata.normalize("NFD", one) for one in one_letter_away(word))
        numbers = {number for key in meant for number in self._single.get(key, ())}
        return [self._groups[number] for number in sorted(numbers)]


@cache
def read_glossary() -> Glossary:
    """Return the glossary that comes with the product, once for the process. Raises OSError if it is not here."""
    lines = TERMS_FILE.read_text(encoding="utf-8").splitlines()
    return Glossary(line.split(",") for line in lines if line.strip() and not line.startswith("#"))


def _read_entries(written: str) -> Iterator[Entry]:
    """Yield the entry, a verb's once for each form that its stem takes; nothing where nothing of it is a word."""
    parts: list[list[_Part]] = []
    for part in written.split():
        is_verb = part.endswith("-") and is_korean(part)
        parts += [_forms_of(word) if is_verb else _parts_of(word) for word in cut_words(part)]
    for chosen in product(*parts) if parts else ():
        terms = tuple(dict.fromkeys(term for part in chosen for term in part.terms))
        yield Entry(tuple((part.key, part.kind) for part in chosen), terms)


def _parts_of(word: str) -> list[_Part]:
    if not is_korean(word):
        # The stem of a plural may have lost an e: hole, hol(es).
        stems = dict.fromkeys((stem_of(word), stem_of(f"{word}s")))
        return [_Part(stem, "is", (stem,)) for stem in stems]
    key = unicodedata.normalize("NFD", word)
    if len(word) == 1:
        return [_Part(key, "is", (word,))]
    # Its particle, if it ends like one, belongs to the word: 온도, 하도.
    return [_Part(key, "begins", tuple(word[at : at + 2] for at in range(len(word) - 1)))]


def _forms_of(stem: str) -> list[_Part]:
    """Return the forms of a verb's stem: the last vowel may run into the ending (메우다, 메워)."""
    letters = unicodedata.normalize("NFD", stem)
    if len(stem) == 1:
        return [_Part(letters, "verb", ())]
    forms = _CONTRACTED.get(letters[-1], letters[-1])
    return [
        _Part(letters[:-1] + form, "begins", tuple(letter_groups(letters[:-1] + form, closed=False))) for form in forms
    ]


def _matches(entry: Entry, words: Sequence[tuple[str, str]]) -> bool:
    if len(words) < len(entry.keys):
        return False
    for (whole, stem), (key, kind) in zip(words, entry.keys, strict=False):
        if kind == "is" and stem != key:
            return False
        if kind != "is" and not whole.startswith(key):
            return False
        if kind == "verb" and not _ENDING.match(whole[len(key) :]):
            return False
    return True
