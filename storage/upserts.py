"""Adding to rows that may not be there yet: one statement on SQLite, MariaDB/MySQL and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlmodel import Session


def add_up(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the numbers of each row to the row of the same primary key; where there is none, the row is inserted.

    The caller sorts the rows by their keys: two that write the same ones then wait for each other, and neither is
    refused for a deadlock.
    """
    if rows:
        session.execute(_adding(table, session.get_bind().dialect.name), [dict(row) for row in rows])


@cache
def _adding(table: Table, dialect: str) -> Executable:
    # Made once: the compiled statement is then found again by every call.
    numbers = [column for column in table.columns if not column.primary_key]
    if dialect in {"mysql", "mariadb"}:
        new = mysql.insert(table)
        return new.on_duplicate_key_update({one.name: one + new.inserted[one.name] for one in numbers})
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={one.name: one + insert.excluded[one.name] for one in numbers},
    )
    return statement
