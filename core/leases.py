"""Leases on rows: of several processes one works on a row, and another takes it over when that one is gone.

A row has `holder` and `lease_expires_at`. Whoever holds the lease renews it; one that was killed loses it when it runs
out. What two do at once all the same (one slept through its lease) must be harmless in itself.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, or_, update
from sqlmodel import col

from core.transactions import HasDatabase, retried, writing
from storage.tables import DeliveryTarget, WatchFolder, utc_now

LEASE_S = 30.0
Leased = type[WatchFolder] | type[DeliveryTarget]


def new_holder() -> str:
    """Return a name for this process that no other one has, at most 64 characters long."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def take(services: HasDatabase, table: Leased, row_id: int, holder: str, *, lease_s: float = LEASE_S) -> bool:
    """Take or renew the lease of a row for `lease_s` seconds; return whether it is the holder's now."""
    now = utc_now()
    is_free = or_(
        col(table.holder) == holder,
        col(table.holder) == "",
        col(table.lease_expires_at).is_(None),
        col(table.lease_expires_at) < now,
    )
    values = {"holder": holder, "lease_expires_at": now + timedelta(seconds=lease_s)}
    return _change(services, update(table).where(col(table.id) == row_id, is_free).values(**values)) == 1


def renew(
    services: HasDatabase, table: Leased, row_ids: Collection[int], holder: str, *, lease_s: float = LEASE_S
) -> None:
    """Renew the leases that the holder has of these rows; one that was lost stays lost."""
    if row_ids:
        until = utc_now() + timedelta(seconds=lease_s)
        held = update(table).where(col(table.id).in_(row_ids), col(table.holder) == holder)
        _change(services, held.values(lease_expires_at=until))


def release(services: HasDatabase, table: Leased, row_id: int, holder: str) -> None:
    """Give the lease of a row back, so that another process need not wait for its end."""
    held = update(table).where(col(table.id) == row_id, col(table.holder) == holder)
    _change(services, held.values(holder="", lease_expires_at=None))


@retried
def _change(services: HasDatabase, statement: Any) -> int:
    with writing(services) as session:
        result = session.execute(statement)
        assert isinstance(result, CursorResult)
        session.commit()
        return int(result.rowcount)
