"""What similar images say of a defect that is like none of the known ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from core.inspections.examination import Finding
from core.inspections.storing import suggest_for
from core.models.detection_figures import HEAD_KEY
from core.similarity.matches import Match
from core.similarity.suggestions import is_like_nothing
from inference.vision.detection.defect_head.head import TypeOpinion
from inference.vision.search.knn_vote import VoteRule
from storage.tables import DefectType

TYPE_OF = {1: 7, 2: 8, 3: None}


@pytest.mark.parametrize(
    ("similarities", "known_at", "expected"),
    [
        ((0.76, 0.75), 0.95, True),
        ((0.92, 0.75), 0.95, False),  # a little farther: the head is asked
        ((0.96, 0.75), 0.95, False),
        ((0.76, 0.75), None, False),  # too few images to tell
        ((), 0.95, False),
    ],
)
def test_a_defect_farther_than_known_ones_is_like_nothing(
    similarities: tuple[float, ...], known_at: float | None, expected: bool
) -> None:
    matches = [Match(number, similarity) for number, similarity in enumerate(similarities, start=1)]
    assert is_like_nothing(matches, VoteRule(known_at=known_at), type_of=TYPE_OF) is expected


def test_an_image_without_a_type_says_nothing() -> None:
    assert not is_like_nothing([Match(3, 0.5)], VoteRule(known_at=0.95), type_of=TYPE_OF)


@pytest.mark.parametrize(("similarity", "expected"), [(0.97, "cut"), (0.76, None)])
def test_a_head_names_no_type_of_what_looks_like_no_known_defect(similarity: float, expected: str | None) -> None:
    rule = VoteRule(known_at=0.95, figures={"accuracy": 0.6})
    finding = SimpleNamespace(
        verdict="reject",
        trained=None,
        bank=SimpleNamespace(metrics={HEAD_KEY: {"n_defect": 20, "type_top1": 0.9}}),
        judges=SimpleNamespace(defect_types=(DefectType(id=7, product_id=1, code="cut", name_ko="베임"),)),
        detection=SimpleNamespace(opinion=TypeOpinion((("7", 1.0),), known=True, confidence=0.98)),
        similar=SimpleNamespace(
            defect=SimpleNamespace(suggestion_of=(Match(1, similarity),), rule=rule, type_of={1: 7}),
        ),
    )
    suggestion = suggest_for(cast("Finding", finding))
    assert suggestion is not None
    assert suggestion.code == expected
    assert suggestion.confidence == 0.98
