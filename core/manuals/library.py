"""The manual library: list, read and delete the manuals of a product, and say how each stands in the index."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.errors import AppError, BadInput, NotFound, from_lower
from core.i18n import LANGUAGES
from core.identity import TRASH
from core.manuals.ingest import READ_MEMORY_BYTES, READ_TIMEOUT_S, ManualFile, ManualOutcome, add_manuals
from core.manuals.titles import clean_title
from core.models.encoder import encoder_stamp
from core.models.kinds import MANUAL_INDEX
from core.models.sources import ManualSources
from core.registry.versions import active_version, retire
from core.transactions import reading, writing
from storage.object_store import ObjectStoreError
from storage.tables import Manual, ModelVersion, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

logger = logging.getLogger(__name__)

__all__ = [
    "ManualFile",
    "ManualOutcome",
    "ManualView",
    "add_manuals",
    "delete_manual",
    "find_manuals",
    "get_manual",
    "get_manual_view",
    "list_manuals",
    "read_manual",
    "update_manual",
]


@dataclass(frozen=True)
class ManualView:
    """A manual and its `state`: indexed, not_indexed, out_of_date or failed (then `failure` says why)."""

    manual: Manual
    state: str
    failure: AppError | None = None
    version_number: int | None = None


def list_manuals(services: Services, product_id: int | None = None) -> list[ManualView]:
    """Return the manuals of a product, or of all, newest first."""
    query = select(Manual).order_by(col(Manual.id).desc())
    active_ones = select(ModelVersion).where(
        ModelVersion.kind == MANUAL_INDEX, col(ModelVersion.active_key).is_not(None)
    )
    if product_id is not None:
        query = query.where(Manual.product_id == product_id)
        active_ones = active_ones.where(ModelVersion.product_id == product_id)
    with reading(services) as session:
        manuals = session.exec(query).all()
        active = {version.product_id: version for version in session.exec(active_ones).all()}
    encoder = encoder_stamp(services.settings.weights_dir)
    return [_view(manual, active.get(manual.product_id), encoder) for manual in manuals]


def get_manual_view(services: Services, manual_id: int) -> ManualView:
    """Return the manual and how it stands in the index. Raises NotFound not_found."""
    with reading(services) as session:
        manual = _get_manual(session, manual_id)
        active = active_version(session, MANUAL_INDEX, manual.product_id)
    return _view(manual, active, encoder_stamp(services.settings.weights_dir))


def get_manual(services: Services, manual_id: int) -> Manual:
    """Return the manual's row. Raises NotFound not_found."""
    with reading(services) as session:
        return _get_manual(session, manual_id)


def find_manuals(services: Services, manual_ids: Iterable[int]) -> dict[int, Manual]:
    """Return those of the manuals that are still here, by id: an index in use may hold some that were deleted since."""
    with reading(services) as session:
        found = session.exec(select(Manual).where(col(Manual.id).in_(set(manual_ids)))).all()
    return {manual.id: manual for manual in found}


def read_manual(services: Services, manual: Manual) -> bytes:
    """Return the file as it was uploaded, proved by its hash.

    Raises NotFound manual_object_missing, AppError manual_object_damaged, Unavailable.
    """
    try:
        content = services.objects.get(manual.object_key)
    except ObjectStoreError as error:
        if error.code == "object_missing":
            raise NotFound("manual_object_missing", name=manual.original_name) from error
        raise from_lower(error) from error
    if hashlib.sha256(content).hexdigest() != manual.content_sha256:
        raise AppError("manual_object_damaged", name=manual.original_name)
    return content


def update_manual(
    services: Services, person: Person, manual_id: int, *, row_version: int, title: str, language: str | None
) -> Manual:
    """Save another title and language, made on the state `row_version`; the file and the index stay as they are.

    Raises NotAllowed; NotFound not_found; BadInput manual_language_unknown and those of `clean_title`; Conflict
    stale_save.
    """
    require_role(services, person, ENGINEER)
    if language is not None and language not in LANGUAGES:
        raise BadInput("manual_language_unknown", choices=", ".join(LANGUAGES))
    values = {"title": clean_title(title), "language": language}
    with writing(services) as session:
        manual = session.get(Manual, manual_id, with_for_update=True)
        if manual is None:
            raise NotFound("not_found")
        if manual.row_version != row_version:
            raise stale_save(session, subject_type="manual", subject_id=manual_id, row_version=row_version)
        changes = find_changes({name: getattr(manual, name) for name in values}, values)
        if changes:
            manual.title, manual.language = values["title"] or "", values["language"]
            manual.row_version += 1
            told = {"row_version": manual.row_version, "changes": changes}
            record(session, person, "manual.changed", "manual", manual_id, product_id=manual.product_id, **told)
            session.commit()
        return manual


def delete_manual(services: Services, person: Person, manual_id: int, *, row_version: int | None = None) -> Manual:
    """Delete a manual: the row goes, and its file into the trash of the object store, for GEOMSA_TRASH_DAYS.

    With the last one, the product's index goes out of use as well.

    The index in use may still hold passages of it until the next deployment; nobody is shown them (`find_manuals`).
    `row_version` is the state that the person saw; None for whoever saw none. Raises NotAllowed, NotFound not_found,
    Conflict stale_save.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        manual = _get_manual(session, manual_id)
        if row_version is not None and manual.row_version != row_version:
            raise stale_save(session, subject_type="manual", subject_id=manual_id, row_version=row_version)
        product_id, key = manual.product_id, manual.object_key
        record(
            session,
            person,
            "manual.deleted",
            "manual",
            manual_id,
            product_id=product_id,
            name=manual.original_name,
            content_sha256=manual.content_sha256,
        )
        session.delete(manual)
        session.flush()
        left = session.exec(select(func.count()).select_from(Manual).where(Manual.product_id == product_id)).one()
        index = active_version(session, MANUAL_INDEX, product_id) if not left else None
        if index is not None:
            retire(session, index)
            record(session, person, "version.retire", "model_version", index.id, kind=MANUAL_INDEX, number=index.number)
        session.commit()
    _trash(services, key)
    return manual


def _trash(services: Services, key: str) -> None:
    """Move a file that no row names any more into the trash; one that cannot be moved now is an orphan until later."""
    try:
        services.objects.move(key, f"{TRASH}{utc_now():%Y%m%d}/{key}")
    except ObjectStoreError as error:
        logger.warning("%s stays until orphans are collected: %s", key, error.code)


def _view(manual: Manual, version: ModelVersion | None, encoder: str) -> ManualView:
    if manual.state == "failed" and manual.failure_code is not None:
        return ManualView(manual, "failed", failure=describe_failure(manual))
    sources = ManualSources.from_json(version.sources) if version is not None else ManualSources()
    if version is None or manual.id not in sources.manual_ids:
        return ManualView(manual, "not_indexed")
    state = "indexed" if sources.encoder == encoder else "out_of_date"
    return ManualView(manual, state, version_number=version.number)


def describe_failure(manual: Manual) -> AppError:
    """Return why the last build could not read the manual, with the limits that some of the sentences name."""
    limits = {"limit_s": READ_TIMEOUT_S, "limit_mb": READ_MEMORY_BYTES // 2**20}
    return AppError(manual.failure_code or "unexpected", name=manual.original_name, **limits)


def _get_manual(session: Session, manual_id: int) -> Manual:
    manual = session.get(Manual, manual_id)
    if manual is None:
        raise NotFound("not_found")
    return manual
