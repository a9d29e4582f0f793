"""Eight sessions inspect while versions change under them: no error, and what belongs together stays together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.errors import AppError
from core.inspections import examination, inspection
from core.models.kinds import MEMORY_BANK
from core.preprocessing import stored_options
from core.registry.versions import activate, active_version, current_threshold, list_versions
from core.services import Services, build_services
from storage.tables import Inspection, ThresholdSetting
from tests.faults.deployed_state import REFERENCE_PART
from tests.plates import copy_data, deploy, folder_settings

pytestmark = pytest.mark.xdist_group("worker")

SESSIONS = 8
SERVERS = 2
ACTIVATIONS = 12


@dataclass(frozen=True)
class Truth:
    """What one version says of the reference part when nothing else happens."""

    score: float
    verdict: str
    review_at: float
    reject_at: float
    threshold_id: int
    preprocessing: dict[str, Any]


@pytest.fixture
def services(tiny_template: Path, tmp_path: Path) -> Iterator[Services]:
    built = build_services(folder_settings(copy_data(tiny_template, tmp_path / "tiny-data")))
    yield built
    built.database.dispose()


def _build_another(services: Services, product_id: int) -> None:
    """Build a second version that scores otherwise: it looks at the parts in another way."""
    person = open_person(services, "engineer")
    found = stored_options.get_preprocessing(services, product_id)
    options = replace(found.options, grayscale=True, equalize=True)
    stored_options.save_preprocessing(services, person, product_id, row_version=found.row_version, options=options)
    deploy(services, product_id, kinds=(MEMORY_BANK,))


def _truths(services: Services, product_id: int) -> dict[int, Truth]:
    """Return what each version says, by its id; every version has been in use once."""
    truths = {}
    person = open_person(services, "engineer")
    for version in list_versions(services, MEMORY_BANK, product_id):
        with suppress(AppError):  # the one that is in use already
            activate(services, person, version.id)
        found = inspection.examine(services, product_id=product_id, data=REFERENCE_PART, file_name="reference.png")
        assert found.bank.id == version.id
        truths[version.id] = Truth(
            score=round(found.detection.score, 3),
            verdict=found.verdict,
            review_at=found.threshold.review_at,
            reject_at=found.threshold.reject_at,
            threshold_id=found.threshold.id,
            preprocessing=found.bank.preprocessing,
        )
    return truths


def _inspect_while_activating(services: Services, product_id: int, truths: dict[int, Truth]) -> list[str]:
    """Return what is wrong with the inspections that eight sessions of two servers make meanwhile."""
    problems: list[str] = []
    over = threading.Event()
    servers = [services, *(build_services(services.settings) for _ in range(SERVERS - 1))]

    def session(number: int) -> None:
        own = servers[number % SERVERS]
        person = open_person(own, "worker")
        while not over.is_set():
            try:
                inspection.inspect(own, person, product_id=product_id, data=REFERENCE_PART, file_name="reference.png")
            except AppError as error:
                problems.append(f"session {number}: {error.code} {error.params}")

    sessions = [threading.Thread(target=session, args=(number,)) for number in range(SESSIONS)]
    for thread in sessions:
        thread.start()
    engineer = open_person(services, "engineer")
    for turn in range(ACTIVATIONS):
        with services.database.reading() as reading:
            active = active_version(reading, MEMORY_BANK, product_id)
        assert active is not None
        # As both servers do it: one evicts what it has of a version to prove it anew, while the others inspect.
        activate(servers[turn % SERVERS], engineer, next(found for found in truths if found != active.id))
        over.wait(0.2)
    over.set()
    for thread in sessions:
        thread.join(120)
    for server in servers[1:]:
        server.database.dispose()
    with services.database.reading() as reading:
        rows = reading.exec(select(Inspection).order_by(col(Inspection.id))).all()
    assert len({row.memory_bank_version_id for row in rows}) == len(truths), "no activation was met"
    assert len(rows) >= SESSIONS
    return problems + [fault for row in rows if (fault := _fault_of(row, truths))]


def _fault_of(row: Inspection, truths: dict[int, Truth]) -> str:
    truth = truths[row.memory_bank_version_id or 0]
    seen = Truth(
        score=round(row.score, 3),
        verdict=row.verdict,
        review_at=row.review_at,
        reject_at=row.reject_at,
        threshold_id=row.threshold_setting_id or 0,
        preprocessing=row.preprocessing,
    )
    return "" if seen == truth else f"mixed: {seen} instead of {truth}"


@pytest.fixture
def two_versions(services: Services) -> dict[int, Truth]:
    product_id = find_product(services, "plate").id
    _build_another(services, product_id)
    truths = _truths(services, product_id)
    assert len({truth.score for truth in truths.values()}) == len(truths) == 2
    return truths


def test_sessions_that_inspect_while_versions_change_see_one_version_at_a_time(
    services: Services, two_versions: dict[int, Truth]
) -> None:
    assert _inspect_while_activating(services, find_product(services, "plate").id, two_versions) == []


@pytest.mark.full
def test_thresholds_read_of_whatever_is_active_by_then_would_be_noticed(
    services: Services, two_versions: dict[int, Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    product_id = find_product(services, "plate").id

    def of_the_active_one(_session: Session, _version_id: int) -> ThresholdSetting:
        """Return another version's thresholds, which is the bug: those of the one in use a moment later."""
        threading.Event().wait(0.05)
        with services.database.reading() as later:
            active = active_version(later, MEMORY_BANK, product_id)
            assert active is not None
            return current_threshold(later, active.id)

    monkeypatch.setattr(examination, "current_threshold", of_the_active_one)
    problems = _inspect_while_activating(services, product_id, two_versions)
    assert any("mixed" in found for found in problems)
