"""What needs attention, the worst first: parts that are down, models to look at, decisions that wait for a person."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import Session, func, select

from core.access import ENGINEER, WORKER, Person, reaches, require_role
from core.catalog.names import ProductName
from core.deliveries.targets import list_targets
from core.jobs.heartbeats import workers_alive
from core.operations.drift_findings import find_drifted
from core.operations.findings import URGENCY, Finding
from core.operations.health import MIN_FREE_BYTES
from core.operations.model_findings import (
    find_candidates,
    find_failed_jobs,
    find_out_of_date,
    find_set_apart,
    find_weak,
    recent_jobs,
)
from core.schedules.views import list_problems
from core.transactions import reading
from core.watching.folders import list_folders
from storage.tables import Inspection

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView
    from core.services import Services


def find_attention(services: Services, person: Person, view: DashboardView) -> list[Finding]:
    """Return what needs attention of the products that the dashboard shows, and of the installation; the worst first.

    A line worker is told what a line worker can do something about. Raises NotAllowed.
    """
    require_role(services, person, WORKER)
    found: list[Finding] = []
    products = {one.summary.product.id: ProductName.from_row(one.summary.product) for one in view.per_product}
    overdue = view.open_by_age[0]
    if overdue.count:
        found.append(Finding("actions_overdue", overdue.count, since=view.oldest_open_at))
    is_engineer = reaches(person.role, ENGINEER)
    with reading(services) as session:
        found += _find_waiting(session, view.scope.product_id)
        if is_engineer:
            jobs = recent_jobs(session, view.as_of)
            found += find_failed_jobs(jobs, view, products)
            found += find_candidates(session, products)
            found += find_out_of_date(jobs, view, products)
            found += find_set_apart(session, products)
    if is_engineer:
        found += _find_faults(services, view.as_of)
        found += find_weak(services, products)
        found += find_drifted(services, products)
    order = list(URGENCY)
    return sorted(found, key=lambda one: order.index(one.kind))


def _find_faults(services: Services, now: datetime) -> list[Finding]:
    """Return what is down in the installation, whatever product is looked at."""
    found: list[Finding] = []
    free = shutil.disk_usage(services.settings.data_dir).free
    if free < MIN_FREE_BYTES:
        found.append(Finding("disk_low", free))
    if workers_alive(services) == 0:
        found.append(Finding("worker_missing"))
    for folder in list_folders(services, since=now):
        if folder.state in {"problem", "unwatched"}:
            error = None if folder.problem is None else folder.problem.to_app_error()
            found.append(Finding("folder_failed", subject=str(folder.folder.path), error=error))
    for target in list_targets(services):
        failing = target.is_active and target.waiting and target.last_error is not None
        if target.given_up or failing:
            error = None if target.last_error is None else target.last_error.to_app_error()
            count = target.given_up or target.waiting
            found.append(Finding("delivery_failed", count, subject=target.name, subject_id=target.id, error=error))
    return found + [
        Finding("report_failed", 1, subject=problem.schedule_name, error=problem.error)
        for problem in list_problems(services)
    ]


def _find_waiting(session: Session, product_id: int | None) -> list[Finding]:
    # Counted in the index of the queue, which is short where people work it off.
    query = select(func.count(), func.min(Inspection.created_at)).where(Inspection.review_state == "waiting")
    if product_id is not None:
        query = query.where(Inspection.product_id == product_id)
    hinted = query.with_hint(Inspection, "INDEXED BY ix_inspections_review_time", "sqlite")
    count, oldest = session.execute(hinted).one()
    return [Finding("review_waiting", int(count), since=oldest)] if count else []
