"""What stands against a version: written as it was read, absent in what earlier versions of the program wrote."""

from __future__ import annotations

import pytest

from core.jobs.outcomes import ProductOutcome
from core.jobs.records import JobPayload
from core.models.detection_figures import BankFigures, DetectionFigures
from core.models.judgment_words import reason_sentence, weak_sentence
from core.models.judgments import (
    KNOWN_DEFECTS,
    REASONS,
    HoldReason,
    PassedDefect,
    WeakSpot,
    reasons_of,
    write_reasons,
)

REASON = HoldReason(KNOWN_DEFECTS, {"count": 1.0}, (PassedDefect(7, "a.png", "cut", 31.5, 29.2),))
SPOT = WeakSpot("haze", 8, 0.41, 0.12, 0.69, 8)


def test_reasons_and_weak_spots_come_back_from_the_row_and_the_outcome() -> None:
    assert reasons_of({"image_auroc": 0.5, **write_reasons([REASON])}) == (REASON,)
    figures = BankFigures(DetectionFigures(weak_on_test=(SPOT,)), {"bank_size": 7}, {"image:7": 29.2})
    assert BankFigures.from_json(figures.to_json()) == figures
    outcome = ProductOutcome(1, "p", "candidate", held_back=(REASON,), weak_on_test=(SPOT,))
    assert ProductOutcome.from_json(outcome.to_json()) == outcome


def test_what_was_written_before_reads_as_before() -> None:
    assert reasons_of({"image_auroc": 0.5}) == ()
    outcome = ProductOutcome.from_json({"product_id": 1, "code": "p", "outcome": "candidate", "reason": "worse"})
    assert (outcome.held_back, outcome.weak_on_test) == ((), ())
    assert not {"held_back", "weak_on_test"} & outcome.to_json().keys()
    assert JobPayload.from_json({"product_ids": [1]}) == JobPayload((1,))
    assert JobPayload((1,)).to_json() == {"product_ids": [1]}


def test_damaged_reasons_are_left_out() -> None:
    assert reasons_of({"held_back": [{"figures": {}}, "x", {"code": "near_chance", "images": [{"name": "y"}]}]}) == (
        HoldReason("near_chance"),
    )


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_its_sentence(code: str, language: str) -> None:
    said = reason_sentence(HoldReason(code), language)
    assert said != f"held_{code}"


def test_names_and_figures_stand_in_the_sentences() -> None:
    assert "a.png" in reason_sentence(REASON, "en")
    said = weak_sentence(SPOT, "en", {"haze": "Haze"})
    assert "Haze" in said
    assert "0.41" in said
    assert "8 of 8" in said
