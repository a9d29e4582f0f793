"""Asking indexes: many queries are embedded together, ranked, and looked up in the database in one go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import Session, select

from core.errors import AppError, from_lower
from core.services import Services
from core.similarity.closeness import find_figures, rate_matches
from core.similarity.matches import Match, live_types_of_each
from core.similarity.results import SearchResult
from core.similarity.suggestions import read_rule
from core.transactions import reading
from inference.errors import InferenceError, ModelError
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection, ModelVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.models.figures import ClosenessFigures
    from inference.vision.networks.embeddings import Embedder
    from inference.vision.search import vector_index
    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.ranking import View

logger = logging.getLogger(__name__)

MAX_TOP_K = 20
VOTERS = 10  # as in `knn_vote`: so many of the nearest say of which type a defect is
# More than asked for, in case that some were deleted since; asked again with more where that does not suffice.
_SPARE = 16

Versions = Mapping[str, ModelVersion | None]
Ranker = Callable[[int], "list[vector_index.Match]"]


@dataclass(frozen=True, eq=False)
class Query:
    """What similar images are looked for: the image, and its defective place cut out where that is known.

    Both are RGB uint8 (H, W, 3).
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    defective: NDArray[np.uint8] | None = field(default=None, repr=False)

    def show(self, view: str) -> NDArray[np.uint8] | None:
        """Return the picture of a view, `whole` or `region`."""
        return self.pixels if view == "whole" else self.defective


class Looks:
    """What is looked for: all queries are embedded together, at most once for each embedder and view."""

    def __init__(self, services: Services, queries: Sequence[Query]) -> None:
        self.queries = queries
        self._services = services
        self._vectors: dict[tuple[str, str], dict[int, NDArray[np.float32]]] = {}
        self._expected: dict[str, set[str]] = {}

    def expect(self, products: Sequence[Versions]) -> None:
        """Note which views the indexes of these products will be asked with: an embedder is given all of them at once.

        The whole and the defective place of one part are computed side by side then, a core each.
        """
        for versions in products:
            for part, version in versions.items():
                if version is not None:
                    self._expected.setdefault(version.model_name, set()).add("region" if part == "region" else "whole")

    def view(self, version: ModelVersion | None, name: str, place: int) -> View | None:
        """Return the index of `version` with a query's vector to ask it with; None without an index or such a view."""
        from inference.vision.search.ranking import View

        if version is None or self.queries[place].show(name) is None:
            return None
        index = self._services.models.similarity_index(version)
        embedder = self._services.models.embedder(version.model_name)
        made_by = index.metadata.get("embedder_key", embedder.key)
        if made_by != embedder.key:
            raise ModelError("index_of_other_embedder", name=version.model_name)
        key = (version.model_name, name)
        if key not in self._vectors:
            self._embed(embedder, version.model_name, {name} | self._expected.get(version.model_name, set()))
        return View(index, self._vectors[key][place])

    def _embed(self, embedder: Embedder, model_name: str, names: Collection[str]) -> None:
        """Embed the views of all queries that were not embedded yet."""
        fresh = [name for name in sorted(names) if (model_name, name) not in self._vectors]
        shown = [
            (name, at, image)
            for name in fresh
            for at, query in enumerate(self.queries)
            if (image := query.show(name)) is not None
        ]
        vectors = embedder.embed([image for _, _, image in shown])
        self._vectors |= {(model_name, name): {} for name in fresh}
        for (name, at, _), vector in zip(shown, vectors, strict=True):
            self._vectors[model_name, name][at] = vector


@dataclass(eq=False)
class _Question:
    """One query and one kind of images, until it is answered: `rankers` give the so many most similar of a product.

    `matches` with `type_of` each, and `problem`, are what came of it.
    """

    image_type: str
    version: ModelVersion | None
    rankers: Sequence[Ranker] = ()
    rule: VoteRule | None = None
    figures: ClosenessFigures | None = None
    matches: tuple[Match, ...] = ()
    type_of: Mapping[int, int | None] = field(default_factory=dict)
    problem: AppError | None = None

    def rank(self, count: int) -> list[list[vector_index.Match]]:
        """Return the `count` most similar of each product; none, and the problem is kept, where that fails."""
        try:
            return [rank(count) for rank in self.rankers]
        except (InferenceError, ObjectStoreError) as error:
            self.fail(error)
            return []

    def fail(self, error: InferenceError | ObjectStoreError) -> None:
        """Keep why there is no answer."""
        logger.warning("similar %s images could not be searched: %s", self.image_type, error.code)
        params = {"name": self.version.model_name} if self.version is not None and "name" in error.params else {}
        self.problem, self.rankers = from_lower(error, **params), ()

    def answer(self, *, k: int, latency_ms: float) -> SearchResult:
        """Return the result."""
        if self.problem is not None:
            return SearchResult(self.image_type, None, problem=self.problem)
        if not self.rankers:
            return SearchResult(self.image_type, None)
        return SearchResult(
            self.image_type,
            self.version,
            rate_matches(self.matches[:k], self.figures),
            latency_ms,
            suggestion_of=self.matches[:VOTERS],
            rule=self.rule,
            type_of={match.id: self.type_of.get(match.id) for match in self.matches[:VOTERS]},
        )


