"""What a search of similar images found, as it is shown and kept in the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import AppError
from core.similarity.matches import Match
from storage.tables import ModelVersion, SearchHistory

if TYPE_CHECKING:
    from inference.vision.search.knn_vote import VoteRule


@dataclass(frozen=True)
class SearchResult:
    """What was found among one kind of images, the most similar first; `version` is None without an index of them.

    `problem` says why an index that is there could not be asked. A suggestion is made of the defects `suggestion_of`,
    by `rule`, of the types `type_of` that these had when they were found.
    """

    image_type: str
    version: ModelVersion | None
    matches: tuple[Match, ...] = ()
    latency_ms: float = 0.0
    problem: AppError | None = None
    suggestion_of: tuple[Match, ...] = ()
    rule: VoteRule | None = None
    type_of: Mapping[int, int | None] = field(default_factory=dict)

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
