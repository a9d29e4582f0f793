"""The doctor's findings."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.access import Person
from core.catalog.products import create_product
from core.deliveries.settings import WebhookSettings
from core.deliveries.targets import add_target
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.messages import MESSAGES
from core.operations import health, package_versions
from core.operations.certificates import check_certificates
from core.operations.repair import repair
from core.rollups.comparing import compare_totals
from core.rollups.counting import count_new
from core.rollups.rebuilding import ensure_counts
from core.services import Services
from core.settings import Settings
from core.tracking.events import note_event
from core.watching.folders import add_folder
from storage.tables import Image, Inspection, TrackingEvent
from tests.databases import sqlite_only
from tests.history_rows import add_product, add_rows
from tests.plates import encode, plate
from tests.tls_server import make_certificate, serve_tls
from tests.tracked_runs import add_run, add_set


def test_every_part_is_checked_and_has_a_sentence(services: Services) -> None:
    found = {check.name: check for check in health.check(services)}
    assert set(found) == {
        "settings", "data_dir", "database", "object_store", "identity", "worker", "watching", "deliveries", "device",
        "similar_images", "weights", "encoder", "packages", "orphans", "missing", "damaged",
        "models", "counts", "reports", "folders", "tracking", "certificates", "backup", "api_keys", "audit",
    }  # fmt: skip
    assert all(check.code in MESSAGES and "{" not in check.sentence("en") for check in found.values())
    assert all(check.ok for check in found.values())


@sqlite_only  # a server's database is made with its tables
def test_a_database_without_tables_is_a_finding_and_the_rest_is_still_checked(settings: Settings) -> None:
    found = {check.name: check for check in health.check(settings)}
    assert (found["database"].ok, found["database"].code) == (False, "database_not_migrated")
    assert found["device"].ok


def test_a_missing_worker_is_a_fault_only_where_it_runs_by_itself(services: Services) -> None:
    outside = dataclasses.replace(services, settings=dataclasses.replace(services.settings, worker="external"))
    worker = next(check for check in health.check(outside) if check.name == "worker")
    assert (worker.ok, worker.code) == (False, "check_worker_missing")


def test_a_package_that_is_too_old_is_named(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(package_versions.LOWEST_VERSIONS, "pillow", "999.0")
    packages = next(check for check in health.check(services) if check.name == "packages")
    assert not packages.ok
    assert "pillow" in packages.sentence("en")


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (None, "by the graphics card where a product has 5,000 places in images or more"),
        ("device_is_cpu", "by the processor (CPU)."),
        ("gpu_absent", "by the processor (CPU)."),
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
    faiss = next(one for one in package_versions.list_packages() if one.name.startswith("faiss"))
    assert (faiss.name, faiss.version, faiss.ok) == ("faiss-gpu", "1.15.1", True)


def test_a_folder_that_nobody_watches_is_a_fault_and_targets_are_named(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    product = create_product(services, engineer, code="A-100", name="Part", description="")
    (tmp_path / "camera").mkdir()
    add_folder(services, engineer, tmp_path / "camera", product_id=product.id)
    add_target(services, engineer, name="mes", settings=WebhookSettings("https://example.com/x"))
    found = {check.name: check for check in health.check(services)}
    assert (found["watching"].ok, found["watching"].code) == (False, "check_watching_silent")
    assert (found["deliveries"].ok, found["deliveries"].code) == (True, "check_deliveries")
    assert "mes" in found["deliveries"].sentence("ko")


def test_what_the_tracking_store_does_not_take_is_a_fault_that_shows_no_password(
    services: Services,
) -> None:
    run_id = add_run(services, add_set(services))
    uri = "http://trainer:s3cret@127.0.0.1:9/mlflow"
    served = dataclasses.replace(services, settings=dataclasses.replace(services.settings, mlflow_uri=uri))
    with services.database.unit_of_work() as session:
        note_event(session, run_id, "started", {})
        session.commit()
    waiting = next(check for check in health.check(served) if check.name == "tracking")
    assert (waiting.ok, waiting.params["count"]) == (True, 1)
    with services.database.unit_of_work() as session:
        event = session.get_one(TrackingEvent, 1)
        event.error_code, event.error_params = "tracking_store_away", {"store": waiting.params["store"], "reason": "x"}
        session.commit()
    failed = next(check for check in health.check(served) if check.name == "tracking")
    assert not failed.ok
    assert "http://127.0.0.1:9/mlflow" in failed.sentence("ko")
    assert "s3cret" not in failed.sentence("ko")


def test_counts_that_are_not_those_of_the_inspections_are_found_and_repaired(services: Services, admin: Person) -> None:
    product = add_product(services, admin)
    ensure_counts(services)
    add_rows(services, admin, product, 3)

    def check(*, thorough: bool = True) -> health.Check:
        return next(one for one in health.check(services, thorough=thorough) if one.name == "counts")

    assert (check().ok, check().params) == (True, {"count": "3"})
    with services.database.unit_of_work() as session:
        count_new(session, session.exec(select(Inspection)).all()[:1])
        session.commit()
    assert (check().code, check().params["counted"], check().params["there"]) == ("check_counts_wrong", 4, 3)
    assert check(thorough=False).code == "check_counts_total"
    assert repair(services, admin, ask=lambda *_: False).recounted
    assert check().ok
    assert not repair(services, admin, ask=lambda *_: False).recounted


def test_counts_that_are_still_being_made_are_no_fault_and_are_finished(services: Services, admin: Person) -> None:
    add_rows(services, admin, add_product(services, admin), 2)
    found = next(one for one in health.check(services) if one.name == "counts")
    assert (found.ok, found.code) == (True, "check_counts_open")
    assert repair(services, admin, ask=lambda *_: False).recounted
    assert compare_totals(services) == (2, 2)


def test_a_store_that_hangs_holds_up_no_other_part(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(type(services.objects), "check", lambda _: let_go.wait(60))
    monkeypatch.setattr(health, "PART_TIMEOUT_S", 0.5)
    found = {check.name: check for check in health.check(services)}
    let_go.set()
    assert (found["object_store"].ok, found["object_store"].code) == (False, "part_timed_out")
    assert found["missing"].code == "part_timed_out"
    assert found["counts"].ok
    assert found["database"].ok


def test_certificates_that_end_soon_have_ended_or_are_not_trusted_are_told_apart(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(days: int, *, trusted: bool = True) -> tuple[bool, str]:
        certificate = make_certificate(tmp_path / f"{days}.pem", days=days)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate) if trusted else "/dev/null")
        with serve_tls(certificate) as port:
            reached = dataclasses.replace(settings, llm_base_url=f"https://localhost:{port}/v1")
            return check_certificates(reached)[:2]

    assert check_certificates(settings)[:2] == (True, "check_certificates_none")
    assert look(90) == (True, "check_certificates")
    assert look(10) == (False, "check_certificates_soon")
    assert look(-1) == (False, "check_certificates_expired")
    assert look(91, trusted=False) == (False, "check_certificates_untrusted")
    gone = dataclasses.replace(settings, llm_base_url="https://localhost:9/v1")
    assert check_certificates(gone)[:2] == (False, "check_certificates_silent")


def test_a_file_of_another_size_is_found_and_one_of_another_content_when_files_are_read(
    services: Services, admin: Person
) -> None:
    product = create_product(services, admin, name="Plate", code="plate")
    files = [IncomingFile(f"{seed}.png", partial(encode, plate(seed))) for seed in (1, 2)]
    stored = add_images(services, admin, product_id=product.id, image_type="normal", split="train", files=files)
    assert [one.error for one in stored] == [None, None]
    with services.database.reading() as session:
        first, second = session.exec(select(Image).order_by(col(Image.id))).all()
    assert _damaged(services, read_files=True) == (True, "check_damaged_none", 0)
    kept = services.objects.get(first.object_key)
    services.objects.put(first.object_key, kept[::-1])
    assert _damaged(services) == (True, "check_damaged_no_size", 0)
    assert _damaged(services, read_files=True) == (False, "check_damaged", 1)
    services.objects.put(second.object_key, b"cut")
    assert _damaged(services) == (False, "check_damaged", 1)


def test_no_backup_or_none_on_schedule_is_a_warning(services: Services) -> None:
    found = next(one for one in health.check(services) if one.name == "backup")
    assert (found.ok, found.is_warning, found.code) == (True, True, "check_backup_none")


def _damaged(services: Services, *, read_files: bool = False) -> tuple[bool, str, int]:
    found = next(one for one in health.check(services, read_files=read_files) if one.name == "damaged")
    return found.ok, found.code, found.params["count"]