def ask(
    services: Services,
    looks: Looks,
    products: Sequence[Versions],
    *,
    top_k: int,
    image_types: Sequence[str] = ("normal", "defect"),
    defect_type_id: int | None = None,
) -> list[list[SearchResult]]:
    """Return the results of every query, one for each of `image_types`."""
    started = time.perf_counter()
    k = max(1, min(top_k, MAX_TOP_K))
    allowed = None
    if defect_type_id is not None:
        with reading(services) as session:
            allowed = _ids_of_type(session, defect_type_id)
    looks.expect(products)
    asked = [
        [_open_question(services, looks, products, image_type, place, allowed) for image_type in image_types]
        for place in range(len(looks.queries))
    ]
    every = [question for questions in asked for question in questions]
    _find_live(services, every, k=max(k, VOTERS))
    share_ms = (time.perf_counter() - started) * 1000.0 / max(1, sum(bool(one.rankers) for one in every))
    return [[question.answer(k=k, latency_ms=share_ms) for question in questions] for questions in asked]


def _open_question(
    services: Services,
    looks: Looks,
    products: Sequence[Versions],
    image_type: str,
    place: int,
    allowed: NDArray[np.int64] | None,
) -> _Question:
    own = products[0]
    version = own[image_type]
    if image_type == "defect" and (looks.queries[place].defective is not None or version is None):
        # The one that says where the defects are stands for both.
        version = own["region"] or version
    question = _Question(image_type, version)
    if version is None and len(products) == 1:
        return question
    try:
        question.rankers = [_ranker(looks, versions, image_type, place, allowed) for versions in products]
        question.rule = _rule(looks, own, place) if image_type == "defect" else None
        question.figures = find_figures(services, version, own)
    except (InferenceError, ObjectStoreError) as error:
        question.fail(error)
    return question


def _rule(looks: Looks, versions: Versions, place: int) -> VoteRule:
    """Return the rule that belongs to what this query is ranked by: both views, or the whole image alone."""
    views = [looks.view(versions[part], name, place) for part, name in (("region", "region"), ("defect", "whole"))]
    return read_rule(*(view.index if view is not None else None for view in views))


def _ranker(looks: Looks, versions: Versions, image_type: str, place: int, allowed: NDArray[np.int64] | None) -> Ranker:
    """Return what gives the so many most similar of one product."""
    from inference.vision.search.ranking import rank_views

    whole = looks.view(versions[image_type], "whole", place)
    region = looks.view(versions["region"], "region", place) if image_type == "defect" else None
    weight = read_rule(region.index if region is not None else None).region_weight
    return lambda count: rank_views(whole, region, region_weight=weight, count=count, allowed_ids=allowed)


def _ids_of_type(session: Session, defect_type_id: int) -> NDArray[np.int64]:
    images = session.exec(select(Image.id).where(Image.defect_type_id == defect_type_id)).all()
    parts = session.exec(select(Inspection.id).where(Inspection.final_defect_type_id == defect_type_id)).all()
    ids = [found for found in images if found is not None] + [-found for found in parts if found is not None]
    return np.asarray(ids, dtype=np.int64)


def _find_live(services: Services, questions: Sequence[_Question], *, k: int) -> None:
    """Give each question the `k` most similar of all that are still there: the next ones follow for deleted images.

    The database is asked once for all of them; those that lack some are ranked again, with more.
    """
    count = k + _SPARE
    waiting = [question for question in questions if question.rankers]
    while waiting:
        ranked = [(question, lists) for question in waiting if (lists := question.rank(count))]
        live = _look_up(services, ranked)
        waiting = []
        for question, lists in ranked:
            question.type_of = live[question.image_type]
            question.matches = _keep_live(lists, question.type_of, count=count)[:k]
            if len(question.matches) < k and any(len(matches) >= count for matches in lists):
                waiting.append(question)
        count *= 4


def _look_up(
    services: Services, ranked: Sequence[tuple[_Question, Sequence[Sequence[vector_index.Match]]]]
) -> dict[str, dict[int, int | None]]:
    ids: dict[str, set[int]] = {}
    for question, lists in ranked:
        ids.setdefault(question.image_type, set()).update(match.id for matches in lists for match in matches)
    with reading(services) as session:
        return live_types_of_each(session, ids)


def _keep_live(
    lists: Sequence[Sequence[vector_index.Match]], live: Mapping[int, int | None], *, count: int
) -> tuple[Match, ...]:
    """Return what is still there of lists of the `count` most similar, the most similar first."""
    found = sorted((match for matches in lists for match in matches), key=lambda match: (-match.similarity, match.id))
    # Ranks past the shortest list that is cut off are not yet known.
    floor = max((matches[-1].similarity for matches in lists if len(matches) >= count), default=-2.0)
    return tuple(Match(one.id, one.similarity) for one in found if one.id in live and one.similarity >= floor)
