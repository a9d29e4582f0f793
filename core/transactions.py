"""Transactions of the use cases: the database's own errors leave them as AppError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sqlmodel import Session

from core.errors import from_lower
from storage.database import Database, DatabaseError
from storage.object_store import ObjectStore


class HasDatabase(Protocol):
    """Whatever carries a database, such as the services of the process."""

    @property
    def database(self) -> Database:
        """Return the database that transactions are opened on."""


class HasStores(HasDatabase, Protocol):
    """Whatever carries a database and the object store beside it."""

    @property
    def objects(self) -> ObjectStore:
        """Return the object store."""


@contextmanager
def reading(services: HasDatabase, *, every_line: bool = False) -> Iterator[Session]:
    """Give a session that only reads. Raises AppError when the database fails.

    Who is bound to lines sees the rows of all lines with `every_line`: of what is told of a product and its models as a
    whole. Bindings to products hold all the same.
    """
    try:
        with services.database.reading(every_line=every_line) as session:
            yield session
    except DatabaseError as error:
        raise from_lower(error) from error


@contextmanager
def writing(services: HasDatabase) -> Iterator[Session]:
    """Give a write transaction; nothing is kept unless the caller commits. Raises AppError when the database fails."""
    try:
        with services.database.unit_of_work() as session:
            yield session
    except DatabaseError as error:
        raise from_lower(error) from error
