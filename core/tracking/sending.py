"""Working the outbox off: each run's messages in order into the tracking store, again until they arrive.

A run is made in the store once, also when this process dies between the store's reply and our commit: it carries our
mark as a tag, and is looked for before one is made.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from core import leases
from core.errors import AppError, from_lower
from core.files.spreadsheet_cells import guard_cell
from core.services import Services
from core.tracking import outbox
from core.tracking.address import StoreAddress, find_address
from core.tracking.events import EPOCH, FINISHED, MODEL, STARTED
from core.tracking.facts import EpochPoint, RunFacts, read_facts
from core.tracking.naming import flatten_figures
from core.tracking.store import MlflowStore, TrackingError, open_store
from core.transactions import reading
from storage.json_fields import read_int, read_object, read_text
from storage.object_store import ObjectStoreError
from storage.tables import TrackingEvent

logger = logging.getLogger(__name__)

AT_ONCE = 500
POLL_S = 1.0
PURGE_EVERY_S = 3600.0


@dataclass(frozen=True)
class SendReport:
    """How many messages arrived, and what stood in the way of the others (None: nothing)."""

    sent: int
    problem: AppError | None = None


OpenStore = Callable[[StoreAddress], MlflowStore]


def send_waiting(services: Services, *, limit: int = AT_ONCE, open_one: OpenStore = open_store) -> SendReport:
    """Send what is due, at most `limit` messages, as long as no other process does. Imports MLflow where any is due.

    What fails waits, and is no error of the caller: the report says it. Raises AppError when our database fails.
    """
    sender = Sender(services, open_one=open_one)
    try:
        return sender.send(limit)
    finally:
        sender.close()


class Sender:
    """Sends for this process, with the store opened once."""

    def __init__(self, services: Services, *, open_one: OpenStore = open_store) -> None:
        self._services = services
        self._address = find_address(services.settings)
        self._open = open_one
        self._store: MlflowStore | None = None
        self._holder = leases.new_holder()
        self._stop = threading.Event()

    def stop(self) -> None:
        """End as soon as what is being sent has arrived or failed."""
        self._stop.set()

    def close(self) -> None:
        """Let another process send."""
        try:
            outbox.give_turn_back(self._services, self._holder)
        except AppError as error:
            logger.warning("could not give the turn to send back: %s", error.code)

    def run(self, *, until_idle_s: float) -> None:
        """Send whatever comes until stopped, or until nothing was due for `until_idle_s`."""
        idle_s, purged_s = 0.0, PURGE_EVERY_S
        while not self._stop.is_set() and idle_s < until_idle_s:
            try:
                idle_s = 0.0 if self.send(AT_ONCE).sent else idle_s + POLL_S
                if purged_s >= PURGE_EVERY_S:
                    purged_s = 0.0
                    outbox.purge(self._services)
            except AppError as error:
                logger.warning("the outbox of the tracking store cannot be read: %s", error.code)
                idle_s += POLL_S
            purged_s += POLL_S
            self._stop.wait(POLL_S)
        self.close()

    def send(self, limit: int) -> SendReport:
        """Send what is due, at most `limit` messages. Raises AppError when our database fails."""
        sent = 0
        problem: AppError | None = None
        if self._services.settings.mlflow_tracking == "off":
            return SendReport(0)
        for run_id in outbox.due_runs(self._services):
            for batch in _batches(outbox.waiting_of(self._services, run_id, limit - sent)):
                if self._stop.is_set() or not outbox.take_turn(self._services, self._holder):
                    return SendReport(sent, problem)
                try:
                    self._deliver(run_id, batch)
                except TrackingError as error:
                    problem = error.problem
                    self._note_failure(run_id, batch, error)
                    if not error.is_refused:
                        outbox.put_off_all(self._services)
                        return SendReport(sent, problem)
                    break
                outbox.note_sent(self._services, [event.id for event in batch])
                sent += len(batch)
            if sent >= limit:
                break
        return SendReport(sent, problem)

    def _note_failure(self, run_id: int, batch: Sequence[TrackingEvent], error: TrackingError) -> None:
        # Of the store only its name without user and password is in the problem's parameters.
        logger.warning("what training %d says was not tracked: %s", run_id, error.problem)
        if error.is_gone:
            # The store was emptied: the next try looks again, and makes the run anew.
            outbox.keep_external_id(self._services, run_id, self._address.key, None)
        outbox.note_failure(self._services, batch, error.problem, refused=error.is_refused)

    def _deliver(self, run_id: int, batch: Sequence[TrackingEvent]) -> None:
        with reading(self._services) as session:
            facts = read_facts(session, run_id)
        if facts is None:
            return
        if self._store is None:
            self._store = self._open(self._address)
        store = self._store
        external_id = self._external_id(store, facts)
        event = batch[0]
        if event.kind == STARTED:
            store.describe_run(external_id, facts)
        elif event.kind == EPOCH:
            store.log_epochs(external_id, _points(facts, batch))
        elif event.kind == MODEL:
            self._send_model(store, external_id, facts, event.payload)
        elif event.kind == FINISHED:
            _send_end(store, external_id, event)

    def _external_id(self, store: MlflowStore, facts: RunFacts) -> str:
        """Return the run's number in the store; one that is not there is made, with what it has done so far."""
        known = outbox.find_external_id(self._services, facts.run_id, self._address.key)
        if known is not None:
            return known
        found = store.find_run(facts) or store.create_run(facts)
        store.describe_run(found, facts)
        store.log_epochs(found, facts.epochs)
        outbox.keep_external_id(self._services, facts.run_id, self._address.key, found)
        return found

    def _send_model(self, store: MlflowStore, external_id: str, facts: RunFacts, payload: dict[str, Any]) -> None:
        prefix, sha256 = read_text(payload.get("object_prefix")) or "", read_text(payload.get("manifest_sha256")) or ""
        if not prefix:
            return
        objects = self._services.objects
        with tempfile.TemporaryDirectory(prefix="geomsa-tracking-") as folder:
            try:
                for found in objects.list(prefix):
                    path = Path(folder, *found.key.removeprefix(prefix).strip("/").split("/"))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    objects.get_to_file(found.key, path)
            except ObjectStoreError as error:
                # A bundle that is gone was deleted with its run or version: there is nothing to send any more.
                if error.code == "object_missing":
                    return
                raise TrackingError(from_lower(error)) from error
            if any(Path(folder).iterdir()):
                store.put_model(external_id, Path(folder), name=_model_name(facts), sha256=sha256)


