"""Anchors: what the chain of the audit log was on a day, kept in the object store, out of the database's reach.

`audit/anchors/2026/11/27.json` holds {"position", "seal", "at"}. Who cuts rows off in the database, or writes the
whole chain anew, would have to write these anew, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from core.errors import from_lower
from core.identity import AUDIT
from core.transactions import HasStores, reading
from storage.object_store import ObjectStoreError
from storage.tables import AuditChain, utc_now

ANCHORS = f"{AUDIT}anchors/"
# Each one vouches for all positions before it: the newest say the most.
_MOST_READ = 30
_KEY = re.compile(re.escape(ANCHORS) + r"\d{4}/\d{2}/\d{2}\.json")


@dataclass(frozen=True)
class Anchor:
    """The end of the chain at a moment (UTC); `seal` is "" for an object that cannot be read as an anchor."""

    key: str
    position: int
    seal: str
    at: datetime | None = None


def write_anchor(services: HasStores, *, now: datetime | None = None) -> bool:
    """Write today's anchor where there is none yet; return whether one was written. Raises AppError."""
    now = utc_now() if now is None else now
    key = f"{ANCHORS}{now:%Y/%m/%d}.json"
    with reading(services) as session:
        chain = session.exec(select(AuditChain)).first()
    try:
        if chain is None or chain.position == 0 or services.objects.exists(key):
            return False
        told = {"position": chain.position, "seal": chain.seal, "at": now.isoformat()}
        services.objects.put(key, json.dumps(told).encode(), content_type="application/json")
    except ObjectStoreError as error:
        raise from_lower(error) from error
    return True


def read_anchors(services: HasStores) -> list[Anchor]:
    """Return the newest anchors by day. Raises AppError for a store that does not answer."""
    try:
        keys = sorted(info.key for info in services.objects.list(ANCHORS) if _KEY.fullmatch(info.key))
        return [_read(key, services.objects.get(key)) for key in keys[-_MOST_READ:]]
    except ObjectStoreError as error:
        raise from_lower(error) from error


def _read(key: str, content: bytes) -> Anchor:
    try:
        told = json.loads(content)
        return Anchor(key, int(told["position"]), str(told["seal"]), datetime.fromisoformat(str(told["at"])))
    except (ValueError, TypeError, KeyError):
        return Anchor(key, 0, "")
