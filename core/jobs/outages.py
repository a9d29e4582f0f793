"""What passes by itself: a database or an object store that does not answer. Its job waits for it, and goes on."""

from __future__ import annotations

from core.errors import AppError
from core.jobs.terms import WORKERS_LOST, Claim

# A job that met an outage goes back into the queue, so often at most: lost workers and outages count together.
OUTAGE_ATTEMPTS = WORKERS_LOST
_DATABASE = frozenset({"database_unavailable", "database_busy"})
_STORE = "object_store_unavailable"
# A certificate, an address or a damaged listing does not mend itself.
_PASSING = frozenset({"unreachable", "timeout"})


def is_outage(error: AppError) -> bool:
    """Return whether nothing was wrong but that the database or the store did not answer."""
    return error.code in _DATABASE or is_store_outage(error)


def is_store_outage(error: AppError) -> bool:
    """Return whether the object store did not answer, and may answer again by itself."""
    return error.code == _STORE and error.params.get("reason") in _PASSING


def goes_on_after(claim: Claim, error: AppError) -> bool:
    """Return whether the job of `claim`, ended by `error`, is to be tried again."""
    return is_outage(error) and claim.attempt < OUTAGE_ATTEMPTS
