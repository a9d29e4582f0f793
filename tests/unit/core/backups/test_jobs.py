"""Backups by schedule: due once, made and proven by the worker, old chains thrown away, told by doctor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.backups.jobs import DRILL, MOST_TRIES, queue_due, start_backup, start_check, work_off
from core.backups.records import list_backups
from core.backups.retention import remove_old_chains
from core.backups.schedule import BackupSchedule, backup_root, load_schedule, next_due, save_schedule
from core.backups.status import check_backup
from core.errors import BadInput, Conflict, NotAllowed
from core.jobs import claims, queue
from core.services import Services
from core.worker.supervisor import run_claimed_job
from storage.tables import Backup, Job, utc_now
from tests.databases import sqlite_only
from tests.stored import add_stored_images

NIGHTLY = BackupSchedule(is_active=True, every="day", at=time(2), full_every=3, keep_chains=1, drill_days=0)


def _work(services: Services) -> str:
    """Work the next job off as the worker's child does; return the state it ended in."""
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    assert run_claimed_job(services, claim.job_id, claim.fencing_token) == 0
    with services.database.reading() as session:
        job = session.get_one(Job, claim.job_id)
    return f"{job.kind} {job.state} {job.error_code or ''}".strip()


def test_a_schedule_falls_due_once_makes_up_for_what_was_missed_and_keeps_the_newest_chain(
    services: Services, admin: Person
) -> None:
    add_stored_images(services, 3)
    save_schedule(services, admin, services.settings, NIGHTLY, row_version=0)
    start = utc_now()
    assert queue_due(services, now=start + timedelta(minutes=1)) == 0
    for day in range(1, 5):
        # Looked at after two nights in which nothing was running, and by two workers.
        now = start + timedelta(days=2 * day)
        assert [queue_due(services, now=now), queue_due(services, now=now)] == [1, 0]
        assert _work(services) == "backup succeeded"
    found = list_backups(services, with_removed=True)
    assert [(one.kind, one.removed_at is None) for one in reversed(found)] == [
        ("full", False), ("incremental", False), ("incremental", False), ("full", True),
    ]  # fmt: skip
    root = backup_root(services.settings)
    assert [path.name for path in root.iterdir()] == [found[0].path.name]
    assert all(one.verified_at is not None for one in found)
    assert check_backup(services)[:2] == (True, "check_backup")


def test_one_that_failed_is_tried_again_after_an_hour_and_in_the_end_left_to_the_next_date(
    services: Services, admin: Person
) -> None:
    save_schedule(services, admin, services.settings, NIGHTLY, row_version=0)
    root, now = backup_root(services.settings), next_due(services, NIGHTLY, utc_now() + timedelta(days=1))
    assert now is not None
    root.write_bytes(b"no folder")
    asked = 0
    while queue_due(services, now=now) == 1:
        asked += 1
        assert _work(services).startswith("backup failed")
        with services.database.unit_of_work() as session:
            session.execute(update(Job).values(finished_at=now))
            session.commit()
        assert queue_due(services, now=now + timedelta(minutes=50)) == 0
        now += timedelta(minutes=70)
    assert asked == MOST_TRIES
    root.unlink()
    assert queue_due(services, now=now + timedelta(days=1)) == 1
    assert _work(services) == "backup succeeded"
    assert queue_due(services, now=now + timedelta(days=1, hours=2)) == 0


def test_a_chain_that_was_never_proven_pushes_no_other_out(services: Services, admin: Person) -> None:
    save_schedule(services, admin, services.settings, replace(NIGHTLY, full_every=1), row_version=0)
    for _ in range(2):
        start_backup(services, admin, full=True)
        assert _work(services) == "backup succeeded"
    with services.database.unit_of_work() as session:
        session.execute(update(Backup).values(verified_at=None, removed_at=None))
        session.commit()
    kept = list(backup_root(services.settings).iterdir())
    assert remove_old_chains(services, backup_root(services.settings), keep=1) == 0
    assert list(backup_root(services.settings).iterdir()) == kept


def test_a_backup_now_its_check_and_its_trial_are_jobs_of_administrators(
    services: Services, admin: Person, engineer: Person
) -> None:
    with pytest.raises(NotAllowed):
        start_backup(services, engineer, full=True)
    job_id = start_backup(services, admin, full=False)
    with pytest.raises(Conflict) as caught:
        start_backup(services, admin, full=True)
    assert caught.value.code == "backup_waiting"
    with pytest.raises(NotAllowed):
        queue.cancel(services, engineer, job_id)
    assert _work(services) == "backup succeeded"
    start_check(services, admin, how=DRILL)
    assert _work(services) == "backup_check succeeded"
    (row,) = list_backups(services)
    assert row.drill is not None
    assert row.drill.error is None
    assert (row.asked_by, row.rows) == (admin.display_name, row.drill.rows)
    # One that has been damaged since: the trial says so, and keeps it.
    row.path.write_bytes(row.path.read_bytes()[:-7])
    start_check(services, admin, how=DRILL)
    assert _work(services) == "backup_check failed backup_cut"
    (row,) = list_backups(services)
    assert row.drill is not None
    assert row.drill.error is not None
    assert row.drill.error.code == "backup_cut"
    assert not list(services.settings.cache_dir.glob("drill-*"))


