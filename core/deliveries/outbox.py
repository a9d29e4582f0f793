"""The outbox: what is to be sent is written in the transaction of the inspection, so that neither is without the other.

Each target has its own sequence without gaps. Its row is locked from the moment the numbers are taken until the commit:
the order of the numbers is the order in which inspections were committed, whoever made them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, or_, select

from core.deliveries.terms import wants
from storage.json_fields import read_int, read_objects
from storage.tables import Delivery, DeliveryTarget, Inspection


@dataclass(frozen=True)
class Announcement:
    """An inspection that was just added, with what its row names by number only."""

    row: Inspection
    product_code: str
    model_number: int
    type_codes: Mapping[int, str]


def enqueue(session: Session, announcements: Sequence[Announcement]) -> None:
    """Put inspections of one product, which have their numbers, into the outbox of every target that wants them.

    Also of one that pauses: what was written meanwhile is sent when it goes on.
    """
    if not announcements:
        return
    product_id = announcements[0].row.product_id
    targets = session.exec(
        select(DeliveryTarget)
        .where(or_(col(DeliveryTarget.product_id).is_(None), DeliveryTarget.product_id == product_id))
        .order_by(col(DeliveryTarget.id))  # two processes lock the rows in one order
    ).all()
    for target in targets:
        wanted = [one for one in announcements if wants(target.verdicts, one.row.verdict)]
        if wanted:
            _add(session, target.id, wanted)


def _add(session: Session, target_id: int, wanted: Sequence[Announcement]) -> None:
    session.execute(
        update(DeliveryTarget)
        .where(col(DeliveryTarget.id) == target_id)
        .values(last_sequence=DeliveryTarget.last_sequence + len(wanted))
        .execution_options(synchronize_session=False)
    )
    last = session.exec(select(DeliveryTarget.last_sequence).where(DeliveryTarget.id == target_id)).one()
    for sequence, one in enumerate(wanted, start=last - len(wanted) + 1):
        message_id = uuid.uuid4().hex
        session.add(
            Delivery(
                target_id=target_id,
                inspection_id=one.row.id,
                message_id=message_id,
                sequence=sequence,
                payload=describe(one, message_id=message_id, sequence=sequence),
            )
        )
    session.flush()


def describe(one: Announcement, *, message_id: str, sequence: int) -> dict[str, Any]:
    """Return the message about an inspection; the README lists its fields."""
    row, codes = one.row, one.type_codes
    return {
        "message_id": message_id,
        "sequence": sequence,
        "event": "inspection",
        "inspection": row.id,
        "at": row.created_at.isoformat(),
        "product": one.product_code,
        "line": row.line,
        "lot": row.lot,
        "serial": row.serial,
        "shift": row.shift,
        "source": row.source,
        "file": row.original_name,
        "image_sha256": row.image_sha256,
        "verdict": row.verdict,
        "score": row.score,
        "review_at": row.review_at,
        "reject_at": row.reject_at,
        "suggested_defect_type": codes.get(row.suggested_defect_type_id or 0),
        "regions": [_describe_region(region, codes) for region in read_objects(row.regions)],
        "model_version": one.model_number,
    }


def _describe_region(region: dict[str, Any], codes: Mapping[int, str]) -> dict[str, Any]:
    if (type_id := read_int(region.pop("defect_type_id", None))) is not None:
        region["defect_type"] = codes.get(type_id)
    return region
