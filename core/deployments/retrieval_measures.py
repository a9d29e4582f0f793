"""How well an index finds the defect type of test images: by the whole image, by the defective place, and as used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.deployments.embedding import Finder, Progress, embed_examples
from core.registry.index_examples import Example
from core.services import Services

if TYPE_CHECKING:
    from inference.vision.networks.embeddings import Embedder
    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.vector_index import VectorIndex

RANKED = 10
_NOTHING: Mapping[str, float | None] = {"top1_type_accuracy": None, "map_at_10": None}


def no_figures() -> dict[str, Any]:
    """Return the figures where there is nothing to measure."""
    return {**_NOTHING, "whole": dict(_NOTHING), "region": dict(_NOTHING)}


def measure_retrieval(
    services: Services,
    embedder: Embedder,
    tests: list[Example],
    *,
    whole: VectorIndex | None,
    region: VectorIndex | None,
    rule: VoteRule,
    finder: Finder | None,
    type_of: Mapping[int, int],
    progress: Progress = lambda _done, _total: None,
) -> dict[str, Any]:
    """Share of defective test images whose nearest indexed image is of their type, and mean average precision at 10.

    The two figures themselves are those of the ranking that an inspection uses; `whole` and `region` hold the same
    two of each view alone. None where nothing can be measured. `type_of` gives the defect type of each indexed id.
    """
    from inference.vision.detection import metrics
    from inference.vision.search.ranking import View, rank_views

    if not tests or (whole is None and region is None):
        return no_figures()
    unread: set[int] = set()
    seen: dict[str, dict[int, Any]] = {}
    for name, by in (("whole", None), ("region", finder)):
        made = embed_examples(
            services, embedder, tests, finder=by, progress=progress, skip=lambda example, _: unread.add(example.id)
        )
        seen[name] = {example.id: vector for example, vector in zip(made.examples, made.vectors, strict=True)}
    kept = [example for example in tests if example.id not in unread]
    truth = [str(example.defect_type_id) for example in kept]
    counts = {label: [str(found) for found in type_of.values()].count(label) for label in set(truth)}
    figures: dict[str, dict[str, float | None]] = {}
    for name, indexes in {"used": (whole, region), "whole": (whole, None), "region": (None, region)}.items():
        if not kept or indexes == (None, None):
            figures[name] = dict(_NOTHING)
            continue
        ranked = []
        for example in kept:
            views = [
                None if index is None else View(index, seen[view][example.id])
                for index, view in zip(indexes, ("whole", "region"), strict=True)
            ]
            matches = rank_views(views[0], views[1], region_weight=rule.region_weight, count=RANKED)
            ranked.append([str(type_of[match.id]) for match in matches if match.id in type_of])
        figures[name] = {
            "top1_type_accuracy": metrics.top1_type_accuracy(truth, ranked),
            "map_at_10": metrics.map_at_k(truth, ranked, k=RANKED, relevant_counts=counts),
        }
    return {**figures["used"], "whole": figures["whole"], "region": figures["region"]}
