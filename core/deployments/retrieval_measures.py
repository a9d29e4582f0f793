"""How well an index finds the defect type of test images: by the whole image, by the defective place, and as used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from core.deployments.embedding import Finder, Progress, embed_examples
from core.models.figures import RankingFigures, RetrievalFigures
from core.registry.index_examples import Example
from core.transactions import HasDatabase

if TYPE_CHECKING:
    from inference.vision.networks.embeddings import Embedder
    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.vector_index import VectorIndex

RANKED = 10


def measure_retrieval(
    services: HasDatabase,
    embedder: Embedder,
    tests: list[Example],
    *,
    whole: VectorIndex | None,
    region: VectorIndex | None,
    rule: VoteRule,
    finder: Finder | None,
    type_of: Mapping[int, int],
    progress: Progress = lambda _done, _total: None,
) -> RetrievalFigures:
    """Return how well defective test images find images of their type: the share of nearest ones, and mAP at 10.

    The two figures themselves are those of the ranking that an inspection uses; `whole` and `region` hold the same
    two of each view alone. None where nothing can be measured. `type_of` gives the defect type of each indexed id.
    """
    from inference.vision.detection import metrics
    from inference.vision.search.knn_vote import count_votes
    from inference.vision.search.ranking import View, rank_views

    if not tests or (whole is None and region is None):
        return RetrievalFigures()
    unread: set[int] = set()
    seen: dict[str, dict[int, Any]] = {}
    for name, by in (("whole", None), ("region", finder)):
        made = embed_examples(
            services, embedder, tests, finder=by, progress=progress, skip=lambda example, _: unread.add(example.id)
        )
        seen[name] = {example.id: vector for example, vector in zip(made.examples, made.vectors, strict=True)}
    readable = [example for example in tests if example.id not in unread]
    truth = [str(example.defect_type_id) for example in readable]
    counts = {label: [str(found) for found in type_of.values()].count(label) for label in set(truth)}
    figures: dict[str, RankingFigures] = {}
    voted: list[bool] = []
    for name, indexes in {"used": (whole, region), "whole": (whole, None), "region": (None, region)}.items():
        if not readable or indexes == (None, None):
            figures[name] = RankingFigures()
            continue
        ranked = []
        for example in readable:
            views = [
                None if index is None else View(index, seen[view][example.id])
                for index, view in zip(indexes, ("whole", "region"), strict=True)
            ]
            matches = rank_views(views[0], views[1], region_weight=rule.region_weight, count=RANKED)
            ranked.append([str(type_of[match.id]) for match in matches if match.id in type_of])
            if name == "used":
                vote = count_votes(
                    np.array([match.similarity for match in matches if match.id in type_of], np.float64),
                    np.array([type_of[match.id] for match in matches if match.id in type_of], np.int64),
                    rule,
                )
                voted.append(vote is not None and vote.label == example.defect_type_id)
        figures[name] = RankingFigures(
            metrics.top1_type_accuracy(truth, ranked),
            metrics.map_at_k(truth, ranked, k=RANKED, relevant_counts=counts),
        )
    return RetrievalFigures(**figures, votes_top1=sum(voted) / len(voted) if voted else None)
