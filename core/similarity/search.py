"""Similar images: what has this looked like before, what was it, and what was done then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import Session, col, select

from core.models.kinds import SIMILARITY_INDEX
from core.registry.versions import PARTS, find_active
from core.services import Services
from core.similarity.questions import Looks, Query, Versions, ask
from core.similarity.results import SearchResult, SearchResults
from core.transactions import reading
from storage.tables import Product

if TYPE_CHECKING:
    from numpy.typing import NDArray


def versions_in_use(session: Session, product_id: int) -> Versions:
    """Return the product's active indexes by part, None where there is none."""
    found = find_active(session, product_id, SIMILARITY_INDEX)
    return {part: found.get((SIMILARITY_INDEX, part)) for part in PARTS[SIMILARITY_INDEX]}


def search(
    services: Services,
    *,
    product_id: int,
    pixels: NDArray[np.uint8],
    top_k: int,
    defective: NDArray[np.uint8] | None = None,
) -> SearchResults:
    """Ask the active indexes of the product for what is like one image, as `search_many` does for many."""
    with reading(services) as session:
        versions = versions_in_use(session, product_id)
    return search_many(services, versions, [Query(pixels, defective)], top_k=top_k)[0]


def search_many(services: Services, versions: Versions, queries: Sequence[Query], *, top_k: int) -> list[SearchResults]:
    """Ask a product's indexes (`versions_in_use`) for what is like each of the queries, in their order.

    A whole image mostly looks like the product, so defects are ranked by the whole image and by the defective place,
    weighed, where there is one and an index of such places. An index that cannot be asked is a `problem` of its
    result: the look-alikes are an extra, and a verdict stands without them. A result's time is its share of all.
    """
    found = ask(services, Looks(services, queries), [versions], top_k=top_k)
    return [SearchResults(normal, defect) for normal, defect in found]


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
        versions = versions_in_use(session, product_id)
    looks = Looks(services, [Query(pixels, defective)])
    ((found,),) = ask(services, looks, [versions], top_k=top_k, image_types=["defect"], defect_type_id=defect_type_id)
    return found


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
        own = versions_in_use(session, product_id)
        others = [versions_in_use(session, other) for other in ids if other is not None and other != product_id]
    looks = Looks(services, [Query(pixels, defective)])
    mine = own["normal"] or own["defect"]
    alike = [found for found in others if mine is not None and _made_by(found, mine.model_name)]
    ((normal, defect),) = ask(services, looks, [own, *alike], top_k=top_k)
    return SearchResults(normal, defect)


def _made_by(versions: Versions, model_name: str) -> bool:
    found = [version for version in versions.values() if version is not None]
    return bool(found) and all(version.model_name == model_name for version in found)
