"""What speaks against a new memory bank: one rule each, on scores that are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.deployments.objections import (
    Judged,
    KnownDefect,
    object_to_figures,
    object_to_passing,
    object_to_thresholds,
)
from core.deployments.weak_spots import find_weak
from core.models.detection_figures import DetectionFigures, TypeFigures
from core.models.judgments import KNOWN_DEFECTS, MOST_ESCAPE, NEAR_CHANCE, THRESHOLDS_MOVED, WORSE_ON_TEST
from inference.vision.detection.calibration import calibrate


def _figures(
    auroc: float, escape: int, *, n: int = 20, types: dict[str, TypeFigures] | None = None
) -> DetectionFigures:
    figures = DetectionFigures(
        n_normal=n, n_defect=n, image_auroc=auroc, escape=escape, per_defect=types or {}, test_fingerprint="same"
    )
    return replace(figures, weak_on_test=find_weak(figures))


def _scores(count: int, seed: int = 0, *, first: int = 0, scale: float = 1.0) -> dict[str, float]:
    values = np.random.default_rng(seed).normal(19.0, 1.6, count) * scale
    return {f"image:{first + number}": float(value) for number, value in enumerate(values)}


def _judged(normals: dict[str, float], defects: tuple[float, ...] = ()) -> Judged:
    """Return a version with the thresholds that its build would have chosen."""
    limits = calibrate(list(normals.values()), defects)
    return Judged(limits.review_at, limits.reject_at, normals, calibration_defects=defects)


# --- the test images -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auroc", "escape", "codes"),
    [
        (0.95, 2, []),
        (0.41, 3, [NEAR_CHANCE]),
        (0.55, 3, [NEAR_CHANCE]),
        (0.80, 11, [MOST_ESCAPE]),
        (0.80, 10, []),
        (0.41, 20, [NEAR_CHANCE, MOST_ESCAPE]),
    ],
)
def test_a_first_version_is_judged_by_chance_and_by_escapes(auroc: float, escape: int, codes: list[str]) -> None:
    assert [found.code for found in object_to_figures(_figures(auroc, escape), None)] == codes


def test_without_test_images_nothing_is_said() -> None:
    assert object_to_figures(None, None) == []
    assert object_to_figures(None, _figures(0.95, 0)) == []


def test_every_reason_is_collected_and_not_the_first_alone() -> None:
    reasons = object_to_figures(_figures(0.41, 20), _figures(0.95, 2))
    assert [found.code for found in reasons] == [WORSE_ON_TEST, NEAR_CHANCE, MOST_ESCAPE]
    assert reasons[0].figures == {
        "image_auroc": 0.41,
        "active_image_auroc": 0.95,
        "escape": 20.0,
        "active_escape": 2.0,
        "n_defect": 20.0,
    }
    assert reasons[1].figures["low"] < 0.41 < reasons[1].figures["high"]


def test_two_test_images_of_a_class_do_not_make_chance() -> None:
    assert object_to_figures(_figures(0.75, 0, n=2), None) == []


def test_a_type_is_weak_by_its_auroc_or_by_its_escapes_from_three_images_on() -> None:
    types = {
        "dent": TypeFigures(6, 0.99, 0),
        "haze": TypeFigures(6, 0.55, 1),
        "crack": TypeFigures(5, 0.97, 3),
        "stain": TypeFigures(2, 0.10, 2),
    }
    weak = find_weak(_figures(0.9, 6, types=types))
    assert [(spot.defect_type, spot.near_chance, spot.mostly_escapes) for spot in weak] == [
        ("haze", True, False),
        ("crack", False, True),
    ]


# --- known defects ---------------------------------------------------------------------------------------------------


def test_a_known_defect_that_is_stopped_now_and_would_pass_is_named() -> None:
    known = [KnownDefect(f"image:{number}", number, f"{number}.png", "cut") for number in range(1, 6)]
    active = Judged(10.0, 12.0, defect_scores={"image:1": 11.0, "image:2": 30.0, "image:3": 9.0, "image:5": 11.0})
    scores = {"image:1": 19.0, "image:2": 31.0, "image:3": 8.0, "image:4": 5.0}
    found = object_to_passing(known, Judged(20.0, 25.0, defect_scores=scores), active)
    assert found is not None
    assert found.code == KNOWN_DEFECTS
    # The second is stopped by both, the third by neither, the others have no score of one version.
    assert [(image.name, image.active_score, image.score) for image in found.images] == [("1.png", 11.0, 19.0)]
    assert (found.figures["count"], found.figures["n_known"]) == (1, 4)
    assert object_to_passing(known, Judged(18.0, 25.0, defect_scores=scores), active) is None


# --- thresholds ------------------------------------------------------------------------------------------------------


def test_one_cut_part_among_the_good_ones_is_noticed() -> None:
    good = _scores(20)
    before = _judged(good)
    # Thresholds that follow the extreme, as the highest cross-fitted score of an impure set drew them.
    after = Judged(49.2, 55.4, good | {"image:20": 19.5, "image:21": 48.0})
    found = object_to_thresholds(after, before, good)
    assert found is not None
    assert found.code == THRESHOLDS_MOVED
    assert (found.figures["n_common"], found.figures["n_new"]) == (20, 2)
    assert found.figures["explained_review_at"] == pytest.approx(before.review_at)


@pytest.mark.parametrize("count", [5, 20, 100])
@pytest.mark.parametrize("seed", range(5))
def test_a_rebuild_and_similar_images_pass(count: int, seed: int) -> None:
    good = _scores(count, seed)
    assert object_to_thresholds(_judged(good), _judged(good), good) is None
    more = good | _scores(max(1, count // 2), seed + 50, first=count)
    assert object_to_thresholds(_judged(more), _judged(good), good) is None


def test_another_unit_of_the_score_passes() -> None:
    good = _scores(20)
    other = {key: 0.01 * score**1.5 for key, score in good.items()}
    assert object_to_thresholds(_judged(other), _judged(good), good) is None


def test_in_another_unit_the_cut_part_is_noticed_as_well() -> None:
    good = _scores(20)
    other = {key: 0.01 * score for key, score in good.items()}
    assert object_to_thresholds(Judged(0.492, 0.554, other | {"image:21": 0.48}), _judged(good), good) is not None


def test_the_first_labeled_defects_explain_what_they_move() -> None:
    good = _scores(20)
    defects = tuple(np.linspace(80.0, 120.0, 12))
    after = _judged(good, defects)
    assert after.review_at > _judged(good).review_at
    assert object_to_thresholds(after, _judged(good), good) is None


def test_thresholds_that_a_person_had_raised_already_are_no_move() -> None:
    good = _scores(20)
    raised = Judged(49.2, 55.4, good)
    after = Judged(49.2, 55.4, good | {"image:20": 19.5, "image:21": 48.0})
    assert object_to_thresholds(after, raised, good) is None


def test_taking_the_cut_part_out_again_passes() -> None:
    good = _scores(20)
    impure = Judged(49.2, 55.4, good | {"image:21": 48.0})
    assert object_to_thresholds(_judged(good), impure, impure.normal_scores) is None


def test_thresholds_that_fall_onto_the_good_parts_are_noticed() -> None:
    good = _scores(20)
    after = replace(_judged(good | _scores(40, 3, first=20)), review_at=19.0)
    found = object_to_thresholds(after, _judged(good), good)
    assert found is not None
    assert found.figures["n_stopped"] > 2


def test_without_stored_scores_the_images_alone_decide() -> None:
    good = _scores(20)
    before = replace(_judged(good), normal_scores={})
    assert object_to_thresholds(_judged(good), before, good) is None
    assert object_to_thresholds(Judged(49.2, 55.4, good | {"image:21": 48.0}), before, good) is not None


def test_too_few_images_in_common_say_nothing() -> None:
    good = _scores(4)
    assert object_to_thresholds(Judged(49.2, 55.4, good | {"image:21": 48.0}), _judged(good), good) is None
