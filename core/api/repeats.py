"""Requests that are sent again: with the same idempotency key they get the stored answer, and nothing is made twice.

Only what succeeded is kept: what was refused has made nothing, and may be tried again. Inspections need no row here:
their own row has the key (`Inspection.idempotency_key`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import update
from sqlmodel import col, delete, select

from core.api.context import Context
from core.errors import AppError, BadInput, Conflict
from core.transactions import HasDatabase, reading, retried, writing
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
) -> Response:
    """Return what `make` makes, as the answer; with a key, the answer of the first time.

    `asked` are the JSON values that the request consists of (files by their hash). Raises BadInput
    idempotency_key_reused where the key came with another request, Conflict idempotency_in_progress while the first is
    being worked on, and whatever `make` raises: then nothing is kept.
    """
    if key is None:
        return _respond(status, *_write(make(), location))
    text = json.dumps([context.path, asked], sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    row_id, earlier = _begin(context.services, context.caller.key_id, key, digest)
    if earlier is not None:
        return earlier
    try:
        body, where = _write(make(), location)
    except BaseException:
        _forget(context.services, row_id)
        raise
    _keep(context.services, row_id, status, body, where)
    return _respond(status, body, where)


def _begin(services: HasDatabase, key_id: int, key: str, digest: str) -> tuple[int, Response | None]:
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
                return _insert(services, key_id, key, digest), None
            except Conflict:
                continue  # the same request came at the same moment: look again
        if row.request_sha256 != digest:
            raise BadInput("idempotency_key_reused")
        if row.status == 0:
            raise Conflict("idempotency_in_progress")
        return row.id, _respond(row.status, row.body, row.location, repeated=True)
    raise Conflict("idempotency_in_progress")


def _is_abandoned(row: ApiAnswer) -> bool:
    return row.status == 0 and row.created_at < utc_now() - LONGEST_WORK


@retried
def _insert(services: HasDatabase, key_id: int, key: str, digest: str) -> int:
    with writing(services) as session:
        old = select(ApiAnswer.id).where(ApiAnswer.created_at < utc_now() - KEPT).limit(_DELETED_AT_ONCE)
        if ids := list(session.exec(old).all()):
            session.exec(delete(ApiAnswer).where(col(ApiAnswer.id).in_(ids)))
        row = ApiAnswer(api_key_id=key_id, idempotency_key=key, request_sha256=digest)
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


def _write(made: BaseModel, location: Callable[[Any], str] | None) -> tuple[str, str]:
    return made.model_dump_json(), "" if location is None else location(made)


def _respond(status: int, body: str, location: str, *, repeated: bool = False) -> Response:
    headers = {"Location": location} if location else {}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(body, status_code=status, media_type="application/json", headers=headers)
