"""What needs attention: found, in its order, and told to whom it concerns."""

from __future__ import annotations

import shutil
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.analytics import drift
from core.analytics.dashboard import current_calendar, dashboard, today_of
from core.analytics.periods import Period
from core.catalog.names import ProductName
from core.errors import Unavailable
from core.jobs.heartbeats import beat
from core.models.kinds import MEMORY_BANK
from core.operations.attention import find_attention
from core.operations.findings import Finding
from core.registry.versions import scope_of
from core.schedules.records import ScheduleOrder
from core.schedules.runs import note_failed, run_now
from core.schedules.schedules import add_schedule
from core.schedules.timing import Timing
from core.schedules.views import get_run
from core.services import Services
from storage.tables import Delivery, DeliveryTarget, Image, Job, ModelVersion, Product, WatchFolder, utc_now
from tests.history_rows import add_product, add_rows


@pytest.fixture(autouse=True)
def plenty_of_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12))


class Usage:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def look(services: Services, person: Person, *, product_id: int | None = None) -> list[Finding]:
    scope = Period().to_scope(today_of(current_calendar(services)), product_id=product_id)
    return find_attention(services, person, dashboard(services, scope))


def add(services: Services, *rows: Any) -> None:
    with services.database.unit_of_work() as session:
        session.add_all(rows)
        session.commit()


def add_images(services: Services, product: Product, count: int = 1, **values: Any) -> None:
    for number in range(count):
        name = f"{product.code}_normal_{number:03d}_{len(values)}.png"
        row = Image(
            product_id=product.id, image_type="normal", stored_name=name, original_name=name, object_key=name,
            thumbnail_key=name, content_sha256=name, pixel_sha256=name, byte_size=1, width_px=1, height_px=1,
            file_format="png",
        )  # fmt: skip
        for key, value in values.items():
            setattr(row, key, value)
        add(services, row)


def kinds(found: list[Finding]) -> list[str]:
    return [one.kind for one in found]


def test_a_system_in_order_needs_nothing(services: Services, engineer: Person) -> None:
    beat(services, "w", host="h", pid=1, job_id=None)
    assert look(services, engineer) == []


def test_what_waits_for_people_is_told_with_its_age(
    services: Services, worker_person: Person, product: Product
) -> None:
    now = utc_now()
    add_rows(services, worker_person, product, 2, review_state="waiting", created_at=now - timedelta(days=2))
    add_rows(services, worker_person, product, 3, action_status="open", created_at=now - timedelta(days=9))
    overdue, review = look(services, worker_person)
    assert (overdue.kind, overdue.count, overdue.urgency) == ("actions_overdue", 3, "task")
    assert (review.kind, review.count) == ("review_waiting", 2)
    assert review.since is not None
    assert now - review.since >= timedelta(days=2)


def test_a_line_worker_is_not_told_of_what_engineers_see_to(
    services: Services, worker_person: Person, engineer: Person, product: Product
) -> None:
    add_images(services, product)
    assert look(services, worker_person) == []
    assert kinds(look(services, engineer)) == ["worker_missing", "out_of_date"]


def test_faults_come_first(
    monkeypatch: pytest.MonkeyPatch, services: Services, engineer: Person, product: Product
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1000))
    add_rows(services, engineer, product, review_state="waiting")
    folder = WatchFolder(
        path="/data/in", product_id=product.id, last_error="watch_folder_missing",
        last_error_params={"path": "/data/in"}, lease_expires_at=utc_now() + timedelta(hours=1),
    )  # fmt: skip
    add(services, folder)
    found = look(services, engineer)
    assert kinds(found)[:3] == ["disk_low", "worker_missing", "folder_failed"]
    assert kinds(found)[-1] == "review_waiting"
    assert (found[0].count, found[2].subject) == (1000, "/data/in")
    assert found[2].error is not None


def test_results_that_did_not_arrive_are_told_by_target(services: Services, engineer: Person, product: Product) -> None:
    beat(services, "w", host="h", pid=1, job_id=None)
    (inspection_id,) = add_rows(services, engineer, product)
    target = DeliveryTarget(name="mes", kind="webhook", settings={"url": "http://mes"}, verdicts="all")
    add(services, target)
    lost: dict[str, Any] = {"target_id": target.id, "inspection_id": inspection_id, "state": "given_up"}
    add(services, *(Delivery(message_id=f"m{number}", sequence=number, **lost) for number in (1, 2)))
    (found,) = (one for one in look(services, engineer) if one.kind == "delivery_failed")
    assert (found.count, found.subject, found.subject_id) == (2, "mes", target.id)


