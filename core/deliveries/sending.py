"""Sending what is in the outbox: each target in order, again with growing waits until it arrives, at least once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlmodel import col, select

from core import leases
from core.deliveries.mqtt import MqttChannel
from core.deliveries.settings import MqttSettings, read_target_settings
from core.deliveries.targets import forget_delivered
from core.deliveries.terms import DeliveryError
from core.deliveries.webhook import WebhookChannel
from core.errors import AppError
from core.jobs.stored_error import StoredError, plain
from core.transactions import HasDatabase, reading, retried, writing
from storage.tables import Delivery, DeliveryTarget, utc_now

logger = logging.getLogger(__name__)

# A message that its receiver refuses holds up all that follow it: after so many tries it is set aside, and that shows.
MOST_REFUSALS = 10
POLL_S = 0.5
LOOK_EVERY_S = 2.0
FORGET_EVERY_S = 3600.0


class Channel(Protocol):
    """How one target is reached."""

    def send(self, payload: dict[str, Any]) -> None:
        """Send one message. Raises DeliveryError."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


@dataclass(frozen=True)
class Pace:
    """How long to wait before the next try: twice as long after each failure, up to `longest_s`."""

    first_s: float = 1.0
    longest_s: float = 300.0

    def wait_s(self, attempts: int) -> float:
        """Return the wait after `attempts` failures."""
        return min(self.longest_s, self.first_s * 2.0 ** min(attempts - 1, 30))


OpenChannel = Callable[[DeliveryTarget], Channel]


def open_channel(target: DeliveryTarget) -> Channel:
    """Return the channel of a target as its row has it."""
    settings = read_target_settings(target.kind, target.settings)
    if isinstance(settings, MqttSettings):
        # One name a target: a broker closes the connection of whoever held it before.
        return MqttChannel(settings, client_id=f"geomsa-{target.id}-{leases.new_holder()[-6:]}")
    return WebhookChannel(settings)


class TargetSender:
    """Sends the messages of one target, while this process holds its lease."""

    def __init__(
        self,
        services: HasDatabase,
        target_id: int,
        *,
        holder: str,
        pace: Pace | None = None,
        open_one: OpenChannel = open_channel,
    ) -> None:
        self._services = services
        self._target_id = target_id
        self._holder = holder
        self._pace = pace or Pace()
        self._open = open_one
        self._channel: Channel | None = None
        self._opened_with: object = None

    def send_due(self, *, stop: threading.Event | None = None) -> int:
        """Send what is due now, in order, until nothing is or one fails; return how many arrived. Raises AppError."""
        sent = 0
        while stop is None or not stop.is_set():
            if self._next_due() is None:
                break
            # Renewed before each message, because one may take as long as its time limit.
            if not leases.take(self._services, DeliveryTarget, self._target_id, self._holder):
                break
            # Looked at anew: whoever had the lease may just have sent it.
            found = self._next_due()
            if found is None:
                break
            target, delivery = found
            try:
                self._channel_of(target).send(delivery.payload)
            except DeliveryError as error:
                self._note_failure(delivery, error)
                break
            self._note_success(delivery)
            sent += 1
        return sent

    def close(self) -> None:
        """Close the connection and give the lease back."""
        self._drop_channel()
        try:
            leases.release(self._services, DeliveryTarget, self._target_id, self._holder)
        except AppError as error:
            logger.warning("could not give a lease back: %s", error.code)

    def _next_due(self) -> tuple[DeliveryTarget, Delivery] | None:
        with reading(self._services) as session:
            target = session.get(DeliveryTarget, self._target_id)
            if target is None or not target.is_active:
                return None
            first = session.exec(
                select(Delivery)
                .where(Delivery.target_id == self._target_id, Delivery.state == "waiting")
                .order_by(col(Delivery.sequence))
                .limit(1)
            ).first()
        return None if first is None or first.next_attempt_at > utc_now() else (target, first)

    def _channel_of(self, target: DeliveryTarget) -> Channel:
        if self._channel is None or self._opened_with != target.settings:
            self._drop_channel()
            self._channel, self._opened_with = self._open(target), target.settings
        return self._channel

    def _drop_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    @retried
    def _note_success(self, sent: Delivery) -> None:
        now = utc_now()
        with writing(self._services) as session:
            row, target = session.get(Delivery, sent.id), session.get(DeliveryTarget, self._target_id)
            if row is not None:
                row.state, row.delivered_at, row.last_error, row.last_error_params = "delivered", now, "", {}
                row.attempts += 1
            if target is not None:
                target.last_delivered_at, target.last_error, target.last_error_params = now, "", {}
            session.commit()

    @retried
    def _note_failure(self, failed: Delivery, error: DeliveryError) -> None:
        problem = StoredError(error.problem.code, plain(error.problem.params))
        attempts = failed.attempts + 1
        is_over = error.is_refused and attempts >= MOST_REFUSALS
        logger.warning(
            "message %d of target %d did not arrive (%s, try %d)%s",
            failed.sequence, self._target_id, problem.code, attempts, ": given up" if is_over else "",
        )  # fmt: skip
        with writing(self._services) as session:
            row, target = session.get(Delivery, failed.id), session.get(DeliveryTarget, self._target_id)
            if row is not None:
                row.attempts = attempts
                row.state = "given_up" if is_over else "waiting"
                row.next_attempt_at = utc_now() + timedelta(seconds=self._pace.wait_s(attempts))
                row.last_error, row.last_error_params = problem.code, dict(problem.params)
            if target is not None:
                target.last_error, target.last_error_params = problem.code, dict(problem.params)
            session.commit()


