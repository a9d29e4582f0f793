"""The outbox as its sender reads it: which runs are due, what waits of each, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from core.errors import AppError
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, reading, retried, writing
from storage.json_fields import read_text
from storage.tables import SystemConfig, TrackedRun, TrackingEvent, utc_now

# One that the store refuses so often is set aside: what follows it must not wait for ever.
MOST_REFUSALS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 600.0
KEPT_DAYS = 14
# A database that nothing is sent from must not grow without end, where tracking was turned off.
UNSENT_DAYS = 90
# So long a message that was given up shows as a fault.
GIVEN_UP_SHOWN_DAYS = 1
TURN = "tracking_sender"
TURN_S = 120.0


@dataclass(frozen=True)
class OutboxState:
    """What waits, since when, what was given up in the last day, and what last stood in the way."""

    waiting: int
    oldest_at: datetime | None
    given_up: int
    problem: StoredError | None
    given_up_problem: StoredError | None


def is_due(services: HasDatabase) -> bool:
    """Return whether anything may be sent now."""
    return bool(due_runs(services))


def due_runs(services: HasDatabase) -> list[int]:
    """Return the runs whose first waiting message may be sent now, the one that waits longest first."""
    firsts = (
        select(func.min(col(TrackingEvent.id)))
        .where(col(TrackingEvent.sent_at).is_(None))
        .group_by(col(TrackingEvent.run_id))
    )
    query = (
        select(TrackingEvent.run_id)
        .where(col(TrackingEvent.id).in_(firsts), TrackingEvent.next_attempt_at <= utc_now())
        .order_by(col(TrackingEvent.id))
    )
    with reading(services) as session:
        return list(session.exec(query).all())


def waiting_of(services: HasDatabase, run_id: int, limit: int) -> list[TrackingEvent]:
    """Return what waits of a run, in order, at most `limit`."""
    query = (
        select(TrackingEvent)
        .where(col(TrackingEvent.sent_at).is_(None), TrackingEvent.run_id == run_id)
        .order_by(col(TrackingEvent.id))
        .limit(limit)
    )
    with reading(services) as session:
        return list(session.exec(query).all())


@retried
def note_sent(services: HasDatabase, event_ids: Sequence[int]) -> None:
    """Mark messages as sent."""
    values: dict[str, object] = {"sent_at": utc_now(), "error_code": None, "error_params": {}}
    with writing(services) as session:
        _change(session, event_ids, values)
        session.commit()


@retried
def note_failure(services: HasDatabase, events: Sequence[TrackingEvent], error: AppError, *, refused: bool) -> None:
    """Put off messages that did not arrive, twice as long each time; set aside what was refused too often."""
    attempts = events[0].attempts + 1
    stored = StoredError.from_error(error)
    is_over = refused and attempts >= MOST_REFUSALS
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts - 1, 30))
    values: dict[str, object] = {
        "attempts": attempts,
        "next_attempt_at": utc_now() + timedelta(seconds=wait_s),
        "error_code": stored.code,
        "error_params": dict(stored.params),
        "sent_at": utc_now() if is_over else None,
    }
    with writing(services) as session:
        _change(session, [event.id for event in events], values)
        session.commit()


@retried
def put_off_all(services: HasDatabase) -> None:
    """Let every message wait for the one that waits longest: a store that is away is asked once, not once a run."""
    waiting = col(TrackingEvent.sent_at).is_(None)
    with writing(services) as session:
        until = session.exec(select(func.max(TrackingEvent.next_attempt_at)).where(waiting)).one()
        session.execute(
            update(TrackingEvent)
            .where(waiting)
            .values(next_attempt_at=until)
            .execution_options(synchronize_session=False)
        )
        session.commit()


@retried
def try_again(services: HasDatabase) -> None:
    """Let everything that waits be sent at once, whatever it waits for."""
    with writing(services) as session:
        session.execute(
            update(TrackingEvent)
            .where(col(TrackingEvent.sent_at).is_(None))
            .values(next_attempt_at=utc_now())
            .execution_options(synchronize_session=False)
        )
        session.commit()


def find_external_id(services: HasDatabase, run_id: int, store: str) -> str | None:
    """Return under which number a run stands in the store, None where none is known."""
    query = select(TrackedRun.external_id).where(TrackedRun.run_id == run_id, TrackedRun.store == store)
    with reading(services) as session:
        return session.exec(query).first()


@retried
def keep_external_id(services: HasDatabase, run_id: int, store: str, external_id: str | None) -> None:
    """Remember under which number a run stands in the store; None: that it does not stand there."""
    with writing(services) as session:
        session.execute(
            delete(TrackedRun)
            .where(col(TrackedRun.run_id) == run_id, col(TrackedRun.store) == store)
            .execution_options(synchronize_session=False)
        )
        if external_id is not None:
            session.add(TrackedRun(run_id=run_id, store=store, external_id=external_id))
        session.commit()


def read_state(services: HasDatabase) -> OutboxState:
    """Return what waits in the outbox, and what was given up."""
    is_waiting = col(TrackingEvent.sent_at).is_(None)
    failed = col(TrackingEvent.error_code).is_not(None)
    is_fresh = col(TrackingEvent.sent_at) > utc_now() - timedelta(days=GIVEN_UP_SHOWN_DAYS)
    newest = select(TrackingEvent).order_by(col(TrackingEvent.id).desc()).limit(1)
    with reading(services) as session:
        waiting, oldest = session.exec(select(func.count(), func.min(TrackingEvent.created_at)).where(is_waiting)).one()
        given_up = session.exec(select(func.count()).where(is_fresh, failed)).one()
        stuck = session.exec(newest.where(is_waiting, failed)).first()
        over = session.exec(newest.where(is_fresh, failed)).first() if given_up else None
    return OutboxState(waiting, oldest, given_up, _error_of(stuck), _error_of(over))


@retried
def purge(services: HasDatabase, *, everything_old: bool = False) -> int:
    """Delete messages sent some time ago; with `everything_old` also those that waited for months. Return how many."""
    now = utc_now()
    old = col(TrackingEvent.sent_at) < now - timedelta(days=KEPT_DAYS)
    if everything_old:
        old = old | (col(TrackingEvent.created_at) < now - timedelta(days=UNSENT_DAYS))
    with writing(services) as session:
        result = session.execute(delete(TrackingEvent).where(old).execution_options(synchronize_session=False))
        session.commit()
        return int(result.rowcount)  # type: ignore[attr-defined]


@retried
def take_turn(services: HasDatabase, holder: str, *, turn_s: float = TURN_S) -> bool:
    """Take or renew the right to send for `turn_s` seconds; return whether it is the holder's now.

    Of several workers on one database one sends: two could each find a run missing and make it.
    """
    now = utc_now()
    with writing(services) as session:
        row = session.get(SystemConfig, TURN, with_for_update=True)
        if row is None:
            row = SystemConfig(key=TURN, value={})
            session.add(row)
        until = read_text(row.value.get("until"))
        is_held = until is not None and datetime.fromisoformat(until) > now
        if is_held and row.value.get("holder") != holder:
            return False
        row.value = {"holder": holder, "until": (now + timedelta(seconds=turn_s)).isoformat()}
        row.updated_at = now
        session.commit()
    return True


@retried
def give_turn_back(services: HasDatabase, holder: str) -> None:
    """Let another process send at once."""
    with writing(services) as session:
        row = session.get(SystemConfig, TURN, with_for_update=True)
        if row is not None and row.value.get("holder") == holder:
            row.value = {}
            session.commit()


def _change(session: Session, event_ids: Sequence[int], values: dict[str, object]) -> None:
    session.execute(
        update(TrackingEvent)
        .where(col(TrackingEvent.id).in_(event_ids))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _error_of(event: TrackingEvent | None) -> StoredError | None:
    return None if event is None else StoredError.from_json(event.error_code, event.error_params)
