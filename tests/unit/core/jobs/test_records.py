"""What a job's row holds as JSON: rows of every release are read, and the keys stay the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import AppError, NotReady
from core.jobs.outcomes import ProductOutcome, SetApartImage, SkippedFile
from core.jobs.records import JobPayload, JobProgress, LogLine, read_log, write_line
from core.jobs.stored_error import StoredError
from core.models.detection_figures import DetectionSummary
from core.models.figures import ManualFigures

CALIBRATION: dict[str, Any] = {
    "n_normal": 150,
    "n_defect": 40,
    "normal_mean": 19.854651908874512,
    "normal_std": 2.643512918927195,
    "normal_max": 33.52305603027344,
    "defect_min": 25.986114501953125,
    "image_auroc": 0.9951666666666666,
    "f1": 0.9411764705882353,
    "overkill_at_review": 0.03333333333333333,
    "overkill_at_review_low": 0.010910186468911294,
    "overkill_at_review_high": 0.07607232253734687,
    "escape_at_review": 0.0,
    "escape_at_review_low": 0.0,
    "escape_at_review_high": 0.08809730287880237,
    "overkill_at_reject": 0.006666666666666667,
    "overkill_at_reject_low": 0.00016877114310994768,
    "overkill_at_reject_high": 0.0365,
    "escape_at_reject": 0.1,
    "escape_at_reject_low": 0.02,
    "escape_at_reject_high": 0.23,
    "percentile": 99.0,
    "k": 3.0,
}
BANK_OUTCOME: dict[str, Any] = {
    "product_id": 1,
    "code": "solar-mono",
    "outcome": "activated",
    "reason": "first",
    "version_id": 1,
    "number": 1,
    "metrics": {"image_auroc": 1.0, "pixel_auroc": None, "aupro": None, "overkill": 0, "escape": 0},
    "warnings": ["classes_overlap"],
    "calibration": CALIBRATION,
    "skipped_images": [{"name": "cells_007.png", "reason": "image_truncated"}],
    "work_s": 27.46,
    "cost_s": 15.13,
}
# As rows hold them that this and earlier versions of the program wrote.
OUTCOMES: list[dict[str, Any]] = [
    BANK_OUTCOME,
    {
        "product_id": 3,
        "code": "casting",
        "outcome": "candidate",
        "reason": "by_hand",
        "numbers": {"normal": 1, "defect": 1, "region": 2},
        "skipped_images": [],
        "work_s": 6.37,
        "cost_s": 1.81,
    },
    {
        "product_id": 1,
        "code": "solar-mono",
        "outcome": "activated",
        "reason": "",
        "version_id": 7,
        "number": 1,
        "metrics": {"n_manuals": 2, "n_pages": 12, "n_passages": 56},
        "skipped_manuals": [{"name": "1.pdf", "reason": "manual_object_missing"}],
        "work_s": 2.9,
        "cost_s": 0.86,
    },
    {"product_id": 2, "code": "b", "outcome": "unchanged", "number": 3, "work_s": 0.01, "cost_s": 0.86},
    {
        "product_id": 2,
        "code": "empty",
        "outcome": "failed",
        "error_code": "no_normal_images",
        "error_params": {"product": "Empty"},
    },
    {"product_id": 2, "code": "plate", "outcome": "activated", "version_id": 1},  # of the first versions
    {
        "product_id": 2,
        "code": "plate",
        "outcome": "activated",
        "set_apart": [{"name": "plate_normal_012.png", "image_id": 12, "score": 44.5}],
    },
]
RESULT: dict[str, Any] = {
    "outcomes": OUTCOMES,
    "current_product_id": 4,
    "share": 0.4321,
    "expected_s": 28.3,
    "work_started_at": "2026-11-26T07:26:09.117320+00:00",
}


@pytest.mark.parametrize("stored", OUTCOMES)
def test_an_outcome_is_written_as_it_was_read(stored: dict[str, Any]) -> None:
    written = ProductOutcome.from_json(stored).to_json()
    assert written == stored
    assert list(written) == list(stored)


def test_outcomes_tell_their_figures_by_kind() -> None:
    bank, index, manual, _unchanged, failed, first, apart = (ProductOutcome.from_json(stored) for stored in OUTCOMES)
    assert bank.metrics == DetectionSummary(1.0, None, None, 0, 0)
    assert bank.calibration is not None
    assert bank.calibration.escape_at_review.high == 0.08809730287880237
    assert bank.skipped_images == (SkippedFile("cells_007.png", "image_truncated"),)
    assert index.numbers == {"normal": 1, "defect": 1, "region": 2}
    assert manual.metrics == ManualFigures(2, 12, 56)
    assert failed.error == StoredError("no_normal_images", {"product": "Empty"})
    assert (first.set_apart, apart.set_apart) == (None, (SetApartImage("plate_normal_012.png", 12, 44.5),))
    assert (first.reason, first.metrics, first.skipped_images, first.work_s) == (None, None, None, None)


def test_a_failure_keeps_its_reason_in_words() -> None:
    outcome = ProductOutcome.failed(3, "casting", NotReady("no_normal_images", product="Casting", tried=2))
    assert outcome.to_json() == {
        "product_id": 3,
        "code": "casting",
        "outcome": "failed",
        "error_code": "no_normal_images",
        "error_params": {"product": "Casting", "tried": "2"},
    }
    assert outcome.error is not None
    assert "Casting" in outcome.error.to_app_error().sentence("en")


def test_progress_and_payload_are_written_as_they_were_read() -> None:
    progress = JobProgress.from_json(RESULT)
    assert progress.work_started_at == datetime(2026, 11, 26, 7, 26, 9, 117320, UTC)
    assert progress.to_json() == RESULT
    payload = {"product_ids": [1, 3, 5]}
    assert JobPayload.from_json(payload) == JobPayload((1, 3, 5))
    assert JobPayload.from_json(payload).to_json() == payload


@pytest.mark.parametrize("stored", [{}, None, [], {"outcomes": {"a": 1}, "share": "half", "work_started_at": "then"}])
def test_a_job_that_has_told_nothing_readable_has_not_begun(stored: object) -> None:
    assert JobProgress.from_json(stored) == JobProgress()


def test_of_damaged_outcomes_the_readable_fields_stay() -> None:
    progress = JobProgress.from_json(
        {"outcomes": [7, {"product_id": "1", "code": "a", "metrics": "good"}, BANK_OUTCOME]}
    )
    damaged, whole = progress.outcomes
    assert (damaged.product_id, damaged.code, damaged.outcome, damaged.metrics) == (0, "a", "", None)
    assert whole.number == 1


def test_a_payload_that_names_no_product_is_empty() -> None:
    for stored in ({}, {"product_ids": None}, {"product_ids": ["1", None]}, {"bank": {"memory_bank_version_id": 4}}):
        assert JobPayload.from_json(stored).product_ids == ()


def test_log_lines_come_back_as_written_and_half_a_line_is_left_out() -> None:
    line = LogLine(
        datetime(2026, 11, 26, 7, 26, 9, tzinfo=UTC),
        "log_product_failed",
        {"product": "주조", "reason": "image_too_large", "reason_params": {"limit": 3}},
    )
    text = write_line(line)
    assert json.loads(text) == {
        "at": "2026-11-26T07:26:09+00:00",
        "code": "log_product_failed",
        "params": {"product": "주조", "reason": "image_too_large", "reason_params": {"limit": 3}},
    }
    assert line.reason == StoredError("image_too_large", {"limit": 3})
    assert read_log(text + text[:30] + "\n\n7\n{}\n" + text) == (line, line)


def test_an_error_keeps_what_json_knows_and_says_the_rest_in_words() -> None:
    stored = StoredError.from_error(AppError("disk_too_small", needed=2, folder=object, ok=True, none=None))
    assert stored.params == {"needed": 2, "folder": str(object), "ok": True, "none": None}
    again = StoredError.from_json(stored.code, stored.params)
    assert again == stored
    assert StoredError.from_json(None, {}) is None


def test_parameters_that_no_error_can_have_do_not_hide_it() -> None:
    assert StoredError("disk_full", {"code": 1, "self": 2, "needed": 3}).to_app_error().params == {"needed": 3}
    damaged = StoredError.from_json("disk_full", "nothing")
    assert damaged is not None
    assert damaged.to_app_error().params == {}