def test_a_report_that_could_not_be_made_is_told(services: Services, engineer: Person, product: Product) -> None:
    beat(services, "w", host="h", pid=1, job_id=None)
    schedule = add_schedule(services, engineer, ScheduleOrder("Office", Timing("day")))
    run_id = run_now(services, engineer, schedule.id)
    job_id = get_run(services, run_id).job_id
    assert job_id is not None
    note_failed(services, run_id, job_id, Unavailable("report_folder_full", path="/mnt/reports"))
    (found,) = (one for one in look(services, engineer) if one.kind == "report_failed")
    assert (found.subject, found.error is not None and found.error.code) == ("Office", "report_folder_full")


def test_a_build_that_failed_is_told_until_another_one_works(
    services: Services, engineer: Person, product: Product
) -> None:
    add_images(services, product)
    failed = Job(
        kind=MEMORY_BANK, payload={"product_ids": [product.id]}, state="failed", error_code="disk_full",
        finished_at=utc_now(),
    )  # fmt: skip
    add(services, failed)
    (found,) = (one for one in look(services, engineer) if one.kind == "job_failed")
    assert (found.subject, found.subject_id, [one.code for one in found.products]) == (
        MEMORY_BANK,
        failed.id,
        ["bracket"],
    )
    assert found.error is not None
    assert found.error.code == "disk_full"
    add(services, Job(kind=MEMORY_BANK, payload={"product_ids": [product.id]}, state="succeeded"))
    assert "job_failed" not in kinds(look(services, engineer))


def test_models_are_told_as_out_of_date_until_their_build_waits(
    services: Services, engineer: Person, product: Product
) -> None:
    add_images(services, product)
    (found,) = (one for one in look(services, engineer) if one.kind == "out_of_date")
    assert set(found.by_kind) == {"memory_bank", "similarity_index"}
    add(services, Job(kind=MEMORY_BANK, payload={"product_ids": [product.id]}, state="queued"))
    (found,) = (one for one in look(services, engineer) if one.kind == "out_of_date")
    assert set(found.by_kind) == {"similarity_index"}


def test_a_newer_version_that_is_not_in_use_waits_for_a_person(
    services: Services, engineer: Person, product: Product
) -> None:
    candidate = ModelVersion(
        kind=MEMORY_BANK, scope=scope_of(product.id), product_id=product.id, number=2, state="candidate",
        model_name="m", object_prefix="models/two", manifest_sha256="0", fingerprint="1",
    )  # fmt: skip
    add(services, candidate)
    (found,) = (one for one in look(services, engineer) if one.kind == "candidate")
    assert [one.code for one in found.by_kind[MEMORY_BANK]] == ["bracket"]
    with services.database.unit_of_work() as session:
        for row in session.exec(select(ModelVersion)).all():
            row.number = 3 if row.active_key else 2
            session.add(row)
        session.commit()
    assert "candidate" not in kinds(look(services, engineer))


def test_scores_that_shifted_are_told_by_product(
    monkeypatch: pytest.MonkeyPatch, services: Services, engineer: Person, product: Product
) -> None:
    shifted = SimpleNamespace(product=ProductName.from_row(product), n_recent=200, since=None)
    of_another = SimpleNamespace(product=ProductName(4711, "x", "X"), n_recent=1, since=None)
    monkeypatch.setattr(drift, "find_drift", lambda _services: [shifted, of_another])
    (told,) = (one for one in look(services, engineer) if one.kind == "drift")
    assert ([one.code for one in told.products], told.urgency) == (["bracket"], "warning")


def test_suspected_images_are_told_by_product(services: Services, engineer: Person, product: Product) -> None:
    add_images(services, product, 3, outlier_state="suspected", outlier_score=9.0, outlier_at=utc_now())
    (found,) = (one for one in look(services, engineer) if one.kind == "set_apart")
    assert (found.count, [one.code for one in found.products]) == (3, ["bracket"])


def test_weak_models_are_told_with_what_they_miss(services: Services, engineer: Person, product: Product) -> None:
    with services.database.unit_of_work() as session:
        version = session.exec(select(ModelVersion)).one()
        weak = [{"defect_type": "hole", "n": 8, "escape": 6}]
        version.metrics = {"image_auroc": 0.6, "weak_on_test": weak}
        session.add(version)
        session.commit()
    (found,) = (one for one in look(services, engineer) if one.kind == "weak_on_test")
    assert found.weak is not None
    assert [spot.defect_type for spot in found.weak.spots] == ["hole"]


def test_of_one_product_only_its_own_is_told(services: Services, engineer: Person, product: Product) -> None:
    other = add_product(services, engineer, code="other")
    add_images(services, other)
    add_rows(services, engineer, other, review_state="waiting")
    assert kinds(look(services, engineer, product_id=product.id)) == ["worker_missing"]
    assert kinds(look(services, engineer)) == ["worker_missing", "out_of_date", "review_waiting"]
