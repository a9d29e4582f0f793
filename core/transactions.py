"""Transactions of the use cases: the database's own errors leave them as AppError."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, Protocol, TypeVar

from sqlmodel import Session

from core.errors import Conflict, from_lower
from storage.database import Database, DatabaseError
from storage.object_store import ObjectStore

# How long is waited before each further try, s: longer each time, and never as long as the others who met there.
_PAUSES_S = (0.02, 0.1, 0.4, 1.0)
# For `Session.get(…, with_for_update=LOCKED)`: where the database has such locks, the row is locked until the
# transaction ends. Who reads it so in the same moment waits, then sees what was saved.
LOCKED = {"key_share": True}
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


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


def retried(use_case: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Return the use case tried again where the database ended its transaction in favor of another (deadlock).

    MariaDB and PostgreSQL end one of several transactions that wait for each other, and nothing of it is kept: begun
    again, it mostly succeeds. Only for a function that does nothing outside of one transaction, and that reads what it
    decides on inside it: all of it runs again. Raises what the last try raised: Conflict `database_conflict`.
    """

    @functools.wraps(use_case)
    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        for pause_s in _PAUSES_S:
            try:
                return use_case(*args, **kwargs)
            except Conflict as conflict:
                if not was_deadlock(conflict):
                    raise
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  # nosec B311 - no secret
        return use_case(*args, **kwargs)

    return run


def was_deadlock(conflict: Conflict) -> bool:
    """Return whether the database ended the transaction in favor of another: nothing of it was kept."""
    return conflict.code == "database_conflict" and conflict.params.get("reason") == "deadlock"
