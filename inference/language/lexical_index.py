"""BM25 over the terms of passages (Robertson & Zaragoza, 2009), kept as plain arrays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference.errors import ArtifactError
from inference.language.search_terms import Terms

TERMS_NAME = "terms.json"
_SATURATION, _LENGTH_SHARE = 1.2, 0.5
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
    def build(cls, texts: Sequence[Terms]) -> LexicalIndex:
        """Return an index of the terms of each passage, in the order given."""
        places: dict[str, int] = {}
        postings: list[tuple[list[int], list[float]]] = []
        counts = [Counter(terms.words) + Counter(terms.letters) for terms in texts]
        lengths = np.array([len(terms.words) + len(terms.letters) for terms in texts], np.float64)
        relative = lengths / max(float(lengths.mean()), 1.0) if len(texts) else lengths
        damping = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * relative)
        for number, count in enumerate(counts):
            slowing = float(damping[number])
            for term, times in count.items():
                place = places.setdefault(term, len(places))
                if place == len(postings):
                    postings.append(([], []))
                postings[place][0].append(number)
                postings[place][1].append(times * (_SATURATION + 1) / (times + slowing))
        sizes = np.array([len(found) for found, _ in postings], np.int64)
        rarity = _rarity(sizes, len(texts))
        rarity[[term.startswith("~") for term in places]] *= LETTERS_WEIGHT
        weights = np.array([weight for _, found in postings for weight in found], np.float32)
        return cls(
            places=places,
            starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            passages=np.array([number for found, _ in postings for number in found], np.int32),
            weights=weights * np.repeat(rarity, sizes),
            rarity=rarity,
            passage_count=len(texts),
        )

    def score(self, terms: Terms) -> LexicalScores:
        """Return how well each passage answers; a term that no passage has counts against the coverage of all."""
        scores = np.zeros(self.passage_count, np.float32)
        covered = np.zeros(self.passage_count, np.float32)
        unknown = float(_rarity(np.zeros(1, np.int64), self.passage_count)[0])
        total = 0.0
        for term in dict.fromkeys((*terms.words, *terms.letters)):
            place = self.places.get(term)
            if place is None:
                total += unknown * (LETTERS_WEIGHT if term.startswith("~") else 1.0)
                continue
            part = slice(int(self.starts[place]), int(self.starts[place + 1]))
            found = self.passages[part]
            scores[found] += self.weights[part]
            covered[found] += self.rarity[place]
            total += float(self.rarity[place])
        return LexicalScores(scores, covered / max(total, 1e-6))

    def to_tensors(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the arrays under names that begin with `prefix`."""
        return {f"{prefix}_{name}": getattr(self, name) for name in ("starts", "passages", "weights", "rarity")}

    def to_bytes(self) -> bytes:
        """Return the terms, in the order of their places."""
        return json.dumps(list(self.places), ensure_ascii=False).encode()

    @classmethod
    def read(cls, tensors: Mapping[str, np.ndarray], prefix: str, terms: bytes, *, passage_count: int) -> LexicalIndex:
        """What `to_tensors` and `to_bytes` gave. Raises ArtifactError(`artifact_damaged`) where they do not fit."""
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


def _rarity(sizes: np.ndarray, passage_count: int) -> np.ndarray:
    return np.asarray(np.log1p((passage_count - sizes + 0.5) / (sizes + 0.5)), np.float32)
