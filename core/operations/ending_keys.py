"""API keys that end soon: whoever runs the program behind one needs another before it stops."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.accounts.api_keys import WARN_BEFORE, list_ending_soon
from core.transactions import HasDatabase


def check_keys(services: HasDatabase) -> tuple[bool, str, dict[str, Any]]:
    """Return the finding: whether all is well (a key that ends soon works still), its sentence's code, what it says."""
    rows = list_ending_soon(services)
    if not rows:
        return True, "check_api_keys", {"days": WARN_BEFORE.days}
    # The moment is the end of the last day.
    ends = [f"{row.name} ({row.expires_at - timedelta(seconds=1):%Y-%m-%d})" for row in rows if row.expires_at]
    return True, "check_api_keys_end", {"keys": ", ".join(ends)}