def _batches(events: Sequence[TrackingEvent]) -> Iterator[list[TrackingEvent]]:
    """Yield messages that are sent together: epochs that follow each other, everything else alone."""
    for is_epoch, group in groupby(events, lambda event: event.kind == EPOCH):
        if is_epoch:
            yield list(group)
        else:
            yield from ([event] for event in group)


def _points(facts: RunFacts, batch: Sequence[TrackingEvent]) -> list[EpochPoint]:
    """Return the figures of epochs: those of their rows, or of the message where the row is gone."""
    rows = {point.epoch: point for point in facts.epochs}
    found = []
    for event in batch:
        epoch = read_int(event.payload.get("epoch")) or 0
        named = flatten_figures(read_object(event.payload.get("figures")), under="val")
        found.append(rows.get(epoch) or EpochPoint(epoch, event.created_at, named))
    return found


def _send_end(store: MlflowStore, external_id: str, event: TrackingEvent) -> None:
    payload = event.payload
    figures: dict[str, float] = {}
    for split in ("val", "test"):
        figures |= flatten_figures(read_object(payload.get(split)), under=f"final/{split}")
    seconds = payload.get("seconds")
    if isinstance(seconds, int | float):
        figures["train_seconds"] = float(seconds)
    store.log_figures(external_id, figures, event.created_at)
    state = read_text(payload.get("state")) or "succeeded"
    store.put_text(external_id, "result.json", json.dumps(payload, ensure_ascii=False, indent=1))
    for split in ("val", "test"):
        table = _confusion_table(read_object(payload.get(split)))
        if table:
            store.put_text(external_id, f"confusion_{split}.csv", table)
    store.set_tags(external_id, {"geomsa.state": state, **_goal_tags(payload.get("goals"))})
    store.end_run(external_id, state, event.created_at)


def _confusion_table(figures: dict[str, Any]) -> str:
    """Return the confusion matrix as CSV, true labels in rows; empty where there is none."""
    labels, rows = figures.get("labels"), figures.get("confusion")
    if not isinstance(labels, list) or not isinstance(rows, list) or not rows:
        return ""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(map(guard_cell, ["truth", *labels]))
    for label, row in zip(labels, rows, strict=False):
        table.writerow(map(guard_cell, [label, *row]))
    return written.getvalue()


def _goal_tags(goals: object) -> dict[str, str]:
    known = goals if isinstance(goals, list) else []
    return {"geomsa.goals": json.dumps(known, ensure_ascii=False)} if known else {}


def _model_name(facts: RunFacts) -> str:
    # MLflow refuses some characters in names of models.
    return "".join("-" if letter in "/:.%\"'" else letter for letter in facts.name)[:120] or f"run-{facts.run_id}"
