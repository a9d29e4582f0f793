"""Similar images: what has this looked like before, what was it, and what was done then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import Session, col, select

from core.errors import AppError, from_lower
from core.models.kinds import SIMILARITY_INDEX
from core.registry.versions import PARTS, active_version
from core.services import Services
from core.similarity.closeness import find_figures, rate_matches
from core.similarity.matches import Match, live_types
from core.similarity.suggestions import read_rule
from core.transactions import reading
from inference.errors import InferenceError, ModelError
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection, ModelVersion, Product, SearchHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.search import vector_index
    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.ranking import View

logger = logging.getLogger(__name__)

MAX_TOP_K = 20
VOTERS = 10  # as in `knn_vote`: so many of the nearest say of which type a defect is
# More than asked for, in case that some were deleted since; asked again with more where that does not suffice.
_SPARE = 16

Versions = Mapping[str, ModelVersion | None]


@dataclass(frozen=True)
class SearchResult:
    """What was found among one kind of images, the most similar first; `version` is None without an index of them.

    `problem` says why an index that is there could not be asked. A suggestion is made of the defects `suggestion_of`,
    by `rule`.
    """

    image_type: str
    version: ModelVersion | None
    matches: tuple[Match, ...] = ()
    latency_ms: float = 0.0
    problem: AppError | None = None
    suggestion_of: tuple[Match, ...] = ()
    rule: VoteRule | None = None

    @property
    def version_id(self) -> int | None:
        """Return the id of the index that was asked, None where none was."""
        return self.version.id if self.version is not None else None


@dataclass(frozen=True)
class SearchResults:
    """What was found among the normal images and among the defects."""

    normal: SearchResult
    defect: SearchResult

    @property
    def problem(self) -> AppError | None:
        """Return why an index could not be asked, None where all were."""
        return self.normal.problem or self.defect.problem


class _Looks:
    """What is looked for, embedded at most once for each embedder and view. RGB uint8 (H, W, 3)."""

    def __init__(self, services: Services, pixels: NDArray[np.uint8], defective: NDArray[np.uint8] | None) -> None:
        self._services = services
        self._images = {"whole": pixels, "region": defective}
        self._vectors: dict[tuple[str, str], NDArray[np.float32]] = {}

    @property
    def by_place(self) -> bool:
        """Return whether the defective place is known."""
        return self._images["region"] is not None

    def view(self, version: ModelVersion | None, name: str) -> View | None:
        """Return the index of `version` with the vector to ask it with; None without an index or such a view."""
        from inference.vision.search.ranking import View

        image = self._images[name]
        if version is None or image is None:
            return None
        index = self._services.models.similarity_index(version)
        embedder = self._services.models.embedder(version.model_name)
        made_by = index.metadata.get("embedder_key", embedder.key)
        if made_by != embedder.key:
            raise ModelError("index_of_other_embedder", name=version.model_name)
        key = (version.model_name, name)
        if key not in self._vectors:
            self._vectors[key] = embedder.embed([image])[0]
        return View(index, self._vectors[key])


def search(
    services: Services,
    *,
    product_id: int,
    pixels: NDArray[np.uint8],
    top_k: int,
    defective: NDArray[np.uint8] | None = None,
) -> SearchResults:
    """Ask the active indexes of the product. `pixels` is the image and `defective` its defective place, cut out.

    Both are RGB uint8 (H, W, 3). A whole image mostly looks like the product, so defects are ranked by the whole image
    and by the defective place, weighed, where there is one and an index of such places. An index that cannot
    be asked is a `problem` of its result: the look-alikes are an extra, and a verdict stands without them.
    """
    with reading(services) as session:
        versions = _versions_of(session, product_id)
    looks = _Looks(services, pixels, defective)
    normal, defect = (_ask(services, looks, [versions], image_type, top_k=top_k) for image_type in ("normal", "defect"))
    return SearchResults(normal, defect)


def search_of_type(
    services: Services,
    *,
    product_id: int,
    pixels: NDArray[np.uint8],
    top_k: int,
    defect_type_id: int,
    defective: NDArray[np.uint8] | None = None,
) -> SearchResult:
    """Return the product's defects of this type alone, ranked as by `search`: all there are, up to `top_k`."""
    with reading(services) as session:
        versions = _versions_of(session, product_id)
    looks = _Looks(services, pixels, defective)
    return _ask(services, looks, [versions], "defect", top_k=top_k, defect_type_id=defect_type_id)


def search_everywhere(
    services: Services,
    *,
    product_id: int,
    pixels: NDArray[np.uint8],
    top_k: int,
    defective: NDArray[np.uint8] | None = None,
) -> SearchResults:
    """Return the same of the active indexes of all active products that the same embedder made, merged by similarity.

    `version` of the results is that of the product itself. Vectors of different embedders do not compare: products that
    were deployed with another one are left out.
    """
    with reading(services) as session:
        ids = session.exec(select(Product.id).where(col(Product.is_active).is_(True)).order_by(col(Product.id))).all()
        own = _versions_of(session, product_id)
        others = [_versions_of(session, other) for other in ids if other is not None and other != product_id]
    looks = _Looks(services, pixels, defective)
    mine = own["normal"] or own["defect"]
    alike = [found for found in others if mine is not None and _made_by(found, mine.model_name)]
    normal, defect = (
        _ask(services, looks, [own, *alike], image_type, top_k=top_k) for image_type in ("normal", "defect")
    )
    return SearchResults(normal, defect)


