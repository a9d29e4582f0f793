"""Ranking indexed defect images by two views at once: the whole image and its most anomalous place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.vision.search.knn_vote import join_views
from inference.vision.search.vector_index import Match, VectorIndex

# Of each view, so many are looked at in both: what is in neither's head is not in the head of both together.
_LEAST_CANDIDATES = 200


@dataclass(frozen=True)
class View:
    """One view of a query: an index and the vector (d,) to ask it with."""

    index: VectorIndex
    vector: np.ndarray


def rank_views(
    whole: View | None,
    region: View | None,
    *,
    region_weight: float,
    count: int,
    allowed_ids: np.ndarray | None = None,
) -> list[Match]:
    """Return the `count` most similar, best first: by both views where there are both, else by the one there is.

    An image that only one index holds is ranked by that one. `allowed_ids` limits the result, exactly. Raises
    ModelError as `VectorIndex.search` does.
    """
    views = [view for view in (whole, region) if view is not None]
    if not views or count <= 0:
        return []
    if len(views) == 1:
        return views[0].index.search(views[0].vector, k=count, allowed_ids=allowed_ids)
    wanted = max(_LEAST_CANDIDATES, 4 * count)
    ids = np.unique(
        [match.id for view in views for match in view.index.search(view.vector, k=wanted, allowed_ids=allowed_ids)]
    ).astype(np.int64)
    assert whole is not None
    assert region is not None
    joined = join_views(
        whole.index.similarities(whole.vector, ids=ids),
        region.index.similarities(region.vector, ids=ids),
        region_weight=region_weight,
    )
    order = np.lexsort((ids, -joined))[:count]
    return [Match(int(ids[place]), float(joined[place])) for place in order]
