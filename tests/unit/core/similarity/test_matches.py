"""Matches in the search history: what rows of earlier versions hold, literally, is read as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.similarity.matches import Match, read_matches

OLD_RESULTS = """[
    {"image_id": 41, "similarity": 0.9873046875},
    {"inspection_id": 7, "similarity": 0.91},
    {"image_id": 3, "similarity": 1}
]"""


def test_old_results_are_read_in_their_order_and_written_as_they_were() -> None:
    stored = json.loads(OLD_RESULTS)
    found = read_matches(stored)
    assert found == (Match(41, 0.9873046875), Match(-7, 0.91), Match(3, 1.0))
    assert [match.to_json() for match in found] == stored


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ([{"image_id": 41, "similarity": 0.5, "rank": 1}], (Match(41, 0.5),)),
        ([{"image_id": 41}], (Match(41, 0.0),)),
        ([{"similarity": 0.5}, None, 41], ()),
        ([], ()),
        (None, ()),
    ],
)
def test_results_with_more_or_less_than_expected_are_read_as_far_as_they_go(
    stored: Any, found: tuple[Match, ...]
) -> None:
    assert read_matches(stored) == found


def test_the_closeness_of_then_is_kept_with_the_match() -> None:
    match = Match(41, 0.98, 76.5)
    assert Match.from_json(match.to_json()) == match
