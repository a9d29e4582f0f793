"""Rows for every table of a database at any revision, made from what the database itself says of its tables."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Numeric

ROWS = 3
# What their checks want of two columns together.
_NEEDED = {"images": {"image_type": "defect"}}
_CHOICE = re.compile(r"^[\"`(]*(\w+)[\"`)]*(?:::[\w ]+)?\)? (?:=|in) ", re.IGNORECASE)
_TABLES_OF_ITS_OWN = {"alembic_version", "sqlite_sequence"}
_SHOWN = "검사"

# By table, by the values of the primary key, by column.
Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


def fill(connection: Connection) -> Rows:
    """Add some rows to every table, the ones that are referred to first; return all rows as they are read back."""
    metadata = MetaData()
    metadata.reflect(connection)
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        if table.name in _TABLES_OF_ITS_OWN:
            continue
        checks = [str(one["sqltext"]) for one in inspector.get_check_constraints(table.name)]
        there = len(connection.execute(select(table)).all())
        for number in range(there, there + ROWS):
            row = _make_row(connection, table, number, checks)
            try:
                with connection.begin_nested():
                    connection.execute(table.insert().values(row))
            except IntegrityError:
                # Of a few words that may stand there, each once.
                if number == there:
                    raise
    connection.commit()
    return read(connection)


def read(connection: Connection) -> Rows:
    """Return the rows of every table by their keys, as plain values."""
    metadata = MetaData()
    metadata.reflect(connection)
    found: Rows = {}
    for table in metadata.sorted_tables:
        if table.name not in _TABLES_OF_ITS_OWN:
            keys = [column.name for column in table.primary_key.columns]
            rows = connection.execute(select(table)).mappings().all()
            found[table.name] = {
                tuple(row[key] for key in keys): {name: _plain(value) for name, value in row.items()} for row in rows
            }
    connection.commit()
    return found


def find_lost(before: Rows, after: Rows) -> list[str]:
    """Return which values of `before` are not in `after`; what was added counts for nothing."""
    lost: list[str] = []
    for table, rows in before.items():
        for key, row in rows.items():
            now = after.get(table, {}).get(key)
            if now is None:
                lost.append(f"{table} {key}: gone")
                continue
            lost += [
                f"{table} {key}.{name}: {value!r}, then {now.get(name, 'no such column')!r}"
                for name, value in row.items()
                if name not in now or now[name] != value
            ]
    return lost


def _make_row(connection: Connection, table: Table, number: int, checks: list[str]) -> dict[str, Any]:
    choices: dict[str, list[str]] = {}
    for check in checks:
        if (found := _CHOICE.match(check)) and (words := re.findall(r"'([^']*)'", check)):
            choices[found[1]] = words
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            ids = connection.execute(select(target).order_by(target)).scalars().all()
            own = target.table is table
            row[column.name] = None if own and column.nullable else ids[number % len(ids)]
        elif column.name in choices:
            row[column.name] = choices[column.name][number % len(choices[column.name])]
        else:
            row[column.name] = _make_value(column, number)
    return {**row, **_NEEDED.get(table.name, {})}


def _make_value(column: Any, number: int) -> Any:
    kind = column.type
    moment = datetime(2026, 3, 1, 12, 30, 15, 123_456) + timedelta(days=number)  # noqa: DTZ001 - as databases keep it
    value: Any
    if isinstance(kind, mysql.LONGTEXT):
        # What is JSON to MariaDB is long text that it checks; what is long text holds JSON as well.
        value = json.dumps({"a": number, "글": _SHOWN}, ensure_ascii=False)
    elif isinstance(kind, JSON):
        value = {"a": number, "글": _SHOWN}
    elif isinstance(kind, Boolean):
        value = bool(number % 2)
    elif isinstance(kind, LargeBinary):
        value = bytes([0, number, 255])
    elif isinstance(kind, DateTime):
        value = moment
    elif isinstance(kind, Date):
        value = date(2026, 3, 1) + timedelta(days=number)
    elif isinstance(kind, Integer):
        value = number % 2 if getattr(kind, "display_width", None) == 1 else number + 1
    elif isinstance(kind, Float | Numeric):
        value = 0.1 + number % 9 / 10  # a share is no more than 1
    else:
        length = getattr(kind, "length", None) or 40
        value = f"{number}{_SHOWN}é🔩 {column.name}"[:length]
    return value


def _plain(value: Any) -> Any:
    """Return JSON as an object, whichever way the database hands it out."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def empty(connection: Connection) -> None:
    """Drop all tables, whatever refers to them."""
    metadata = MetaData()
    metadata.reflect(connection)
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.execute(text("SET foreign_key_checks = 0"))
    metadata.drop_all(connection)
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.execute(text("SET foreign_key_checks = 1"))
    connection.commit()
