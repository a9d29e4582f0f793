"""Starting an import, canceling it, and letting one that failed go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, update
from sqlmodel import Session, col, select

from core.access import ENGINEER, Person, require_role
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotFound
from core.image_imports.drafts import KEPT_FOR, find_draft, open_draft
from core.image_imports.staging import discard_staged, keep_plan, open_files
from core.images.imports.records import ImportPlan
from core.images.imports.sources import ImportSource
from core.images.imports.storing import set_plan_aside
from core.jobs import queue
from core.jobs.records import JobPayload
from core.jobs.stored_error import plain
from core.jobs.terms import IMAGE_IMPORT, changed_one
from core.services import Services
from core.transactions import HasStores, reading, writing
from storage.tables import ImageImport, ImageImportItem, Job, utc_now

# An import goes on where it stopped: a worker that is lost over it is no reason to give up.
MAX_ATTEMPTS = 10
_ROWS_AT_ONCE = 1000


def start_import(
    services: Services,
    person: Person,
    import_id: int,
    *,
    row_version: int,
    leave_questions_out: bool = False,
    test_share: float = 0.0,
) -> int:
    """Queue the import of a draft as it is decided; return the job's id.

    With `test_share` so much of what names no split becomes test images, whole parts. Raises NotAllowed, NotFound;
    Conflict import_started and import_changed; BadInput import_questions_open (count) unless they are to be left out,
    import_nothing_planned, test_share_invalid; and what opening the files raises.
    """
    require_role(services, person, ENGINEER)
    draft = open_draft(services, person, import_id)
    if draft.row_version != row_version:
        raise Conflict("import_changed")
    if draft.plan.questions and not leave_questions_out:
        raise BadInput("import_questions_open", count=len(draft.plan.questions))
    if not draft.plan.images:
        raise BadInput("import_nothing_planned")
    row = find_draft(services, import_id)
    plan = set_plan_aside(services, draft.plan, share=test_share) if test_share else draft.plan
    with open_files(services, row) as source:
        items = list(list_items(plan, source))
    keep_plan(services, row.staged, plan.to_json())
    with writing(services) as session:
        job_id = queue.add_job(
            session, person, kind=IMAGE_IMPORT, payload=JobPayload(), max_attempts=MAX_ATTEMPTS, files=len(items)
        )
        started = changed_one(
            session,
            update(ImageImport)
            .where(
                col(ImageImport.id) == import_id,
                col(ImageImport.row_version) == row_version,
                col(ImageImport.job_id).is_(None),
            )
            .values(job_id=job_id, updated_at=utc_now(), row_version=row_version + 1),
        )
        if not started:
            raise Conflict("import_changed")
        _add_items(session, import_id, items)
        session.commit()
    return job_id


def cancel(services: Services, person: Person, job_id: int) -> None:
    """Cancel an import: what is taken in stays, and what is left of its files is deleted.

    One that runs stops within two seconds; one that failed is given up. Raises as `core.jobs.queue.cancel`.
    """
    require_role(services, person, ENGINEER)
    _require_import(services, job_id)
    with writing(services) as session:
        given_up = changed_one(
            session,
            update(Job).where(col(Job.id) == job_id, col(Job.state) == "failed").values(state="cancelled"),
        )
        if given_up:
            record(session, person, "job.cancel", "job", job_id)
            session.commit()
    if not given_up:
        queue.cancel(services, person, job_id)
    discard_rest(services, job_id)


def go_on(services: Services, person: Person, job_id: int) -> None:
    """Queue an import that failed once more: it goes on with the files that are left.

    Raises NotAllowed, NotFound, and Conflict import_nothing_left.
    """
    require_role(services, person, ENGINEER)
    _require_import(services, job_id)
    with writing(services) as session:
        left = session.exec(
            select(func.count())
            .select_from(ImageImportItem)
            .join(ImageImport, col(ImageImport.id) == col(ImageImportItem.import_id))
            .where(ImageImport.job_id == job_id, ImageImport.staged != "", ImageImportItem.outcome == "")
        ).one()
        if not left or not queue.queue_again(session, job_id):
            raise Conflict("import_nothing_left")
        record(session, person, "job.continue", "job", job_id)
        session.commit()


def discard_rest(services: HasStores, job_id: int | None = None) -> int:
    """Delete what is staged of imports (or this one) that are over; return of how many.

    One that failed keeps its files for a week: a person may let it go on.
    """
    ended = select(ImageImport, Job.state, Job.finished_at).join(Job, col(Job.id) == col(ImageImport.job_id))
    ended = ended.where(ImageImport.staged != "", col(Job.state).in_(("succeeded", "cancelled", "failed")))
    if job_id is not None:
        ended = ended.where(ImageImport.job_id == job_id)
    with reading(services) as session:
        found = session.exec(ended).all()
    before = utc_now() - KEPT_FOR
    over = [row for row, state, at in found if state != "failed" or (at is not None and at < before)]
    for row in over:
        # Row first: what no row names any more is an orphan, whatever happens next.
        with writing(services) as session:
            session.execute(update(ImageImport).where(col(ImageImport.id) == row.id).values(staged=""))
            session.commit()
        discard_staged(services, row.staged)
    return len(over)


def list_items(plan: ImportPlan, source: ImportSource) -> Iterator[dict[str, Any]]:
    """Yield the rows of an import's files: images first and in their order, each before its masks; then the rest."""
    place = 0
    for image in plan.images:
        code = image.defect_code if image.kind == "defect" else ""
        about: dict[str, Any] = {"product": image.product[:190], "becomes": code[:190], "split": image.split}
        image_place = place
        yield _item(place, image.path, "image", source, **about)
        place += 1
        for mask in image.masks:
            yield _item(place, mask, "mask", source, **{**about, "image_place": image_place})
            place += 1
    told = set()
    names = {refused.name for refused in source.refused}
    for left in plan.left_out:
        if left.path in names:
            continue
        told.add(left.path)
        error = AppError(left.reason, **{"name": left.path, **_told(left.params)})
        yield _item(place, left.path, "other", source, outcome="left_out", error=error)
        place += 1
    for refused in source.refused:
        if refused.name not in told:
            yield _item(place, refused.name, "other", source, outcome="refused", error=refused.error)
            place += 1


def without_done(plan: ImportPlan, waiting: Iterable[str]) -> ImportPlan:
    """Return the plan with the images that still wait alone."""
    left = set(waiting)
    return replace(plan, images=tuple(image for image in plan.images if image.path in left))


def _told(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in {"self", "code"}}


def _item(
    place: int, path: str, kind: str, source: ImportSource, *, error: AppError | None = None, **about: Any
) -> dict[str, Any]:
    row = {
        "place": place,
        "path": path[:1000],
        "kind": kind,
        "image_place": None,
        "product": "",
        "becomes": "",
        "split": "",
        "byte_size": source.sizes.get(path, 0),
        "outcome": "",
        "image_id": None,
        "stored_name": "",
        "error_code": None if error is None else error.code[:64],
        "error_params": {} if error is None else plain(error.params),
        "notes": [],
    }
    return row | about


def _add_items(session: Session, import_id: int, items: Iterable[dict[str, Any]]) -> None:
    left = iter(items)
    while some := list(islice(left, _ROWS_AT_ONCE)):
        session.execute(insert(ImageImportItem), [{"import_id": import_id, **one} for one in some])


def _require_import(services: HasStores, job_id: int) -> None:
    with reading(services) as session:
        job = session.get(Job, job_id)
    if job is None or job.kind != IMAGE_IMPORT:
        raise NotFound("not_found")
