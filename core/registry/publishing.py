"""Publishing a bundle: put every file into the object store, fetch all of it back, and compare the hashes."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from core.jobs.terms import Claim
from core.models.cache import fetch_bundle
from core.services import Services
from storage.object_store import ObjectStore, ObjectStoreError


@dataclass(frozen=True)
class PublishedBundle:
    """Where a bundle is stored and what it must hash to."""

    object_prefix: str
    manifest_sha256: str
    byte_size: int


def prefix_of(kind: str, job_id: int, fencing_token: int | None = None) -> str:
    """Return what the names of all bundles begin with that a job, or one attempt at it, publishes."""
    return f"models/{kind}/{job_id}-" + ("" if fencing_token is None else f"{fencing_token}-")


def publish(services: Services, folder: Path, *, kind: str, manifest_sha256: str, attempt: Claim) -> PublishedBundle:
    """Upload the bundle in `folder` and read it back into the model cache.

    The manifest goes last, so that a prefix with a manifest is complete. What is read back is verified against
    `manifest_sha256` before anything points at it; a bundle that fails is removed from the object store again.
    Raises ObjectStoreError or ArtifactError.
    """
    prefix = f"{prefix_of(kind, attempt.job_id, attempt.fencing_token)}{uuid.uuid4().hex}/"
    return publish_under(services, folder, prefix=prefix, kind=kind, manifest_sha256=manifest_sha256)


def publish_under(services: Services, folder: Path, *, prefix: str, kind: str, manifest_sha256: str) -> PublishedBundle:
    """Upload and read back the bundle as `publish` does, under a prefix of the caller's that nothing else has."""
    from inference.artifact import read_bundle

    files = sorted(folder.iterdir(), key=lambda path: (path.name == "manifest.json", path.name))
    cached = services.settings.cache_dir / "models" / manifest_sha256
    try:
        for path in files:
            services.objects.put_file(prefix + path.name, path)
        shutil.rmtree(cached, ignore_errors=True)
        fetch_bundle(services.objects, prefix, cached)
        read_bundle(cached, kind=kind, manifest_sha256=manifest_sha256)
    except BaseException:
        # Also on cancel: nothing points at these objects, so nothing is lost by removing them.
        shutil.rmtree(cached, ignore_errors=True)
        unpublish(services.objects, prefix)
        raise
    return PublishedBundle(prefix, manifest_sha256, sum(path.stat().st_size for path in files))


def unpublish(objects: ObjectStore, prefix: str) -> None:
    """Remove the objects of a bundle that no row names."""
    try:
        objects.delete_prefix(prefix)
    except ObjectStoreError:
        # The store is away: the orphans are collected when they are a day old.
        return
