"""Votes for a defect type: the confidence means what it says, and what is far from everything is of no known type."""

import numpy as np
import pytest

from inference.vision.search.knn_vote import VoteRule, count_votes, join_views, learn_rule
from inference.vision.search.ranking import View, rank_views
from inference.vision.search.vector_index import VectorIndex


def draw(centers: np.ndarray, each: int, *, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(len(centers)), each)
    rows = centers[labels] + spread * np.random.default_rng(seed).normal(size=(len(labels), centers.shape[1]))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), labels


def directions(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 24))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_the_confidence_is_how_often_the_vote_is_right() -> None:
    # Types that overlap: nobody can be right every time, and whoever says so is wrong.
    centers = directions(4)
    centers[1] = centers[0] + 0.25 * centers[1]
    known, labels = draw(centers, 40, spread=0.12, seed=1)
    asked, truth = draw(centers, 100, spread=0.12, seed=2)
    rule = learn_rule(None, known, labels)
    votes = [count_votes(known @ row, labels, rule) for row in asked]
    sure = np.array([vote.confidence for vote in votes if vote is not None])
    right = np.array([vote is not None and vote.label == label for vote, label in zip(votes, truth, strict=True)])
    assert right.mean() > 0.8
    for low, high in ((0.0, 0.8), (0.8, 1.01)):
        inside = (sure >= low) & (sure < high)
        assert inside.sum() > 20
        assert abs(right[inside].mean() - sure[inside].mean()) < 0.15
    assert rule.figures["calibration_error"] is not None
    assert float(rule.figures["calibration_error"]) < 0.15


def test_what_is_far_from_every_known_defect_is_none_of_the_known_types() -> None:
    centers = directions(4)
    known, labels = draw(centers[:3], 20, spread=0.05, seed=1)
    rule = learn_rule(None, known, labels)
    strange, _ = draw(centers[3:], 20, spread=0.05, seed=5)
    usual, truth = draw(centers[:3], 20, spread=0.05, seed=6)
    found = [count_votes(known @ row, labels, rule) for row in strange]
    assert all(vote is not None and not vote.known for vote in found)
    found = [count_votes(known @ row, labels, rule) for row in usual]
    assert np.mean([vote is not None and vote.known for vote in found]) >= 0.95
    assert [vote.label for vote in found if vote is not None] == truth.tolist()
    assert rule.figures["unknown_auroc"] == pytest.approx(1.0)


def test_one_type_only_is_never_certain_and_has_no_figures_of_the_unknown() -> None:
    known, labels = draw(directions(1), 12, spread=0.05, seed=1)
    rule = learn_rule(known, known, labels)
    vote = count_votes(known @ known[0], labels, rule)
    assert vote is not None
    assert vote.known
    assert vote.confidence == pytest.approx(13 / 14)
    assert rule.figures["unknown_auroc"] is None


def test_a_handful_of_images_gives_the_plain_rule_and_none_gives_no_vote() -> None:
    known, labels = draw(directions(2), 2, spread=0.05, seed=1)
    rule = learn_rule(None, known, labels)
    assert rule.known_at is None
    vote = count_votes(known @ known[3], labels, rule)
    assert vote is not None
    assert (vote.label, vote.known) == (1, True)
    assert vote.confidence < 0.85
    assert count_votes(np.empty(0), np.empty(0, np.int64), rule) is None


def test_a_rule_survives_being_stored() -> None:
    known, labels = draw(directions(2), 10, spread=0.1, seed=1)
    rule = learn_rule(known, known, labels)
    assert VoteRule.from_dict(rule.to_dict()) == rule
    with pytest.raises(KeyError):
        VoteRule.from_dict({"region_weight": 1.0})


def test_the_weight_follows_the_view_that_tells_the_types_apart() -> None:
    centers = directions(3)
    telling, labels = draw(centers, 15, spread=0.05, seed=1)
    blind = draw(directions(1), 45, spread=0.3, seed=2)[0]
    assert learn_rule(blind, telling, labels).region_weight == 1.0
    assert learn_rule(telling, blind, labels).region_weight == 0.5


def test_both_views_are_weighed_and_one_that_is_missing_leaves_the_other() -> None:
    assert join_views(np.array([0.2, 0.4]), np.array([0.6, np.nan]), region_weight=0.75) == pytest.approx([0.5, 0.4])
    rows = draw(directions(30), 1, spread=0.01, seed=1)[0]
    whole, region = VectorIndex.build(rows, np.arange(30)), VectorIndex.build(rows[::-1].copy(), np.arange(30))
    views = View(whole, rows[4]), View(region, rows[4])
    found = rank_views(*views, region_weight=0.75, count=5)
    expected = 0.25 * rows @ rows[4] + 0.75 * rows[::-1] @ rows[4]
    assert [match.id for match in found] == np.argsort(-expected)[:5].tolist()
    assert [m.id for m in rank_views(views[0], None, region_weight=0.75, count=1)] == [4]
    assert rank_views(None, None, region_weight=0.75, count=5) == []
    allowed = rank_views(*views, region_weight=0.75, count=5, allowed_ids=np.array([7, 8]))
    assert sorted(match.id for match in allowed) == [7, 8]


def test_exposures_of_one_part_have_no_vote_about_each_other() -> None:
    # Each part has a direction of its own, whatever its type: only another exposure could tell the type.
    parts = [f"part {number}" for number in range(30) for _ in range(2)]
    centers, labels = directions(30, seed=5), np.repeat(np.arange(30) % 2, 2)
    exposures = np.repeat(centers, 2, axis=0) + 0.02 * np.random.default_rng(6).normal(size=(60, 24))
    rows = np.asarray(exposures / np.linalg.norm(exposures, axis=1, keepdims=True), np.float32)
    alone, together = learn_rule(None, rows, labels), learn_rule(None, rows, labels, parts)
    assert alone.figures["accuracy"] == 1.0
    assert together.figures["accuracy"] is not None
    assert float(together.figures["accuracy"]) < 0.8
    own = [str(place) for place in range(60)]
    assert learn_rule(None, rows, labels, own) == alone
    assert learn_rule(None, rows, labels, ["one"] * 60).known_at is None
