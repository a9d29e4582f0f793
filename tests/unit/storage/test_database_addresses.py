"""Addresses of databases: what is accepted, and that a password is never shown."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import NoResultFound, OperationalError
from sqlmodel import select

from storage.database import Database, DatabaseError, translate
from storage.tables import Product


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "oracle://u:Secret@h/d"])
def test_an_unusable_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database(url)
    assert (caught.value.code, caught.value.params) == ("database_unavailable", {"reason": "address"})
    assert caught.value.__cause__ is None
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://kim:Secret@db:3306/geomsa?charset=Secret", "mysql+pymysql://kim@db:3306/geomsa"),
        ("postgres://kim:Secret@db/geomsa", "postgresql+psycopg://kim@db/geomsa"),
        ("postgresql+psycopg://db/geomsa?user=kim&password=Secret", "postgresql+psycopg://db/geomsa"),
    ],
)
def test_a_database_describes_itself_without_secrets(url: str, shown: str) -> None:
    database = Database(url)
    assert database.describe() == shown
    assert "Secret" not in f"{database!r}{database!s}"


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a b' / '100%' / 'geomsa.sqlite3'}")
    with pytest.raises(DatabaseError) as caught:
        database.check()
    assert caught.value.code == "database_not_migrated"
    assert list(tmp_path.iterdir()) == []
    database.migrate()
    database.check()
    database.dispose()


def test_a_file_that_is_no_database_is_told_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "geomsa.sqlite3"
    path.write_bytes(b"this is not a database" * 1000)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(DatabaseError) as caught:
        database.check()
    assert (caught.value.code, caught.value.params["reason"]) == ("database_damaged", "corrupt")
    database.dispose()


def test_our_own_faults_are_not_dressed_up_as_the_databases(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'geomsa.sqlite3'}")
    database.migrate()
    with pytest.raises(NoResultFound), database.reading() as session:
        session.exec(select(Product)).one()
    database.dispose()


@pytest.mark.parametrize(
    ("cause", "code", "reason"),
    [
        ((1213, "Deadlock found"), "database_conflict", "deadlock"),
        ((1114, "The table 'images' is full"), "database_full", "disk"),
        ((3, "Error writing file '/tmp/x' (Errcode: 28)"), "database_full", "disk"),
        ((1034, "Index for table 'images' is corrupt; try to repair it"), "database_damaged", "corrupt"),
        ((1030, 'Got error 126 "Index file is crashed" from storage engine InnoDB'), "database_damaged", "corrupt"),
        ((1030, 'Got error 1877 "Unknown error 1877" from storage engine InnoDB'), "database_damaged", "corrupt"),
        ((1030, 'Got error 122 "Internal error" from storage engine InnoDB'), "database_unavailable", "unreachable"),
        ((1040, "Too many connections"), "database_busy", "busy"),
        ((1045, "Access denied"), "database_unavailable", "denied"),
        ((2003, "Can't connect"), "database_unavailable", "unreachable"),
        (("server closed the connection",), "database_unavailable", "unreachable"),
    ],
)
def test_server_errors_have_a_meaning(cause: tuple[object, ...], code: str, reason: str) -> None:
    error = translate(OperationalError("SELECT secret", {"x": "secret"}, Exception(*cause)))
    assert (error.code, error.params) == (code, {"reason": reason})


def test_an_error_survives_the_way_between_processes() -> None:
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    error = translate(OperationalError("", {}, cause))
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.params) == (error.code, error.params) == ("database_busy", {"reason": "busy"})
