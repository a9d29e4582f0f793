"""What thresholds stand on and what labeled defects taught, in sentences that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from core.models.calibration_figures import CalibrationFigures, RateFigures
from core.models.calibration_words import calibration_sentences
from core.models.head_figures import HeadFigures, LeftOutType
from core.models.head_words import head_advice, head_sentences, label_advice, left_out_sentence

WITHOUT_DEFECTS: dict[str, Any] = {
    "n_normal": 40,
    "n_defect": 0,
    "percentile": 98.0,
    "overkill_at_review": RateFigures(1 / 40, 0.0006, 0.1316),
}
NAMES = {1: "Blow hole", 2: "Scratch"}
TAUGHT: dict[str, Any] = {
    "n_normal": 40,
    "n_defect": 12,
    "n_marked": 8,
    "counts": {1: 7, 2: 5},
    "auroc_plain": 0.953,
    "auroc_raised": 0.981,
    "strength": 1.0,
    "type_top1": 0.75,
    "left_out": {1: LeftOutType(7, 0.95, 0.96), 2: LeftOutType(5, 0.91, 0.9)},
}


def _said(figures: CalibrationFigures, *warnings: str, language: str = "en") -> str:
    return "\n".join(calibration_sentences(figures, warnings, language))


def test_thresholds_without_defects_say_what_they_aim_at_and_what_was_measured() -> None:
    said = _said(CalibrationFigures(**WITHOUT_DEFECTS), "no_defect_images")
    assert "Thresholds from 40 normal images, aimed at 2% of good parts in review." in said
    assert "1 of 40, at most 13% (95% sure). More normal images make this surer." in said
    assert "Without defect images nobody can say" in said


def test_an_estimate_from_made_up_defects_stands_in_for_the_warning_and_names_what_passes_fewer() -> None:
    few = _said(CalibrationFigures(**WITHOUT_DEFECTS, n_made_up=24, made_up_escape=3 / 24), "no_defect_images")
    assert "About 12% of 24 made-up defects would pass: an estimate. Label real defects to know." in few
    assert "nobody can say" not in few
    assert "passes fewer" not in few
    many = _said(CalibrationFigures(**WITHOUT_DEFECTS, n_made_up=24, made_up_escape=0.5), "no_defect_images")
    assert "A higher share of good parts in review passes fewer." in many


def test_an_aim_below_a_percent_is_not_rounded_away() -> None:
    assert "aimed at 0.1% of" in _said(CalibrationFigures(**{**WITHOUT_DEFECTS, "percentile": 99.9}))


def test_thresholds_by_defects_say_how_many_of_both_were_judged_wrongly() -> None:
    figures = CalibrationFigures(
        n_normal=40,
        n_defect=12,
        percentile=98.0,
        overkill_at_review=RateFigures(0.0, 0.0, 0.0881),
        escape_at_review=RateFigures(1 / 12, 0.002, 0.385),
    )
    assert _said(figures) == (
        "Thresholds from 40 normal images + 12 defect images. Good parts held back (review or NG): 0 of 40, at most "
        "8.8% (95% sure). Defects judged OK: 1 of 12, at most 38% (95% sure). More images narrow both."
    )


def test_a_few_defects_get_no_bound_and_leave_the_aim_where_they_overlap() -> None:
    figures = CalibrationFigures(
        n_normal=30,
        n_defect=3,
        percentile=98.0,
        overkill_at_review=RateFigures(0.0, 0.0, 0.11),
        escape_at_review=RateFigures(1 / 3, 0.01, 0.91),
    )
    said = _said(figures, "classes_overlap")
    assert "aimed at 2% of good parts" in said
    assert "Defects judged OK: 1 of 3; these are too few" in said
    assert "91%" not in said
    assert "aimed at" not in _said(figures)


def test_rows_of_before_without_figures_say_only_what_they_know() -> None:
    assert _said(CalibrationFigures()) == ""
    assert _said(CalibrationFigures(n_normal=5)) == "Thresholds from 5 normal images."


def test_a_head_that_raises_scores_says_from_what_it_learned_and_what_it_gains() -> None:
    learned, gain, types = head_sentences(HeadFigures(**TAUGHT), NAMES, "en")
    assert learned == "Learned from 12 labeled defects (Blow hole 7, Scratch 5), 8 of them with a mask."
    assert "AUROC 0.953 without the labeled defects → 0.981 with them" in gain
    assert types == "They name the right type for 75% of these defects (cross-validated)."
    assert left_out_sentence(HeadFigures(**TAUGHT), NAMES, "en").endswith(
        "Blow hole 0.950 → 0.960, Scratch 0.910 → 0.900."
    )


def test_a_closer_look_at_regions_says_how_often_each_way_is_right() -> None:
    head = HeadFigures(**{**TAUGHT, "patch_top1": 0.5, "region_top1": 0.7})
    said = head_sentences(head, NAMES, "en")[-1]
    assert "by the patches of the image alone it would be 50%" in said.lower()
    assert "alone 70%" in said
    assert HeadFigures.from_json(head.to_json()) == head
    assert "70%" in head_sentences(head, NAMES, "ko")[-1]


@pytest.mark.parametrize(
    ("restraint", "why"),
    [("no_gain", "known defects are found no better"), ("unknown_types_lose", "a type that nobody has labeled yet")],
)
def test_a_head_that_only_names_types_says_why(restraint: str, why: str) -> None:
    head = HeadFigures(**{**TAUGHT, "strength": 0.0, "restraint": restraint, "auroc_raised": 0.953})
    gain = head_sentences(head, NAMES, "en")[1]
    assert "raise no score" in gain
    assert why in gain
    assert "→" not in gain


def test_few_defects_missing_masks_and_a_single_type_are_named_with_what_helps() -> None:
    few = " ".join(head_advice(HeadFigures(**TAUGHT), "en"))
    assert "With 12 labeled defects these figures move a lot; from about 20 on" in few
    assert "4 of them have no mask" in few
    many = HeadFigures(**{**TAUGHT, "n_defect": 30, "n_marked": 30, "counts": {1: 15, 2: 15}})
    assert head_advice(many, "en") == []
    single = HeadFigures(**{**TAUGHT, "counts": {1: 12}, "type_top1": None, "left_out": {}})
    assert "Label a second type." in head_advice(single, "en")[0]
    assert left_out_sentence(single, NAMES, "en") == ""


def test_a_type_that_is_gone_goes_by_its_number() -> None:
    assert "Blow hole 7, #2 5" in head_sentences(HeadFigures(**TAUGHT), {1: "Blow hole"}, "en")[0]


def test_too_few_labels_say_how_many_are_wanted_and_enough_say_why_nothing_was_learned() -> None:
    assert label_advice(0, None, "en") == ""
    assert "so far: 3. Label at least 5, with masks if you can" in label_advice(3, None, "en")
    assert "fewer than 4 normal images" in label_advice(7, None, "en")
    assert label_advice(7, HeadFigures(**TAUGHT), "en") == ""


def test_korean_says_the_same() -> None:
    said = _said(CalibrationFigures(**WITHOUT_DEFECTS, n_made_up=24, made_up_escape=0.125), language="ko")
    assert "양품의 2%가 판정 보류가 되도록" in said
    assert "가상 불량 24개 중 약 12%" in said
    assert "라벨링한 불량 12장(Blow hole 7, Scratch 5)" in head_sentences(HeadFigures(**TAUGHT), NAMES, "ko")[0]
