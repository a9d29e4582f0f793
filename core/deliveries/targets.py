"""The targets that results are sent to, and how each of them fares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.deliveries.settings import MqttSettings, TargetSettings, read_target_settings
from core.deliveries.terms import VERDICT_CHOICES
from core.errors import BadInput, Conflict, NotFound
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, reading, retried, writing
from storage.tables import Delivery, DeliveryTarget, Product, utc_now

if TYPE_CHECKING:
    from core.access import Person

KEPT_DAYS = 30
_NAME = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True)
class TargetView:
    """A target with the state of its outbox. `waiting_since` is when the oldest message that waits was written."""

    id: int
    name: str
    kind: str
    settings: TargetSettings
    product_code: str | None
    verdicts: str
    is_active: bool
    waiting: int
    given_up: int
    waiting_since: datetime | None
    last_delivered_at: datetime | None
    last_error: StoredError | None


def add_target(
    services: HasDatabase,
    person: Person,
    *,
    name: str,
    settings: TargetSettings,
    product_id: int | None = None,
    verdicts: str = "all",
) -> int:
    """Add a target, from the next inspection on; return its id.

    Without a product it gets the results of all. Raises BadInput delivery_name, delivery_verdicts and as the settings'
    `checked` does; Conflict delivery_name_taken; NotFound; NotAllowed.
    """
    require_role(services, person, ENGINEER)
    if not _NAME.fullmatch(name):
        raise BadInput("delivery_name")
    if verdicts not in VERDICT_CHOICES:
        raise BadInput("delivery_verdicts", choices=", ".join(VERDICT_CHOICES))
    settings = settings.checked()
    kind = "mqtt" if isinstance(settings, MqttSettings) else "webhook"
    with writing(services) as session:
        if session.exec(select(DeliveryTarget.id).where(DeliveryTarget.name == name)).first() is not None:
            raise Conflict("delivery_name_taken", name=name)
        if product_id is not None and session.get(Product, product_id) is None:
            raise NotFound("not_found")
        row = DeliveryTarget(
            name=name,
            kind=kind,
            settings=settings.to_json(),
            product_id=product_id,
            verdicts=verdicts,
            created_by=person.id,
        )
        session.add(row)
        session.flush()
        record(session, person, "delivery_target.added", "delivery_target", row.id, name=name, place=settings.place)
        session.commit()
        return row.id


def list_targets(services: HasDatabase) -> list[TargetView]:
    """Return every target by name with what waits, what was given up, and what is wrong."""
    with reading(services) as session:
        rows = session.exec(
            select(DeliveryTarget, Product.code)
            .join(Product, col(Product.id) == col(DeliveryTarget.product_id), isouter=True)
            .order_by(DeliveryTarget.name)
        ).all()
        counts = {
            (target_id, state): (count, oldest)
            for target_id, state, count, oldest in session.exec(
                select(Delivery.target_id, Delivery.state, func.count(), func.min(Delivery.created_at))
                .where(col(Delivery.state).in_(("waiting", "given_up")))
                .group_by(col(Delivery.target_id), col(Delivery.state))
            )
        }
    return [
        TargetView(
            id=row.id,
            name=row.name,
            kind=row.kind,
            settings=read_target_settings(row.kind, row.settings),
            product_code=code,
            verdicts=row.verdicts,
            is_active=row.is_active,
            waiting=counts.get((row.id, "waiting"), (0, None))[0],
            given_up=counts.get((row.id, "given_up"), (0, None))[0],
            waiting_since=counts.get((row.id, "waiting"), (0, None))[1],
            last_delivered_at=row.last_delivered_at,
            last_error=StoredError.from_json(row.last_error or None, row.last_error_params),
        )
        for row, code in rows
    ]


def find_target(services: HasDatabase, name: str) -> TargetView:
    """Return the target of this name. Raises NotFound delivery_target_unknown."""
    found = next((target for target in list_targets(services) if target.name == name), None)
    if found is None:
        raise NotFound("delivery_target_unknown", name=name[:80])
    return found


def set_target_active(services: HasDatabase, person: Person, target_id: int, is_active: bool) -> None:
    """Pause a target, or let it go on: while it pauses nothing is sent, and what is written meanwhile is sent then.

    Raises NotFound not_found, NotAllowed.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get(session, target_id)
        if row.is_active != is_active:
            row.is_active = is_active
            action = "delivery_target.resumed" if is_active else "delivery_target.paused"
            record(session, person, action, "delivery_target", row.id, name=row.name)
        session.commit()


def remove_target(services: HasDatabase, person: Person, target_id: int) -> int:
    """Remove a target with its outbox; return how many messages had not been delivered. Raises NotFound, NotAllowed."""
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get(session, target_id)
        lost = session.exec(
            select(func.count())
            .select_from(Delivery)
            .where(Delivery.target_id == target_id, Delivery.state != "delivered")
        ).one()
        session.execute(delete(Delivery).where(col(Delivery.target_id) == target_id))
        record(session, person, "delivery_target.removed", "delivery_target", row.id, name=row.name, undelivered=lost)
        session.delete(row)
        session.commit()
        return int(lost)


def retry_all(services: HasDatabase, person: Person, *, target_id: int | None = None) -> int:
    """Send at once what waits, and what was given up, of one target or of all; return how many messages that is.

    What was given up has lower numbers than what waits, and goes first. Raises NotAllowed.
    """
    require_role(services, person, ENGINEER)
    undelivered = col(Delivery.state) != "delivered"
    chosen = undelivered if target_id is None else undelivered & (col(Delivery.target_id) == target_id)
    with writing(services) as session:
        count = session.exec(select(func.count()).select_from(Delivery).where(chosen)).one()
        session.execute(
            update(Delivery)
            .where(chosen)
            .values(state="waiting", attempts=0, next_attempt_at=utc_now())
            .execution_options(synchronize_session=False)
        )
        if count:
            record(session, person, "deliveries.retried", "delivery_target", target_id, count=count)
        session.commit()
        return int(count)


@retried
def forget_delivered(services: HasDatabase) -> int:
    """Delete what was delivered more than 30 days ago; return how many messages that were."""
    before = utc_now() - timedelta(days=KEPT_DAYS)
    old = (col(Delivery.state) == "delivered") & (col(Delivery.delivered_at) < before)
    with writing(services) as session:
        count = session.exec(select(func.count()).select_from(Delivery).where(old)).one()
        if count:
            session.execute(delete(Delivery).where(old))
            session.commit()
        return int(count)


def _get(session: Session, target_id: int) -> DeliveryTarget:
    row = session.get(DeliveryTarget, target_id)
    if row is None:
        raise NotFound("not_found")
    return row
