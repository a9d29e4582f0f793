"""How a defect rate changed, and whether that is more than chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.analytics.groups import Counts

_FEWEST = 5  # of each outcome; with fewer the normal distribution says nothing
_Z_95 = 1.959964


def is_beyond_chance(now: Counts, before: Counts) -> bool | None:
    """Return whether the defect rates differ by more than chance (two-sided, 95 %); None where there are too few.

    The pooled test of two proportions.
    """
    if not now.n or not before.n:
        return None
    pooled = (now.reject + before.reject) / (now.n + before.n)
    if min(now.n, before.n) * min(pooled, 1 - pooled) < _FEWEST:
        return None
    spread = math.sqrt(pooled * (1 - pooled) * (1 / now.n + 1 / before.n))
    return abs(now.reject / now.n - before.reject / before.n) > _Z_95 * spread
