"""Two workers never run one job, and one that slept through its lease changes nothing; planted bugs are noticed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import products
from core.catalog.products import find_product
from core.deployments import candidates
from core.jobs import claims, queue, terms
from core.jobs.progress import JobRun
from core.jobs.records import JobPayload
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.services import Services, build_services
from core.transactions import HasDatabase, reading, writing
from core.worker import supervisor
from storage.database import Database
from storage.tables import Job, ModelVersion, utc_now
from tests.faults.deployed_state import find_faults, give_verdict
from tests.plates import copy_data, folder_settings, submit_and_claim

WORKERS = 4
JOBS = 12

Claiming = Callable[[HasDatabase, str], terms.Claim | None]


# --- one job, one worker ----------------------------------------------------------------------------------------------


def _claim_everything(services: Services, claim_next: Claiming) -> list[str]:
    """Let workers claim all jobs at once, each over connections of its own; return what is wrong."""
    claimed: list[tuple[int, int]] = []
    start = threading.Barrier(WORKERS)

    def claim(name: str) -> None:
        own = replace(services, database=Database(services.settings.database_url))
        start.wait(30)
        while (found := claim_next(own, name)) is not None:
            claimed.append((found.job_id, found.fencing_token))
        own.database.dispose()

    threads = [threading.Thread(target=claim, args=(f"worker-{number}",)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    times = Counter(job_id for job_id, _token in claimed)
    return [f"job {job_id} was claimed {count} times" for job_id, count in times.items() if count > 1] + [
        f"{JOBS - len(times)} jobs were claimed by nobody" for _ in range(len(times) < JOBS)
    ]


def _queue_jobs(services: Services, person: Person) -> None:
    for number in range(JOBS):
        product = products.create_product(services, person, name=f"Part {number}", code=f"part-{number}")
        queue.submit(services, person, kind=MEMORY_BANK, product_ids=[product.id])


def _claim_in_two_steps(services: HasDatabase, worker_id: str) -> terms.Claim | None:
    """The bug: look first, and write without naming what was seen."""
    with reading(services) as session:
        job = session.exec(select(Job).where(Job.state == "queued")).first()
    if job is None:
        return None
    time.sleep(0.02)
    token = job.fencing_token + 1
    with writing(services) as session:
        session.execute(
            update(Job).where(col(Job.id) == job.id).values(state="running", fencing_token=token, worker_id=worker_id)
        )
        session.commit()
    return terms.Claim(job.id, job.kind, token, JobPayload.from_json(job.payload), 1)


def test_workers_that_claim_at_once_never_get_the_same_job(services: Services, engineer: Person) -> None:
    _queue_jobs(services, engineer)
    assert _claim_everything(services, claims.claim_next) == []


def test_a_claim_in_two_steps_would_be_noticed(services: Services, engineer: Person) -> None:
    _queue_jobs(services, engineer)
    assert any("claimed" in found for found in _claim_everything(services, _claim_in_two_steps))


# --- a worker that wakes after its lease ------------------------------------------------------------------------------


@pytest.fixture
def tiny_services(tiny_template: Path, tmp_path: Path) -> Iterator[Services]:
    built = build_services(folder_settings(copy_data(tiny_template, tmp_path / "tiny-data")))
    yield built
    built.database.dispose()


def _sleep_through_the_lease(services: Services, product_id: int, scratch: Path) -> list[str]:
    """Let one worker sleep with everything ready to activate, another take the job over, and then the first wake.

    Returns what is wrong afterwards.
    """
    before = give_verdict(services, product_id)
    job_id, sleeper = submit_and_claim(services, open_person(services, "engineer"), MEMORY_BANK, product_id)
    progress = JobRun.progress
    asleep: list[JobRun] = []
    rivals: list[int] = []

    def fall_asleep(self: JobRun, stage: str, done: int, total: int) -> None:
        progress(self, stage, done, total)
        if stage == "activate" and not asleep:
            asleep.append(self)  # and nobody after this one
            # After the last report and before the transaction: nothing but `hold` can stop it now.
            with services.database.unit_of_work() as session:
                past = utc_now() - timedelta(seconds=1)
                session.execute(update(Job).where(col(Job.id) == job_id).values(lease_expires_at=past))
                session.commit()
            rival = claims.claim_next(services, "rival")
            assert rival is not None
            rivals.append(supervisor.run_claimed_job(services, rival.job_id, rival.fencing_token))
            rivals.append(_active_id(services, product_id))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobRun, "progress", fall_asleep)
        status = supervisor.run_claimed_job(services, sleeper.job_id, sleeper.fencing_token)
    found = [] if status == supervisor.LOST else [f"the sleeper ended with {status}"]
    if _active_id(services, product_id) != rivals[1]:
        found.append("the sleeper's version is active")
    with services.database.reading() as session:
        count = len(session.exec(select(ModelVersion).where(ModelVersion.job_id == job_id)).all())
    if count != 1:
        found.append(f"one job made {count} versions")
    return found + find_faults(services, product_id, before=before, scratch=scratch, job_id=job_id)


def _active_id(services: Services, product_id: int) -> int:
    with services.database.reading() as session:
        active = active_version(session, MEMORY_BANK, product_id)
    assert active is not None
    return active.id


def test_a_worker_that_wakes_after_its_lease_activates_nothing(tiny_services: Services, tmp_path: Path) -> None:
    product_id = find_product(tiny_services, "plate").id
    assert _sleep_through_the_lease(tiny_services, product_id, tmp_path / "scratch") == []


def _hold_nothing(_session: Session, _claim: terms.Claim) -> None:
    """Hold nothing, which is the bug: the activating transaction does not prove the job to be ours."""


def _hold_the_job_only(session: Session, claim: terms.Claim) -> None:
    """Hold the job only, which is the bug: it looks at the job, and not at whose attempt it is."""
    job: Any = session.get(Job, claim.job_id)
    assert job is not None


@pytest.mark.parametrize("planted", [_hold_nothing, _hold_the_job_only])
@pytest.mark.full
def test_an_activation_without_the_fencing_check_would_be_noticed(
    planted: Callable[..., None], tiny_services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product_id = find_product(tiny_services, "plate").id
    monkeypatch.setattr(candidates, "hold", planted)
    found = _sleep_through_the_lease(tiny_services, product_id, tmp_path / "scratch")
    assert "the sleeper's version is active" in found
    assert "one job made 2 versions" in found
