"""Changing thousands of images as a job: some hundred at a time, going on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, SYSTEM, Person, as_person, require_role
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.images.gallery.changes import DELETE, MOST_CHOSEN, PART, ImageChange, apply_change
from core.images.gallery.search import load_images, read_row_versions
from core.jobs.outcomes import IMAGES_CHANGED, ProductOutcome, SkippedFile
from core.jobs.progress import JobRun
from core.jobs.queue import add_job
from core.jobs.records import JobPayload
from core.jobs.terms import IMAGE_CHANGE, IMAGE_CHANGE_ATTEMPTS
from core.transactions import reading, writing
from storage.json_fields import read_ints, read_object
from storage.tables import Job, Product, User

if TYPE_CHECKING:
    from core.jobs.terms import Claim
    from core.services import Services
    from storage.tables import Image

_STAGES = {"start": (0.0, 0.01), "change": (0.01, 1.0)}
_CHUNK = 200
# What an image takes at a guess.
_GUESS_S = 0.01
_MOST_NAMED = 50


def start_change(
    services: Services, person: Person, product_id: int, change: ImageChange, row_versions: Mapping[int, int]
) -> int:
    """Queue the change of a product's images (row version as it was seen, by id); return the id of the job.

    One that somebody else changes before its turn is left as it is, and named. Raises BadInput no_images_chosen,
    too_many_chosen; Conflict image_change_waiting while another change of the product waits or runs.
    """
    require_role(services, person, ENGINEER)
    if not row_versions:
        raise BadInput("no_images_chosen")
    if len(row_versions) > MOST_CHOSEN:
        raise BadInput("too_many_chosen", count=len(row_versions), highest=MOST_CHOSEN)
    task = {"change": change.to_json(), "ids": list(row_versions), "versions": list(row_versions.values())}
    with writing(services) as session:
        unfinished = select(Job).where(Job.kind == IMAGE_CHANGE, col(Job.state).in_(("queued", "running")))
        if any(job.product_id == product_id for job in session.exec(unfinished)):
            raise Conflict("image_change_waiting")
        job_id = add_job(
            session,
            person,
            kind=IMAGE_CHANGE,
            payload=JobPayload((product_id,), task=task),
            max_attempts=IMAGE_CHANGE_ATTEMPTS,
            change=change.to_json(),
            count=len(row_versions),
        )
        session.commit()
    return job_id


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Change the images of the job; return the error to end it with. Raises JobLost and JobCancelled.

    What is changed already, by an attempt that was lost, is passed over; a change of a chunk is all or nothing.
    """
    run = JobRun(services, claim, stages=_STAGES)
    if run.outcomes:  # stored by an attempt that was lost before it could say so
        return None
    task = claim.payload.task
    change = ImageChange.from_json(read_object(task.get("change")))
    ids, versions = read_ints(task.get("ids")), read_ints(task.get("versions"))
    product_id = claim.payload.product_ids[0]
    try:
        person, code = _find(services, run.created_by, product_id)
        run.expect({product_id: len(ids) * _GUESS_S})
        run.begin(product_id)
        skipped: list[SkippedFile] = []
        for start in range(0, len(ids), _CHUNK):
            run.progress("change", start, len(ids))
            seen = dict(zip(ids[start : start + _CHUNK], versions[start : start + _CHUNK], strict=True))
            skipped += _change_some(services, person, change, seen)
        run.progress("change", len(ids), len(ids))
    except AppError as error:
        return error
    run.log("log_images_changed", count=len(ids) - len(skipped), skipped=len(skipped))
    run.conclude(ProductOutcome(product_id, code, IMAGES_CHANGED, skipped_images=tuple(skipped[:_MOST_NAMED])))
    return None


def _change_some(services: Services, person: Person, change: ImageChange, seen: Mapping[int, int]) -> list[SkippedFile]:
    """Change those of a chunk that are as they were seen; return those that are not."""
    now = read_row_versions(services, list(seen))
    same = {number: version for number, version in seen.items() if now.get(number) == version}
    others = [number for number in seen if number in now and number not in same]
    if same:
        try:
            apply_change(services, person, change, same)
        except (Conflict, NotFound):
            # Somebody was faster by a moment: those that are left are changed one by one.
            for number, version in same.items():
                try:
                    apply_change(services, person, change, {number: version})
                except (Conflict, NotFound):
                    others.append(number)
    return [
        SkippedFile(image.stored_name, "image_changed")
        for image in load_images(services, others)
        if not _is_done(image, change)
    ]


def _is_done(image: Image, change: ImageChange) -> bool:
    """Return whether the image is as the change would make it."""
    if change.action == DELETE:
        return False
    if change.action == PART:
        return image.part == (change.part or "")
    wanted: Sequence[tuple[object, object]] = (
        (change.image_type, image.image_type),
        (change.split, image.split),
        (change.view, image.view),
        (change.domain, image.domain),
    )
    label = change.image_type is None or image.defect_type_id == change.defect_type_id
    return label and all(asked is None or asked == there for asked, there in wanted)


def _find(services: Services, user_id: int | None, product_id: int) -> tuple[Person, str]:
    with reading(services) as session:
        user = session.get(User, user_id) if user_id is not None else None
        product = session.get(Product, product_id)
    if product is None:
        raise NotFound("not_found")
    if user is None:
        raise NotAllowed("session_over")
    return as_person(user).acting(SYSTEM), product.code
