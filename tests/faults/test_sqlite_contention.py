"""SQLite under several writing processes: everyone gets a turn, nothing is lost, nobody sees "database is locked"."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

from sqlmodel import col, func, select

from storage.database import Database, DatabaseError
from storage.tables import Product

PROCESSES, WRITES = 4, 500
SPAWN = multiprocessing.get_context("spawn")


def _write(url: str, writer: int, count: int, outcomes: Any) -> None:
    database = Database(url)
    try:
        for number in range(count):
            with database.unit_of_work() as session:
                # Reading first is what turns a deferred transaction into "database is locked".
                total = session.exec(select(func.count()).select_from(Product)).one()
                session.add(Product(code=f"{writer}-{number}", name=str(total)))
                session.commit()
        outcomes.put(None)
    except DatabaseError as error:
        outcomes.put(error)


def test_processes_that_write_at_once_all_succeed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'geomsa.sqlite3'}"
    database = Database(url)
    database.migrate()
    outcomes = SPAWN.Queue()
    writers = [SPAWN.Process(target=_write, args=(url, w, WRITES, outcomes)) for w in range(PROCESSES)]
    for process in writers:
        process.start()
    refusals = [outcomes.get(timeout=120) for _ in writers]
    for process in writers:
        process.join(30)
    assert refusals == [None] * PROCESSES
    with database.reading() as session:
        names = session.exec(select(Product.name).order_by(col(Product.id))).all()
    # Each saw all the rows written before its own: the transactions really ran one after the other.
    assert names == [str(number) for number in range(PROCESSES * WRITES)]
    database.dispose()


def _write_for_ever(url: str) -> None:
    database = Database(url)
    number = 0
    while True:
        with database.unit_of_work() as session:
            session.add_all([Product(code=f"{number}-{half}", name="") for half in "ab"])
            session.commit()
        number += 1


def test_a_killed_writer_leaves_whole_transactions_and_no_lock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'geomsa.sqlite3'}"
    database = Database(url)
    database.migrate()
    process = SPAWN.Process(target=_write_for_ever, args=(url,))
    process.start()
    deadline_s = time.monotonic() + 60
    count = 0
    while count < 20 and time.monotonic() < deadline_s:
        with database.reading() as session:
            count = session.exec(select(func.count()).select_from(Product)).one()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    with database.unit_of_work() as session:
        session.add(Product(code="after", name=""))
        session.commit()
    with database.reading() as session:
        codes = session.exec(select(Product.code)).all()
    assert len(codes) >= 21
    assert len(codes) % 2 == 1
    database.dispose()


def test_a_forked_child_opens_its_own_connection(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'geomsa.sqlite3'}")
    database.migrate()
    with database.unit_of_work() as session:
        session.add(Product(code="parent", name=""))
        session.commit()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with database.unit_of_work() as session:
                session.add(Product(code="child", name=""))
                session.commit()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.reading() as session:
        assert sorted(session.exec(select(Product.code))) == ["child", "parent"]
    database.dispose()
