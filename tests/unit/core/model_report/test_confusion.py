"""Verdicts by true label at any thresholds, and the images behind each count."""

from __future__ import annotations

from core.catalog.names import DefectTypeName
from core.model_report.confusion import confusion_at, images_in, types_at
from core.model_report.records import DEFECT, GOOD, OK, REJECT, REVIEW, VERDICTS, type_label
from tests.scored_images import image, images

SCORED = [*images([5, 19, 20, 24, 25, 30], [10, 22, 40]), image(21, "hole", number=7), image(60, "hole", number=8)]
NAMES = {"scratch": DefectTypeName(1, "scratch", "스크래치", "Scratch")}


def test_a_score_at_a_threshold_belongs_above_it() -> None:
    found = confusion_at(SCORED, 20, 25)
    assert [found.count(GOOD, verdict) for verdict in VERDICTS] == [2, 2, 2]
    assert [found.count(DEFECT, verdict) for verdict in VERDICTS] == [1, 2, 2]
    assert [found.count(type_label("scratch"), verdict) for verdict in VERDICTS] == [1, 1, 1]
    assert [found.count(type_label("hole"), verdict) for verdict in VERDICTS] == [0, 1, 1]
    assert found.count(type_label("gone"), OK) == 0
    assert (found.overkill.count, found.overkill.total) == (2, 6)
    assert (found.escape.count, found.escape.total) == (1, 5)
    assert (found.good_reviewed.count, found.defect_reviewed.count) == (2, 2)


def test_the_images_behind_every_cell_are_as_many_as_it_counts() -> None:
    found = confusion_at(SCORED, 20, 25)
    for label in (GOOD, DEFECT, type_label("scratch"), type_label("hole")):
        for verdict in VERDICTS:
            assert len(images_in(SCORED, label, verdict, 20, 25)) == found.count(label, verdict)


def test_the_clearest_mistakes_come_first() -> None:
    assert [one.score for one in images_in(SCORED, GOOD, REJECT, 20, 25)] == [30, 25]
    assert [one.score for one in images_in(SCORED, DEFECT, REVIEW, 20, 25)] == [21, 22]


def test_equal_thresholds_leave_nothing_to_review() -> None:
    found = confusion_at(SCORED, 22, 22)
    assert found.count(GOOD, REVIEW) == found.count(DEFECT, REVIEW) == 0


def test_the_type_of_which_most_passes_comes_first_with_its_own_figures() -> None:
    first, second = types_at(SCORED, NAMES, 20, 25)
    assert (first.code, first.n, first.n_parts, first.escape.count, first.lowest_score) == ("scratch", 3, 3, 1, 10)
    assert first.name == NAMES["scratch"]
    assert (second.code, second.name, second.escape.count, second.reviewed.count) == ("hole", None, 0, 1)
    # Of 12 pairs with the six good images, 21 lies above three and 60 above all.
    assert second.image_auroc == 9 / 12


def test_no_images_have_an_empty_table() -> None:
    found = confusion_at([], 20, 25)
    assert (found.overkill.rate, found.escape.rate, dict(found.by_type)) == (None, None, {})
    assert types_at([], NAMES, 20, 25) == ()
