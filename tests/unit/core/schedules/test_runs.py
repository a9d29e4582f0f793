"""Scheduled reports from falling due to being thrown away: never two of one period, tried again, and made whole."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pypdfium2
import pytest
from sqlmodel import select

from core.access import Person
from core.errors import AppError, Conflict, NotFound
from core.jobs import claims
from core.jobs.terms import Claim
from core.operations.health import check
from core.operations.stored_objects import find_missing, take_stock
from core.reports.period.making import work_off
from core.rollups.calendar import KEY
from core.schedules.destinations import ASIDE
from core.schedules.records import ScheduleOrder
from core.schedules.runs import RETRY_AFTER, expire_runs, queue_due, run_now
from core.schedules.schedules import Schedule, add_schedule, remove_schedule, set_schedule_active
from core.schedules.timing import Timing
from core.schedules.views import get_run, last_runs, list_problems, list_runs, read_run_file
from core.services import Services
from core.worker.supervisor import ChildWorker, run_claimed_job
from storage.tables import Job, ReportRun, ReportSchedule, SystemConfig
from tests.history_rows import add_product, add_rows

DAILY = ScheduleOrder("Office", Timing("day", at=time(7)), language="en", formats=("pdf", "xlsx"))
# The day before is over; its report falls due at 07:00 in Seoul.
SET_UP = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
PART_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "out"
    found.mkdir()
    return found


@pytest.fixture
def seoul(services: Services) -> Services:
    with services.database.unit_of_work() as session:
        session.add(SystemConfig(key=KEY, value={"time_zone": "Asia/Seoul", "shifts": []}))
        session.commit()
    return services


def _set_up(services: Services, person: Person, order: ScheduleOrder = DAILY) -> Schedule:
    """Add a schedule as if it had been set up at SET_UP."""
    schedule = add_schedule(services, person, order)
    with services.database.unit_of_work() as session:
        row = session.get(ReportSchedule, schedule.id)
        assert row is not None
        row.counted_from = SET_UP
        session.commit()
    return schedule


def _rest(services: Services) -> None:
    """Let nothing more fall due: failures are noted as of now, long after DUE."""
    with services.database.unit_of_work() as session:
        for row in session.exec(select(ReportSchedule)).all():
            row.last_due_at = datetime(2040, 1, 1, tzinfo=UTC)
        session.commit()


def _claim(services: Services) -> Claim:
    claim = claims.claim_next(services, "test")
    assert claim is not None
    return claim


def _work(services: Services) -> AppError | None:
    """Do what a worker does with the next job."""
    claim = _claim(services)
    error = work_off(services, claim)
    claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
    return error


def test_a_report_falls_due_once(seoul: Services, engineer: Person) -> None:
    _set_up(seoul, engineer)
    assert queue_due(seoul, now=DUE - timedelta(seconds=1)) == 0
    assert queue_due(seoul, now=DUE) == 1
    assert queue_due(seoul, now=DUE + timedelta(hours=1)) == 0
    (run,), total = list_runs(seoul)
    assert (total, run.state, run.period.first.isoformat(), run.skipped) == (1, "waiting", "2026-11-20", 0)


def test_after_a_pause_only_the_last_period_is_made_up_for_and_that_is_said(seoul: Services, engineer: Person) -> None:
    product = add_product(seoul, engineer)
    add_rows(seoul, engineer, product, 3, created_at=PART_AT + timedelta(days=4))
    _set_up(seoul, engineer)
    assert queue_due(seoul, now=DUE + timedelta(days=4, hours=5)) == 1
    assert _work(seoul) is None
    (run,), _total = list_runs(seoul)
    assert (run.period.first.isoformat(), run.skipped, run.state) == ("2026-11-24", 4, "made")
    assert "4 reports before this one were not made" in _text(read_run_file(seoul, run.id, run.files[0].name))


def test_what_fell_due_while_it_was_off_is_not_made_up_for(seoul: Services, engineer: Person) -> None:
    schedule = _set_up(seoul, engineer)
    set_schedule_active(seoul, engineer, schedule.id, False)
    assert queue_due(seoul, now=DUE) == 0
    set_schedule_active(seoul, engineer, schedule.id, True)
    assert queue_due(seoul, now=DUE) == 0


def test_a_report_is_put_into_its_folder_whole_and_under_its_name(
    seoul: Services, engineer: Person, folder: Path
) -> None:
    product = add_product(seoul, engineer)
    add_rows(seoul, engineer, product, 3, created_at=PART_AT)
    _set_up(seoul, engineer, replace(DAILY, folder=folder, product_id=product.id, line=""))
    queue_due(seoul, now=DUE)
    assert _work(seoul) is None
    names = ["daily-report_2026-11-20_bracket_en.pdf", "daily-report_2026-11-20_bracket_en.xlsx"]
    assert sorted(path.name for path in folder.iterdir()) == names
    (run,), _total = list_runs(seoul)
    assert [file.name for file in run.files] == names
    assert read_run_file(seoul, run.id, names[0]) == (folder / names[0]).read_bytes()


def test_a_job_that_is_done_twice_leaves_one_report(seoul: Services, engineer: Person) -> None:
    _set_up(seoul, engineer)
    queue_due(seoul, now=DUE)
    claim = _claim(seoul)
    assert work_off(seoul, claim) is None
    # Killed before it could say so, and begun anew by another worker.
    assert work_off(seoul, claim) is None
    claims.finish(seoul, claim, state="succeeded")
    (run,), total = list_runs(seoul)
    assert (total, run.state) == (1, "made")
    assert len(list(seoul.objects.list("reports/"))) == 2
    assert run.files[0].place == f"reports/2026/11/{run.schedule_id}/daily-report_2026-11-20_en.pdf"


def test_a_folder_that_is_gone_is_said_and_tried_again(seoul: Services, engineer: Person, folder: Path) -> None:
    _set_up(seoul, engineer, replace(DAILY, folder=folder))
    folder.rmdir()
    queue_due(seoul, now=DUE)
    _rest(seoul)
    error = _work(seoul)
    assert error is not None
    (run,), _total = list_runs(seoul)
    assert (run.state, run.error is not None and run.error.code) == ("failed", "report_folder_missing")
    assert run.next_attempt_at is not None
    assert [problem.schedule_name for problem in list_problems(seoul)] == ["Office"]
    found = next(one for one in check(seoul, thorough=False) if one.name == "reports")
    assert not found.ok
    assert str(folder) in found.sentence("ko")
    folder.mkdir()
    assert queue_due(seoul, now=run.next_attempt_at - timedelta(seconds=1)) == 0
    assert queue_due(seoul, now=run.next_attempt_at) == 1
    assert _work(seoul) is None
    assert list_problems(seoul) == []
    assert len(list(folder.iterdir())) == 2


def test_a_full_disk_is_said_and_leaves_nothing_behind(
    seoul: Services, engineer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    _set_up(seoul, engineer, replace(DAILY, folder=folder))
    monkeypatch.setattr("core.schedules.destinations.write_atomically", fill)
    queue_due(seoul, now=DUE)
    error = _work(seoul)
    assert error is not None
    assert error.code == "report_folder_full"
    assert list(folder.iterdir()) == []


def test_trying_again_ends_and_a_person_begins_anew(seoul: Services, engineer: Person, folder: Path) -> None:
    schedule = _set_up(seoul, engineer, replace(DAILY, folder=folder))
    folder.rmdir()
    queue_due(seoul, now=DUE)
    _rest(seoul)
    for _number in range(len(RETRY_AFTER)):
        _work(seoul)
        (run,), _total = list_runs(seoul)
        assert run.next_attempt_at is not None
        assert queue_due(seoul, now=run.next_attempt_at) == 1
    _work(seoul)
    (run,), _total = list_runs(seoul)
    assert (run.state, run.next_attempt_at) == ("failed", None)
    folder.mkdir()
    assert run_now(seoul, engineer, schedule.id, now=DUE) == run.id
    assert _work(seoul) is None
    assert get_run(seoul, run.id).state == "made"


def test_a_job_that_was_killed_for_good_lets_its_report_fail(seoul: Services, engineer: Person) -> None:
    _set_up(seoul, engineer)
    queue_due(seoul, now=DUE)
    claim = _claim(seoul)
    claims.finish(seoul, claim, state="failed", error=AppError("job_killed", status=-9))
    queue_due(seoul, now=DUE + timedelta(minutes=1))
    (run,), _total = list_runs(seoul)
    assert (run.state, run.error is not None and run.error.code) == ("failed", "job_killed")


def test_now_means_the_last_period_that_is_over_and_waits_its_turn(seoul: Services, engineer: Person) -> None:
    schedule = _set_up(seoul, engineer)
    number = run_now(seoul, engineer, schedule.id, now=DUE)
    assert get_run(seoul, number).period.first.isoformat() == "2026-11-20"
    with pytest.raises(Conflict):
        run_now(seoul, engineer, schedule.id, now=DUE)
    assert _work(seoul) is None
    # What a person has had made already is not made once more by the clock.
    assert queue_due(seoul, now=DUE + timedelta(minutes=5)) == 0
    assert run_now(seoul, engineer, schedule.id, now=DUE) == number


class _DoneChild:
    """A child that has done its job already, in this process."""

    def __init__(self, services: Services, claim: Claim) -> None:
        self.returncode = run_claimed_job(services, claim.job_id, claim.fencing_token)

    def poll(self) -> int:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self.returncode

    def terminate(self) -> None:
        """Do nothing: it has ended."""

    def kill(self) -> None:
        """Do nothing: it has ended."""


def test_a_worker_makes_what_has_fallen_due_by_itself(seoul: Services, engineer: Person) -> None:
    schedule = _set_up(seoul, engineer, replace(DAILY, formats=("xlsx",)))
    with seoul.database.unit_of_work() as session:
        row = session.get(ReportSchedule, schedule.id)
        assert row is not None
        row.counted_from = datetime.now(UTC) - timedelta(days=2)
        session.commit()
    ChildWorker(seoul, spawn=lambda claim, _threads: _DoneChild(seoul, claim)).run(until_idle=True)
    (run,), total = list_runs(seoul)
    assert (total, run.state) == (1, "made")


def test_an_empty_period_can_go_without_a_report(seoul: Services, engineer: Person) -> None:
    _set_up(seoul, engineer, replace(DAILY, skip_empty=True))
    queue_due(seoul, now=DUE)
    assert _work(seoul) is None
    (run,), _total = list_runs(seoul)
    assert (run.state, run.files) == ("empty", ())
    assert list(seoul.objects.list("reports/")) == []


def test_a_removed_schedule_makes_nothing_more_and_keeps_what_it_made(seoul: Services, engineer: Person) -> None:
    schedule = _set_up(seoul, engineer)
    queue_due(seoul, now=DUE)
    _work(seoul)
    queue_due(seoul, now=DUE + timedelta(days=1))
    remove_schedule(seoul, engineer, schedule.id)
    assert claims.claim_next(seoul, "test") is None
    (run,), total = list_runs(seoul)
    assert (total, run.state) == (1, "made")
    assert last_runs(seoul) == {}
    assert read_run_file(seoul, run.id, run.files[0].name)


def test_a_schedule_that_is_removed_while_its_job_runs_has_no_report(seoul: Services, engineer: Person) -> None:
    schedule = _set_up(seoul, engineer)
    queue_due(seoul, now=DUE)
    claim = _claim(seoul)
    remove_schedule(seoul, engineer, schedule.id)
    assert work_off(seoul, claim) is None
    assert list_runs(seoul) == ([], 0)


def test_reports_go_with_their_files_when_their_time_is_over(seoul: Services, engineer: Person, folder: Path) -> None:
    _set_up(seoul, engineer, replace(DAILY, folder=folder, keep_days=30))
    _set_up(seoul, engineer, replace(DAILY, name="Store", keep_days=30))
    queue_due(seoul, now=DUE)
    _work(seoul)
    _work(seoul)
    (folder / "daily-report_2026-11-20_en.xlsx").write_bytes(b"changed by somebody")
    assert expire_runs(seoul, now=DUE + timedelta(days=29)) == 0
    assert expire_runs(seoul, now=datetime.now(UTC) + timedelta(days=31)) == 2
    assert [path.name for path in folder.iterdir()] == ["daily-report_2026-11-20_en.xlsx"]
    assert list(seoul.objects.list("reports/")) == []
    assert queue_due(seoul, now=DUE + timedelta(minutes=1)) == 0


def test_a_file_that_was_changed_is_not_handed_out(seoul: Services, engineer: Person, folder: Path) -> None:
    _set_up(seoul, engineer, replace(DAILY, folder=folder, formats=("pdf",)))
    queue_due(seoul, now=DUE)
    _work(seoul)
    (run,), _total = list_runs(seoul)
    Path(run.files[0].place).write_bytes(b"other")
    with pytest.raises(NotFound):
        read_run_file(seoul, run.id, run.files[0].name)
    with pytest.raises(NotFound):
        read_run_file(seoul, run.id, "../../etc/passwd")


def test_what_a_killed_process_left_goes_with_the_next_report(seoul: Services, engineer: Person, folder: Path) -> None:
    _set_up(seoul, engineer, replace(DAILY, folder=folder, formats=("pdf",)))
    left = folder / ASIDE / "0123.part"
    left.parent.mkdir()
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    queue_due(seoul, now=DUE)
    assert _work(seoul) is None
    assert [path.name for path in folder.iterdir()] == ["daily-report_2026-11-20_en.pdf"]


def test_reports_in_the_store_are_no_orphans(seoul: Services, engineer: Person) -> None:
    _set_up(seoul, engineer)
    queue_due(seoul, now=DUE)
    _work(seoul)
    stock = take_stock(seoul)
    assert all(stock.names(key) for key in stock.objects if key.startswith("reports/"))
    (run,), _total = list_runs(seoul)
    seoul.objects.delete(run.files[0].place)
    assert [one.name for one in find_missing(seoul)] == [run.files[0].name]


def test_each_period_has_one_row(seoul: Services, engineer: Person) -> None:
    _set_up(seoul, engineer)
    for minutes in range(0, 3 * 24 * 60, 95):
        queue_due(seoul, now=DUE + timedelta(minutes=minutes))
    with seoul.database.reading() as session:
        keys = [run.period_key for run in session.exec(select(ReportRun)).all()]
        jobs = len(session.exec(select(Job)).all())
    assert len(keys) == len(set(keys)) == jobs == 3


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
