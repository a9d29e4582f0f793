"""What is backed up comes back: every row, every object, of one moment, in chains, past every kill."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select as sa_select
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.backups.backing_up import back_up
from core.backups.restoring import MARKER, restore_backup
from core.backups.row_changes import RESTORED
from core.backups.verifying import verify_backup
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.identity import require_pair
from core.operations.stored_objects import find_missing
from core.services import Services
from core.settings import Settings
from storage.database import Database
from storage.tables import METADATA, AuditLog, Backup, Image, Job, SignInCode, SignInSession, SystemConfig, utc_now
from tests.filled_tables import fill_tables, name_objects
from tests.stored import add_stored_images, stored_keys
from tests.unit.core.backups.conftest import KEY, open_restored

# What a restoration changes on purpose, and what it adds to.
_CHANGED = {"sessions", "workers", "system_config", "sign_in_codes", "backups", "audit_log", "users", "audit_chain"}


def read_table(database: Database, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table in the order of their keys."""
    table = METADATA.tables[name]
    with database.reading() as session:
        return [dict(row) for row in session.execute(sa_select(table).order_by(*table.primary_key)).mappings()]


def test_every_table_and_every_object_is_as_it_was_and_who_was_signed_in_is_not(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    rows = fill_tables(services, "row")
    made = back_up(services, administrator, folder / "all")
    assert made.made.path.name == "all.geomsa"
    assert made.made.path.stat().st_mode & 0o077 == 0
    assert made.made.manifest.missing == ()
    done = restore_backup(elsewhere, made.made.path, None)
    again = open_restored(elsewhere, opened)
    for table in METADATA.tables:
        before, after = read_table(services.database, table), read_table(again.database, table)
        if table not in _CHANGED:
            assert after == before, table
        elif table in ("audit_log", "users"):
            # Without the row that says that the backup was made: it was made before.
            assert after[: len(before) - (table == "audit_log")] == before[: len(before) - (table == "audit_log")]
    assert read_table(again.database, "sessions") == read_table(again.database, "workers") == []
    assert {key: again.objects.get(key) for key in stored_keys(again)} == {
        key: f"row: {key}".encode() for key in name_objects(rows, "row")
    }
    old, new = require_pair(services), require_pair(again)
    assert (new.id, new.generation) == (old.id, old.generation + 1) == (old.id, done.generation)
    assert find_missing(again) == []
    with again.database.reading() as session:
        codes = session.exec(select(SignInCode)).all()
        backup = session.exec(select(Backup).order_by(col(Backup.id).desc())).first()
        told = session.exec(select(AuditLog).where(AuditLog.action == "backup.restored")).one()
    assert all(code.revoked_at is not None for code in codes)
    assert backup is not None
    assert (backup.state, backup.path, backup.objects) == ("done", str(made.made.path), made.made.manifest.objects)
    assert told.details["backup"] == made.header.id


def test_only_an_administrator_backs_up_and_nothing_is_written_over(
    services: Services, administrator: Person, engineer: Person, folder: Path
) -> None:
    with pytest.raises(NotAllowed):
        back_up(services, engineer, folder)
    back_up(services, administrator, folder / "one.geomsa")
    for target, code in ((folder / "one.geomsa", "backup_exists"), (folder / "none" / "x", "backup_folder_missing")):
        with pytest.raises(BadInput) as caught:
            back_up(services, administrator, target)
        assert caught.value.code == code


def test_a_number_that_was_given_is_not_given_again(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    add_stored_images(services, 3)
    with services.database.unit_of_work() as session:
        newest = session.exec(select(Image).order_by(col(Image.id).desc())).first()
        assert newest is not None
        session.delete(newest)
        session.commit()
    restore_backup(elsewhere, back_up(services, administrator, folder).made.path, None)
    again = open_restored(elsewhere, opened)
    add_stored_images(again, 1, first=100)
    with again.database.reading() as session:
        assert max(session.exec(select(Image.id)).all()) == newest.id + 1


def test_incremental_ones_write_what_is_new_and_restore_each_to_its_own_moment(
    sealed: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    first = add_stored_images(sealed, 20)
    full = back_up(sealed, administrator, folder, incremental=True)
    assert full.header.kind == "full"
    assert full.instead is not None
    assert full.instead.code == "backup_no_base"
    second = add_stored_images(sealed, 2, first=20)
    # Written anew with the same bytes: it need not be written again.
    same = sealed.objects.get(first[0])
    sealed.objects.put(first[0], same)
    middle = back_up(sealed, administrator, folder, incremental=True)
    with sealed.database.unit_of_work() as session:
        session.delete(session.exec(select(Image).where(Image.object_key == first[1])).one())
        session.commit()
    sealed.objects.delete(first[1])
    last = back_up(sealed, administrator, folder, incremental=True)
    assert [one.header.number for one in (full, middle, last)] == [0, 1, 2]
    assert [one.made.manifest.new_objects for one in (full, middle, last)] == [40, 4, 0]
    # An image without its row has left a thumbnail that nothing names.
    assert [one.made.manifest.objects for one in (full, middle, last)] == [40, 44, 42]
    assert middle.made.byte_size < full.made.byte_size
    restore_backup(elsewhere, last.made.path, KEY)
    again = open_restored(elsewhere, opened)
    assert first[1] not in stored_keys(again)
    assert again.objects.get(second[1]) == sealed.objects.get(second[1])
    # Each one beside the others, or none: the chain is followed by what the files say, not by their names.
    full.made.path.rename(folder / "renamed.geomsa")
    assert len(verify_backup(last.made.path, KEY).files) == 3
    middle.made.path.unlink()
    with pytest.raises(NotFound) as caught:
        verify_backup(last.made.path, KEY)
    assert caught.value.code == "backup_chain_missing"


def test_files_that_are_deleted_and_moved_while_they_are_copied_leave_a_backup_of_one_moment(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    keys = add_stored_images(services, 30)
    happened: list[str] = []
    before = ""

    def meddle(stage: str, _done: int, _total: int) -> None:
        nonlocal before
        before, last = stage, before
        # Twice: after the rows were read and the files listed, before the first of them is copied.
        if stage != "copy" or last != "rows" or len(happened) >= 2:
            return
        happened.append(stage)
        # One image is deleted for good, another moves into another folder, a third comes.
        gone, moved = keys[len(happened) * 7], keys[len(happened) * 11]
        with services.database.unit_of_work() as session:
            session.delete(session.exec(select(Image).where(Image.object_key == gone)).one())
            row = session.exec(select(Image).where(Image.object_key == moved)).one()
            row.object_key = f"{moved}-moved"
            session.add(row)
            session.commit()
        services.objects.delete(gone)
        services.objects.move(moved, f"{moved}-moved")
        add_stored_images(services, 1, first=100 + len(happened))

    made = back_up(services, administrator, folder, progress=meddle)
    assert happened == ["copy", "copy"]
    assert made.made.manifest.missing == ()
    restore_backup(elsewhere, made.made.path, None)
    again = open_restored(elsewhere, opened)
    assert find_missing(again) == []
    with again.database.reading() as session:
        named = set(session.exec(select(Image.object_key)).all())
    assert len(named) == 30
    # What was copied and is named by no row any more is not put back.
    assert set(stored_keys(again, "images/")) == named


def test_what_the_system_itself_lacks_is_named_and_keeps_no_backup_from_being_made(
    services: Services, administrator: Person, folder: Path
) -> None:
    keys = add_stored_images(services, 2)
    services.objects.delete(keys[0])
    made = back_up(services, administrator, folder)
    assert made.made.manifest.missing == (keys[0],)
    assert made.made.manifest.objects == 3


def test_a_backup_that_is_broken_off_leaves_no_file_and_says_so(
    services: Services, administrator: Person, folder: Path
) -> None:
    add_stored_images(services, 5)

    def fail(stage: str, done: int, _total: int) -> None:
        if stage == "copy" and done == 3:
            raise OSError(28, "No space left on device")

    with pytest.raises(Exception, match="disk"):
        back_up(services, administrator, folder, progress=fail)
    assert list(folder.iterdir()) == []
    with services.database.reading() as session:
        row = session.exec(select(Backup)).one()
    assert (row.state, row.error_code) == ("failed", "disk_full")


def test_nothing_is_restored_over_what_is_there_unless_it_is_asked_for(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    add_stored_images(services, 3)
    made = back_up(services, administrator, folder).made
    restore_backup(elsewhere, made.path, None)
    other = open_restored(elsewhere, opened)
    add_stored_images(other, 2, first=50)
    with pytest.raises(Conflict) as caught:
        restore_backup(elsewhere, made.path, None)
    assert caught.value.code == "restore_not_empty"
    other.database.dispose()
    done = restore_backup(elsewhere, made.path, None, replace=True)
    again = open_restored(elsewhere, opened)
    assert len(stored_keys(again, "images/")) == 3
    assert done.generation == 3
    # The files that were in the way are not lost.
    assert len([path for path in Path(done.kept_aside).rglob("*") if path.is_file()]) >= 10


def test_a_worker_that_is_alive_keeps_a_restoration_off(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    made = back_up(services, administrator, folder).made
    restore_backup(elsewhere, made.path, None)
    other = open_restored(elsewhere, opened)
    with other.database.unit_of_work() as session:
        session.connection().execute(
            METADATA.tables["workers"]
            .insert()
            .values(id="w", host="h", pid=1, started_at=utc_now(), heartbeat_at=utc_now())
        )
        session.commit()
    with pytest.raises(Conflict) as caught:
        restore_backup(elsewhere, made.path, None, replace=True)
    assert caught.value.code == "restore_in_use"


@pytest.mark.parametrize("stage", ["objects", "tables", "finish"])
def test_a_restoration_that_is_killed_goes_on_when_it_is_asked_for_again(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services], stage: str
) -> None:
    keys = add_stored_images(services, 40)
    made = back_up(services, administrator, folder).made
    add_stored_images(services, 1, first=90)
    other = back_up(services, administrator, folder).made

    class Killed(BaseException):
        pass

    def kill(now: str, done: int, total: int) -> None:
        if now == stage and done >= total // 2:
            raise Killed

    with pytest.raises(Killed):
        restore_backup(elsewhere, made.path, None, progress=kill)
    # Nothing else is begun in its place.
    with pytest.raises(Conflict):
        restore_backup(elsewhere, other.path, None)
    done = restore_backup(elsewhere, made.path, None)
    assert done.went_on
    assert done.generation == 2
    again = open_restored(elsewhere, opened)
    assert stored_keys(again, "images/") == sorted(keys)
    assert not again.objects.exists(MARKER)
    assert require_pair(again).generation == 2
    assert find_missing(again) == []


def test_jobs_that_were_running_begin_again_and_codes_and_sessions_are_over(
    services: Services, administrator: Person, folder: Path, elsewhere: Settings, opened: list[Services]
) -> None:
    with services.database.unit_of_work() as session:
        for kind, state, cancels in (
            ("memory_bank", "running", False),
            ("memory_bank", "running", True),
            ("backup", "running", False),
            ("training", "succeeded", False),
        ):
            session.add(
                Job(
                    kind=kind, state=state, cancel_requested=cancels, worker_id="w", attempts=2, fencing_token=5,
                    lease_expires_at=utc_now() + timedelta(hours=1),
                )
            )  # fmt: skip
        session.add(SignInSession(token_sha256="1" * 64, user_id=administrator.id, sign_in_epoch=0))
        session.commit()
    restore_backup(elsewhere, back_up(services, administrator, folder).made.path, None)
    with open_restored(elsewhere, opened).database.reading() as session:
        jobs = session.exec(select(Job).order_by(col(Job.id))).all()
        assert session.exec(select(SignInSession)).all() == []
    assert [job.state for job in jobs] == ["queued", "cancelled", "failed", "succeeded"]
    assert [job.fencing_token for job in jobs] == [6, 6, 6, 5]
    assert (jobs[0].attempts, jobs[0].lease_expires_at) == (0, None)
    assert "log_job_restored" in jobs[0].log
    assert jobs[2].error_code == "backup_job_restored"


def test_one_of_an_older_revision_is_brought_up_to_date_and_a_newer_one_is_refused(
    services: Services,
    administrator: Person,
    folder: Path,
    elsewhere: Settings,
    opened: list[Services],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from storage.schema import head_revision

    add_stored_images(services, 2)
    with monkeypatch.context() as patch:
        patch.setattr("core.backups.backing_up.head_revision", lambda: "9999")
        newer = back_up(services, administrator, folder).made
    with pytest.raises(Conflict) as caught:
        restore_backup(elsewhere, newer.path, None)
    assert caught.value.code == "restore_newer"
    assert not (elsewhere.data_dir / "geomsa.db").exists()

    # As the code of one revision earlier would have written it.
    from storage import row_copies

    of_now = row_copies.list_shapes
    new = {"sign_in_codes", "user_bindings", "audit_chain", "backups"}
    columns = {"identity", "must_change_password", "password_set_at", "device", "method", "scopes", "outcome",
               "channel", "address", "position", "seal"}  # fmt: skip

    def of_before(connection: Any) -> list[row_copies.TableShape]:
        from dataclasses import replace

        kept = [one for one in of_now(connection) if one.name not in new]
        return [
            replace(one, columns=tuple(pair for pair in one.columns if pair[0] not in columns or (
                pair[0] == "address" and one.name in ("sessions", "delivery_targets", "api_answers"))))
            if one.name in ("users", "sessions", "api_keys", "audit_log")
            else one
            for one in kept
        ]  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr("core.backups.making.list_shapes", of_before)
        patch.setattr("core.backups.backing_up.head_revision", lambda: "0025")
        older = back_up(services, administrator, folder).made
    restore_backup(elsewhere, older.path, None)
    again = open_restored(elsewhere, opened)
    again.database.check()
    with again.database.reading() as session:
        assert len(session.exec(select(Image)).all()) == 2
        assert session.get(SystemConfig, RESTORED) is not None
    assert head_revision() != "0025"


def test_the_process_of_a_backup_that_is_gone_leaves_a_row_that_says_so(
    services: Services, administrator: Person, folder: Path
) -> None:
    made = back_up(services, administrator, folder)
    with services.database.unit_of_work() as session:
        # A process that has ended, and is waited for: nobody else has its number now.
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        figures = {**session.get_one(Backup, made.id).figures, "pid": pid}
        session.execute(update(Backup).where(col(Backup.id) == made.id).values(state="running", figures=figures))
        session.commit()
    back_up(services, administrator, folder)
    with services.database.reading() as session:
        rows = session.exec(select(Backup).order_by(col(Backup.id))).all()
    assert [(row.state, row.error_code) for row in rows] == [("failed", "backup_broken_off"), ("done", None)]
