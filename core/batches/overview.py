"""The batches themselves: what holds of all files of one, and how many of them are how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.catalog.names import ProductName
from core.errors import NotFound
from core.inspections.terms import VERDICTS
from core.jobs.views import JobView, view
from core.transactions import HasDatabase, reading
from storage.tables import Batch, BatchItem, Inspection, Job, Product


@dataclass(frozen=True)
class BatchView:
    """A batch: its job, what holds of all its files, and how many of them are how far.

    `verdicts` counts the verdicts in force of the parts that are inspected: of a product with views, several files are
    one part.
    """

    job: JobView
    product: ProductName
    title: str
    line: str
    lot: str
    shift: str
    serial_rule: str
    created_by: int | None
    n_files: int
    n_done: int
    n_failed: int
    n_waiting: int
    can_go_on: bool
    verdicts: dict[str, int]

    @property
    def is_over(self) -> bool:
        """Return whether nothing happens any more by itself."""
        return self.job.state not in ("queued", "running")


def view_batch(services: HasDatabase, job_id: int) -> BatchView:
    """Return one batch. Raises NotFound."""
    with reading(services) as session:
        found = _read_batches(session, select(Batch).where(Batch.job_id == job_id))
    if not found:
        raise NotFound("not_found")
    return _with_job(services, found[0])


def list_batches(services: HasDatabase, *, limit: int = 20, offset: int = 0) -> list[BatchView]:
    """Return the newest batches first."""
    query = select(Batch).order_by(col(Batch.job_id).desc()).limit(limit).offset(offset)
    with reading(services) as session:
        found = _read_batches(session, query)
    return [_with_job(services, one) for one in found]


@dataclass(frozen=True)
class _Counted:
    batch: Batch
    product: ProductName
    created_by: int | None
    states: dict[str, int]
    can_go_on: bool
    verdicts: dict[str, int]


def _read_batches(session: Session, query: Any) -> list[_Counted]:
    batches: Sequence[Batch] = session.exec(query).all()
    ids = [one.job_id for one in batches]
    states: dict[int, dict[str, int]] = {}
    for job_id, state, count in session.exec(
        select(BatchItem.job_id, BatchItem.state, func.count())
        .where(col(BatchItem.job_id).in_(ids))
        .group_by(col(BatchItem.job_id), col(BatchItem.state))
    ):
        states.setdefault(job_id, {})[state] = count
    verdicts: dict[int, dict[str, int]] = {}
    for job_id, verdict, count in session.exec(
        select(BatchItem.job_id, Inspection.final_verdict, func.count(func.distinct(col(BatchItem.inspection_id))))
        .join(Inspection, col(Inspection.id) == col(BatchItem.inspection_id))
        .where(col(BatchItem.job_id).in_(ids))
        .group_by(col(BatchItem.job_id), col(Inspection.final_verdict))
    ):
        verdicts.setdefault(job_id, {})[verdict] = count
    result = []
    for batch in batches:
        job, product = session.get(Job, batch.job_id), session.get(Product, batch.product_id)
        assert job is not None
        assert product is not None
        counted = states.get(batch.job_id, {})
        result.append(
            _Counted(
                batch,
                ProductName.from_row(product),
                job.created_by,
                counted,
                job.state == "failed" and counted.get("waiting", 0) > 0,
                {verdict: verdicts.get(batch.job_id, {}).get(verdict, 0) for verdict in VERDICTS},
            )
        )
    return result


def _with_job(services: HasDatabase, found: _Counted) -> BatchView:
    batch, states = found.batch, found.states
    return BatchView(
        job=view(services, batch.job_id),
        product=found.product,
        title=batch.title,
        line=batch.line,
        lot=batch.lot,
        shift=batch.shift,
        serial_rule=batch.serial_rule,
        created_by=found.created_by,
        n_files=sum(states.values()),
        n_done=states.get("done", 0),
        n_failed=states.get("failed", 0),
        n_waiting=states.get("waiting", 0),
        can_go_on=found.can_go_on,
        verdicts=found.verdicts,
    )
