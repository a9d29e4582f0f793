"""Making a period report: by hand for whoever asks, and by a worker for a schedule."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.errors import AppError, from_lower
from core.jobs import claims
from core.reports.period.contents import PeriodContents, gather
from core.reports.period.file_names import name_report
from core.reports.period.request import request_for
from core.schedules.destinations import check_folder, store_files
from core.schedules.runs import note_failed, note_made
from core.schedules.views import LATE_AFTER, Run, find_run_of_job
from storage.tables import utc_now

if TYPE_CHECKING:
    from core.jobs.terms import Claim
    from core.schedules.records import ReportFormat
    from core.services import Services
    from core.transactions import HasStores

logger = logging.getLogger(__name__)


def make_file(services: HasStores, contents: PeriodContents, ending: ReportFormat) -> bytes:
    """Return the report as a file of this format. Raises as `make_period_pdf` and `make_period_xlsx`."""
    from core.reports.period.paper import make_period_pdf
    from core.reports.period.workbook import make_period_xlsx

    return (make_period_pdf if ending == "pdf" else make_period_xlsx)(services, contents)


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Make the report that a schedule's job is for, and store it; return the error to end the job with.

    Made twice, the same files are written again in their places. A report that is not wanted any more is left out.
    Raises JobLost and JobCancelled.
    """
    run = find_run_of_job(services, claim.job_id)
    if run is None:
        return None
    try:
        return _make(services, claim, run)
    except Exception as error:
        if not isinstance(error, AppError | OSError | MemoryError):
            raise
        shaped = from_lower(error)
        logger.warning("report %d failed: %s", run.id, shaped.code)
        note_failed(services, run.id, claim.job_id, shaped)
        return shaped


def _make(services: Services, claim: Claim, run: Run) -> AppError | None:
    order = run.order
    if order.folder is not None:
        # Also when it is there: what may be written to can have changed since the schedule was set up.
        check_folder(services, services.settings, order.folder)
    request = request_for(services, run.period, product_id=order.product_id, line=order.line, language=order.language)
    contents = gather(services, request, made_by=run.schedule_name, skipped=run.skipped)
    claims.report(services, claim, stage="report", done=0, total=len(order.formats))
    if contents.is_empty and order.skip_empty:
        note_made(services, run.id, claim.job_id, state="empty", files=[])
        return None
    made = {}
    for number, ending in enumerate(order.formats, start=1):
        made[name_report(request, ending)] = make_file(services, contents, ending)
        claims.report(services, claim, done=number)
    # Whoever has lost the job by now writes nothing.
    claims.check_claim(services, claim)
    files = store_files(services, made, folder=order.folder, schedule_id=run.schedule_id, made_at=run.due_at)
    if contents.made_at - run.due_at > LATE_AFTER and run.asked_by is None:
        logger.warning("report %d was due at %s and is made now (%s)", run.id, run.due_at, utc_now())
    note_made(services, run.id, claim.job_id, state="made", files=[file.to_json() for file in files])
    return None
