"""Report schedules: set up, changed, switched on and off, removed; who did so is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.catalog.names import ProductName
from core.errors import AppError, Conflict, NotFound
from core.rollups.calendar import PlantCalendar, read_calendar
from core.schedules.destinations import check_folder
from core.schedules.records import ScheduleOrder
from core.schedules.timing import Due, next_due
from core.transactions import LOCKED, HasDatabase, reading, writing
from storage.tables import Job, Product, ReportRun, ReportSchedule, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

_SUBJECT = "report_schedule"


@dataclass(frozen=True)
class Schedule:
    """A schedule as it is set up. `next_due` is None while it is off, or where nothing will ever fall due."""

    id: int
    order: ScheduleOrder
    product: ProductName | None
    is_active: bool
    next_due: Due | None
    row_version: int


def list_schedules(services: HasDatabase, *, now: datetime | None = None) -> list[Schedule]:
    """Return the schedules that have not been removed, by name."""
    now = utc_now() if now is None else now
    with reading(services) as session:
        calendar = read_calendar(session)
        rows = session.exec(
            select(ReportSchedule)
            .where(col(ReportSchedule.removed_at).is_(None))
            .order_by(col(ReportSchedule.name), col(ReportSchedule.id))
        ).all()
        return [_view(session, row, calendar, now) for row in rows]


def get_schedule(services: HasDatabase, schedule_id: int) -> Schedule:
    """Return one schedule. Raises NotFound for one that is not there, or has been removed."""
    with reading(services) as session:
        return _view(session, _get(session, schedule_id, lock=False), read_calendar(session), utc_now())


def add_schedule(services: Services, person: Person, order: ScheduleOrder) -> Schedule:
    """Add a schedule; the first report is of the first period that falls due from now on.

    Raises BadInput as `ScheduleOrder.checked` and `check_folder` do, Conflict report_schedule_known, NotFound,
    NotAllowed.
    """
    require_role(services, person, ENGINEER)
    order = _check(services, order)
    with writing(services) as session:
        _refuse_name(session, order.name, but=None)
        row = ReportSchedule(name=order.name, kind=order.timing.kind, counted_from=utc_now(), created_by=person.id)
        _fill(session, row, order)
        session.add(row)
        session.flush()
        record(session, person, "report_schedule.added", _SUBJECT, row.id, **_told(order))
        session.commit()
        return _view(session, row, read_calendar(session), utc_now())


def save_schedule(
    services: Services, person: Person, schedule_id: int, order: ScheduleOrder, *, row_version: int
) -> Schedule:
    """Change a schedule, from the next period that falls due on. Raises as `add_schedule`, and Conflict stale_save."""
    require_role(services, person, ENGINEER)
    order = _check(services, order)
    with writing(services) as session:
        row = _get(session, schedule_id)
        _refuse_stale(session, row, row_version)
        _refuse_name(session, order.name, but=row.id)
        before = ScheduleOrder.from_row(row)
        changes = find_changes(_told(before), _told(order))
        if changes:
            if before.timing != order.timing:
                # Other times count from now on: what would have been due at them before was never promised.
                row.counted_from = utc_now()
            _fill(session, row, order)
            row.row_version += 1
            record(
                session,
                person,
                "report_schedule.changed",
                _SUBJECT,
                row.id,
                row_version=row.row_version,
                changes=changes,
            )
        session.commit()
        return _view(session, row, read_calendar(session), utc_now())


def set_schedule_active(
    services: HasDatabase, person: Person, schedule_id: int, is_active: bool, *, row_version: int | None = None
) -> None:
    """Switch a schedule on or off; what falls due while it is off is not made up for.

    `row_version` is the state that the person saw; None for whoever saw none. Raises NotFound, NotAllowed, and Conflict
    stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get(session, schedule_id)
        _refuse_stale(session, row, row_version)
        if row.is_active != is_active:
            row.is_active, row.row_version = is_active, row.row_version + 1
            if is_active:
                row.counted_from = utc_now()
            action = "report_schedule.switched_on" if is_active else "report_schedule.switched_off"
            changes = {"is_active": [not is_active, is_active]}
            record(session, person, action, _SUBJECT, row.id, row_version=row.row_version, changes=changes)
        session.commit()


def remove_schedule(services: HasDatabase, person: Person, schedule_id: int, *, row_version: int | None = None) -> None:
    """Remove a schedule. The reports that it made stay until their time is over; what still waits is given up.

    `row_version` is as of `set_schedule_active`. Raises NotFound, NotAllowed, and Conflict stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = _get(session, schedule_id)
        _refuse_stale(session, row, row_version)
        row.removed_at, row.is_active, row.row_version = utc_now(), False, row.row_version + 1
        open_runs = session.exec(
            select(ReportRun).where(ReportRun.schedule_id == row.id, col(ReportRun.state).in_(("waiting", "failed")))
        ).all()
        jobs = [run.job_id for run in open_runs if run.job_id is not None]
        for run in open_runs:
            session.delete(run)
        session.execute(
            update(Job)
            .where(col(Job.id).in_(jobs), col(Job.state) == "queued")
            .values(state="cancelled", cancel_requested=True, finished_at=utc_now())
        )
        record(session, person, "report_schedule.removed", _SUBJECT, row.id, name=row.name)
        session.commit()


def _refuse_stale(session: Session, row: ReportSchedule, row_version: int | None) -> None:
    if row_version is not None and row.row_version != row_version:
        raise stale_save(session, subject_type=_SUBJECT, subject_id=row.id, row_version=row_version)


def _check(services: Services, order: ScheduleOrder) -> ScheduleOrder:
    with reading(services) as session:
        calendar = read_calendar(session)
    order = order.checked(calendar)
    if order.folder is None:
        return order
    return replace(order, folder=check_folder(services, services.settings, order.folder))


def _fill(session: Session, row: ReportSchedule, order: ScheduleOrder) -> None:
    if order.product_id is not None and session.get(Product, order.product_id) is None:
        raise NotFound("not_found")
    row.name, row.kind = order.name, order.timing.kind
    row.product_id, row.line = order.product_id, order.line
    row.folder = "" if order.folder is None else str(order.folder)
    row.settings = order.to_settings()


def _told(order: ScheduleOrder) -> dict[str, Any]:
    """Return what the audit log keeps of an order, as JSON values."""
    return {
        "name": order.name,
        "kind": order.timing.kind,
        "product_id": order.product_id,
        "line": order.line,
        "folder": "" if order.folder is None else str(order.folder),
        **order.to_settings(),
    }


def _refuse_name(session: Session, name: str, *, but: int | None) -> None:
    taken = session.exec(
        select(ReportSchedule.id).where(ReportSchedule.name == name, col(ReportSchedule.removed_at).is_(None))
    ).all()
    if any(found != but for found in taken):
        raise Conflict("report_schedule_known", name=name)


def _get(session: Session, schedule_id: int, *, lock: bool = True) -> ReportSchedule:
    row = session.get(ReportSchedule, schedule_id, with_for_update=LOCKED if lock else None)
    if row is None or row.removed_at is not None:
        raise NotFound("not_found")
    return row


def _view(session: Session, row: ReportSchedule, calendar: PlantCalendar, now: datetime) -> Schedule:
    order = ScheduleOrder.from_row(row)
    product = session.get(Product, row.product_id) if row.product_id is not None else None
    due: Due | None = None
    if row.is_active:
        try:
            due = next_due(order.timing, calendar, max(now, row.counted_from))
        except AppError:
            due = None
    return Schedule(
        row.id, order, None if product is None else ProductName.from_row(product), row.is_active, due, row.row_version
    )
