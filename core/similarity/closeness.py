"""Closeness: a similarity as a person reads it, 0 to 100 on the product's own scale, and in words.

0 is as alike as images of the product are that have nothing to do with each other, 75 as alike as an image and the
nearest of its kind mostly are, 100 is the same picture; in between it is linear in the cosine similarity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.i18n import N_
from core.models.figures import ClosenessFigures, IndexFigures
from core.similarity.matches import Match, live_types
from core.similarity.suggestions import read_rule
from core.transactions import reading

if TYPE_CHECKING:
    from core.services import Services
    from inference.vision.search.vector_index import VectorIndex
    from storage.tables import ModelVersion

TYPICAL = 75.0  # of an image and the nearest one of its kind

Likeness = Literal["identical", "alike", "somewhat", "different"]
_FROM: tuple[tuple[float, Likeness], ...] = ((90.0, "identical"), (60.0, "alike"), (30.0, "somewhat"))
LIKENESS_NAMES: dict[str, str] = {
    "identical": N_("nearly identical"),
    "alike": N_("alike"),
    "somewhat": N_("somewhat alike"),
    "different": N_("not alike"),
}


def rate(similarity: float, figures: ClosenessFigures) -> float:
    """Return the closeness of a cosine similarity, 0 to 100 with one decimal."""
    if similarity < figures.alike_at:
        share = (similarity - figures.unrelated_at) / (figures.alike_at - figures.unrelated_at)
        return round(TYPICAL * max(0.0, share), 1)
    left = 1.0 - figures.alike_at
    share = (similarity - figures.alike_at) / left if left > 0 else 1.0
    return round(TYPICAL + (100.0 - TYPICAL) * min(1.0, share), 1)


def name_likeness(closeness: float) -> Likeness:
    """Return the word for a closeness: its code in `LIKENESS_NAMES`."""
    return next((name for least, name in _FROM if closeness >= least), "different")


def rate_matches(matches: Sequence[Match], figures: ClosenessFigures | None) -> tuple[Match, ...]:
    """Return the matches with their closeness; without figures as they are."""
    if figures is None:
        return tuple(matches)
    return tuple(replace(match, closeness=rate(match.similarity, figures)) for match in matches)


def find_figures(
    services: Services, version: ModelVersion | None, versions: Mapping[str, ModelVersion | None]
) -> ClosenessFigures | None:
    """Return the scale of the index that ranked; None without one, or where its images are too few or all alike.

    `versions` are the product's indexes in use by part. An index that was built before there were such figures is
    measured here, once in a process. Raises ArtifactError and ObjectStoreError.
    """
    if version is None:
        return None
    figures = IndexFigures.from_json(version.metrics).closeness
    if figures is not None:
        return figures
    return services.models.derive("closeness", version, lambda: _measure(services, version, versions))


def _measure(
    services: Services, version: ModelVersion, versions: Mapping[str, ModelVersion | None]
) -> ClosenessFigures | None:
    from inference.vision.search.closeness import measure_spread

    def is_this(part: str) -> bool:
        found = versions.get(part)
        return found is not None and found.id == version.id

    index = services.models.similarity_index(version)
    if is_this("normal"):
        return ClosenessFigures.from_spread(measure_spread(index.vectors, None, None))
    ids = index.ids
    whole, region = (None, index) if is_this("region") else (index, None)
    if region is not None and (other := versions.get("defect")) is not None:
        whole = services.models.similarity_index(other)
        ids = ids[np.isin(ids, whole.ids)]
    with reading(services) as session:
        types = live_types(session, ids.tolist(), "defect")
    ids = np.asarray([found for found in ids.tolist() if found in types], dtype=np.int64)
    labels = np.asarray([types[found] or 0 for found in ids.tolist()], dtype=np.int64)
    spread = measure_spread(
        _rows(whole, ids), _rows(region, ids), labels, region_weight=read_rule(region).region_weight
    )
    return ClosenessFigures.from_spread(spread)


def _rows(index: VectorIndex | None, ids: np.ndarray) -> np.ndarray | None:
    if index is None:
        return None
    places = {found: place for place, found in enumerate(index.ids.tolist())}
    return index.vectors[[places[found] for found in ids.tolist()]]
