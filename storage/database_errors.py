"""What a database can refuse, reported the same way whichever of the three databases it was.

    DatabaseError(code, **params)
        database_unavailable   reason: unreachable | denied | name | tls | read_only | io | address
        database_busy          reason: busy (another holds a lock for too long, or every connection is taken)
        database_damaged       reason: corrupt
        database_replaced      reason: replaced (SQLite: a file was removed, or another put in its place)
        database_full          reason: disk
        database_conflict      reason: unique (constraint) | foreign_key | stale | deadlock
        database_rejected      reason: check | not_null | too_long | out_of_range | statement
        database_not_migrated  reason: schema | revision (found, expected)
        database_newer         reason: revision (found, expected)

Neither the message nor the parameters hold SQL, values of rows, or any part of the address.
"""

from __future__ import annotations

import re
from typing import Literal

from sqlalchemy.exc import DatabaseError as DriverDatabaseError
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from storage.name_errors import is_name_error

DatabaseErrorCode = Literal[
    "database_unavailable",
    "database_busy",
    "database_damaged",
    "database_replaced",
    "database_full",
    "database_conflict",
    "database_rejected",
    "database_not_migrated",
    "database_newer",
]


class DatabaseError(Exception):
    """A database refused or could not be reached; `code` says which, `params["reason"]` says why."""

    def __init__(self, code: DatabaseErrorCode, **params: str) -> None:
        super().__init__(code, params)
        self.code: DatabaseErrorCode = code
        self.params: dict[str, str] = params

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} ({details})" if details else self.code

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call DatabaseError(code, params): the error must cross process borders.
        return (_rebuild, (self.code, self.params))


def _rebuild(code: DatabaseErrorCode, params: dict[str, str]) -> DatabaseError:
    return DatabaseError(code, **params)


_Meaning = tuple[DatabaseErrorCode, str]

_UNIQUE: _Meaning = ("database_conflict", "unique")
_FOREIGN_KEY: _Meaning = ("database_conflict", "foreign_key")
_STALE: _Meaning = ("database_conflict", "stale")
_DEADLOCK: _Meaning = ("database_conflict", "deadlock")
_CHECK: _Meaning = ("database_rejected", "check")
_NOT_NULL: _Meaning = ("database_rejected", "not_null")
_TOO_LONG: _Meaning = ("database_rejected", "too_long")
_OUT_OF_RANGE: _Meaning = ("database_rejected", "out_of_range")
_STATEMENT: _Meaning = ("database_rejected", "statement")
_SCHEMA: _Meaning = ("database_not_migrated", "schema")
_FULL: _Meaning = ("database_full", "disk")
_UNREACHABLE: _Meaning = ("database_unavailable", "unreachable")
_DENIED: _Meaning = ("database_unavailable", "denied")
_NAME: _Meaning = ("database_unavailable", "name")
_TLS: _Meaning = ("database_unavailable", "tls")
_BUSY: _Meaning = ("database_busy", "busy")
_READ_ONLY: _Meaning = ("database_unavailable", "read_only")
_CORRUPT: _Meaning = ("database_damaged", "corrupt")
_IO: _Meaning = ("database_unavailable", "io")

# By prefix of the extended result name; the first that fits counts.
_SQLITE: tuple[tuple[str, _Meaning], ...] = (
    ("SQLITE_CONSTRAINT_UNIQUE", _UNIQUE),
    ("SQLITE_CONSTRAINT_PRIMARYKEY", _UNIQUE),
    ("SQLITE_CONSTRAINT_ROWID", _UNIQUE),
    ("SQLITE_CONSTRAINT_FOREIGNKEY", _FOREIGN_KEY),
    ("SQLITE_CONSTRAINT_NOTNULL", _NOT_NULL),
    ("SQLITE_CONSTRAINT", _CHECK),
    ("SQLITE_BUSY", _BUSY),
    ("SQLITE_LOCKED", _BUSY),
    ("SQLITE_PROTOCOL", _BUSY),  # the write-ahead log could not be opened for others who were opening it
    ("SQLITE_FULL", _FULL),
    ("SQLITE_READONLY", _READ_ONLY),
    ("SQLITE_CORRUPT", _CORRUPT),
    ("SQLITE_NOTADB", _CORRUPT),
    ("SQLITE_IOERR", _IO),
    ("SQLITE_CANTOPEN", _UNREACHABLE),
    ("SQLITE_PERM", _DENIED),
    ("SQLITE_AUTH", _DENIED),
    ("SQLITE_TOOBIG", _TOO_LONG),
    ("SQLITE_ERROR", _STATEMENT),
)

# MariaDB and MySQL server and client error numbers.
_MYSQL: dict[int, _Meaning] = {
    1062: _UNIQUE,
    1586: _UNIQUE,
    1216: _FOREIGN_KEY,
    1217: _FOREIGN_KEY,
    1451: _FOREIGN_KEY,
    1452: _FOREIGN_KEY,
    1020: _STALE,
    1205: _BUSY,
    1213: _DEADLOCK,
    4025: _CHECK,
    3819: _CHECK,
    1048: _NOT_NULL,
    1364: _NOT_NULL,
    1406: _TOO_LONG,
    1153: _TOO_LONG,
    1264: _OUT_OF_RANGE,
    1366: _OUT_OF_RANGE,
    1054: _SCHEMA,
    1146: _SCHEMA,
    1021: _FULL,
    1114: _FULL,
    1040: _BUSY,
    1203: _BUSY,
    1044: _DENIED,
    1045: _DENIED,
    1142: _DENIED,
    1698: _DENIED,
    1290: _READ_ONLY,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
    1034: _CORRUPT,
    1035: _CORRUPT,
    1194: _CORRUPT,
    1195: _CORRUPT,
    1712: _CORRUPT,
    1877: _CORRUPT,
    1932: _CORRUPT,  # the table is known, and its file is not there or cannot be read
}
# "Got error 1877 …": the storage engine's own number, in the text of these two.
_MYSQL_ENGINE_ERRORS = {1030, 1296}
_ENGINE_DAMAGE = re.compile(r"\berror:? (?:126|127|144|145|180|1712|1877)\b")