def _made_by(versions: Versions, model_name: str) -> bool:
    found = [version for version in versions.values() if version is not None]
    return bool(found) and all(version.model_name == model_name for version in found)


def _versions_of(session: Session, product_id: int) -> dict[str, ModelVersion | None]:
    return {part: active_version(session, SIMILARITY_INDEX, product_id, part) for part in PARTS[SIMILARITY_INDEX]}


def _ask(
    services: Services,
    looks: _Looks,
    products: Sequence[Versions],
    image_type: str,
    *,
    top_k: int,
    defect_type_id: int | None = None,
) -> SearchResult:
    own = products[0]
    version = own[image_type]
    if image_type == "defect" and (looks.by_place or version is None):
        # The one that says where the defects are stands for both.
        version = own["region"] or version
    if version is None and len(products) == 1:
        return SearchResult(image_type, None)
    started = time.perf_counter()
    k = max(1, min(top_k, MAX_TOP_K))
    try:
        rankers = [_ranker(services, looks, versions, image_type, defect_type_id) for versions in products]
        matches = _live_matches(services, rankers, image_type, k=max(k, VOTERS))
        rule = _rule(looks, own) if image_type == "defect" else None
        figures = find_figures(services, version, own)
    except (InferenceError, ObjectStoreError) as error:
        logger.warning("similar %s images could not be searched: %s", image_type, error.code)
        params = {"name": version.model_name} if version is not None and "name" in error.params else {}
        return SearchResult(image_type, None, problem=from_lower(error, **params))
    return SearchResult(
        image_type,
        version,
        rate_matches(matches[:k], figures),
        (time.perf_counter() - started) * 1000.0,
        suggestion_of=matches[:VOTERS],
        rule=rule,
    )


def _rule(looks: _Looks, versions: Versions) -> VoteRule:
    """Return the rule that belongs to what this query is ranked by: both views, or the whole image alone."""
    views = [looks.view(versions[part], name) for part, name in (("region", "region"), ("defect", "whole"))]
    return read_rule(*(view.index if view is not None else None for view in views))


Ranker = Callable[[int], "list[vector_index.Match]"]


def _ranker(
    services: Services, looks: _Looks, versions: Versions, image_type: str, defect_type_id: int | None
) -> Ranker:
    """Return what gives the so many most similar of one product."""
    from inference.vision.search.ranking import rank_views

    whole = looks.view(versions[image_type], "whole")
    region = looks.view(versions["region"], "region") if image_type == "defect" else None
    weight = read_rule(region.index if region is not None else None).region_weight
    allowed = None
    if defect_type_id is not None and image_type == "defect":
        with reading(services) as session:
            allowed = _ids_of_type(session, defect_type_id)
    return lambda count: rank_views(whole, region, region_weight=weight, count=count, allowed_ids=allowed)


def _ids_of_type(session: Session, defect_type_id: int) -> NDArray[np.int64]:
    images = session.exec(select(Image.id).where(Image.defect_type_id == defect_type_id)).all()
    parts = session.exec(select(Inspection.id).where(Inspection.final_defect_type_id == defect_type_id)).all()
    ids = [found for found in images if found is not None] + [-found for found in parts if found is not None]
    return np.asarray(ids, dtype=np.int64)


def _live_matches(services: Services, rankers: Sequence[Ranker], image_type: str, *, k: int) -> tuple[Match, ...]:
    """Return the `k` most similar of all that are still there: deleted images make room for the next ones."""
    count = k + _SPARE
    while True:
        ranked = [rank(count) for rank in rankers]
        found = sorted((match for matches in ranked for match in matches), key=lambda m: (-m.similarity, m.id))
        with reading(services) as session:
            live = live_types(session, [match.id for match in found], image_type)
        # Ranks past the shortest list that is cut off are not yet known.
        floor = max((m[-1].similarity for m in ranked if len(m) >= count), default=-2.0)
        kept = [Match(one.id, one.similarity) for one in found if one.id in live and one.similarity >= floor]
        if len(kept) >= k or all(len(matches) < count for matches in ranked):
            return tuple(kept[:k])
        count *= 4


def history_rows(
    results: SearchResults, *, inspection_id: int, product_id: int, person_id: int, top_k: int
) -> list[SearchHistory]:
    """Return the rows of the search history: one for each kind of images whose index was asked."""
    return [
        SearchHistory(
            inspection_id=inspection_id,
            product_id=product_id,
            image_type=result.image_type,
            model_version_id=result.version_id,
            top_k=top_k,
            results=[match.to_json() for match in result.matches],
            latency_ms=result.latency_ms,
            created_by=person_id,
        )
        for result in (results.normal, results.defect)
        if result.version is not None
    ]
