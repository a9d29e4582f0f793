"""The search of a product's manuals: by words, by meaning, and both fused.

Words are searched with BM25 on terms that forgive Korean endings and misspellings, meaning by the inner product of
sentence vectors. A passage's score adds three things of about the same scale: the share of the question's weight that
the passage covers, half its BM25 score relative to the best, and the likeness of meaning; figures and alternatives are
in `benchmarks/README.md`. Passages that stand under, or speak of, the defect's own names get a bonus.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from inference.artifact import Manifest, read_bundle, write_bundle
from inference.errors import ArtifactError, ModelError
from inference.language.lexical_index import TERMS_NAME, LexicalIndex
from inference.language.passages import Passage
from inference.language.pdf_text import Box
from inference.language.search_terms import split_terms
from inference.language.sentence_encoder import SentenceEncoder

KIND = "manual_index"
_PASSAGES_NAME = "passages.json"
_HEADING_TERMS_NAME = "heading_terms.json"
_ENCODED_CHARACTERS = 240
_ENCODED_AT_ONCE = 128
_HEADINGS = 2
_WORDS_SHARE = 0.5
_HEADING_BONUS, _BODY_BONUS, _LANGUAGE_BONUS = 0.8, 0.3, 0.05
# The question is answered from this coverage on, or from this likeness where the words are of another language.
FOUND_COVERAGE = 0.2
FOUND_LIKENESS = 0.42
_NAMES = 3
_NAMED = 0.6


@dataclass(frozen=True)
class Query:
    """A question, the words of the defect type that it is about, and the language that is preferred.

    `defect_terms` begin with the type's names (Korean, English, code); words of its description may follow.
    """

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
class SearchResult:
    """The hits, best first. `found` is False where nothing in the manuals answers the question.

    With defect terms that means: no passage speaks of the defect by one of its first three names.
    """

    hits: tuple[Hit, ...]
    found: bool


@dataclass(frozen=True)
class ManualIndex:
    """The passages of a product's manuals with what they are searched by. Read-only, safe to share between threads."""

    passages: tuple[Passage, ...]
    vectors: np.ndarray
    words: LexicalIndex
    headings: LexicalIndex
    encoder: SentenceEncoder
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        passages: Sequence[Passage],
        encoder: SentenceEncoder,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Return an index of the passages; `progress` is told how many of them are encoded. Raises ModelError."""
        parts = []
        for start in range(0, len(passages), _ENCODED_AT_ONCE):
            batch = passages[start : start + _ENCODED_AT_ONCE]
            parts.append(encoder.encode([_to_encoded(passage) for passage in batch]))
            if progress is not None:
                progress(start + len(batch), len(passages))
        return cls(
            passages=tuple(passages),
            vectors=np.concatenate(parts) if parts else np.zeros((0, encoder.dimension), np.float32),
            words=LexicalIndex.build([searched_text(passage) for passage in passages]),
            headings=LexicalIndex.build([_near_headings(passage) for passage in passages]),
            encoder=encoder,
        )

    def search(self, query: Query, k: int = 8) -> SearchResult:
        """Return the `k` best passages (fewer when there are fewer).

        While the encoder is still being loaded the result comes from the words alone, at once. Raises ModelError.
        """
        count = len(self.passages)
        if not count or k <= 0:
            return SearchResult((), found=False)
        lexical = self.words.score(split_terms(query.text, question=True))
        likeness = self._compare(query.text)
        fused = lexical.coverage + likeness + _WORDS_SHARE * lexical.scores / max(float(lexical.scores.max()), 1e-6)
        heading, body, named = self._match_terms(query.defect_terms)
        fused = fused + _HEADING_BONUS * heading + _BODY_BONUS * body
        fused = fused + _LANGUAGE_BONUS * np.array([_language(passage) == query.language for passage in self.passages])
        if query.defect_terms:
            found = named >= _NAMED
        else:
            found = float(lexical.coverage.max()) >= FOUND_COVERAGE or float(likeness.max()) >= FOUND_LIKENESS
        lexical_ranks, dense_ranks = _ranks(lexical.scores), _ranks(likeness)
        order = np.argsort(-fused, kind="stable")[:k]
        hits = tuple(
            Hit(
                passage=self.passages[place],
                score=float(fused[place]),
                lexical_rank=int(lexical_ranks[place]) if lexical.scores[place] > 0 else None,
                dense_rank=int(dense_ranks[place]) if likeness[place] != 0 else None,
            )
            for place in order
        )
        return SearchResult(hits, found=bool(found))

    def save(self, folder: Path, metadata: Mapping[str, Any]) -> Manifest:
        """Write the index as a bundle into `folder`, which must not exist yet. Raises as `write_bundle`."""
        return write_bundle(
            folder,
            kind=KIND,
            metadata={**metadata, "encoder": self.encoder.name, "n_passages": len(self.passages)},
            tensors={"vectors": self.vectors, **self.words.to_tensors("words"), **self.headings.to_tensors("headings")},
            files={
                _PASSAGES_NAME: json.dumps([asdict(item) for item in self.passages], ensure_ascii=False).encode(),
                TERMS_NAME: self.words.to_bytes(),
                _HEADING_TERMS_NAME: self.headings.to_bytes(),
            },
        )

    @classmethod
    def load(cls, folder: Path, *, encoder: SentenceEncoder, manifest_sha256: str | None = None) -> Self:
        """Read a saved index; `encoder` must be the one it was built with, and begins to load if it has not.

        Raises ArtifactError as `read_bundle`, and ModelError(`index_encoder_mismatch`).
        """
        bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
        if bundle.metadata.get("encoder") != encoder.name:
            raise ModelError("index_encoder_mismatch", found=bundle.metadata.get("encoder", ""), expected=encoder.name)
        encoder.prepare()
        try:
            passages = tuple(_to_passage(record) for record in json.loads(bundle.files[_PASSAGES_NAME]))
            vectors = bundle.tensors["vectors"]
            terms, heading_terms = bundle.files[TERMS_NAME], bundle.files[_HEADING_TERMS_NAME]
        except (KeyError, ValueError, TypeError) as error:
            raise ArtifactError("artifact_damaged", file=_PASSAGES_NAME) from error
        if vectors.shape != (len(passages), encoder.dimension):
            raise ArtifactError("artifact_damaged", file=_PASSAGES_NAME)
        return cls(
            passages=passages,
            vectors=vectors,
            words=LexicalIndex.read(bundle.tensors, "words", terms, passage_count=len(passages)),
            headings=LexicalIndex.read(bundle.tensors, "headings", heading_terms, passage_count=len(passages)),
            encoder=encoder,
            metadata=bundle.metadata,
        )

    def _compare(self, text: str) -> np.ndarray:
        """Return the likeness of meaning, float32 (n,), 0 for all while the encoder is not there."""
        if not self.encoder.ready:
            self.encoder.prepare()
            return np.zeros(len(self.passages), np.float32)
        return np.asarray(self.vectors @ self.encoder.encode([text])[0], np.float32)

    def _match_terms(self, terms: Sequence[str]) -> tuple[np.ndarray, np.ndarray, float]:
        """Return how far each passage's headings and text hold the best of the terms, and the most of a name in any."""
        heading = body = np.zeros(len(self.passages), np.float32)
        named = 0.0
        for number, term in enumerate(terms):
            split = split_terms(term)
            covered = self.words.score(split).coverage
            heading = np.maximum(heading, self.headings.score(split).coverage)
            body = np.maximum(body, covered)
            if number < _NAMES:
                named = max(named, float(covered.max()))
        return heading, body, named


def searched_text(passage: Passage) -> str:
    """Return the text that a passage is searched by its words in: it says twice what it stands under."""
    # A heading says what all of its passage is about.
    heading = _near_headings(passage)
    return "\n".join((passage.text, heading, heading))


def _near_headings(passage: Passage) -> str:
    return " ".join(passage.heading[-_HEADINGS:])


def _to_encoded(passage: Passage) -> str:
    return ". ".join((*passage.heading[-_HEADINGS:], passage.text))[:_ENCODED_CHARACTERS]


def _to_passage(record: Mapping[str, Any]) -> Passage:
    boxes = tuple(Box(*box) for box in record["boxes"])
    return Passage(**{**record, "heading": tuple(record["heading"]), "boxes": boxes})


def _language(passage: Passage) -> str:
    text = passage.text
    return "ko" if any("가" <= letter <= "힣" for letter in text[:200]) else "en"


def _ranks(scores: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(scores), np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks
