"""The search of a product's manuals: by words, by meaning, and both fused.

Words are searched with BM25 on terms that forgive Korean endings and misspellings, and with a glossary of words that
mean the same; meaning by the inner product of sentence vectors. The best few are then compared once more by a slower
encoder, where its package is installed. What each counts is in `ranking/evidence.py`; figures and alternatives are in
`benchmarks/README.md`. Passages that stand under, or speak of, the defect's own names get a bonus.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from inference.artifact import Manifest, read_bundle, write_bundle
from inference.errors import ArtifactError, ModelError
from inference.language.encoders.fine_encoder import open_fine_encoder
from inference.language.encoders.second_look import LOOKED_AT, SecondLook
from inference.language.lexical_index import TERMS_NAME, LexicalIndex
from inference.language.passages import Passage
from inference.language.pdf_text import Box
from inference.language.ranking.evidence import Evidence, is_answered, weigh
from inference.language.ranking.glossary import Glossary, read_glossary
from inference.language.ranking.sections import asks_aside, is_aside, sections_asked, sections_of
from inference.language.ranking.values import VALUES, values_asked
from inference.language.ranking.word_match import match_words, read_question
from inference.language.search_terms import split_terms
from inference.language.sentence_encoder import CarriedEncoder, SentenceEncoder

KIND = "manual_index"
_PASSAGES_NAME = "passages.json"
_HEADING_TERMS_NAME = "heading_terms.json"
_ENCODED_CHARACTERS = 240
_ENCODED_AT_ONCE = 128
_HEADINGS = 2
# A chapter is the second heading; the first is the manual's title.
_CHAPTER_DEPTH = 2
_LANGUAGE_BONUS = 0.05
_HEADING_BONUS, _BODY_BONUS = 2.0, 0.6
_NAMES = 3
_NAMED = 0.6


@dataclass(frozen=True)
class Query:
    """A question, the words of the defect type that it is about, and the language that is preferred.

    `defect_terms` begin with the type's names (Korean, English, code); words of its description may follow.
    `same_names` are what is known to mean the same in this product, such as the names of each of its defect types.
    """

    text: str
    defect_terms: tuple[str, ...] = ()
    language: Literal["ko", "en"] = "ko"
    same_names: tuple[tuple[str, ...], ...] = ()


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
    second_look: SecondLook
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        passages: Sequence[Passage],
        encoder: SentenceEncoder,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Return an index of the passages; `progress` is told how many of them are encoded. Raises ModelError."""
        return cls(
            passages=tuple(passages),
            vectors=_encode(passages, encoder, progress),
            words=LexicalIndex.build([searched_text(passage) for passage in passages]),
            headings=LexicalIndex.build([_near_headings(passage) for passage in passages]),
            encoder=encoder,
            second_look=_open_second_look(passages, encoder),
        )

    def search(self, query: Query, k: int = 8) -> SearchResult:
        """Return the `k` best passages (fewer when there are fewer).

        While an encoder is still being loaded the result comes without it, at once. Raises ModelError.
        """
        if not self.passages or k <= 0:
            return SearchResult((), found=False)
        evidence = self.gather_evidence(query)
        heading, body, named = self._match_terms(query.defect_terms)
        scores = weigh(evidence) + _HEADING_BONUS * heading + _BODY_BONUS * body
        scores = scores + _LANGUAGE_BONUS * (self._languages == query.language)
        found = named >= _NAMED if query.defect_terms else is_answered(evidence)
        lexical_ranks, dense_ranks = _ranks(evidence.words), _ranks(evidence.likeness)
        order = np.argsort(-scores, kind="stable")[:k]
        hits = tuple(
            Hit(
                passage=self.passages[place],
                score=float(scores[place]),
                lexical_rank=int(lexical_ranks[place]) if evidence.words[place] > 0 else None,
                dense_rank=int(dense_ranks[place]) if evidence.likeness[place] != 0 else None,
            )
            for place in order
        )
        return SearchResult(hits, found=bool(found))

    def gather_evidence(self, query: Query, glossary: Glossary | None = None) -> Evidence:
        """Return what speaks for each passage; without a `glossary` that which comes with the product is used.

        Of a defect type all sections are wanted, whichever the question names, and nothing that only means the
        same: it may be another type's name. Raises ModelError.
        """
        terms = split_terms(query.text, question=True)
        lexical = self.words.score(terms)
        if query.defect_terms:
            asked, glossaries = frozenset[str](), []
        else:
            asked, glossaries = sections_asked(query.text), [glossary or read_glossary(), Glossary(query.same_names)]
        asked_for = read_question(query.text, glossaries)
        said = match_words(self.words, asked_for, self._chapters)
        likeness = self._compare(query.text)
        count = len(self.passages)
        opening = np.zeros(count, np.float32) if query.defect_terms else self._openings
        evidence = Evidence(
            words=lexical.scores / max(float(lexical.scores.max()), 1e-6),
            covered=lexical.coverage,
            said=said.covered,
            said_above=match_words(self.headings, asked_for).covered,
            around=said.around,
            rarest=said.rarest,
            section=self._stand_in(asked),
            aside=np.zeros(count, np.float32) if asks_aside(query.text) else self._asides,
            value=np.zeros(count, np.float32) if query.defect_terms else self._tell_values(query.text),
            opening=opening,
            passed_over=opening if asked or values_asked(query.text) else np.zeros(count, np.float32),
            likeness=likeness,
            likeness_around=_best_of_chapter(likeness, self._chapters),
            asks_section=bool(asked),
        )
        heading, body, _named = self._match_terms(query.defect_terms)
        first = weigh(evidence) + _HEADING_BONUS * heading + _BODY_BONUS * body
        best = np.argsort(-first, kind="stable")[:LOOKED_AT]
        second = self.second_look.compare(query.text, best.tolist())
        return evidence if second is None else evidence.with_second(best, second)

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
        second_look = _open_second_look(passages, encoder)
        second_look.prepare()
        return cls(
            passages=passages,
            vectors=vectors,
            words=LexicalIndex.read(bundle.tensors, "words", terms, passage_count=len(passages)),
            headings=LexicalIndex.read(bundle.tensors, "headings", heading_terms, passage_count=len(passages)),
            encoder=encoder,
            second_look=second_look,
            metadata=bundle.metadata,
        )

    def _tell_values(self, question: str) -> np.ndarray:
        """Return 1 for the passages that tell a value of a kind that the question asks for, float32 (n,)."""
        told = np.zeros(len(self.passages), bool)
        for place in values_asked(question):
            if place not in self._telling:
                search = VALUES[place].told.search
                self._telling[place] = np.array([bool(search(passage.text)) for passage in self.passages], bool)
            told |= self._telling[place]
        return told.astype(np.float32)

    @cached_property
    def _asides(self) -> np.ndarray:
        has_title = max((len(passage.heading) for passage in self.passages), default=0) > 1
        return np.array([has_title and is_aside(passage.heading) for passage in self.passages], np.float32)

    @cached_property
    def _openings(self) -> np.ndarray:
        """Return 1 for the passages that stand in a chapter of sections but in none of these, float32 (n,)."""
        depths = np.array([len(passage.heading) for passage in self.passages], np.int64)
        deepest = np.zeros(int(self._chapters.max()) + 1, np.int64)
        np.maximum.at(deepest, self._chapters, depths)
        return np.asarray((depths <= _CHAPTER_DEPTH) & (depths < deepest[self._chapters]), np.float32)

    @cached_property
    def _telling(self) -> dict[int, np.ndarray]:
        return {}

    @cached_property
    def _languages(self) -> np.ndarray:
        return np.array([_language(passage) for passage in self.passages])

    @cached_property
    def _chapters(self) -> np.ndarray:
        """Return the number of the chapter that each passage stands in, int64 (n,)."""
        begins = [
            place == 0 or _chapter_of(passage) != _chapter_of(self.passages[place - 1])
            for place, passage in enumerate(self.passages)
        ]
        return np.cumsum(begins, dtype=np.int64) - 1

    def _stand_in(self, sections: frozenset[str]) -> np.ndarray:
        """Return 1 for the passages that stand in one of the sections, float32 (n,)."""
        kinds, places = self._sections
        return np.asarray(np.array([not sections.isdisjoint(kind) for kind in kinds], np.float32)[places])

    @cached_property
    def _sections(self) -> tuple[list[frozenset[str]], np.ndarray]:
        """Return the different headings' sections, and for each passage the place of its own among them."""
        headings = {heading: place for place, heading in enumerate(dict.fromkeys(p.heading for p in self.passages))}
        return [sections_of(heading) for heading in headings], np.array([headings[p.heading] for p in self.passages])

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


def _chapter_of(passage: Passage) -> tuple[int, tuple[str, ...]]:
    return passage.source_id, passage.heading[:_CHAPTER_DEPTH]


def _best_of_chapter(values: np.ndarray, chapters: np.ndarray) -> np.ndarray:
    if not len(values):
        return values
    best = np.full(int(chapters.max()) + 1, values.min(), np.float32)
    np.maximum.at(best, chapters, values)
    return np.asarray(best[chapters], np.float32)


def _to_encoded(passage: Passage) -> str:
    return ". ".join((*passage.heading[-_HEADINGS:], passage.text))[:_ENCODED_CHARACTERS]


def _encode(
    passages: Sequence[Passage], encoder: SentenceEncoder, progress: Callable[[int, int], None] | None
) -> np.ndarray:
    """Return a vector for each passage. What manuals repeat word for word is encoded once."""
    texts = [_to_encoded(passage) for passage in passages]
    places: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        places.setdefault(text, []).append(place)
    # Texts of one length are encoded together: shorter ones would be filled up to the longest.
    different = sorted(places, key=len)
    vectors = np.zeros((len(texts), encoder.dimension), np.float32)
    done = 0
    for start in range(0, len(different), _ENCODED_AT_ONCE):
        batch = different[start : start + _ENCODED_AT_ONCE]
        for text, vector in zip(batch, encoder.encode(batch), strict=True):
            vectors[places[text]] = vector
            done += len(places[text])
        if progress is not None:
            progress(done, len(texts))
    return vectors


def _open_second_look(passages: Sequence[Passage], encoder: SentenceEncoder) -> SecondLook:
    """Return the second look; whoever gave an encoder of their own has chosen it for both."""
    fine = open_fine_encoder() if encoder.name == CarriedEncoder.name else None
    return SecondLook([_to_encoded(passage) for passage in passages], fine)


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
