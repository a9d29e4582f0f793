"""Similar images: what has this looked like before, what was it, and what was done then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlmodel import Session, col, select

from core.errors import AppError, from_lower
from core.models.kinds import SIMILARITY_INDEX
from core.registry.versions import PARTS, active_version
from core.services import Services
from core.similarity.matches import live_types
from core.similarity.suggestions import read_rule
from core.transactions import reading
from inference.errors import InferenceError, ModelError
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection, ModelVersion, Product, SearchHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.ranking import View
    from inference.vision.search.vector_index import Match

logger = logging.getLogger(__name__)

MAX_TOP_K = 20
VOTERS = 10  # as in `knn_vote`: so many of the nearest say of which type a defect is
# More than asked for, in case that some were deleted since; asked again with more where that does not suffice.
_SPARE = 16

Versions = Mapping[str, ModelVersion | None]


@dataclass(frozen=True)
class SearchResult:
    """The result for one kind of images; `version` is None when there is no index of them.

    `matches` are ids (negative ones of confirmed inspections) with their similarities. `problem` says why an index that
    is there could not be asked. A suggestion is made of the defects `suggestion_of`, by `rule`.
    """

    image_type: str
    version: ModelVersion | None
    matches: tuple[tuple[int, float], ...] = ()
    latency_ms: float = 0.0
    problem: AppError | None = None
    suggestion_of: tuple[tuple[int, float], ...] = ()
    rule: VoteRule | None = None


class _Looks:
    """What is looked for, embedded at most once for each embedder and view. RGB uint8 (H, W, 3)."""

    def __init__(self, services: Services, pixels: NDArray[np.uint8], defective: NDArray[np.uint8] | None) -> None:
        self._services = services
        self._images = {"whole": pixels, "region": defective}
        self._vectors: dict[tuple[str, str], NDArray[np.float32]] = {}

    @property
    def by_place(self) -> bool:
        """Whether the defective place is known."""
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
    defect_type_id: int | None = None,
) -> dict[str, SearchResult]:
    """Ask the active indexes of the product. `pixels` is the image and `defective` its defective place, cut out.

    Returns one SearchResult for `normal` and one for `defect`: a whole image mostly looks like the product, so defects
    are ranked by the whole image and by the defective place, weighed, where there is one and an index of such places.
    With `defect_type_id`, only defects of that type. An index that cannot be asked is a `problem` of its result: the
    look-alikes are an extra, and a verdict stands without them.
    """
    with reading(services) as session:
        versions = _versions_of(session, product_id)
    looks = _Looks(services, pixels, defective)
    return {
        image_type: _ask(services, looks, [versions], image_type, top_k=top_k, defect_type_id=defect_type_id)
        for image_type in ("normal", "defect")
    }


def search_everywhere(
    services: Services,
    *,
    product_id: int,
    pixels: NDArray[np.uint8],
    top_k: int,
    defective: NDArray[np.uint8] | None = None,
) -> dict[str, SearchResult]:
    """Return the same in the active indexes of all active products that the same embedder made, merged by similarity.

    `version` of the results is that of the product itself. Vectors of different embedders do not compare: products that
    were deployed with another one are left out.
    """
    with reading(services) as session:
        ids = session.exec(select(Product.id).where(col(Product.is_active).is_(True)).order_by(col(Product.id))).all()
        own = _versions_of(session, product_id)
        others = [_versions_of(session, other) for other in ids if other is not None and other != product_id]
    looks = _Looks(services, pixels, defective)
    results: dict[str, SearchResult] = {}
    for image_type in ("normal", "defect"):
        mine = own["normal"] or own["defect"]
        alike = [found for found in others if mine is not None and _made_by(found, mine.model_name)]
        results[image_type] = _ask(services, looks, [own, *alike], image_type, top_k=top_k)
    return results


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
    except (InferenceError, ObjectStoreError) as error:
        logger.warning("similar %s images could not be searched: %s", image_type, error.code)
        params = {"name": version.model_name} if version is not None and "name" in error.params else {}
        return SearchResult(image_type, None, problem=from_lower(error, **params))
    return SearchResult(
        image_type,
        version,
        matches[:k],
        (time.perf_counter() - started) * 1000.0,
        suggestion_of=matches[:VOTERS],
        rule=rule,
    )


def _rule(looks: _Looks, versions: Versions) -> VoteRule:
    """Return the rule that belongs to what this query is ranked by: both views, or the whole image alone."""
    views = [looks.view(versions[part], name) for part, name in (("region", "region"), ("defect", "whole"))]
    return read_rule(*(view.index if view is not None else None for view in views))


Ranker = Callable[[int], "list[Match]"]


def _ranker(
    services: Services, looks: _Looks, versions: Versions, image_type: str, defect_type_id: int | None
) -> Ranker:
    """Return a function that gives so many of the most similar of one product."""
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


def _live_matches(
    services: Services, rankers: Sequence[Ranker], image_type: str, *, k: int
) -> tuple[tuple[int, float], ...]:
    """Return the `k` most similar of all that are still there: the next ones replace deleted images."""
    count = k + _SPARE
    while True:
        ranked = [rank(count) for rank in rankers]
        found = sorted((match for matches in ranked for match in matches), key=lambda m: (-m.similarity, m.id))
        with reading(services) as session:
            live = live_types(session, [match.id for match in found], image_type)
        # Ranks past the shortest list that is cut off are not yet known.
        floor = max((m[-1].similarity for m in ranked if len(m) >= count), default=-2.0)
        kept = [(match.id, match.similarity) for match in found if match.id in live and match.similarity >= floor]
        if len(kept) >= k or all(len(matches) < count for matches in ranked):
            return tuple(kept[:k])
        count *= 4


def history_rows(
    results: dict[str, SearchResult], *, inspection_id: int, product_id: int, person_id: int, top_k: int
) -> list[SearchHistory]:
    """Return the rows that keep what was found."""
    return [
        SearchHistory(
            inspection_id=inspection_id,
            product_id=product_id,
            image_type=result.image_type,
            model_version_id=result.version.id,
            top_k=top_k,
            results=[_plain(found, similarity) for found, similarity in result.matches],
            latency_ms=result.latency_ms,
            created_by=person_id,
        )
        for result in results.values()
        if result.version is not None
    ]


def _plain(found: int, similarity: float) -> dict[str, Any]:
    return {"image_id" if found > 0 else "inspection_id": abs(found), "similarity": similarity}


def matches_of(history: SearchHistory) -> list[tuple[int, float]]:
    """Return the matches that a row keeps."""
    return [
        (hit["image_id"] if "image_id" in hit else -hit["inspection_id"], hit["similarity"]) for hit in history.results
    ]
