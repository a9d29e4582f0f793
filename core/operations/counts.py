"""Are inspections counted as they are?"""

from __future__ import annotations

from typing import Any

from core.rollups.comparing import compare_totals, find_difference, is_counted
from core.transactions import HasDatabase


def check_counts(services: HasDatabase, *, thorough: bool) -> tuple[bool, str, dict[str, Any]]:
    """Return whether the counts agree with the inspections, and the sentence that says so with its parameters.

    With `thorough` every day is compared, group by group; otherwise the total alone.
    """
    if not is_counted(services):
        return True, "check_counts_open", {}
    counted, there = compare_totals(services)
    difference = find_difference(services) if thorough else None
    if difference is not None:
        told = {"day": difference.day.isoformat(), "counted": difference.counted, "there": difference.there}
        return False, "check_counts_wrong", told
    if counted != there:
        return False, "check_counts_total", {"counted": counted, "there": there}
    return True, "check_counts", {"count": f"{there:,}"}
