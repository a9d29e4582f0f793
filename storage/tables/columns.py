"""The kinds of columns, portable across SQLite, MariaDB/MySQL and PostgreSQL, and the names of constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Double,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

# Named constraints, so that a later migration can drop one on every database.
NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION
METADATA: MetaData = SQLModel.metadata


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, naive UTC with microseconds in the database (SQLite and MariaDB keep no zone)."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment must carry its time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


LONG_TEXT = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
# Without it, SQLite gives the highest id again once its row is deleted: what names an old image would name a new one.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}
# SQLite numbers rows by itself only for a column that is exactly INTEGER.
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")


class Versioned(SQLModel):
    """A row that people edit: `row_version` counts their edits, and whoever edits it raises it.

    A row that was changed since it was read is never written over: the UPDATE names the version that was read, and
    where it finds none the transaction fails (DatabaseError `database_conflict`, stale). MariaDB and PostgreSQL let
    two transactions read one row at the same time; who wants to tell the second person more locks the row as it reads.
    """

    if not TYPE_CHECKING:

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - of the class that has the table
            return {"version_id_col": cls.__table__.c.row_version, "version_id_generator": False}


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def row_id() -> Any:
    """Return the column of a row's number, given by the database when the row is added (before that it is None)."""
    return Field(default=None, sa_column=Column(BIG_ID, primary_key=True, autoincrement=True))


def moment(*, index: bool = False, optional: bool = False) -> Any:
    """Return the column of a moment; now by default, or NULL where it is optional."""
    if optional:
        return Field(default=None, sa_type=UtcDateTime, nullable=True, index=index)
    return Field(default_factory=utc_now, sa_type=UtcDateTime, nullable=False, index=index)


def reference(target: str, *, optional: bool = False, index: bool = True) -> Any:
    """Return a column that refers to `target`, `table.column`."""
    if optional:
        return Field(default=None, foreign_key=target, sa_type=BIG_ID, nullable=True, index=index)
    return Field(foreign_key=target, sa_type=BIG_ID, nullable=False, index=index)


def double(default: Any = ...) -> Any:
    """Return a column of eight bytes."""
    # FLOAT is four bytes on MariaDB and comes back rounded: a score beside its own threshold must not move.
    return Field(default=default, sa_type=Double, nullable=False)


def json_object() -> Any:
    """Return the column of a JSON object, empty by default."""
    return Field(default_factory=dict, sa_type=JSON, nullable=False)


def json_list() -> Any:
    """Return the column of a JSON list, empty by default."""
    return Field(default_factory=list, sa_type=JSON, nullable=False)


def long_text() -> Any:
    """Return a column for text of any length."""
    return Field(default="", sa_type=LONG_TEXT, nullable=False)
