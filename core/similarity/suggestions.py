"""The defect type that similar images suggest, with a calibrated confidence, or none of the known types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName
from core.similarity.matches import Match, live_types
from storage.tables import DefectType

if TYPE_CHECKING:
    from inference.vision.search.knn_vote import Vote, VoteRule
    from inference.vision.search.vector_index import VectorIndex


@dataclass(frozen=True)
class Suggestion:
    """The type that the nearest defect images vote for; None when nothing known is near: none of the known types.

    `confidence` is how often such a suggestion is right, 0 to 1, as leave-one-out on the index measured it.
    """

    defect_type: DefectTypeName | None
    confidence: float

    @property
    def code(self) -> str | None:
        """Return the type's code; None for none of the known types."""
        return self.defect_type.code if self.defect_type is not None else None


def read_rule(*indexes: VectorIndex | None) -> VoteRule:
    """Return the rule of the first index that carries one, else the default."""
    from inference.vision.search.knn_vote import VoteRule

    for index in indexes:
        stored = index.metadata.get("vote_rule") if index is not None else None
        if stored:
            return VoteRule.from_dict(stored)
    return VoteRule()


def suggest_type(session: Session, matches: Sequence[Match], rule: VoteRule) -> Suggestion | None:
    """Return what the similar defects suggest; None without any, or of a type out of use.

    Types are those of now: a re-labeled image votes for its new one.
    """
    return suggest_types(session, [(matches, rule)])[0]


def suggest_types(session: Session, asked: Sequence[tuple[Sequence[Match], VoteRule]]) -> list[Suggestion | None]:
    """Return what each of these similar defects suggest, as `suggest_type` does; the database is asked once."""
    types = live_types(session, sorted({match.id for matches, _ in asked for match in matches}), "defect")
    votes = [_count(matches, types, rule) for matches, rule in asked]
    named = {vote.label for vote in votes if vote is not None and vote.known}
    in_use = col(DefectType.is_active).is_(True)
    rows = session.exec(select(DefectType).where(col(DefectType.id).in_(named), in_use)).all() if named else []
    names: dict[int | None, DefectTypeName] = {row.id: DefectTypeName.from_row(row) for row in rows}
    return [_suggest(vote, names) for vote in votes]


def _count(matches: Sequence[Match], types: Mapping[int, int | None], rule: VoteRule) -> Vote | None:
    from inference.vision.search.knn_vote import count_votes

    voters = [(label, match.similarity) for match in matches if (label := types.get(match.id)) is not None]
    return count_votes(
        np.asarray([similarity for _, similarity in voters], dtype=np.float64),
        np.asarray([label for label, _ in voters], dtype=np.int64),
        rule,
    )


def _suggest(vote: Vote | None, names: Mapping[int | None, DefectTypeName]) -> Suggestion | None:
    if vote is None:
        return None
    if not vote.known:
        return Suggestion(None, vote.confidence)
    name = names.get(vote.label)
    return Suggestion(name, vote.confidence) if name is not None else None
