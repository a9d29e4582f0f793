"""Transactions of the use cases: the database's own errors leave them as AppError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlmodel import Session

from core.errors import from_lower
from storage.database import DatabaseError

if TYPE_CHECKING:
    from core.services import Services


@contextmanager
def reading(services: Services) -> Iterator[Session]:
    """A session that only reads. Raises AppError when the database fails."""
    try:
        with services.database.reading() as session:
            yield session
    except DatabaseError as error:
        raise from_lower(error) from error


@contextmanager
def writing(services: Services) -> Iterator[Session]:
    """A write transaction; nothing is kept unless the caller commits. Raises AppError when the database fails."""
    try:
        with services.database.unit_of_work() as session:
            yield session
    except DatabaseError as error:
        raise from_lower(error) from error