def test_a_canceled_one_leaves_nothing_and_is_no_failure(services: Services, admin: Person) -> None:
    add_stored_images(services, 3)
    job_id = start_backup(services, admin, full=True)
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    queue.cancel(services, admin, job_id)
    assert run_claimed_job(services, claim.job_id, claim.fencing_token) == 0
    assert list(backup_root(services.settings).iterdir()) == []
    with services.database.reading() as session:
        assert session.get_one(Job, job_id).state == "cancelled"
    assert check_backup(services)[:2] == (True, "check_backup_none")


def test_doctor_says_when_the_last_one_is_older_than_twice_the_schedule_or_failed(
    services: Services, admin: Person
) -> None:
    save_schedule(services, admin, services.settings, NIGHTLY, row_version=0)
    start_backup(services, admin, full=True)
    assert _work(services) == "backup succeeded"
    with services.database.unit_of_work() as session:
        session.execute(update(Backup).values(began_at=utc_now() - timedelta(days=2, hours=1)))
        session.commit()
    assert check_backup(services)[:2] == (False, "check_backup_old")
    backup_root(services.settings).joinpath("blocked").write_text("a file where a folder should be")
    wanted = replace(NIGHTLY, folder="blocked")
    save_schedule(services, admin, services.settings, wanted, row_version=load_schedule(services).row_version)
    start_backup(services, admin, full=True)
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    assert work_off(services, claim) is not None


def test_what_a_schedule_cannot_be_is_refused(services: Services, admin: Person, engineer: Person) -> None:
    with pytest.raises(NotAllowed):
        save_schedule(services, engineer, services.settings, NIGHTLY, row_version=0)
    for wrong, code in (
        (replace(NIGHTLY, folder="../elsewhere"), "backup_folder_outside"),
        (replace(NIGHTLY, folder="/etc"), "backup_folder_outside"),
        (replace(NIGHTLY, folder="a\0b"), "backup_folder_outside"),
        (replace(NIGHTLY, full_every=0), "backup_schedule_number"),
        (replace(NIGHTLY, every="hour"), "backup_schedule_every"),
    ):
        with pytest.raises(BadInput) as caught:
            save_schedule(services, admin, services.settings, wrong, row_version=0)
        assert caught.value.code == code
    save_schedule(services, admin, services.settings, NIGHTLY, row_version=0)
    with pytest.raises(Conflict):
        save_schedule(services, admin, services.settings, NIGHTLY, row_version=0)


def test_the_next_one_is_by_the_plants_clock_on_its_weekday(services: Services, admin: Person) -> None:
    weekly = replace(NIGHTLY, every="week", weekday=6)
    save_schedule(services, admin, services.settings, weekly, row_version=0)
    due = next_due(services, weekly, datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert due is not None
    assert timedelta(0) < due - datetime(2026, 11, 27, 12, tzinfo=UTC) <= timedelta(days=7)
    assert next_due(services, replace(weekly, is_active=False), due) is None
    with services.database.reading() as session:
        assert session.exec(select(Job).where(col(Job.kind) == "backup")).all() == []


@sqlite_only  # elsewhere another data folder is no other database
def test_the_command_line_makes_verifies_and_restores(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from core.__main__ import main

    key = tmp_path / "key"
    key.write_text("a key of many letters\n")
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_BACKUP_KEY_FILE", str(key))
    add_stored_images(services, 2)
    assert main(["backup", str(tmp_path / "one"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["encrypted"], told["objects"]) == ("full", True, 4)
    assert main(["backup", "verify", told["file"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(tmp_path / "again"))
    monkeypatch.delenv("GEOMSA_BACKUP_KEY_FILE")
    assert main(["restore", told["file"]]) == 1
    assert "encrypted" in capsys.readouterr().err
    assert main(["restore", told["file"], "--key-file", str(key), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == 4
    assert main(["restore", told["file"], "--key-file", str(key)]) == 1
    assert "--replace" in capsys.readouterr().err
    assert main(["backup", "verify", str(key)]) == 1
    assert "not a backup" in capsys.readouterr().err
