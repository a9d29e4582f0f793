"""What leaves the system as a file: one row of the audit log for each export, with what was asked for and how much."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from core.audit import Actor, record
from core.errors import AppError
from core.refusals import WHERE
from core.transactions import HasDatabase, writing

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


def note_export(
    services: HasDatabase,
    person: Actor | None,
    what: str,
    *,
    subject_type: str = "export",
    subject_id: int | None = None,
    **details: Any,
) -> None:
    """Keep in the audit log that `export.{what}` was made. Never with a transaction open that writes.

    The file is made already: a database that cannot be written leaves a line in the log of the process instead.
    """
    where = WHERE.get()
    try:
        with writing(services) as session:
            record(
                session,
                person,
                f"export.{what}",
                subject_type,
                subject_id,
                **details,
                **({"where": where} if where else {}),
            )
            session.commit()
    except AppError as error:
        logger.warning("an export (%s) is not kept in the audit log: %s", what, error.code)


def counted(items: Iterator[_T], told: Callable[[int, bool], None]) -> Iterator[_T]:
    """Yield the items, and tell at the end how many they were, and whether they were all: also where it breaks off."""
    count, whole = 0, False
    try:
        for item in items:
            count += 1
            yield item
        whole = True
    finally:
        told(count, whole)
