"""The state that every fault must leave: an old version or a new one, whole; nothing dangling, nothing orphaned."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import col, select

from core.deployments import cleanup
from core.errors import AppError
from core.inspections import inspection
from core.models import cache
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version, current_threshold
from core.services import Services
from inference.artifact import read_bundle
from inference.errors import InferenceError
from storage.objects import ObjectStoreError
from storage.tables import Job, ModelVersion
from tests.plates import encode, plate, seed_of

REFERENCE_PART = encode(plate(seed_of("test", "spot", 70), "spot"))
Verdict = tuple[int, str, float]


def give_verdict(services: Services, product_id: int) -> Verdict:
    """Return version number, verdict and score of the reference part, with the version in use. Raises AppError."""
    found = inspection.examine(services, product_id=product_id, data=REFERENCE_PART, file_name="reference.png")
    return found.bank.number, found.verdict, found.detection.score


def find_faults(services: Services, product_id: int, *, before: Verdict, scratch: Path, job_id: int) -> list[str]:
    """Return what is wrong after an attempt at a deployment of the memory bank; nothing when all is well.

    `before` is the verdict before the attempt, `scratch` a folder that may be filled. The cleanup that follows
    every attempt is run first.
    """
    cleanup.clean_up(services, job_id)
    return [
        *_faults_of_job(services, job_id),
        *_faults_of_versions(services, scratch),
        *_faults_of_inspection(services, product_id, before),
        *_faults_of_stores(services),
    ]


def _faults_of_job(services: Services, job_id: int) -> list[str]:
    with services.database.reading() as session:
        job = session.get(Job, job_id)
    assert job is not None
    if job.state == "failed":
        return [] if job.error_code and AppError(job.error_code).sentence("en") != job.error_code else ["no reason"]
    return [] if job.state in {"succeeded", "cancelled"} else [f"the job is {job.state}"]


def _faults_of_versions(services: Services, scratch: Path) -> list[str]:
    """Check that every kept version is whole in the object store, and every memory bank has its thresholds."""
    found = []
    with services.database.reading() as session:
        kept = session.exec(select(ModelVersion).where(ModelVersion.object_prefix != "")).all()
        for version in kept:
            folder = scratch / version.manifest_sha256
            try:
                if not folder.exists():
                    cache.fetch_bundle(services.objects, version.object_prefix, folder)
                    read_bundle(folder, kind=version.kind, manifest_sha256=version.manifest_sha256)
                elif not services.objects.exists(version.object_prefix + "manifest.json"):
                    found.append(f"version {version.id} has lost its files")
                if version.kind == MEMORY_BANK:
                    current_threshold(session, version.id)
            except (ObjectStoreError, InferenceError, AppError) as error:
                found.append(f"version {version.id}: {error.code}")
    return found


def _faults_of_inspection(services: Services, product_id: int, before: Verdict) -> list[str]:
    """Check that the old version inspects, or the next one, from the files that every other machine would fetch."""
    with services.database.reading() as session:
        active = active_version(session, MEMORY_BANK, product_id)
        newest = session.exec(
            select(ModelVersion.number)
            .where(ModelVersion.kind == MEMORY_BANK, ModelVersion.product_id == product_id)
            .order_by(col(ModelVersion.number).desc())
        ).first()
    if active is None:
        return ["nothing is active"]
    services.models.evict(active)
    try:
        number, verdict, score = give_verdict(services, product_id)
    except AppError as error:
        return [f"the active version does not inspect: {error.code}"]
    found = [] if number in {before[0], newest} else [f"version {number} is active, neither the old nor the new one"]
    # The same images, network and options: a new version scores as the old one did.
    if (verdict, f"{score:.3f}") != (before[1], f"{before[2]:.3f}"):
        found.append(f"the reference part was {before[1:]} and is {(verdict, score)}")
    return found


def _faults_of_stores(services: Services) -> list[str]:
    with services.database.reading() as session:
        named = set(session.exec(select(ModelVersion.object_prefix)).all())
    stored = {info.key.rsplit("/", 1)[0] + "/" for info in services.objects.list("models/")}
    found = [f"orphan {prefix}" for prefix in sorted(stored - named)]
    builds = services.settings.data_dir / "builds"
    found += [f"build folder {path.name}" for path in (builds.iterdir() if builds.is_dir() else ())]
    folders = (services.settings.cache_dir / "models").glob("*.part")
    return found + [f"half-fetched {path.name}" for path in folders if not _may_stay(path)]


def _may_stay(path: Path) -> bool:
    """Return whether it is the folder of a process killed while it fetched: collected by the cleanup after an hour."""
    return cleanup.CACHED_AGE_S > 0 and path.is_dir()