class Postman:
    """Sends for every target that no other process sends for, each in a thread of its own."""

    def __init__(
        self, services: HasDatabase, *, pace: Pace | None = None, open_one: OpenChannel = open_channel
    ) -> None:
        self._services = services
        self._pace = pace
        self._open = open_one
        self._holder = leases.new_holder()
        self._stop = threading.Event()
        self._threads: dict[int, threading.Thread] = {}
        self._main = threading.Thread(target=self._look_after, name="deliveries", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._main.start()

    def stop(self) -> None:
        """End as soon as what is being sent has arrived or failed."""
        self._stop.set()
        for thread in (self._main, *self._threads.values()):
            if thread.is_alive():
                thread.join(timeout=5.0)

    def send_once(self) -> int:
        """Send what is due for all targets, one after another, until nothing is or each has failed; return how many."""
        sent = 0
        for target_id in self._active_ids():
            sender = self._sender(target_id)
            try:
                sent += sender.send_due()
            finally:
                sender.close()
        return sent

    def _sender(self, target_id: int) -> TargetSender:
        return TargetSender(self._services, target_id, holder=self._holder, pace=self._pace, open_one=self._open)

    def _active_ids(self) -> list[int]:
        with reading(self._services) as session:
            return list(session.exec(select(DeliveryTarget.id).where(col(DeliveryTarget.is_active).is_(True))).all())

    def _look_after(self) -> None:
        waited_s = FORGET_EVERY_S
        while not self._stop.is_set():
            try:
                for target_id in self._active_ids():
                    running = self._threads.get(target_id)
                    if running is None or not running.is_alive():
                        thread = threading.Thread(target=self._serve, args=(target_id,), daemon=True)
                        self._threads[target_id] = thread
                        thread.start()
                if waited_s >= FORGET_EVERY_S:
                    forget_delivered(self._services)
                    waited_s = 0.0
            except AppError as error:
                logger.warning("the outbox cannot be read: %s", error.code)
            self._stop.wait(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S

    def _serve(self, target_id: int) -> None:
        sender = self._sender(target_id)
        try:
            while not self._stop.is_set() and target_id in self._active_ids():
                sender.send_due(stop=self._stop)
                self._stop.wait(POLL_S)
        except AppError as error:
            # Begun anew at the next look.
            logger.warning("deliveries of target %d pause: %s", target_id, error.code)
        finally:
            sender.close()