# PostgreSQL SQLSTATE codes, by prefix.
_SQLSTATE: tuple[tuple[str, _Meaning], ...] = (
    ("23505", _UNIQUE),
    ("23503", _FOREIGN_KEY),
    ("23514", _CHECK),
    ("23502", _NOT_NULL),
    ("22001", _TOO_LONG),
    ("22", _OUT_OF_RANGE),
    ("40", _DEADLOCK),
    ("55P03", _BUSY),
    ("42P01", _SCHEMA),
    ("42703", _SCHEMA),
    ("42501", _DENIED),
    ("28", _DENIED),
    ("53100", _FULL),
    ("53300", _BUSY),
    ("53", _IO),
    ("25006", _READ_ONLY),
    ("58", _IO),
    ("XX001", _CORRUPT),
    ("XX002", _CORRUPT),
    ("08", _UNREACHABLE),
    ("57P", _UNREACHABLE),
    ("3D000", _UNREACHABLE),
)

_CERTIFICATE = re.compile(r"certificate verify failed|certificate has expired|SSL error: certificate")
_DISK_FULL_ERRNO = re.compile(r"[Ee]rr(?:code|no):? 28\b|No space left on device")


def translate(error: SQLAlchemyError) -> DatabaseError:
    """Say what a driver's error means; one that no table above knows counts as unreachable or as a faulty statement."""
    if isinstance(error, StaleDataError):
        return DatabaseError("database_conflict", reason="stale")
    if isinstance(error, PoolTimeoutError):
        return DatabaseError("database_busy", reason="busy")
    if not isinstance(error, DBAPIError) or error.orig is None:
        return DatabaseError("database_rejected", reason="statement")
    code, reason = _meaning(error, error.orig)
    params = {"reason": reason}
    constraint = _constraint(error.orig) if reason == "unique" else ""
    if constraint:
        params["constraint"] = constraint
    return DatabaseError(code, **params)


def _meaning(error: DBAPIError, cause: BaseException) -> _Meaning:
    sqlite_name = getattr(cause, "sqlite_errorname", None)
    if isinstance(sqlite_name, str):
        return _sqlite_meaning(sqlite_name, str(cause), error)
    if _DISK_FULL_ERRNO.search(str(cause)):
        return _FULL
    if error.connection_invalidated or isinstance(error, OperationalError):
        if is_name_error(cause):
            return _NAME
        if _CERTIFICATE.search(str(cause)):
            return _TLS
        if "password authentication failed" in str(cause):
            return _DENIED  # libpq gives no SQLSTATE to a connection that never was
    # The number first: newer drivers of MariaDB carry a SQLSTATE too, a far coarser one.
    number = cause.args[0] if cause.args else None
    if number in _MYSQL_ENGINE_ERRORS and _ENGINE_DAMAGE.search(str(cause)):
        return _CORRUPT
    if isinstance(number, int):
        return _MYSQL.get(number, _by_class(error))
    sqlstate = getattr(cause, "sqlstate", None)
    if isinstance(sqlstate, str):
        return next((m for prefix, m in _SQLSTATE if sqlstate.startswith(prefix)), _by_class(error))
    return _by_class(error)


def _sqlite_meaning(name: str, message: str, error: DBAPIError) -> _Meaning:
    if "no such table" in message or "no such column" in message or "has no column" in message:
        return _SCHEMA
    return next((m for prefix, m in _SQLITE if name.startswith(prefix)), _by_class(error))


def _by_class(error: DBAPIError) -> _Meaning:
    if error.connection_invalidated:
        return _UNREACHABLE
    if isinstance(error, IntegrityError):
        return _CHECK
    if isinstance(error, DataError):
        return _OUT_OF_RANGE
    if isinstance(error, ProgrammingError) or type(error) is DriverDatabaseError:
        return _STATEMENT
    return _UNREACHABLE


def _constraint(cause: BaseException) -> str:
    """Return the violated constraint's name; for SQLite, which tells columns only, the one of our convention."""
    named = getattr(getattr(cause, "diag", None), "constraint_name", None)
    if isinstance(named, str):
        return named
    message = str(cause)
    if sqlite := re.search(r"UNIQUE constraint failed: (\w+)\.(\w+)", message):
        kind = "pk" if getattr(cause, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_PRIMARYKEY" else "uq"
        table, column = sqlite.groups()
        return f"pk_{table}" if kind == "pk" else f"uq_{table}_{column}"
    # The last quoted word: the value in front of it was typed by a person and may hold anything.
    keys = re.findall(r"for key '(?:\w+\.)?(\w+)'", message)
    return keys[-1] if keys else ""
