"""A SQLite file that is taken away, replaced, damaged or held: reported as such, nothing lost unnoticed.

Everything here happens to real files; no part is made to fail.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select

from core.access import Person
from core.catalog import products
from core.errors import Unavailable
from core.operations import health
from core.services import Services, build_services
from core.settings import Settings
from storage.database import Database, DatabaseError
from storage.tables import Product

ROOT = Path(__file__).parents[2]
SPAWN = multiprocessing.get_context("spawn")
DAMAGE = b"\xa5" * 4096


def _path(settings: Settings) -> Path:
    return settings.data_dir / "geomsa.db"


def _refusal(write: Callable[[], object]) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        write()
    return caught.value


# Taken away under a running app.


def _remove(path: Path) -> None:
    path.unlink()


def _copy(path: Path, ending: str) -> Path:
    copy = path.with_suffix(ending)
    # By another process: whoever opens and closes the file in this one drops the locks that SQLite holds on it.
    subprocess.run(["cp", str(path), str(copy)], check=True)
    return copy


def _replace_by_another(path: Path) -> None:
    other = _copy(path, ".other")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("DELETE FROM users")
        connection.commit()
    other.replace(path)


def _replace_by_a_copy_of_itself(path: Path) -> None:
    _copy(path, ".copy").replace(path)


def _remove_companion(ending: str) -> Callable[[Path], None]:
    def remove(path: Path) -> None:
        path.with_name(path.name + ending).unlink()

    return remove


@pytest.mark.parametrize(
    "harm",
    [
        _remove,
        _replace_by_another,
        _replace_by_a_copy_of_itself,
        _remove_companion("-wal"),
        _remove_companion("-shm"),
    ],
    ids=["removed", "another", "a copy", "no log", "no shared memory"],
)
def test_a_database_taken_away_refuses_every_write_and_stays_away(
    services: Services, engineer: Person, harm: Callable[[Path], None]
) -> None:
    products.create_product(services, engineer, name="before", code="before")
    path = _path(services.settings)
    harm(path)
    left = sorted(place.name for place in path.parent.iterdir())
    for code in ("first", "again"):
        refused = _refusal(lambda code=code: products.create_product(services, engineer, name=code, code=code))  # type: ignore[misc]
        assert refused.code == "database_replaced"
    # Reading would show what nobody can change any more.
    assert _refusal(lambda: products.list_products(services)).code == "database_replaced"
    assert sorted(place.name for place in path.parent.iterdir()) == left


def test_a_new_connection_makes_no_file_where_the_database_was(services: Services) -> None:
    path = _path(services.settings)
    with services.database.reading(), services.database.reading() as second:
        second.exec(select(Product)).all()
        path.unlink()
        # Both connections are taken: a third has to be opened.
        with pytest.raises(DatabaseError) as caught, services.database.unit_of_work() as session:
            session.exec(select(Product)).all()
    assert caught.value.code == "database_replaced"
    assert not path.exists()
    for action in (services.database.check, services.database.migrate):
        with pytest.raises(DatabaseError) as caught:
            action()
        assert caught.value.code == "database_replaced"
    assert not path.exists()


def test_a_transaction_that_was_under_way_is_not_told_as_kept(services: Services) -> None:
    with services.database.unit_of_work() as session:
        session.add(Product(code="lost", name=""))
        session.flush()
        _path(services.settings).unlink()
        with pytest.raises(DatabaseError) as caught:
            session.commit()
    assert caught.value.code == "database_replaced"


def test_a_file_put_back_is_written_again(services: Services, engineer: Person) -> None:
    path = _path(services.settings)
    aside = path.rename(path.with_suffix(".aside"))
    assert _refusal(lambda: products.create_product(services, engineer, name="a", code="a")).code == "database_replaced"
    aside.rename(path)
    products.create_product(services, engineer, name="a", code="a")
    assert [summary.product.code for summary in products.list_products(services)] == ["a"]


# And nobody is refused who is not to be.


def _open_and_close(url: str, who: str, rounds: int, outcomes: Any) -> None:
    try:
        for number in range(rounds):
            database = Database(url)
            with database.unit_of_work() as session:
                session.add(Product(code=f"{who}-{number}", name=""))
                session.commit()
            # Whoever closes as the last one deletes the write-ahead log; the next makes another.
            database.dispose()
        outcomes.put(None)
    except DatabaseError as error:
        outcomes.put(error)


@pytest.mark.parametrize("stays_open", [pytest.param(True, marks=pytest.mark.full), False])
def test_processes_that_come_and_go_refuse_nobody(services: Services, stays_open: bool) -> None:
    database, rounds = services.database, 60
    if not stays_open:
        database.dispose()
    log = _path(services.settings).with_name("geomsa.db-wal")
    outcomes = SPAWN.Queue()
    guests = [
        SPAWN.Process(target=_open_and_close, args=(services.settings.database_url, f"guest{n}", rounds, outcomes))
        for n in range(2)
    ]
    for guest in guests:
        guest.start()
    written, was_gone = 0, False
    while any(guest.is_alive() for guest in guests) and outcomes.qsize() < len(guests):
        was_gone = was_gone or not log.exists()
        with database.unit_of_work() as session:
            session.add(Product(code=f"own-{written}", name=""))
            session.commit()
        written += 1
        if not stays_open:
            database.dispose()
            time.sleep(0.002)
    refused = [outcomes.get(timeout=60) for _ in guests]
    for guest in guests:
        guest.join(30)
    assert refused == [None, None]
    assert stays_open or was_gone, "the log was never deleted: this proves nothing"
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(Product)).one() == 2 * rounds + written


def test_a_forked_child_and_its_parent_are_not_refused_while_others_come_and_go(services: Services) -> None:
    outcomes = SPAWN.Queue()
    guest = SPAWN.Process(target=_open_and_close, args=(services.settings.database_url, "guest", 60, outcomes))
    guest.start()
    for number in range(20):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with services.database.unit_of_work() as session:
                    session.add(Product(code=f"child-{number}", name=""))
                    session.commit()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with services.database.unit_of_work() as session:
            session.add(Product(code=f"parent-{number}", name=""))
            session.commit()
    assert outcomes.get(timeout=60) is None
    guest.join(30)


# Damaged.


def _fill(settings: Settings, *, die: bool) -> None:
    """Add products until the file is past the place of the damage; with `die`, end like a process that is killed."""
    services = build_services(settings)
    while _path(settings).stat().st_size < 1_100_000:
        with services.database.unit_of_work() as session:
            count = session.exec(select(func.count()).select_from(Product)).one()
            session.add_all(
                [
                    Product(code=f"p{number}", name="n" * 50, description="d" * 300)
                    for number in range(count, count + 200)
                ]
            )
            session.commit()
        with closing(sqlite3.connect(_path(settings))) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    with services.database.unit_of_work() as session:
        session.add(Product(code="last", name="still in the log"))
        session.commit()
    if die:
        os._exit(0)
    services.database.dispose()


@pytest.fixture
def filled(settings: Settings, database_template: Path) -> Settings:
    """Return a data folder whose database was open when its process was killed."""
    shutil.copyfile(database_template, _path(settings))
    process = SPAWN.Process(target=_fill, args=(settings,), kwargs={"die": True})
    process.start()
    process.join(120)
    assert process.exitcode == 0
    assert _path(settings).with_name("geomsa.db-wal").stat().st_size > 0
    return settings


def _damage(settings: Settings) -> None:
    """Write over a page of products in their middle, of which the log holds none: it is read whenever they are."""
    path = _path(settings)
    rows = [found.start() for found in re.finditer(b"d{300}", path.read_bytes())]
    row = rows[len(rows) // 2]
    with path.open("r+b") as file:
        file.seek(row // len(DAMAGE) * len(DAMAGE))
        file.write(DAMAGE)


def test_the_start_after_a_killed_process_is_an_ordinary_one(filled: Settings) -> None:
    services = build_services(filled, migrate=True)
    with services.database.reading() as session:
        assert session.exec(select(Product.name).where(Product.code == "last")).one() == "still in the log"
    services.database.dispose()


def test_a_start_on_a_damaged_database_says_so_each_time_and_changes_nothing(filled: Settings) -> None:
    _damage(filled)
    before = {ending: _path(filled).with_name(f"geomsa.db{ending}").read_bytes() for ending in ("", "-wal")}
    for _ in range(2):
        refused = _refusal(lambda: build_services(filled, migrate=True))
        assert (refused.code, refused.params["reason"]) == ("database_damaged", "corrupt")
    assert before == {ending: _path(filled).with_name(f"geomsa.db{ending}").read_bytes() for ending in ("", "-wal")}


def test_the_doctor_names_the_damage_and_never_calls_it_fine(filled: Settings) -> None:
    _damage(filled)
    found = {check.name: check for check in health.check(filled)}
    assert (found["database"].ok, found["database"].code) == (False, "check_database_damaged")
    # SQLite names the page, or stops at it: in its own words either way.
    assert re.search("page|malformed", found["database"].sentence("en").lower())
    # Also of a database that is open, and for which reason its pages lie in memory.
    services = build_services(filled)
    found = {check.name: check for check in health.check(services)}
    assert found["database"].code == "check_database_damaged"
    services.database.dispose()


def test_the_doctor_on_the_command_line_fails_on_damage(filled: Settings) -> None:
    _damage(filled)
    ran = subprocess.run(
        [sys.executable, "-m", "core", "doctor", "--json"],
        cwd=ROOT,
        env={**os.environ, "GEOMSA_DATA_DIR": str(filled.data_dir), "GEOMSA_DEVICE": "cpu", "GEOMSA_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    (database,) = [check for check in json.loads(ran.stdout)["checks"] if check["name"] == "database"]
    assert (database["ok"], database["code"]) == (False, "check_database_damaged")
    assert database["message"].startswith("The database is damaged")


def test_damage_that_shows_while_working_is_named_as_such(filled: Settings) -> None:
    _damage(filled)
    services = build_services(filled)
    with pytest.raises(DatabaseError) as caught, services.database.reading() as session:
        session.exec(select(Product)).all()
    assert caught.value.code == "database_damaged"
    services.database.dispose()


def test_a_file_without_a_head_is_told_as_damaged_at_the_start_and_by_the_doctor(filled: Settings) -> None:
    with _path(filled).open("r+b") as file:
        file.write(b"x" * 100)
    # What the log holds would otherwise stand in for the first page.
    _path(filled).with_name("geomsa.db-wal").unlink()
    assert _refusal(lambda: build_services(filled, migrate=True)).code == "database_damaged"
    found = {check.name: check for check in health.check(filled)}
    assert (found["database"].ok, found["database"].code) == (False, "check_database_damaged")


# Held by another program.

_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def _held(path: Path, *statements: str) -> Iterator[None]:
    command = [sys.executable, "-c", _HOLD, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()


_WRITING = ("BEGIN IMMEDIATE",)
_ALONE = ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE")


def test_a_lock_held_by_another_is_told_soon_and_only_for_as_long_as_it_is_held(
    services: Services, engineer: Person
) -> None:
    with _held(_path(services.settings), *_WRITING):
        began_s = time.monotonic()
        refused = _refusal(lambda: products.create_product(services, engineer, name="a", code="a"))
        waited_s = time.monotonic() - began_s
        assert (refused.code, refused.params["reason"]) == ("database_busy", "busy")
        assert waited_s < 8, "whoever sits in front of the screen waits for that long"
        assert products.list_products(services) == []
    products.create_product(services, engineer, name="a", code="a")


def test_patient_work_waits_for_a_lock_that_comes_free(services: Services) -> None:
    patient = build_services(services.settings, patient=True)
    refusals: list[DatabaseError] = []

    def write(database: Database, code: str) -> None:
        try:
            with database.unit_of_work() as session:
                session.add(Product(code=code, name=""))
                session.commit()
        except DatabaseError as error:
            refusals.append(error)

    with _held(_path(services.settings), *_WRITING):
        waiting = threading.Thread(target=write, args=(patient.database, "patient"))
        waiting.start()
        # Whoever began after the patient one has been refused before it.
        write(services.database, "impatient")
    waiting.join(60)
    assert [error.code for error in refusals] == ["database_busy"]
    with services.database.reading() as session:
        assert session.exec(select(Product.code)).all() == ["patient"]
    patient.database.dispose()


def test_a_start_with_nothing_to_migrate_waits_for_nobody(services: Services) -> None:
    with _held(_path(services.settings), *_WRITING):
        began_s = time.monotonic()
        build_services(services.settings, migrate=True).database.dispose()
        assert time.monotonic() - began_s < 8


def test_a_start_on_a_database_that_another_has_for_itself_says_so_soon(services: Services) -> None:
    services.database.dispose()
    with _held(_path(services.settings), *_ALONE):
        began_s = time.monotonic()
        assert _refusal(lambda: build_services(services.settings, migrate=True)).code == "database_busy"
        assert time.monotonic() - began_s < 12
