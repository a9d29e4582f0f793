"""`python -m core replay`: one object or lines for people, and a sentence for what cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from core.__main__ import main
from core.accounts.people import open_person
from core.inspections.inspection import inspect
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import find_threshold
from core.registry.versions import list_versions
from core.services import Services
from core.transactions import writing
from storage.tables import ModelVersion, Product, ThresholdSetting
from tests.plates import encode, plate, seed_of

Run = Callable[..., tuple[int, str, str]]
KEYS = {
    "product",
    "model_version",
    "thresholds",
    "in_use",
    "inspections",
    "images",
    "labeled_images",
    "compared",
    "learned_from",
    "counts",
    "verdicts",
    "stopped",
    "flips",
    "unreadable",
    "scored",
    "seconds",
}


@pytest.fixture
def run(plate_services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, on the deployed product with an inspected spot: status, stdout, stderr."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(plate_services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    worker = open_person(plate_services, "worker")
    data = encode(plate(seed_of("test", "spot", 50), "spot"))
    inspect(plate_services, worker, product_id=1, data=data, file_name="spot.png")

    def run_one(*arguments: str) -> tuple[int, str, str]:
        status = main(["replay", "--product", "plate", *arguments])
        return (status, *capsys.readouterr())

    return run_one


def test_other_thresholds_are_replayed_on_the_version_in_use(run: Run) -> None:
    status, out, err = run("--review", "0.001", "--reject", "1000", "--json")
    assert status == 0, err
    told = json.loads(out)
    assert set(told) == KEYS
    assert told["model_version"] == told["in_use"]["model_version"] == 1
    assert told["thresholds"] == {"review_at": 0.001, "reject_at": 1000.0}
    assert (told["inspections"], told["labeled_images"], told["unreadable"]) == (1, 24, [])
    assert told["counts"]["good_stopped"] > 0
    # The stopped defects go from NG to Review: 1000 is far away.
    assert told["counts"]["unknown_to_review"] == 1
    assert {one["name"] for one in told["flips"] if "inspection" in one} == {"spot.png"}


def test_the_newest_version_that_waits_is_replayed(run: Run, plate_services: Services, plate_product: Product) -> None:
    status, out, err = run()
    assert (status, out) == (1, "")
    assert "no newer version that waits" in err
    _add_blind_candidate(plate_services, plate_product)
    status, out, err = run()
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("plate: version 2 (Review from 1000.0000, NG from 2000.0000) on 1 inspections and 24")
    assert "Known defects that would now pass: " in out
    assert "  spot.png: REJECT" in out
    assert " -> OK" in out


def test_what_cannot_be_compared_is_a_sentence(run: Run) -> None:
    for arguments, sentence in (
        (("--version", "7"), "no memory bank version 7"),
        (("--version", "1"), "already active"),
        (("--review", "3"), "both thresholds"),
        (("--review", "3", "--reject", "2"), "must not begin before"),
        (("--review", "3", "--reject", "4", "--limit", "0"), "between 1 and 2000"),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (1, ""), arguments
        assert sentence in err


def _add_blind_candidate(services: Services, product: Product) -> None:
    (active,) = list_versions(services, MEMORY_BANK, product.id)
    assert find_threshold(services, active.id).reject_at < 1000
    with writing(services) as session:
        kept = {name: value for name, value in active.model_dump().items() if name not in {"id", "active_key"}}
        row = ModelVersion(**{**kept, "number": 2, "state": "candidate"})
        session.add(row)
        session.flush()
        session.add(ThresholdSetting(model_version_id=row.id, review_at=1000, reject_at=2000, method="percentile"))
        session.commit()
