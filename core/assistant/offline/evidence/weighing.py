"""How much a message speaks for each task: kernel ridge regression on the examples, solved in closed form.

Three kinds of likeness are added: of letters (Korean in jamo and without spaces, so that slips and spacing cost
little), of concepts, and, where an encoder is given, of meaning. Nothing is drawn by chance: the same message weighs
the same.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from core.assistant.offline.evidence.concepts import read_concepts
from core.assistant.offline.evidence.examples import Example, load_examples, to_words
from core.assistant.offline.words.text import HANGUL

# A piece of words that fewer examples have says little, and there are many of those.
_LEAST_SPREAD = 3
Encode = Callable[[Sequence[str]], np.ndarray]
_LETTERS, _CONCEPTS = 0.3, 0.7
# Chosen on messages that no example was made of: what the encoder says is worth most, and the others steady it.
_LETTERS_OF_THREE, _CONCEPTS_OF_THREE, _MEANING = 0.12, 0.08, 0.8
_SHARPNESS, _RIDGE = 2.0, 0.1
# Masks are fewer than concepts, and say less each.
_N_OTHERS, _WEIGHT_OF_OTHERS = 8, 0.6


class _Shown:
    """The examples as vectors of letters and of concepts."""

    def __init__(self, examples: Sequence[Example]) -> None:
        texts = [one.text for one in examples]
        self._terms, self._rarity = _weigh_terms(texts)
        concepts = np.array([read_concepts(one) for one in texts])
        self._weights = np.log(len(texts) / (concepts.sum(0) + 1.0)) + 0.2
        self._weights[-_N_OTHERS:] *= _WEIGHT_OF_OTHERS
        self.letters = self.to_letters(texts)
        self.concepts = _to_units(concepts * self._weights)

    def to_letters(self, texts: Sequence[str]) -> Any:
        """Return (n, terms), each row of length 1; of the thousands of terms a text has a few dozen."""
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

        values: list[float] = []
        places: list[int] = []
        ends = [0]
        for text in texts:
            own = [
                (place, count)
                for term, count in list_terms(text).items()
                if (place := self._terms.get(term)) is not None
            ]
            weights = np.array([np.log1p(count) * self._rarity[place] for place, count in own])
            values += list(weights / max(float(np.linalg.norm(weights)), 1e-9))
            places += [place for place, _count in own]
            ends.append(len(places))
        return csr_matrix((values, places, ends), shape=(len(texts), len(self._terms)))

    def to_concepts(self, text: str) -> np.ndarray:
        """Return (1, concepts) of length 1."""
        return _to_units(read_concepts(text)[None] * self._weights)


@cache
def _show() -> _Shown:
    return _Shown(load_examples())


_plain_lock = threading.Lock()


class Weigher:
    """What each example weighs for each task; with `encode` their meanings are compared, too."""

    def __init__(self, encode: Encode | None = None) -> None:
        examples = load_examples()
        self.intents = tuple(dict.fromkeys(one.intent for one in examples))
        self._encode, self._shown = encode, _show()
        self._mean = np.zeros(0)
        self._meanings = np.zeros((0, 0))
        if encode is not None:
            vectors = _encode_all(encode, [one.text for one in examples])
            self._mean = vectors.mean(0)
            self._meanings = _to_units(vectors - self._mean)
        likeness = self._compare(self._shown.letters, self._shown.concepts, self._meanings)
        # -1/(n-1) for the others: the weights of all tasks then add up to nothing.
        wanted = np.full((len(examples), len(self.intents)), -1.0 / (len(self.intents) - 1))
        wanted[np.arange(len(examples)), [self.intents.index(one.intent) for one in examples]] = 1.0
        self._weights = np.linalg.solve(likeness + _RIDGE * np.eye(len(examples)), wanted)

    def weigh(self, masked: str) -> dict[str, float]:
        """Return what the masked message weighs for each task; about 1 is sure, 0 says nothing."""
        letters, concepts = self._shown.to_letters([masked]), self._shown.to_concepts(masked)
        meanings = np.zeros((1, 0))
        if self._encode is not None:
            meanings = _to_units(_encode_all(self._encode, [masked]) - self._mean)
        found = self._compare(letters, concepts, meanings) @ self._weights
        return dict(zip(self.intents, (float(one) for one in found[0]), strict=True))

    def _compare(self, letters: Any, concepts: np.ndarray, meanings: np.ndarray) -> np.ndarray:
        by_letters, by_concepts = (letters @ self._shown.letters.T).toarray(), (concepts @ self._shown.concepts.T) ** 2
        if self._encode is None:
            return np.asarray(_LETTERS * by_letters + _CONCEPTS * by_concepts)
        by_meaning = np.exp(_SHARPNESS * (meanings @ self._meanings.T - 1.0))
        return np.asarray(_LETTERS_OF_THREE * by_letters + _CONCEPTS_OF_THREE * by_concepts + _MEANING * by_meaning)


def plain_weigher() -> Weigher:
    """Return the one that needs no encoder; whoever asks for it while it is made waits for it."""
    with _plain_lock:
        return _make_plain()


@cache
def _make_plain() -> Weigher:
    return Weigher()


def list_terms(text: str) -> Counter[str]:
    """Return the pieces of words by which masked texts are alike."""
    found: Counter[str] = Counter()
    latin = re.findall(r"[a-zA-Z]+", text)
    for word in latin:
        edged = f"_{word}_"
        found[f"word {word}"] += 2
        found.update(edged[at : at + size] for size in (3, 4, 5) for at in range(len(edged) - size + 1))
    found.update(f"{one} {other}" for one, other in pairwise(latin))
    if HANGUL.search(text):
        korean = "".join(re.findall(r"[A-Z가-힣]+", text))
        jamo = unicodedata.normalize("NFD", korean)
        found.update(jamo[at : at + size] for size in (4, 6) for at in range(len(jamo) - size + 1))
        found.update(korean[at : at + 2] for at in range(len(korean) - 1))
    return found


def _weigh_terms(texts: Sequence[str]) -> tuple[dict[str, int], np.ndarray]:
    spread: Counter[str] = Counter()
    for text in texts:
        spread.update(list_terms(text).keys())
    terms = {term: place for place, term in enumerate(term for term, count in spread.items() if count >= _LEAST_SPREAD)}
    return terms, np.array([np.log(len(texts) / spread[term]) + 0.3 for term in terms])


def _encode_all(encode: Encode, texts: Sequence[str]) -> np.ndarray:
    words = [to_words(one, korean=HANGUL.search(one) is not None) for one in texts]
    return np.asarray(encode(words), np.float64)


def _to_units(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
