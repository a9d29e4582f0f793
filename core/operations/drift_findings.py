"""The products whose good parts score otherwise than at the calibration, looked for every few minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from core.analytics import drift
from core.catalog.names import ProductName
from core.operations.findings import Finding

if TYPE_CHECKING:
    from core.analytics.drift import ScoreDrift
    from core.services import Services

# Scores shift over hours: a screen that refreshes itself every half minute does not compare them each time.
GOOD_FOR_S = 300.0
_found: dict[str, tuple[float, list[ScoreDrift]]] = {}
_lock = threading.Lock()


def find_drifted(services: Services, products: Mapping[int, ProductName]) -> Iterable[Finding]:
    """Yield the products whose scores have shifted, the strongest shift first."""
    for one in _drifts(services):
        if one.product.id in products:
            yield Finding("drift", one.n_recent, (products[one.product.id],), since=one.since)


def _drifts(services: Services) -> list[ScoreDrift]:
    key = str(services.settings.data_dir)
    now = time.monotonic()
    with _lock:
        kept = _found.get(key)
        if kept is not None and now - kept[0] < GOOD_FOR_S:
            return kept[1]
    found = drift.find_drift(services)
    with _lock:
        _found[key] = (now, found)
    return found
