"""BM25 over the terms of passages, fitted by langchain-community's retriever and kept as plain arrays.

BM25 is a sum over the question's terms, so everything that the retriever's model would compute at a search is computed
once, when an index is built ("eager" scoring, Lù 2024): a search reads arrays and needs none of the library, whose own
search walks through every passage for every term and whose model can only be kept by pickling it.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import ArtifactError
from inference.language.search_terms import Terms, is_letter_group, split_terms

if TYPE_CHECKING:
    from langchain_community.retrievers import BM25Retriever

TERMS_NAME = "terms.json"
# Robertson & Zaragoza (2009): how soon a repeated term adds no more, and how much a long passage is held back.
K1, B = 1.2, 0.5
LETTERS_WEIGHT = 0.35


@dataclass(frozen=True)
class LexicalScores:
    """For each passage float32 (n,): BM25, and the share (0 to 1) of the question's weight that it covers."""

    scores: np.ndarray
    coverage: np.ndarray


@dataclass(frozen=True)
class LexicalIndex:
    """Postings: those of term `t` are `passages[starts[t]:starts[t + 1]]`, with what they add to a passage's score."""

    places: Mapping[str, int]
    starts: np.ndarray
    passages: np.ndarray
    weights: np.ndarray
    rarity: np.ndarray
    passage_count: int

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Return an index of the passages' texts, in the order given. Imports langchain-community (seconds)."""
        postings: dict[str, list[int]] = {}
        weights: list[np.ndarray] = [np.zeros(0, np.float32)]
        # The library divides by the number of terms.
        if any(list_terms(text) for text in texts):
            fitted = fit_retriever(texts).vectorizer
            for number, counts in enumerate(fitted.doc_freqs):
                for term in counts:
                    postings.setdefault(term, []).append(number)
            weights += [np.asarray(fitted.get_batch_scores([term], found)) for term, found in postings.items()]
        sizes = np.array([len(found) for found in postings.values()], np.int64)
        return cls(
            places={term: place for place, term in enumerate(postings)},
            starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            passages=np.array([number for found in postings.values() for number in found], np.int32),
            weights=np.concatenate(weights).astype(np.float32),
            rarity=_weigh_terms(list(postings), sizes, len(texts)),
            passage_count=len(texts),
        )

    def score(self, terms: Terms) -> LexicalScores:
        """Return how well each passage fits; a term that no passage has counts against the coverage of all."""
        scores = np.zeros(self.passage_count, np.float32)
        covered = np.zeros(self.passage_count, np.float32)
        unknown = float(_rarity(np.zeros(1, np.int64), self.passage_count)[0])
        total = 0.0
        for term in dict.fromkeys((*terms.words, *terms.letters)):
            place = self.places.get(term)
            if place is None:
                total += unknown * (LETTERS_WEIGHT if is_letter_group(term) else 1.0)
                continue
            part = slice(int(self.starts[place]), int(self.starts[place + 1]))
            found = self.passages[part]
            scores[found] += self.weights[part]
            covered[found] += self.rarity[place]
            total += float(self.rarity[place])
        return LexicalScores(scores, covered / max(total, 1e-6))

    def find_holding(self, terms: Sequence[str]) -> np.ndarray:
        """Return which passages hold all of the terms, bool (n,); none of them where there are no terms."""
        places = [self.places[term] for term in terms if term in self.places]
        if not places or len(places) < len(terms):
            return np.zeros(self.passage_count, bool)
        held = np.zeros(self.passage_count, np.int16)
        for place in places:
            held[self.passages[int(self.starts[place]) : int(self.starts[place + 1])]] += 1
        return np.asarray(held == len(places))

    def rarity_of(self, size: int) -> float:
        """Return the weight of what stands in so many of the passages."""
        return float(_rarity(np.array([size]), self.passage_count)[0])

    def to_tensors(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the arrays under names that begin with `prefix`."""
        return {f"{prefix}_{name}": getattr(self, name) for name in ("starts", "passages", "weights", "rarity")}

    def to_bytes(self) -> bytes:
        """Return the terms, in the order of their places."""
        return json.dumps(list(self.places), ensure_ascii=False).encode()

    @classmethod
    def read(cls, tensors: Mapping[str, np.ndarray], prefix: str, terms: bytes, *, passage_count: int) -> LexicalIndex:
        """Return what `to_tensors` and `to_bytes` gave. Raises ArtifactError(`artifact_damaged`) where they do not fit.

        Tensors of a version before, which were computed without the library, are read and score as they did.
        """
        try:
            arrays = {name: tensors[f"{prefix}_{name}"] for name in ("starts", "passages", "weights", "rarity")}
            places = {str(term): place for place, term in enumerate(json.loads(terms))}
        except (KeyError, ValueError, TypeError) as error:
            raise ArtifactError("artifact_damaged", file=TERMS_NAME) from error
        starts, passages = arrays["starts"], arrays["passages"]
        fits = (
            len(starts) == len(places) + 1
            and len(arrays["rarity"]) == len(places)
            and len(passages) == len(arrays["weights"]) == int(starts[-1])
            and bool((np.diff(starts) >= 0).all())
            and (not len(passages) or (int(passages.min()) >= 0 and int(passages.max()) < passage_count))
        )
        if not fits:
            raise ArtifactError("artifact_damaged", file=TERMS_NAME)
        return cls(places=places, passage_count=passage_count, **arrays)


def fit_retriever(texts: Sequence[str]) -> BM25Retriever:
    """Return the library's retriever of the texts, one or more of which hold a term; its `vectorizer` is the model.

    Its idf is Lucene's, not its own: that one turns negative for terms of more than half the passages, and its floor
    then ranks them above rarer ones and makes every score of a manual of one or two passages zero or negative.
    """
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        # It announces the end of its maintenance whenever it is imported; its version is pinned.
        from langchain_community.retrievers import BM25Retriever

    retriever = BM25Retriever.from_texts(texts, bm25_params={"k1": K1, "b": B}, preprocess_func=list_terms)
    fitted = retriever.vectorizer
    counts = Counter(term for frequencies in fitted.doc_freqs for term in frequencies)
    rarity = _weigh_terms(list(counts), np.array(list(counts.values()), np.int64), len(texts))
    fitted.idf = dict(zip(counts, rarity.tolist(), strict=True))
    # It makes an array of this list for every term that it scores.
    fitted.doc_len = np.array(fitted.doc_len)
    return retriever


def list_terms(text: str) -> list[str]:
    """Return all terms of a passage's text with repetitions: how the retriever splits it."""
    terms = split_terms(text)
    return [*terms.words, *terms.letters]


def _weigh_terms(terms: Sequence[str], sizes: np.ndarray, passage_count: int) -> np.ndarray:
    """Return each term's inverse document frequency, float32 (n,), lowered for groups of letters.

    `sizes` are the numbers of passages with the term.
    """
    rarity = _rarity(sizes, passage_count)
    rarity[[is_letter_group(term) for term in terms]] *= LETTERS_WEIGHT
    return rarity


def _rarity(sizes: np.ndarray, passage_count: int) -> np.ndarray:
    return np.asarray(np.log1p((passage_count - sizes + 0.5) / (sizes + 0.5)), np.float32)
