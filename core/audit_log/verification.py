"""Verifying the chain of the audit log: every seal computed again, and what does not fit named by its position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session, col, func, select

from core.audit_log.anchors import read_anchors
from core.errors import AppError
from core.transactions import HasStores, reading, writing
from storage.audit_chain import CHAIN_ID, SEALED, seal_row
from storage.tables import AuditChain, AuditLog, SystemConfig, utc_now

KEY = "audit_verified"
FaultKind = Literal["changed", "missing", "added", "reordered", "cut", "unsealed", "chain", "anchor_cut", "anchor"]
_READ_AT_ONCE = 2000
_MOST_FAULTS = 100
_COLUMNS = [AuditLog.id, AuditLog.seal, *(getattr(AuditLog, name) for name in SEALED)]


@dataclass(frozen=True)
class Fault:
    """What is wrong with the positions `first` to `last`; for rows outside the chain, `first` is how many there are."""

    kind: FaultKind
    first: int
    last: int


@dataclass(frozen=True)
class Verification:
    """What was found: up to which position, from which one on, how many rows, when (UTC), and up to which anchor."""

    position: int
    since: int
    count: int
    at: datetime
    faults: tuple[Fault, ...] = ()
    anchored: int = 0
    anchors_error: AppError | None = None

    @property
    def ok(self) -> bool:
        """Return whether everything fits."""
        return not self.faults


def verify_chain(services: HasStores, *, only_new: bool = False) -> Verification:
    """Compute the seals again, row by row, and compare with the end of the chain and with the anchors.

    With `only_new` it goes on from where the last verification without a fault ended. The result is kept. An object
    store that does not answer leaves the anchors out and says so. Raises AppError when the database fails.
    """
    known = read_last(services) if only_new else None
    start = (known.position, _seal_at(services, known.position)) if known is not None and known.ok else (0, "")
    if start[0] and start[1] is None:
        start = (0, "")  # the row is gone: look at all of them
    walk = _Walk(start[0], start[1] or "")
    for row in _stream(services, start[0]):
        walk.take(row)
    with reading(services) as session:
        chain = session.get(AuditChain, CHAIN_ID)
    if chain is not None and chain.position > walk.position:
        for row in _stream(services, walk.position):  # committed while the others were read
            walk.take(row)
        with reading(services) as session:
            chain = session.get(AuditChain, CHAIN_ID)
    faults = walk.finish(chain)
    with reading(services) as session:
        faults = _look_again(session, faults)
        unsealed = session.exec(select(func.count()).where(col(AuditLog.position).is_(None))).one()
        if unsealed:
            faults.append(Fault("unsealed", unsealed, unsealed))
    anchored, failure = 0, None
    try:
        anchored, wrong = _compare_anchors(services, walk.position)
        faults += wrong
    except AppError as error:
        failure = error
    found = Verification(
        walk.position, start[0], walk.count, utc_now(), tuple(_join(faults)[:_MOST_FAULTS]), anchored, failure
    )
    _keep(services, found)
    return found


def read_last(services: HasStores) -> Verification | None:
    """Return what the last verification found, None before the first. Raises AppError."""
    with reading(services) as session:
        row = session.get(SystemConfig, KEY)
    if row is None:
        return None
    try:
        told = row.value
        faults = tuple(Fault(one["kind"], int(one["first"]), int(one["last"])) for one in told["faults"])
        return Verification(int(told["position"]), 0, 0, row.updated_at, faults, int(told["anchored"]))
    except (KeyError, TypeError, ValueError):
        return None


class _Walk:
    """Goes along the rows. A row that does not fit is held until the next one tells whether it was changed or added."""

    def __init__(self, position: int, seal: str) -> None:
        self.position = position
        self.count = 0
        self._seal = seal
        self._ahead = 0  # so many rows were pushed in between: what follows stands that much too high
        self._held: Row[Any] | None = None
        self._faults: list[Fault] = []

    def take(self, row: Row[Any]) -> None:
        """Look at the next row by position."""
        self.count += 1
        if row.position > self.position + 1:
            self._let_held_go()
            self._faults.append(Fault("missing", self.position + 1, row.position - 1))
            self._seal = row.seal  # what it stood on is not there
        elif self._held is not None:
            held = self._held
            if not self._fits(row, held.seal) and self._fits(row, self._seal, moved=1):
                self._faults.append(Fault("added", held.position, held.position))
                self._held, self._ahead = None, self._ahead + 1
            else:
                self._let_held_go()
        if self._held is None and row.position <= self.position + 1:
            if self._fits(row, self._seal):
                self._seal = row.seal
            else:
                self._held = row
        self.position = row.position

    def finish(self, chain: AuditChain | None) -> list[Fault]:
        """Compare the end with what the chain says of it; return all that was found."""
        if self._held is not None and chain is not None and chain.seal == self._seal:
            self._faults.append(Fault("added", self._held.position, self._held.position))
            self._held, self._ahead = None, self._ahead + 1
        self._let_held_go()
        last = self.position - self._ahead
        if chain is None:
            self._faults.append(Fault("chain", self.position, self.position))
        elif chain.position > last:
            self._faults.append(Fault("cut", last + 1, chain.position))
        elif chain.position < last:
            self._faults.append(Fault("added", chain.position + 1, last))
        elif chain.seal != self._seal:
            self._faults.append(Fault("changed", last, last))
        return self._faults

    def _fits(self, row: Row[Any], before: str, *, moved: int = 0) -> bool:
        return bool(row.seal == seal_row(before, {**row._mapping, "position": row.position - self._ahead - moved}))

    def _let_held_go(self) -> None:
        if self._held is not None:
            self._faults.append(Fault("changed", self._held.position, self._held.position))
            self._seal, self._held = self._held.seal, None


def _stream(services: HasStores, after: int) -> Iterator[Row[Any]]:
    # A transaction for each batch: a long one would keep SQLite's write-ahead log from being emptied.
    while True:
        query = (
            select(*_COLUMNS)
            .where(col(AuditLog.position) > after)
            .order_by(col(AuditLog.position))
            .limit(_READ_AT_ONCE)
        )
        with reading(services) as session:
            rows = session.execute(query).all()
        yield from rows
        if len(rows) < _READ_AT_ONCE:
            return
        after = rows[-1].position


def _look_again(session: Session, faults: list[Fault]) -> list[Fault]:
    """Tell rows that only stand in another place from those that were changed, by the order of their ids."""
    looked: list[Fault] = []
    for fault in faults:
        moved = _find_place(session, fault.first) if fault.kind == "changed" and len(looked) < _MOST_FAULTS else None
        if moved is None:
            looked.append(fault)
        elif moved != fault.first:
            looked.append(replace(fault, kind="reordered"))
    return looked


def _find_place(session: Session, position: int) -> int | None:
    """Return the position at which the row that now stands at `position` was sealed; None where no place fits."""
    row = session.execute(select(*_COLUMNS).where(col(AuditLog.position) == position)).first()
    if row is None:
        return None
    before = session.execute(
        select(AuditLog.position, AuditLog.seal)
        .where(col(AuditLog.id) < row.id, col(AuditLog.position).is_not(None))
        .order_by(col(AuditLog.id).desc())
        .limit(1)
    ).first()
    stood_on, seal = (0, "") if before is None else before
    for place in (position, stood_on + 1):
        if row.seal == seal_row(seal, {**row._mapping, "position": place}):
            return place
    return None


def _compare_anchors(services: HasStores, last: int) -> tuple[int, list[Fault]]:
    """Return the highest position that an anchor confirms, and what the anchors speak against."""
    anchors = read_anchors(services)
    with reading(services) as session:
        found = session.exec(
            select(AuditLog.position, AuditLog.seal).where(
                col(AuditLog.position).in_([anchor.position for anchor in anchors])
            )
        ).all()
    seals: dict[int | None, str] = dict(found)
    faults: list[Fault] = []
    anchored = 0
    for anchor in anchors:
        if anchor.position > last:
            faults.append(Fault("anchor_cut", last + 1, anchor.position))
        elif seals.get(anchor.position) != anchor.seal:
            faults.append(Fault("anchor", anchor.position, anchor.position))
        else:
            anchored = max(anchored, anchor.position)
    return anchored, faults[-1:]  # the newest says what the others say, too


def _seal_at(services: HasStores, position: int) -> str | None:
    with reading(services) as session:
        return session.exec(select(AuditLog.seal).where(AuditLog.position == position)).first()


def _join(faults: list[Fault]) -> list[Fault]:
    joined: list[Fault] = []
    for fault in faults:
        before = joined[-1] if joined else None
        if before is not None and before.kind == fault.kind and fault.first == before.last + 1:
            joined[-1] = replace(before, last=fault.last)
        else:
            joined.append(fault)
    return joined


def _keep(services: HasStores, found: Verification) -> None:
    told = {
        "position": found.position,
        "anchored": found.anchored,
        "faults": [{"kind": one.kind, "first": one.first, "last": one.last} for one in found.faults],
    }
    try:
        with writing(services) as session:
            row = session.get(SystemConfig, KEY)
            if row is None:
                session.add(SystemConfig(key=KEY, value=told, updated_at=found.at))
            else:
                row.value, row.updated_at = told, found.at
            session.commit()
    except AppError:
        return  # what was found holds whether or not it could be kept
