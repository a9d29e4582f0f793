"""The outbox of the tracking store: what a training says is written in its own transaction, and sent later.

A training never waits for the store: `note_event` adds a row to the caller's session and nothing else. A process of the
worker writes the rows into the store in their order, `core.tracking.sending`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.tables import TrackedRun, TrackingEvent

STARTED, EPOCH, FINISHED, MODEL = "started", "epoch", "finished", "model"
KINDS = (STARTED, EPOCH, FINISHED, MODEL)


def note_event(session: Session, run_id: int, kind: str, payload: Mapping[str, Any]) -> None:
    """Put what a training says into the outbox, in the transaction of the caller, who commits.

    Kinds and payloads: `started` {configuration, dataset, product} (again when a run is resumed), `epoch` {epoch,
    figures}, `model` {object_prefix, manifest_sha256}, `finished` {val, test, goals, seconds, state}. Figures may be
    nested; numbers that are not finite become None, as JSON has no word for them. Raises ValueError for another kind,
    and TypeError for a payload that is no JSON.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    session.add(TrackingEvent(run_id=run_id, kind=kind, payload=_plain(payload)))


def forget_events(session: Session, run_id: int) -> None:
    """Delete what the outbox holds of a run that is deleted, in the caller's transaction; the store keeps its own."""
    for table in (TrackingEvent, TrackedRun):
        session.execute(delete(table).where(col(table.run_id) == run_id).execution_options(synchronize_session=False))


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(_finite(payload), allow_nan=False))
    return made


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
