"""The defect type that similar images or a defect head suggest, with a calibrated confidence, or none of the known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.catalog.names import DefectTypeName
from core.catalog.outcomes import is_offered
from core.models.figures import IndexFigures
from core.models.kinds import SIMILARITY_INDEX
from core.registry.versions import find_active
from core.similarity.matches import Match
from core.transactions import HasDatabase, reading
from storage.json_fields import read_float
from storage.tables import DefectType

if TYPE_CHECKING:
    from core.models.head_figures import HeadFigures
    from inference.vision.detection.defect_head.head import TypeOpinion
    from inference.vision.search.knn_vote import Vote, VoteRule
    from inference.vision.search.vector_index import VectorIndex

# In distances (1 - cosine) of where the vote of similar images ends. Of the demo's known test defects two of 202 (both
# carpet) are more than 1.45 times as far, foreign bodies and other products 1.9 to 11; at 1 the head lost 4 of 116
# right names.
_BEYOND_DOUBT = 1.6


@dataclass(frozen=True)
class Suggestion:
    """The type that a defect is taken for; None when it is like nothing known: none of the known types.

    `confidence` is how often such a suggestion is right, 0 to 1, as cross-validation measured it.
    """

    defect_type: DefectTypeName | None
    confidence: float

    @property
    def code(self) -> str | None:
        """Return the type's code; None for none of the known types."""
        return self.defect_type.code if self.defect_type is not None else None


def prefers_head(head: HeadFigures | None, rule: VoteRule | None) -> bool:
    """Return whether the defect head names the type, rather than the similar images.

    Both were cross-validated, whole parts together: the one that was right more often, the head where they are even.
    """
    if head is None or head.type_top1 is None:
        return head is not None and rule is None
    votes = None if rule is None else rule.figures.get("accuracy")
    return votes is None or head.type_top1 >= votes


def read_vote_accuracy(services: HasDatabase, product_id: int) -> float | None:
    """Return how often the similar images in use voted for the right type, 0 to 1; None where nobody has measured."""
    with reading(services) as session:
        versions = find_active(session, product_id, SIMILARITY_INDEX)
    for part in ("region", "defect"):
        version = versions.get((SIMILARITY_INDEX, part))
        figures = IndexFigures.from_json(version.metrics) if version is not None else IndexFigures()
        if figures.suggestion:
            return read_float(figures.suggestion.get("accuracy"))
    return None


def suggest_by_head(opinion: TypeOpinion, types: Iterable[DefectType]) -> Suggestion | None:
    """Return what a defect head says an image shows; None for a type that is out of use."""
    if not opinion.known:
        return Suggestion(None, opinion.confidence)
    named = next((row for row in types if str(row.id) == opinion.first and is_offered(row)), None)
    return Suggestion(DefectTypeName.from_row(named), opinion.confidence) if named is not None else None


def read_rule(*indexes: VectorIndex | None) -> VoteRule:
    """Return the rule of the first index that carries one, else the default."""
    from inference.vision.search.knn_vote import VoteRule

    for index in indexes:
        stored = index.metadata.get("vote_rule") if index is not None else None
        if stored:
            return VoteRule.from_dict(stored)
    return VoteRule()


def suggest_type(
    matches: Sequence[Match], rule: VoteRule, *, type_of: Mapping[int, int | None], types: Iterable[DefectType]
) -> Suggestion | None:
    """Return what the similar defects suggest; None without any, or of a type out of use.

    `type_of` says what each match is now, by its id: a re-labeled image votes for its new type. `types` are the
    product's.
    """
    vote = _vote(matches, rule, type_of)
    if vote is None:
        return None
    if not vote.known:
        return Suggestion(None, vote.confidence)
    named = next((row for row in types if row.id == vote.label and is_offered(row)), None)
    return Suggestion(DefectTypeName.from_row(named), vote.confidence) if named is not None else None


def is_like_nothing(matches: Sequence[Match], rule: VoteRule, *, type_of: Mapping[int, int | None]) -> bool:
    """Return whether the similar defects are far farther away than known ones are of each other; without any: no.

    A defect head tells the known types apart, and is as sure of what lies beyond all of them: the score of a foreign
    body says “no good part” so loudly that one of the types gets all of it. The head knows a type better than what
    looks alike does, so only what is beyond doubt is taken from it.
    """
    voters = _voters(matches, type_of)
    if not voters or rule.known_at is None:
        return False
    nearest = max(similarity for _, similarity in voters)
    return 1.0 - nearest > _BEYOND_DOUBT * (1.0 - rule.known_at)


def _voters(matches: Sequence[Match], type_of: Mapping[int, int | None]) -> list[tuple[int, float]]:
    return [(label, match.similarity) for match in matches if (label := type_of.get(match.id)) is not None]


def _vote(matches: Sequence[Match], rule: VoteRule, type_of: Mapping[int, int | None]) -> Vote | None:
    from inference.vision.search.knn_vote import count_votes

    voters = _voters(matches, type_of)
    return count_votes(
        np.asarray([similarity for _, similarity in voters], dtype=np.float64),
        np.asarray([label for label, _ in voters], dtype=np.int64),
        rule,
    )
