"""What an index learns from its own examples: how votes for a type count, and how similar its images are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.deployments.embedding import Embedded, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.search.closeness import Spread
    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.vector_index import VectorIndex


def learn_rule(whole: Embedded, region: Embedded | None) -> VoteRule:
    """Return how votes for a type are counted, learnt on the examples that are there in each view."""
    from inference.vision.search import knn_vote

    return knn_vote.learn_rule(*_align(whole, region))


def measure_spread(whole: Embedded, region: Embedded | None, rule: VoteRule | None) -> Spread | None:
    """Return how similar the examples are to each other, by the views that `rule` weighs; None where too few."""
    from inference.vision.search import closeness

    if rule is None:
        return closeness.measure_spread(whole.vectors, None, None, [example.part for example in whole.examples])
    return closeness.measure_spread(*_align(whole, region), region_weight=rule.region_weight)


def _align(
    whole: Embedded, region: Embedded | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.int64], list[str]]:
    """Return the vectors (n, d) of the examples that are there in each view, their types (n,) and their parts."""
    rows = {example.id: (example, place) for place, example in enumerate(whole.examples)}
    other = {example.id: place for place, example in enumerate(region.examples)} if region is not None else None
    ids = [found for found in rows if other is None or found in other]
    labels = np.asarray([rows[found][0].defect_type_id for found in ids], dtype=np.int64)
    places = [rows[found][1] for found in ids]
    parts = [rows[found][0].part for found in ids]
    if region is None or other is None:
        return whole.vectors[places], None, labels, parts
    return whole.vectors[places], region.vectors[[other[found] for found in ids]], labels, parts


def index_of(embedded: Embedded, progress: Progress | None = None) -> VectorIndex:
    """Return the index of the examples' vectors; `progress` as of `VectorIndex.build`."""
    from inference.vision.search.vector_index import VectorIndex

    ids = np.asarray([example.id for example in embedded.examples], dtype=np.int64)
    return VectorIndex.build(embedded.vectors, ids, progress=progress)
