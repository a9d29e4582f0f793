"""Removing what killed attempts at a job left: build folders, bundles that no row names, half-fetched files."""

from __future__ import annotations

import logging
import re
import shutil
import time
from pathlib import Path

from sqlmodel import Session, col, select

from core.identity import is_pair
from core.jobs import terms
from core.models.kinds import KINDS, TRAINED_NETWORK
from core.registry import publishing
from core.services import Services
from core.transactions import HasStores, reading
from storage.objects import ObjectStoreError
from storage.tables import Job, ModelVersion, TrainingRun

logger = logging.getLogger(__name__)

# A younger one may be on its way to a row, or be fetched at this moment.
CACHED_AGE_S = 3600.0
Attempt = tuple[int, int]


def build_folder(services: Services, claim: terms.Claim, product_id: int) -> Path:
    """Return where an attempt at a job builds a product; its name says whose it is. The folder itself is not made."""
    folder = services.settings.data_dir / "builds" / f"{claim.job_id}-{claim.fencing_token}-{product_id}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def clean_up(services: Services, job_id: int) -> None:
    """Remove what dead attempts left: at this job, and at any other whose build folder still lies here.

    An attempt that runs now is never touched. A dead one can add no row any more (`claims.hold`), so what no row
    names stays unnamed. Raises AppError when the database fails; an object store that is away is left to the
    collection of orphans.
    """
    with reading(services) as session:
        running = {(job.id, job.fencing_token) for job in session.exec(select(Job).where(Job.state == "running")).all()}
        dead_jobs = {job_id}
        for folder in (services.settings.data_dir / "builds").glob("*"):
            attempt = _attempt(folder.name)
            if attempt not in running:
                shutil.rmtree(folder, ignore_errors=True)
                dead_jobs |= {attempt[0]} if attempt else set()
        try:
            for dead in dead_jobs:
                _clean_up_objects(services, session, dead, running)
        except ObjectStoreError as error:
            logger.warning("bundles of killed attempts stay for now: %s", error.code)
        _clean_up_cache(services, session)


def _attempt(name: str) -> Attempt | None:
    found = re.match(r"(\d+)-(\d+)-", name)
    return (int(found[1]), int(found[2])) if found else None


def _clean_up_objects(services: HasStores, session: Session, job_id: int, running: set[Attempt]) -> None:
    for kind in (*KINDS, TRAINED_NETWORK):
        start = publishing.prefix_of(kind, job_id)
        prefixes = {info.key.rsplit("/", 1)[0] + "/" for info in services.objects.list(start)}
        prefixes = {prefix for prefix in prefixes if _attempt(prefix.split("/")[2]) not in running}
        named = {
            prefix
            for table in (ModelVersion, TrainingRun)
            for prefix in session.exec(select(table.object_prefix).where(col(table.object_prefix).in_(prefixes))).all()
        }
        unnamed = prefixes - named
        # An older copy of the database numbers jobs anew: then their bundles are those of the newer one.
        if unnamed and is_pair(services):
            for prefix in unnamed:
                services.objects.delete_prefix(prefix)


def _clean_up_cache(services: Services, session: Session) -> None:
    named = {
        found
        for table in (ModelVersion, TrainingRun)
        for found in session.exec(select(table.manifest_sha256).where(table.object_prefix != "")).all()
    }
    for folder in (services.settings.cache_dir / "models").glob("*"):
        if folder.name not in named and folder.stat().st_mtime < time.time() - CACHED_AGE_S:
            shutil.rmtree(folder, ignore_errors=True)
