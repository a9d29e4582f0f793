"""Jobs: the queue, the lease, the fencing token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.access import Person
from core.catalog import products
from core.errors import AppError, Conflict, NotAllowed
from core.jobs import claims, heartbeats, queue, terms, views
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services
from storage.tables import Job, utc_now


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    product = products.create_product(services, engineer, name="Flange", code="flange")
    return product.id


def _let_lease_run_out(services: Services, job_id: int) -> None:
    with services.database.unit_of_work() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).where(col(Job.id) == job_id).values(lease_expires_at=past))
        session.commit()


def _submit(services: Services, engineer: Person, product_id: int, kind: str = MEMORY_BANK) -> int:
    return queue.submit(services, engineer, kind=kind, product_ids=[product_id])


def test_a_job_is_claimed_once_and_in_order(services: Services, engineer: Person, product_id: int) -> None:
    first = _submit(services, engineer, product_id)
    second = _submit(services, engineer, product_id, SIMILARITY_INDEX)
    found = [claims.claim_next(services, "w1"), claims.claim_next(services, "w2")]
    assert [claim.job_id for claim in found if claim] == [first, second]
    assert claims.claim_next(services, "w3") is None


def test_an_equal_job_is_refused_while_one_waits(services: Services, engineer: Person, product_id: int) -> None:
    _submit(services, engineer, product_id)
    with pytest.raises(Conflict) as refused:
        _submit(services, engineer, product_id)
    assert refused.value.code == "job_already_waiting"
    assert "flange" in str(refused.value)


def test_the_queue_says_how_many_are_ahead(services: Services, engineer: Person, product_id: int) -> None:
    _submit(services, engineer, product_id)
    second = _submit(services, engineer, product_id, SIMILARITY_INDEX)
    assert views.view(services, second).position == 2


def test_a_job_without_a_lease_is_taken_over_and_the_old_worker_changes_nothing(
    services: Services, engineer: Person, product_id: int
) -> None:
    job_id = _submit(services, engineer, product_id)
    old = claims.claim_next(services, "asleep")
    assert old is not None
    _let_lease_run_out(services, job_id)
    new = claims.claim_next(services, "awake")
    assert new is not None
    assert new.job_id == job_id
    assert new.fencing_token > old.fencing_token
    with pytest.raises(terms.JobLost):
        claims.renew_lease(services, old)
    with pytest.raises(terms.JobLost):
        claims.report(services, old, stage="activate")
    with services.database.unit_of_work() as session, pytest.raises(terms.JobLost):
        claims.hold(session, old)
    assert not claims.finish(services, old, state="succeeded")
    assert views.view(services, job_id).state == "running"


def test_a_job_that_loses_worker_after_worker_fails_with_the_reason(
    services: Services, engineer: Person, product_id: int
) -> None:
    job_id = _submit(services, engineer, product_id)
    for _ in range(terms.WORKERS_LOST):
        assert claims.claim_next(services, "w") is not None
        _let_lease_run_out(services, job_id)
    assert claims.claim_next(services, "w") is None
    view = views.view(services, job_id)
    assert view.state == "failed"
    assert view.error is not None
    assert view.error.code == "job_worker_lost"


def test_a_job_given_back_may_be_tried_as_often_as_before(
    services: Services, engineer: Person, product_id: int
) -> None:
    _submit(services, engineer, product_id)
    for _ in range(4):
        claim = claims.claim_next(services, "w")
        assert claim is not None
        claims.release(services, claim)
    claim = claims.claim_next(services, "w")
    assert claim is not None
    assert claim.attempt == 1


def test_cancel_ends_a_waiting_job_and_stops_a_running_one(
    services: Services, engineer: Person, product_id: int
) -> None:
    waiting = _submit(services, engineer, product_id)
    queue.cancel(services, engineer, waiting)
    assert views.view(services, waiting).state == "cancelled"
    running = _submit(services, engineer, product_id)
    claim = claims.claim_next(services, "w")
    assert claim is not None
    queue.cancel(services, engineer, running)
    with pytest.raises(terms.JobCancelled):
        claims.report(services, claim, stage="extract")
    with services.database.unit_of_work() as session, pytest.raises(terms.JobCancelled):
        claims.hold(session, claim)
    assert claims.renew_lease(services, claim)
    assert claims.finish(services, claim, state="cancelled")
    with pytest.raises(Conflict):
        queue.cancel(services, engineer, running)


def test_a_cancelled_job_whose_worker_died_ends_as_cancelled(
    services: Services, engineer: Person, product_id: int
) -> None:
    job_id = _submit(services, engineer, product_id)
    assert claims.claim_next(services, "w") is not None
    queue.cancel(services, engineer, job_id)
    _let_lease_run_out(services, job_id)
    assert claims.claim_next(services, "w2") is None
    assert views.view(services, job_id).state == "cancelled"


def test_the_log_and_the_error_come_back_as_written(services: Services, engineer: Person, product_id: int) -> None:
    job_id = _submit(services, engineer, product_id)
    claim = claims.claim_next(services, "w")
    assert claim is not None
    claims.append_log(services, claim, "log_image_skipped", name="주조_001.png", reason="image_truncated")
    claims.finish(services, claim, state="failed", error=AppError("no_normal_images", product="주조"))
    view = views.view(services, job_id)
    assert view.log[0].params["name"] == "주조_001.png"
    assert view.error is not None
    assert "주조" in str(view.error)


def test_remaining_time_is_told_only_when_something_can_be_said(
    services: Services, engineer: Person, product_id: int
) -> None:
    job_id = _submit(services, engineer, product_id)
    claim = claims.claim_next(services, "w")
    assert claim is not None
    assert views.view(services, job_id).remaining_s is None
    since = (utc_now() - timedelta(seconds=10)).isoformat()

    def remaining_s(share: float, expected_s: float) -> float:
        result = {"share": share, "expected_s": expected_s, "work_started_at": since}
        claims.report(services, claim, result=result)
        found = views.view(services, job_id).remaining_s
        assert found is not None
        return found

    assert remaining_s(0.5, 20.0) == pytest.approx(10.0, rel=0.2)  # as expected
    assert remaining_s(0.0, 100.0) > 100.0  # nothing is done yet, and ten seconds have gone
    # Half is done five times faster, or slower, than expected: the job's own pace counts.
    assert remaining_s(0.5, 100.0) == pytest.approx(50.0 * 20 / 60, rel=0.2)
    assert remaining_s(0.5, 4.0) == pytest.approx(2.0 * 10.4 / 2.4, rel=0.2)
    assert remaining_s(1.0, 20.0) == 0.0


def test_a_worker_counts_as_alive_until_it_falls_silent(services: Services) -> None:
    assert heartbeats.workers_alive(services) == 0
    heartbeats.beat(services, "w1", host="here", pid=1, job_id=None)
    heartbeats.beat(services, "w1", host="here", pid=1, job_id=2)
    assert heartbeats.workers_alive(services) == 1
    heartbeats.remove_heartbeat(services, "w1")
    assert heartbeats.workers_alive(services) == 0


def test_a_line_worker_neither_deploys_nor_stops_a_deployment(
    services: Services, engineer: Person, worker_person: Person, product_id: int
) -> None:
    with pytest.raises(NotAllowed):
        queue.submit(services, worker_person, kind=MEMORY_BANK, product_ids=[product_id])
    job_id = _submit(services, engineer, product_id)
    with pytest.raises(NotAllowed):
        queue.cancel(services, worker_person, job_id)
    assert views.view(services, job_id).state == "queued"
