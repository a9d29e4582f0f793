"""Starting deployments: refused where they cannot fit, and in the order in which one kind stands on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.deployments.estimates import builds_here, refusal
from core.deployments.kinds.registry import find_steps
from core.deployments.pipeline import readiness
from core.errors import AppError, Conflict
from core.jobs.heartbeats import workers_alive
from core.jobs.queue import submit
from core.jobs.records import JobPayload
from core.models.kinds import KINDS
from core.registry.model_status import model_states
from core.transactions import HasDatabase, reading
from storage.tables import Job

if TYPE_CHECKING:
    from core.access import Person
    from core.registry.model_status import ModelState
    from core.services import Services


def refuse_start(services: Services, kind: str, product_ids: Sequence[int]) -> AppError | None:
    """Return why these products cannot be built on this machine, or None.

    A worker on another machine knows best what it has free: it refuses by itself, before it begins with a product.
    """
    if not builds_here(services) and workers_alive(services) > 0:
        return None
    return refusal(services, kind, list(product_ids))


def start(services: Services, person: Person, *, kind: str, product_ids: Sequence[int]) -> int:
    """Queue the job; return its id. Raises NotReady for what cannot fit, and what `queue.submit` raises."""
    require_role(services, person, ENGINEER)
    if product_ids and (too_large := refuse_start(services, kind, product_ids)):
        raise too_large
    return submit(services, person, kind=kind, product_ids=product_ids)


def list_stale(
    services: Services,
    product_ids: Sequence[int],
    *,
    kinds: Sequence[str] = KINDS,
    states: Mapping[tuple[str, int], ModelState] | None = None,
) -> dict[str, list[int]]:
    """Return the products by kind whose model is out of date or missing, and could be built.

    In the order of building: the index of defective places is cut by the memory bank, so that comes first; and an index
    whose memory bank is about to change is among them. `states` are those of `model_states`, where they are known.
    """
    states = model_states(services) if states is None else states
    return {
        kind: found
        for kind in KINDS
        if kind in kinds
        and (
            found := [
                product_id
                for product_id in product_ids
                if (kind, product_id) in states
                and states[(kind, product_id)].state != "current"
                and readiness(services, kind, product_id) is None
            ]
        )
    }


def start_stale(
    services: Services, person: Person, product_ids: Sequence[int], *, kinds: Sequence[str] = KINDS
) -> list[int]:
    """Queue what these products need to be up to date again; what waits or runs already is left to that job.

    Return the ids of the new jobs, in the order in which they will run. Raises as `start`, before anything is queued
    when something cannot fit, and Conflict `nothing_to_deploy`.
    """
    require_role(services, person, ENGINEER)
    wanted = {kind: _not_waiting(services, kind, ids) for kind, ids in _with_followers(services, product_ids, kinds)}
    wanted = {kind: ids for kind, ids in wanted.items() if ids}
    if not wanted:
        raise Conflict("nothing_to_deploy")
    for kind, ids in wanted.items():
        if too_large := refuse_start(services, kind, ids):
            raise too_large
    return [submit(services, person, kind=kind, product_ids=ids) for kind, ids in wanted.items()]


def _with_followers(
    services: Services, product_ids: Sequence[int], kinds: Sequence[str]
) -> list[tuple[str, list[int]]]:
    stale = list_stale(services, product_ids, kinds=kinds)
    for kind in kinds:
        for first in find_steps(kind).follows:
            if first in stale:
                # The new version changes what this kind is built from, whether it is up to date now or not.
                stale[kind] = sorted({*stale.get(kind, []), *stale[first]})
    return [(kind, stale[kind]) for kind in KINDS if kind in stale]


def _not_waiting(services: HasDatabase, kind: str, product_ids: Sequence[int]) -> list[int]:
    with reading(services) as session:
        jobs = session.exec(select(Job).where(Job.kind == kind, col(Job.state).in_(("queued", "running")))).all()
    busy = {product_id for job in jobs for product_id in JobPayload.from_json(job.payload).product_ids}
    return [product_id for product_id in product_ids if product_id not in busy]
