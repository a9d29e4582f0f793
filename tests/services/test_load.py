"""Eight processes at once on SQLite, MariaDB and PostgreSQL: nothing kept is lost, and no deadlock reaches a person."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from core.accounts.api_keys import create_key, list_keys
from core.accounts.people import open_person
from core.jobs import queue
from core.jobs.records import JobPayload
from core.rollups.comparing import compare_totals, find_difference
from core.rollups.rebuilding import ensure_counts
from core.services import Services, build_services
from core.settings import read_settings
from storage.tables import AuditLog, Image, Inspection, Job, ModelVersion, Product, SignInFailure, ThresholdSetting
from tests.counted_rows import set_calendar
from tests.curated_images import add_image
from tests.history_rows import add_product, add_rows
from tests.services.loading import Kept, World, work

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("worker")]

PROCESSES, JOBS = 8, 60
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[tuple[Services, World]]:
    """Yield services on one of the three databases, with two products that are inspected."""
    variables = {
        "GEOMSA_DATA_DIR": str(tmp_path / "data"), "GEOMSA_DATABASE_URL": database_url, "GEOMSA_DEVICE": "cpu",
    }  # fmt: skip
    services = build_services(read_settings(variables), migrate=True)
    set_calendar(services.database, "Asia/Seoul", ("Day", "06:00"), ("Night", "18:00"))
    engineer, admin = open_person(services, "engineer"), open_person(services, "admin")
    products = [add_product(services, engineer, code=code) for code in ("bracket", "casting")]
    ensure_counts(services)
    inspections = [
        number for product in products
        for number in add_rows(
            services, engineer, product, 6, verdict="review", final_verdict="review", review_state="waiting"
        )
    ]  # fmt: skip
    images = [add_image(services, products[0].id, number) for number in range(8)]
    with services.database.unit_of_work() as session:
        for _ in range(JOBS):
            queue.add_job(session, engineer, kind="similarity_index", payload=JobPayload((products[0].id,)))
        session.commit()
        versions = tuple(session.exec(select(ModelVersion.id)).all())
    create_key(services, admin, name="load", role="engineer")
    key_id = list_keys(services, admin)[0].id
    yield (
        services,
        World(variables, tuple(one.id for one in products), versions, tuple(inspections), tuple(images), key_id, 5.0),
    )
    services.database.dispose()


def _load(world: World) -> list[Kept]:
    barrier, outcomes = SPAWN.Barrier(PROCESSES), SPAWN.Queue()
    processes = [SPAWN.Process(target=work, args=(world, seed, barrier, outcomes)) for seed in range(PROCESSES)]
    for process in processes:
        process.start()
    found = [outcomes.get(timeout=world.seconds + 900) for _ in processes]
    for process in processes:
        process.join(30)
    return found


def _check(services: Services, world: World, found: list[Kept]) -> None:
    assert [problem for one in found for problem in one.problems] == []
    done, edits = Counter[str](), Counter[tuple[str, int]]()
    for one in found:
        done += one.done
        edits += one.edits
    print(done, sum((one.late for one in found), Counter[str]()), max(one.longest_s for one in found))  # noqa: T201
    with services.database.reading() as session:
        versions = {("inspection", row.id): row.row_version - 1 for row in session.exec(select(Inspection)).all()}
        versions |= {("product", row.id): row.row_version - 1 for row in session.exec(select(Product)).all()}
        thresholds = session.exec(
            select(ThresholdSetting.model_version_id, func.count()).group_by(col(ThresholdSetting.model_version_id))
        ).all()
        versions |= {("thresholds", version_id): count - 1 for version_id, count in thresholds}
        relabeled = sum(row.row_version - 1 for row in session.exec(select(Image)).all())
        told: Counter[str] = Counter(session.exec(select(AuditLog.action)).all())
        jobs = session.exec(select(Job)).all()
        answers = [
            row.details["key"] for row in session.exec(select(AuditLog).where(AuditLog.action == "load.answer")).all()
        ]
        guesses = {row.failures for row in session.exec(select(SignInFailure)).all()}
        inspected = len(session.exec(select(Inspection.id)).all())
    assert {one: count for one, count in versions.items() if count} == dict(edits)
    assert relabeled == done["relabeled"] == told["image.relabelled"]
    assert inspected == len(world.inspection_ids) + done["inspections"]
    assert compare_totals(services) == (inspected, inspected)
    assert find_difference(services) is None
    decisions = sum(told[f"inspection.{one}"] for one in ("override", "confirm_type", "action", "review"))
    assert decisions == done["inspection"] > 0
    assert told["thresholds.changed"] == done["thresholds"] > 0
    # For the name at the address, for the name and for the address.
    assert guesses == {done["failures"]}
    assert told["user.sign_in_failed"] == done["failures"] > 0
    assert told["product.changed"] == done["product"] > 0
    # Each job was claimed by one alone, and each key has one answer.
    claimed = [job_id for one in found for job_id in one.jobs]
    assert len(set(claimed)) == len(claimed) == done["finished"]
    ended = [job for job in jobs if job.state == "succeeded"]
    assert sorted(job.id for job in ended) == sorted(claimed)
    assert all((job.attempts, job.log.count("\n")) == (1, 3) for job in ended)
    assert len(set(answers)) == len(answers) == done["answers"] > 0
    # Of one kind and product one job waits at most: what is asked for in the same moment is asked for once.
    waiting = Counter(job.product_id for job in jobs if job.kind == "memory_bank" and job.state == "queued")
    assert all(count == 1 for count in waiting.values())


# Those that differ most in how they lock; SQLite has one writer at a time. All three, and for longer, in the other one.
@pytest.mark.parametrize("database_url", ["mariadb", "postgresql"], indirect=True)
def test_eight_processes_lose_nothing(world: tuple[Services, World]) -> None:
    services, one = world
    _check(services, one, _load(one))


@pytest.mark.full
def test_eight_processes_lose_nothing_in_a_minute(world: tuple[Services, World]) -> None:
    from dataclasses import replace

    services, one = world
    longer = replace(one, seconds=60.0)
    _check(services, longer, _load(longer))
