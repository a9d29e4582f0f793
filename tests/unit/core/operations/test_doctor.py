"""The doctor's findings."""

from __future__ import annotations

import dataclasses
import importlib.metadata

import pytest

from core.messages import MESSAGES
from core.operations import health
from core.services import Services
from core.settings import Settings


def test_every_part_is_checked_and_has_a_sentence(services: Services) -> None:
    found = {check.name: check for check in health.check(services)}
    assert set(found) == {
        "settings", "data_dir", "database", "object_store", "identity", "worker", "device", "similar_images", "weights",
        "encoder", "packages", "orphans", "missing", "models",
    }  # fmt: skip
    assert all(check.code in MESSAGES and "{" not in check.sentence("en") for check in found.values())
    assert all(check.ok for check in found.values())


def test_a_database_without_tables_is_a_finding_and_the_rest_is_still_checked(settings: Settings) -> None:
    found = {check.name: check for check in health.check(settings)}
    assert (found["database"].ok, found["database"].code) == (False, "database_not_migrated")
    assert found["device"].ok


def test_a_missing_worker_is_a_fault_only_where_it_runs_by_itself(services: Services) -> None:
    outside = dataclasses.replace(services, settings=dataclasses.replace(services.settings, worker="external"))
    worker = next(check for check in health.check(outside) if check.name == "worker")
    assert (worker.ok, worker.code) == (False, "check_worker_missing")


def test_a_package_that_is_too_old_is_named(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.LOWEST_VERSIONS, "pillow", "999.0")
    packages = next(check for check in health.check(services) if check.name == "packages")
    assert not packages.ok
    assert "pillow" in packages.sentence("en")


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (None, "searched on: cuda, in indexes of 5,000 vectors and more"),
        ("device_is_cpu", "searched on: cpu."),
        ("gpu_absent", "searched on: cpu."),
        ("faiss_without_gpu", "make setup EXTRA=gpu"),
        ("gpu_refuses", "did not pass a trial search"),
    ],
)
def test_where_similar_images_are_searched_is_said(
    services: Services, monkeypatch: pytest.MonkeyPatch, obstacle: str | None, words: str
) -> None:
    monkeypatch.setattr("inference.vision.search.gpu_scan.find_obstacle", lambda _device: obstacle)
    found = next(check for check in health.check(services) if check.name == "similar_images")
    assert found.ok
    assert words in found.sentence("en")


def test_the_build_of_faiss_for_a_gpu_stands_in_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"faiss-gpu": "1.15.1"}

    def version(package: str) -> str:
        if package not in installed:
            raise importlib.metadata.PackageNotFoundError(package)
        return installed[package]

    monkeypatch.setattr(importlib.metadata, "version", version)
    faiss = next(one for one in health.list_packages() if one.name.startswith("faiss"))
    assert (faiss.name, faiss.version, faiss.ok) == ("faiss-gpu", "1.15.1", True)
