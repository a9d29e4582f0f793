"""How long versions are stored: the rows for ever, the bundles of the newest few.

Row first, then the objects: a version whose files are going is "no longer kept" before the first of them is gone, so
that nobody can put it into use meanwhile. Objects that outlive a crash in between are collected as orphans.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.access import Person
from core.audit import record
from core.errors import AppError
from core.jobs.terms import changed_one
from core.models.kinds import TRAINED_MODEL
from core.registry import publishing
from core.registry.activation_policy import read_policy
from core.services import Services
from core.transactions import HasDatabase, writing
from storage.tables import Job, ModelVersion

logger = logging.getLogger(__name__)


def is_kept(version: ModelVersion) -> bool:
    """Return whether the version's files are still there, so that it can be put into use."""
    return bool(version.object_prefix)


def expire_versions(services: Services, version: ModelVersion, *, person: Person | None) -> list[ModelVersion]:
    """Delete the oldest bundles beside `version` (same product, kind and part); return the versions that lost theirs.

    Kept are as many as the policy says, the most lately used or built first, and always: the active version, the one
    that it took the place of (inspections that began with it may still be at work), and those that an unfinished job
    has built or names. Raises nothing for stores that are away: objects are left to the collection of orphans, and a
    database to the next activation.
    """
    try:
        gone = _release_versions(services, version, person)
    except AppError as error:
        logger.warning("old versions stay for now: %s", error.code)
        return []
    for row, prefix in gone:
        services.models.evict(row)
        publishing.unpublish(services.objects, prefix)
    if gone:
        logger.info("no longer kept: %s", ", ".join(f"{row.scope} {row.number}" for row, _prefix in gone))
    return [row for row, _prefix in gone]


def _release_versions(
    services: HasDatabase, version: ModelVersion, person: Person | None
) -> list[tuple[ModelVersion, str]]:
    with writing(services) as session:
        chosen = [(row, row.object_prefix) for row in _too_many(session, version)]
        gone: list[tuple[ModelVersion, str]] = []
        for row, prefix in chosen:
            # Names the state it found: somebody may be putting this very version into use.
            if not changed_one(
                session,
                update(ModelVersion)
                .where(
                    col(ModelVersion.id) == row.id,
                    col(ModelVersion.active_key).is_(None),
                    col(ModelVersion.object_prefix) == prefix,
                )
                .values(object_prefix="", state="retired"),
            ):
                continue
            record(session, person, "version.expire", "model_version", row.id, kind=row.kind, number=row.number)
            gone.append((row, prefix))
        session.commit()
        for row, _prefix in gone:
            session.refresh(row)
        return gone


def _too_many(session: Session, version: ModelVersion) -> list[ModelVersion]:
    if version.kind == TRAINED_MODEL:
        return []  # its bundle belongs to its run, and goes with that when a person deletes it
    stored = session.exec(
        select(ModelVersion).where(
            ModelVersion.kind == version.kind, ModelVersion.scope == version.scope, ModelVersion.object_prefix != ""
        )
    ).all()
    by_use = sorted(stored, key=lambda row: (row.activated_at or row.created_at, row.id), reverse=True)
    used_before = [row for row in by_use if row.active_key is None and row.activated_at is not None]
    needed = _needed_by_jobs(session) | {row.id for row in used_before[:1]}
    surplus = by_use[read_policy(session).kept_versions :]
    return [row for row in surplus if row.active_key is None and row.id not in needed]


def _needed_by_jobs(session: Session) -> set[int]:
    """Return the versions that unfinished jobs have built, or name in what they were asked for or have found."""
    jobs = session.exec(select(Job).where(col(Job.state).in_(("queued", "running")))).all()
    ids = [job.id for job in jobs]
    built = session.exec(select(ModelVersion.id).where(col(ModelVersion.job_id).in_(ids))).all()
    named = {found for job in jobs for value in (job.payload, job.result) for found in _version_ids(value)}
    return named | set(built)


def _version_ids(value: Any) -> set[int]:
    """Return every number under a key that ends in `version_id` or `version_ids`, however deep.

    Jobs of any kind count, also those that this version of the program does not know: so no type is asked for.
    """
    found: set[int] = set()
    if isinstance(value, list):
        for item in value:
            found |= _version_ids(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name.endswith("version_id") and isinstance(item, int):
                found.add(item)
            elif name.endswith("version_ids") and isinstance(item, list):
                found |= {number for number in item if isinstance(number, int)}
            else:
                found |= _version_ids(item)
    return found
