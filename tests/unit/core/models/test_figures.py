"""What a version's row says of its figures: rows of every release are read, and the keys stay the same."""

from __future__ import annotations

from typing import Any

import pytest

from core.models.calibration_figures import CalibrationFigures, RateFigures, ThresholdFigures
from core.models.detection_figures import BankFigures, DetectionFigures, TypeFigures, VerdictCounts
from core.models.figures import IndexFigures, ManualFigures, RankingFigures, read_figures
from core.models.kinds import KINDS, MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX

# As rows hold them that this and earlier versions of the program wrote.
BANK: dict[str, Any] = {
    "n_normal": 80,
    "n_defect": 60,
    "image_auroc": 0.9447916666666667,
    "pixel_auroc": None,
    "aupro": None,
    "per_defect": {"cell_defect": {"n": 60, "image_auroc": 0.9447916666666667}},
    "confusion": {
        "normal": {"ok": 68, "review": 12, "reject": 0},
        "defect": {"ok": 5, "review": 32, "reject": 23},
    },
    "overkill": 0,
    "escape": 5,
    "ms_per_image": 46.237058442857155,
    "skipped": ["a.png (mask)"],
    "test_fingerprint": "bf417d6a",
    "detector": "patchcore",
    "bank_size": 4096,
    "coreset_radius": 24.6101190363715,
}
NO_RANKING: dict[str, Any] = {"top1_type_accuracy": None, "map_at_10": None}
INDEX: dict[str, Any] = {
    "n_images": 24,
    "n_confirmed": 1,
    "n_computed": 3,
    "dimension": 304,
    "retrieval": {
        "top1_type_accuracy": 0.4,
        "map_at_10": 0.25096726190476193,
        "whole": {"top1_type_accuracy": 0.3, "map_at_10": 0.2},
        "region": NO_RANKING,
    },
    "suggestion": {
        "n_images": 24,
        "n_types": 3,
        "accuracy": 0.4166666666666667,
        "log_loss": 0.9805377125740051,
        "calibration_error": 0.07853502380328595,
        "unknown_auroc": None,
    },
}
STORED = [
    (MEMORY_BANK, BANK),
    (MEMORY_BANK, {"detector": "padim", "channel_count": 100, "n_fitted": 12}),
    (MEMORY_BANK, {"detector": "patchcore", "bank_size": 512, "coreset_radius": None}),
    (SIMILARITY_INDEX, INDEX),
    (SIMILARITY_INDEX, {"n_images": 200, "n_confirmed": 0, "n_computed": 200, "dimension": 304}),
    (MANUAL_INDEX, {"n_manuals": 2, "n_pages": 12, "n_passages": 56}),
]
THRESHOLD: dict[str, Any] = {
    "n_normal": 60,
    "n_defect": 24,
    "normal_mean": 16.774105421702068,
    "normal_std": 0.5149098313854279,
    "normal_max": 18.455204010009766,
    "defect_min": 15.879081726074219,
    "image_auroc": 0.9472222222222222,
    "f1": 0.9019607843137255,
    "overkill_at_review": 0.2,
    "overkill_at_review_low": 0.10784112252436197,
    "overkill_at_review_high": 0.32330042380129054,
    "escape_at_review": 0.041666666666666664,
    "escape_at_review_low": 0.001054352445469748,
    "escape_at_review_high": 0.2112016834569731,
    "overkill_at_reject": 0.03333333333333333,
    "overkill_at_reject_low": 0.004062624642093498,
    "overkill_at_reject_high": 0.1152810444192517,
    "escape_at_reject": 0.20833333333333334,
    "escape_at_reject_low": 0.071318617198055,
    "escape_at_reject_high": 0.42151284363725267,
    "percentile": 99.0,
    "k": 3.0,
    "warnings": ["classes_overlap"],
}


@pytest.mark.parametrize(("kind", "stored"), STORED)
def test_figures_are_written_as_they_were_read(kind: str, stored: dict[str, Any]) -> None:
    written = read_figures(kind, stored).to_json()
    assert written == stored
    assert list(written) == list(stored)


def test_a_bank_tells_what_was_measured_and_how_large_it_is() -> None:
    found = BankFigures.from_json(BANK)
    assert found.detection is not None
    assert found.detection.per_defect == {"cell_defect": TypeFigures(60, 0.9447916666666667)}
    assert found.detection.confusion is not None
    assert found.detection.confusion.defect == VerdictCounts(ok=5, review=32, reject=23)
    assert (found.detection.skipped, found.detection.test_fingerprint) == (("a.png (mask)",), "bf417d6a")
    assert found.model == {"detector": "patchcore", "bank_size": 4096, "coreset_radius": 24.6101190363715}
    named = found.by_name()
    assert (named["image_auroc"], named["escape"], named["bank_size"]) == (0.9447916666666667, 5, 4096)
    # What was not measured, and what is no number, is not among them.
    assert not {"pixel_auroc", "aupro", "detector", "skipped", "test_fingerprint"} & named.keys()


def test_a_row_from_before_test_images_had_a_fingerprint_is_measured_without_one() -> None:
    found = DetectionFigures.from_json({"n_normal": 4, "n_defect": 4, "image_auroc": 1, "overkill": 0, "escape": 1})
    assert found is not None
    assert (found.image_auroc, found.escape, found.test_fingerprint, found.confusion) == (1.0, 1, None, None)
    assert DetectionFigures.from_json({"detector": "patchcore", "bank_size": 4096}) is None


def test_an_index_tells_how_well_types_are_found() -> None:
    found = IndexFigures.from_json(INDEX)
    assert found.retrieval is not None
    assert found.retrieval.used == RankingFigures(0.4, 0.25096726190476193)
    assert found.retrieval.region == RankingFigures()
    assert found.by_name() == {"n_images": 24, "top1_type_accuracy": 0.4, "map_at_10": 0.25096726190476193}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", [{}, [], None, {"image_auroc": "high", "n_images": "200", "n_passages": None}])
def test_what_is_absent_or_damaged_counts_as_not_measured(kind: str, stored: object) -> None:
    assert read_figures(kind, stored).by_name() == {}


def test_a_damaged_part_leaves_the_rest_readable() -> None:
    found = BankFigures.from_json({**BANK, "per_defect": 3, "confusion": [1], "overkill": True, "skipped": "a"})
    assert found.detection is not None
    assert (found.detection.per_defect, found.detection.confusion, found.detection.skipped) == ({}, None, ())
    assert found.detection.overkill is None
    assert found.by_name()["image_auroc"] == 0.9447916666666667
    assert IndexFigures.from_json({**INDEX, "retrieval": "good"}).retrieval is None
    assert ManualFigures.from_json({"n_pages": "12"}) == ManualFigures()


def test_the_figures_of_thresholds_are_written_as_they_were_read() -> None:
    found = ThresholdFigures.from_json(THRESHOLD)
    assert found.warnings == ("classes_overlap",)
    assert found.calibration.overkill_at_reject == RateFigures(
        0.03333333333333333, 0.004062624642093498, 0.1152810444192517
    )
    assert found.to_json() == THRESHOLD
    assert list(found.to_json()) == list(THRESHOLD)


def test_a_calibration_without_defects_tells_nothing_of_them() -> None:
    stored = {name: value for name, value in THRESHOLD.items() if not name.startswith("escape")}
    found = CalibrationFigures.from_json({**stored, "n_defect": 0, "f1": None})
    assert (found.escape_at_review, found.f1, found.n_defect) == (RateFigures(), None, 0)
    assert found.overkill_at_review.rate == 0.2
