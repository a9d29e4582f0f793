"""Throwing old backups away: whole chains only, and only those that newer, proven ones stand in the place of."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import select

from core.audit import record
from core.backups.archive import look_at
from core.backups.records import BackupView, list_backups
from core.errors import AppError
from core.transactions import writing
from storage.tables import Backup, utc_now

if TYPE_CHECKING:
    from core.transactions import HasDatabase

logger = logging.getLogger(__name__)
_MOST_LOOKED_AT = 10_000


def remove_old_chains(services: HasDatabase, folder: Path, *, keep: int) -> int:
    """Delete the chains of a schedule's folder beyond the newest `keep`; return how many files went.

    Only chains of the schedule are counted and deleted, and of those kept the newest `keep` must have been read and
    found whole: a chain that is only younger does not push a proven one out.
    """
    chains: dict[str, list[BackupView]] = {}
    for one in list_backups(services, limit=_MOST_LOOKED_AT):
        if one.by_schedule and one.state == "done" and one.path.parent == folder:
            chains.setdefault(one.chain, []).append(one)
    newest_first = sorted(chains.values(), key=lambda chain: max(one.id for one in chain), reverse=True)
    proven = 0
    count = 0
    for chain in newest_first:
        if proven >= keep:
            count += _remove(services, chain)
        elif all(one.verified_at is not None for one in chain):
            proven += 1
    return count


def _remove(services: HasDatabase, chain: Iterable[BackupView]) -> int:
    """Delete the files of a chain, the newest first: what is left of it when this is broken off can be restored."""
    count = 0
    for one in sorted(chain, key=lambda one: one.number, reverse=True):
        try:
            if one.path.exists():
                # Another file may have been given the name since.
                if look_at(one.path).chain != one.chain:
                    continue
                one.path.unlink()
                count += 1
        except (OSError, AppError) as error:
            logger.warning("the old backup %s could not be deleted: %s", one.path, error)
            break
        with writing(services) as session:
            row = session.exec(select(Backup).where(Backup.id == one.id)).one()
            row.removed_at = utc_now()
            session.add(row)
            record(session, None, "backup.removed", "backup", one.id, file=str(one.path))
            session.commit()
    return count
