"""The chain of the audit log: rows get a position without a gap, in commit order, and a seal over all before them.

A row's seal is the SHA-256 of the seal before it and of the row's values as canonical JSON. Numbering and sealing
happen at the end of the transaction, under the lock of the one row of `audit_chain`, so that positions follow the
order of the commits; the database refuses every later change of a row (`storage.append_only`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session, select, update

from storage.tables import AuditChain, AuditLog, utc_now

# What a seal covers, in the order of the alphabet; the id is the database's own and follows the position.
SEALED = (
    "action", "address", "channel", "created_at", "details", "outcome", "position", "subject_id", "subject_type",
    "user_id", "user_name",
)  # fmt: skip
CHAIN_ID = 1
_WAITING = "audit_rows"


class AuditedSession(Session):
    """A session whose rows of the audit log are sealed when it commits.

    They may be added, and their values set, at any time before; until then they are not in the database, also not
    for queries of the same transaction.
    """


def seal_row(before: str, values: Mapping[str, Any]) -> str:
    """Return the seal (64 hexadecimal digits) of a row with these values (those of SEALED) after the seal `before`."""
    told = {name: values[name] for name in SEALED}
    moment: datetime = told["created_at"]
    told["created_at"] = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    # Through JSON and back first: what the database gives back has strings for keys and lists for tuples.
    told["details"] = json.loads(json.dumps(told["details"]))
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def values_of(row: AuditLog) -> dict[str, Any]:
    """Return the values of a row that its seal covers."""
    return {name: getattr(row, name) for name in SEALED}


@event.listens_for(AuditedSession, "before_flush")
def _hold_back(session: Session, _context: object, _instances: object) -> None:
    """Take rows of the audit log out of what is written now: their place is only known at the end."""
    for row in [one for one in session.new if isinstance(one, AuditLog) and one.position is None]:
        session.expunge(row)
        session.info.setdefault(_WAITING, []).append((row, session.get_nested_transaction()))


@event.listens_for(AuditedSession, "before_commit")
def _seal(session: Session) -> None:
    """Number, seal and add the rows that wait, once everything else of the transaction is written."""
    if session.in_nested_transaction():
        return  # a savepoint that is kept; the rows go on waiting
    session.flush()
    waiting = session.info.pop(_WAITING, None)
    if not waiting:
        return
    rows = [row for row, _savepoint in waiting]
    # The last lock of the transaction: who holds it waits for nobody.
    position, seal = session.exec(
        select(AuditChain.position, AuditChain.seal).where(AuditChain.id == CHAIN_ID).with_for_update()
    ).one()
    for row in rows:
        position += 1
        row.position = position
        row.seal = seal = seal_row(seal, values_of(row))
        session.add(row)
    session.execute(
        update(AuditChain)
        .where(AuditChain.id == CHAIN_ID)  # type: ignore[arg-type]
        .values(position=position, seal=seal, updated_at=utc_now())
        .execution_options(synchronize_session=False)
    )


@event.listens_for(AuditedSession, "after_soft_rollback")
def _let_go(session: Session, ended: SessionTransaction) -> None:
    """Let go of the rows of a transaction, or of a savepoint, that is undone."""
    if not ended.nested:
        session.info.pop(_WAITING, None)
        return
    waiting = session.info.get(_WAITING)
    if waiting:
        session.info[_WAITING] = [one for one in waiting if not _is_within(one[1], ended)]


def _is_within(savepoint: SessionTransaction | None, ended: SessionTransaction) -> bool:
    while savepoint is not None:
        if savepoint is ended:
            return True
        savepoint = savepoint.parent
    return False
