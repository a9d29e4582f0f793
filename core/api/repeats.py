"""Requests that are sent again: with the same idempotency key they get the stored answer, and nothing is made twice.

Only what succeeded is kept: what was refused has made nothing, and may be tried again. Inspections need no row here:
their own row has the key (`Inspection.idempotency_key`). Whoever is killed between what it made and the answer leaves
the jobs that it queued (`core.jobs.requests`) and the name of its process: the request sent again is answered with
those jobs, or, where there are none and the process has ended, begins anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import update
from sqlmodel import col, delete, select

from core.api.context import Context
from core.errors import AppError, BadInput, Conflict
from core.jobs.requests import answering, read_jobs
from core.transactions import HasDatabase, reading, retried, writing
from inference.processes import has_certainly_ended, name_process
from storage.tables import ApiAnswer, utc_now

KEPT = timedelta(hours=24)
# Nothing takes longer: whoever began it then is gone (killed, power lost), and the next one may begin.
LONGEST_WORK = timedelta(minutes=15)
_DELETED_AT_ONCE = 200


def answer_once(
    context: Context,
    key: str | None,
    asked: Any,
    make: Callable[[], BaseModel],
    *,
    status: int = 201,
    location: Callable[[Any], str] | None = None,
    find: Callable[[list[int]], BaseModel] | None = None,
) -> Response:
    """Return what `make` makes, as the answer; with a key, the answer of the first time.

    `find` returns the answer again from the ids of the jobs that `make` queued: for a first time that was killed
    before it had answered.

    `asked` are the JSON values that the request consists of (files by their hash). Raises BadInput
    idempotency_key_reused where the key came with another request, Conflict idempotency_in_progress while the first is
    being worked on, and whatever `make` raises: then nothing is kept.
    """
    if key is None:
        return _respond(status, *_write(make(), location))
    text = json.dumps([context.path, asked], sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    begun = _begin(context.services, context.caller.key_id, key, digest, knows_jobs=find is not None)
    if begun.answer is not None:
        return begun.answer
    if begun.job_ids and find is not None:
        body, where = _write(find(begun.job_ids), location)
        _keep(context.services, begun.row_id, status, body, where)
        return _respond(status, body, where, repeated=True)
    try:
        with answering(begun.row_id):
            body, where = _write(make(), location)
    except BaseException:
        # What failed after a job was queued (a database that went away while it was read) is answered by that job.
        (_forget if find is None else _leave)(context.services, begun.row_id)
        raise
    _keep(context.services, begun.row_id, status, body, where)
    return _respond(status, body, where)


@dataclass(frozen=True)
class _Begun:
    """The row of a request; with the answer that it has got already, or the jobs that it has queued."""

    row_id: int
    answer: Response | None = None
    job_ids: list[int] = field(default_factory=list)


def _begin(services: HasDatabase, key_id: int, key: str, digest: str, *, knows_jobs: bool) -> _Begun:
    now = utc_now()
    for _ in range(2):
        with reading(services) as session:
            row = session.exec(
                select(ApiAnswer).where(ApiAnswer.api_key_id == key_id, ApiAnswer.idempotency_key == key)
            ).first()
        if row is not None and (row.created_at < now - KEPT or _is_abandoned(row)):
            _forget(services, row.id)
            row = None
        if row is None:
            try:
                return _Begun(_insert(services, key_id, key, digest))
            except Conflict:
                continue  # the same request came at the same moment: look again
        if row.request_sha256 != digest:
            raise BadInput("idempotency_key_reused")
        if row.status == 0:
            if knows_jobs and (job_ids := read_jobs(row.location)):
                return _Begun(row.id, job_ids=job_ids)
            raise Conflict("idempotency_in_progress")
        return _Begun(row.id, _respond(row.status, row.body, row.location, repeated=True))
    raise Conflict("idempotency_in_progress")


def _is_abandoned(row: ApiAnswer) -> bool:
    if row.status != 0 or read_jobs(row.location):
        return False
    return row.created_at < utc_now() - LONGEST_WORK or has_certainly_ended(row.body)


@retried
def _insert(services: HasDatabase, key_id: int, key: str, digest: str) -> int:
    with writing(services) as session:
        old = select(ApiAnswer.id).where(ApiAnswer.created_at < utc_now() - KEPT).limit(_DELETED_AT_ONCE)
        if ids := list(session.exec(old).all()):
            session.exec(delete(ApiAnswer).where(col(ApiAnswer.id).in_(ids)))
        row = ApiAnswer(api_key_id=key_id, idempotency_key=key, request_sha256=digest, body=name_process())
        session.add(row)
        session.flush()
        found = row.id
        session.commit()
        return found


@retried
def _keep(services: HasDatabase, row_id: int, status: int, body: str, location: str) -> None:
    with writing(services) as session:
        session.execute(
            update(ApiAnswer).where(col(ApiAnswer.id) == row_id).values(status=status, body=body, location=location)
        )
        session.commit()


def _forget(services: HasDatabase, row_id: int) -> None:
    try:
        with writing(services) as session:
            session.exec(delete(ApiAnswer).where(col(ApiAnswer.id) == row_id))
            session.commit()
    except AppError:
        return  # it counts as abandoned after LONGEST_WORK


def _leave(services: HasDatabase, row_id: int) -> None:
    """Forget a request that has failed, unless it has queued jobs before it did."""
    try:
        with writing(services) as session:
            row = session.get(ApiAnswer, row_id)
            if row is not None and not read_jobs(row.location):
                session.delete(row)
                session.commit()
    except AppError:
        return


def _write(made: BaseModel, location: Callable[[Any], str] | None) -> tuple[str, str]:
    return made.model_dump_json(), "" if location is None else location(made)


def _respond(status: int, body: str, location: str, *, repeated: bool = False) -> Response:
    headers = {"Location": location} if location else {}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(body, status_code=status, media_type="application/json", headers=headers)
