"""Working batches off: each file once, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, col, select

from core.accounts.people import open_person
from core.batches import reading
from core.batches.overview import view_batch
from core.batches.starting import cancel, go_on
from core.batches.working import work_off
from core.errors import Conflict, NotAllowed
from core.inspections import examination
from core.jobs import claims
from core.jobs.terms import Claim, JobCancelled, JobLost
from core.operations.stored_objects import take_stock
from core.services import Services
from storage.object_store import ObjectStoreError
from storage.objects import LocalObjects
from storage.tables import BatchItem, Inspection, Job, ModelVersion, ThresholdSetting, User
from tests.unit.core.batches.conftest import Line, bytes_file, plate_file


def _items(services: Services) -> list[BatchItem]:
    with services.database.reading() as session:
        return list(session.exec(select(BatchItem).order_by(col(BatchItem.place))).all())


def _inspections(services: Services) -> list[Inspection]:
    with services.database.reading() as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id))).all())


def _staged(services: Services) -> list[str]:
    return [info.key for info in services.objects.list("batches/")]


def test_every_file_is_inspected_with_what_holds_of_all(line: Line) -> None:
    job_id = line.start([plate_file(number) for number in range(20)], serial_rule="LINE3_{part}")
    assert len(_staged(line.services)) == 20
    assert line.work_off() is None
    rows = _inspections(line.services)
    assert [row.serial for row in rows] == [f"{number:04d}" for number in range(20)]
    assert {(row.line, row.lot, row.shift, row.source, row.batch_job_id) for row in rows} == {
        ("L3", "LOT-7", "night", "batch", job_id)
    }
    assert [item.inspection_id for item in _items(line.services)] == [row.id for row in rows]
    assert _staged(line.services) == []
    found = view_batch(line.services, job_id)
    assert (found.n_files, found.n_done, found.n_failed, found.n_waiting) == (20, 20, 0, 0)
    assert (found.job.done, found.job.total, found.job.state) == (20, 20, "succeeded")
    assert sum(found.verdicts.values()) == 20
    assert found.verdicts["reject"] > 0


def test_a_file_that_fails_does_not_stop_the_others(line: Line) -> None:
    files = [plate_file(0), bytes_file("broken.png", b"\x89PNG\r\n\x1a\nnothing"), bytes_file("empty.png", b"")]
    job_id = line.start([*files, plate_file(1), bytes_file("note.txt", b"hello")])
    assert line.work_off() is None
    states = {item.name: (item.state, item.error_code) for item in _items(line.services)}
    assert states["LINE3_0000.png"] == ("done", None)
    assert states["LINE3_0001.png"] == ("done", None)
    assert states["empty.png"] == ("failed", "image_empty")
    assert states["broken.png"][0] == states["note.txt"][0] == "failed"
    assert view_batch(line.services, job_id).n_failed == 3
    assert view_batch(line.services, job_id).job.done == 5
    assert _staged(line.services) == []


def test_a_batch_broken_off_between_groups_goes_on_and_inspects_nothing_twice(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.start([plate_file(number) for number in range(40)])
    claim = line.claim(lease_s=0.0)
    examined = examination.examine_group
    calls = []

    def dies_in_the_third(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError("killed")
        return examined(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr("core.inspections.batch.examine_group", dies_in_the_third)
        with pytest.raises(MemoryError):
            work_off(line.services, claim)
    done = [item.inspection_id for item in _items(line.services) if item.state == "done"]
    assert 0 < len(done) < 40
    assert [row.id for row in _inspections(line.services)] == done
    assert line.work_off() is None
    rows = _inspections(line.services)
    assert len(rows) == 40
    assert len({row.idempotency_key for row in rows}) == 40
    assert [item.state for item in _items(line.services)] == ["done"] * 40


def test_who_lost_the_batch_stores_nothing_more(line: Line) -> None:
    line.start([plate_file(number) for number in range(3)])
    old = line.claim(lease_s=0.0)
    line.claim()
    with pytest.raises(JobLost):
        work_off(line.services, old)
    assert _inspections(line.services) == []
    assert [item.state for item in _items(line.services)] == ["waiting"] * 3


def test_a_cancel_keeps_what_is_done_and_deletes_what_is_left(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = line.start([plate_file(number) for number in range(40)])
    claim = line.claim()
    examined = examination.examine_group
    calls = []

    def canceled_in_the_second(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            cancel(line.services, line.person, job_id)
        return examined(*args, **options)

    monkeypatch.setattr("core.inspections.batch.examine_group", canceled_in_the_second)
    with pytest.raises(JobCancelled):
        work_off(line.services, claim)
    claims.finish(line.services, claim, state="cancelled")
    kept = len(_inspections(line.services))
    working_items = _items(line.services)
    assert [item.state for item in working_items].count("done") == kept < 40
    from core.batches.starting import discard_rest

    assert discard_rest(line.services) == 1
    assert _staged(line.services) == []
    assert discard_rest(line.services) == 0
    assert view_batch(line.services, job_id).job.state == "cancelled"
    with pytest.raises(Conflict, match="nothing left"):
        go_on(line.services, line.person, job_id)


def test_a_batch_that_waits_is_canceled_at_once(line: Line) -> None:
    job_id = line.start([plate_file(0)])
    cancel(line.services, line.person, job_id)
    assert view_batch(line.services, job_id).job.state == "cancelled"
    assert _staged(line.services) == []
    assert claims.claim_next(line.services, "tests") is None


def test_a_worker_may_cancel_own_batches_only(line: Line) -> None:
    with line.services.database.unit_of_work() as session:
        session.add(User(login="other", display_name="Other", role="worker", password_hash=""))
        session.commit()
        other = session.exec(select(User).where(User.login == "other")).one()
    from core.access import as_person

    job_id = line.start([plate_file(0)])
    with pytest.raises(NotAllowed):
        cancel(line.services, as_person(other), job_id)
    cancel(line.services, open_person(line.services, "engineer"), job_id)
    assert view_batch(line.services, job_id).job.state == "cancelled"


def test_thresholds_that_change_midway_are_recorded_with_each_part(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.start([plate_file(number) for number in range(80)])
    examined = examination.examine_group
    calls = []

    def changed_after_the_first(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            with line.services.database.unit_of_work() as session:
                bank = session.exec(select(ModelVersion).where(ModelVersion.kind == "memory_bank")).one()
                session.add(ThresholdSetting(model_version_id=bank.id, review_at=1.0, reject_at=2.0, method="manual"))
                session.commit()
        return examined(*args, **options)

    monkeypatch.setattr("core.inspections.batch.examine_group", changed_after_the_first)
    assert line.work_off() is None
    used = {(row.review_at, row.reject_at) for row in _inspections(line.services)}
    assert used == {(30.0, 50.0), (1.0, 2.0)}


def test_a_product_without_a_model_ends_the_batch_and_fails_no_file(line: Line) -> None:
    job_id = line.start([plate_file(number) for number in range(3)])
    with line.services.database.unit_of_work() as session:
        bank = session.exec(select(ModelVersion).where(ModelVersion.kind == "memory_bank")).one()
        key, bank.active_key = bank.active_key, None
        session.commit()
    error = line.work_off()
    assert error is not None
    assert error.code == "no_active_memory_bank"
    found = view_batch(line.services, job_id)
    assert (found.job.state, found.n_waiting, found.can_go_on) == ("failed", 3, True)
    with line.services.database.unit_of_work() as session:
        session.exec(select(ModelVersion).where(ModelVersion.kind == "memory_bank")).one().active_key = key
        session.commit()
    go_on(line.services, line.person, job_id)
    assert line.work_off() is None
    assert view_batch(line.services, job_id).n_done == 3


def test_a_store_that_is_away_for_a_moment_is_waited_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = line.start([plate_file(number) for number in range(3)])
    get = LocalObjects.get
    failures: list[str] = []

    def away_at_first(self: LocalObjects, key: str) -> bytes:
        if key.startswith("batches/") and len(failures) < 2:
            failures.append(key)
            raise ObjectStoreError("object_store_unavailable", reason="unreachable")
        return get(self, key)

    monkeypatch.setattr(LocalObjects, "get", away_at_first)
    assert line.work_off() is None
    assert view_batch(line.services, job_id).n_done == 3
    assert failures


def test_a_staged_file_that_is_gone_fails_alone(line: Line) -> None:
    job_id = line.start([plate_file(number) for number in range(3)])
    line.services.objects.delete(_staged(line.services)[1])
    assert line.work_off() is None
    found = view_batch(line.services, job_id)
    assert (found.n_done, found.n_failed) == (2, 1)


def test_an_account_that_is_disabled_ends_the_batch(line: Line) -> None:
    line.start([plate_file(0)])
    with line.services.database.unit_of_work() as session:
        session.exec(select(User).where(User.id == line.person.id)).one().is_active = False
        session.commit()
    error = line.work_off()
    assert error is not None
    assert error.code == "batch_person_gone"
    assert _inspections(line.services) == []


def test_what_a_batch_has_still_to_inspect_is_no_orphan(line: Line) -> None:
    line.start([plate_file(number) for number in range(2)])
    stock = take_stock(line.services)
    assert all(stock.names(key) for key in _staged(line.services))
    assert len([one for one in stock.named if one.table == "batch_items"]) == 2


def test_files_come_in_order_and_few_are_held_at_a_time(line: Line) -> None:
    for number in range(30):
        line.services.objects.put(f"batches/x/{number:03d}", bytes([number]))
    pending = [
        reading.PendingFile(number, number, f"{number}", f"batches/x/{number:03d}", 20_000_000) for number in range(30)
    ]
    asked: list[str] = []

    class Watched:
        def get(self, key: str) -> bytes:
            asked.append(key)
            return line.services.objects.get(key)

    taken = 0
    for one, read in reading.read_ahead(Watched(), pending):  # type: ignore[arg-type]
        assert read() == bytes([one.place])
        taken += 1
        # Three times 20 MB fit into the limit.
        assert len(asked) <= taken + 3
    assert taken == 30


def test_the_job_row_tells_how_far_the_batch_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = line.start([plate_file(number) for number in range(33)])
    seen: list[tuple[int, int]] = []
    hold = claims.hold

    def watched(session: Session, claim: Claim, **values: Any) -> None:
        hold(session, claim, **values)
        job = session.get(Job, job_id, populate_existing=True)
        assert job is not None
        seen.append((job.done, job.total))

    monkeypatch.setattr(claims, "hold", watched)
    assert line.work_off() is None
    assert seen[-1] == (33, 33)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) >= 3
