"""The watch over SQLite's files, the look for an unclean end, and the search for damage."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import select

from storage.database import Database, DatabaseError
from storage.tables import DefectType, Product

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path: Path, database_template: Path) -> Path:
    """Return a migrated database that nobody has open."""
    shutil.copyfile(database_template, tmp_path / "geomsa.db")
    return tmp_path / "geomsa.db"


@pytest.fixture
def database(path: Path) -> Database:
    return Database(f"sqlite:///{path}")


def _write(database: Database, code: str) -> int:
    with database.unit_of_work() as session:
        product = Product(code=code, name="")
        session.add(product)
        session.commit()
        return product.id


def test_a_connection_to_a_file_that_never_was_makes_none(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(DatabaseError) as caught:
        _write(database, "a")
    assert (caught.value.code, caught.value.params["reason"]) == ("database_not_migrated", "schema")
    assert list(tmp_path.iterdir()) == []


def test_a_database_closed_in_good_order_may_be_another_file_afterwards(path: Path, database: Database) -> None:
    _write(database, "old")
    database.dispose()
    other = path.with_suffix(".other")
    shutil.copyfile(path, other)
    other.replace(path)
    _write(database, "new")
    with database.reading() as session:
        assert sorted(session.exec(select(Product.code))) == ["new", "old"]
    database.dispose()


def test_after_a_commit_that_was_refused_the_same_connection_writes_again(path: Path, database: Database) -> None:
    aside = path.with_name("aside.db")

    def write_while_the_file_goes() -> None:
        with database.unit_of_work() as session:
            session.add(Product(code="lost", name=""))
            session.flush()
            path.rename(aside)
            session.commit()

    with pytest.raises(DatabaseError) as refused:
        write_while_the_file_goes()
    assert refused.value.code == "database_replaced"
    aside.rename(path)
    _write(database, "kept")
    with database.reading() as session:
        assert [product.code for product in session.exec(select(Product)).all()] == ["kept"]


def test_a_symbolic_link_leads_to_the_files_beside_its_target(tmp_path: Path, path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "link.db").symlink_to(path)
    database = Database(f"sqlite:///{folder / 'link.db'}")
    _write(database, "a")
    assert [place.name for place in folder.iterdir()] == ["link.db"]
    path.with_name("geomsa.db-wal").unlink()
    with pytest.raises(DatabaseError) as caught:
        _write(database, "b")
    assert caught.value.code == "database_replaced"
    database.dispose()


def test_a_name_with_every_awkward_character_is_opened(tmp_path: Path, database_template: Path) -> None:
    path = tmp_path / "100% 검사 #1 &a=b.db"
    shutil.copyfile(database_template, path)
    database = Database(f"sqlite:///{path}")
    _write(database, "a")
    database.dispose()
    assert path.name in {place.name for place in tmp_path.iterdir()}


def test_checkpoints_and_vacuum_by_another_tool_refuse_nobody(path: Path, database: Database) -> None:
    _write(database, "a")
    with closing(sqlite3.connect(path)) as tool:
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(RESTART)"):
            tool.execute(statement).fetchall()
            _write(database, statement)
    database.dispose()


def _write_and_die(url: str) -> None:
    _write(Database(url), "before the end")
    os._exit(9)


def test_only_a_killed_process_is_an_unclean_end(path: Path, database: Database) -> None:
    assert not database.ended_uncleanly()
    _write(database, "a")
    # The log is there, and so are we: another process that starts now must not take it for an unclean end.
    if Path("/proc/locks").exists():
        assert not Database(f"sqlite:///{path}").ended_uncleanly()
    database.dispose()
    assert not database.ended_uncleanly()
    process = SPAWN.Process(target=_write_and_die, args=(f"sqlite:///{path}",))
    process.start()
    process.join(60)
    assert database.ended_uncleanly()
    # Looking changes nothing: whoever looks next finds the same.
    assert database.check_integrity(full=True) == []
    assert database.ended_uncleanly()
    _write(database, "b")
    database.dispose()
    assert not database.ended_uncleanly()


def test_a_healthy_database_has_no_findings(database: Database) -> None:
    _write(database, "a")
    assert database.check_integrity(full=False) == []
    assert database.check_integrity(full=True) == []
    database.dispose()


def test_a_row_whose_parent_is_missing_is_found_by_the_full_check_only(path: Path, database: Database) -> None:
    number = _write(database, "a")
    with database.unit_of_work() as session:
        session.add(DefectType(product_id=number, code="scratch", name_ko="긁힘"))
        session.commit()
    with closing(sqlite3.connect(path)) as tool:
        tool.execute("DELETE FROM products")
        tool.commit()
    assert database.check_integrity(full=False) == []
    (finding,) = database.check_integrity(full=True)
    assert "defect_types" in finding
    assert "products" in finding
    database.dispose()


def test_a_check_of_a_missing_file_finds_no_damage_but_no_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database(f"sqlite:///{tmp_path / 'none.db'}").check_integrity(full=True)
    assert caught.value.code == "database_not_migrated"
    assert list(tmp_path.iterdir()) == []


def test_a_writer_waits_as_long_as_others_take_turns(path: Path) -> None:
    # The lock is never free for longer than it takes to ask for it, but others do commit: a queue, and no refusal.
    waiting = Database(f"sqlite:///{path}", busy_timeout_s=1.0)
    has_begun = threading.Event()

    def take_turns(turns: int) -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
            while turns:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    continue
                other.execute("UPDATE alembic_version SET version_num = version_num")
                has_begun.set()
                time.sleep(0.25)
                other.execute("COMMIT")
                turns -= 1

    others = [threading.Thread(target=take_turns, args=(4,)) for _ in range(2)]
    for other in others:
        other.start()
    has_begun.wait(60)
    _write(waiting, "at last")
    for other in others:
        other.join(60)
    waiting.dispose()
