"""Building the similarity indexes of a product: fetch, embed, build, publish, activate; one index of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import publishing
from core.build_costs import Cost
from core.candidates import add_candidate, retire_active
from core.deployment_policy import read_policy
from core.errors import NotReady
from core.job_run import JobRun
from core.jobs import MEMORY_BANK, SIMILARITY_INDEX
from core.judgement import BY_HAND
from core.model_catalog import SIMILARITY, chosen
from core.publishing import PublishedBundle
from core.training_images import fetch_originals, load_pixels, training_rows
from core.versions import (
    IMAGES_OF,
    PARTS,
    active_version,
    cut_by_another_bank,
    fingerprints,
    note_bank,
    scope_of,
)
from storage.tables import Image, ModelVersion, Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.detectors import Detector
    from inference.vision.embeddings import Embedder

COST = Cost(product_s=0.8, image_s=0.012, base_bytes=500_000_000, image_bytes=4_096)
BATCH = 8


def build(run: JobRun, product: Product, folder: Path) -> dict[str, Any]:
    """Build, publish and activate the product's indexes of normal and of defect images; answers the outcome.

    An index that is up to date is left as it is; one whose images are all gone is retired.
    Raises NotReady without training images, and the lower errors of the engine and the object store.
    """
    services = run.services
    assert product.id is not None
    with services.database.reading() as session:
        # First, so that an image that is added meanwhile makes the version out of date rather than go unnoticed.
        wanted = fingerprints(session, [product.id])
        rows = {part: training_rows(session, product.id, IMAGES_OF[part]) for part in PARTS[SIMILARITY_INDEX]}
        bank = active_version(session, MEMORY_BANK, product.id)
        choice = chosen(session, SIMILARITY)
        active = {part: active_version(session, SIMILARITY_INDEX, product.id, part) for part in rows}
        by_itself = read_policy(session).activate_when_no_worse
    if not any(rows.values()):
        raise NotReady("no_training_images", product=product.name)
    numbers: dict[str, int] = {}
    built = waiting = False
    skipped: list[dict[str, str]] = []
    for part, images in rows.items():
        fingerprint = wanted.get((SIMILARITY_INDEX, product.id, part), "")
        before = active[part]
        if not images:
            if before is not None:
                retire_active(run, product, before)
            continue
        if before is not None and before.fingerprint == fingerprint and not cut_by_another_bank(before, bank):
            numbers[part] = before.number
            continue
        fetch_originals(services, images, lambda done, total: run.progress("fetch", done, total))
        embedder = services.models.embedder(choice.option.name)
        run.log("log_index_started", product=product.code, n_images=len(images), part=part)
        cut = _cutter(services.models.memory_bank(bank) if bank else None) if part == "region" else None
        ids, vectors = _embed(run, product, embedder, images, skipped, cut)
        if not ids:
            raise NotReady("no_usable_images", product=product.name)
        published = _publish(run, folder / part, ids=ids, vectors=vectors, embedder=embedder)
        version = ModelVersion(
            kind=SIMILARITY_INDEX,
            scope=scope_of(product.id, part),
            product_id=product.id,
            number=0,
            model_name=choice.option.name,
            object_prefix=published.object_prefix,
            manifest_sha256=published.manifest_sha256,
            byte_size=published.byte_size,
            fingerprint=fingerprint,
            sources={"image_ids": {part: ids}, **note_bank(part, bank)},
            metrics={"n_images": len(ids), "dimension": int(vectors.shape[1])},
        )
        # Nothing that is worse for being newer: an index holds what the images are now.
        activate = by_itself or before is None
        add_candidate(run, product, version, activate=activate, reason=BY_HAND)
        waiting = waiting or not activate
        built = True
        numbers[part] = version.number
    return {
        "product_id": product.id,
        "code": product.code,
        "outcome": "candidate" if waiting else "activated" if built else "unchanged",
        "reason": BY_HAND if waiting else "",
        "numbers": numbers,
        "skipped_images": skipped,
    }


def _embed(
    run: JobRun,
    product: Product,
    embedder: Embedder,
    images: list[Image],
    skipped: list[dict[str, str]],
    cut: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None,
) -> tuple[list[int], NDArray[np.float32]]:
    from inference.errors import ImageError

    ids: list[int] = []
    parts: list[NDArray[np.float32]] = []
    batch: list[NDArray[np.uint8]] = []
    for done, row in enumerate(images, start=1):
        try:
            pixels = load_pixels(run.services, row)
            batch.append(pixels if cut is None else cut(pixels))
        except ImageError as error:
            item = {"name": row.stored_name, "reason": error.code}
            if item not in skipped:
                skipped.append(item)
            run.log("log_image_skipped", product=product.code, name=row.stored_name, reason=error.code)
        else:
            assert row.id is not None
            ids.append(row.id)
        if batch and (len(batch) == BATCH or done == len(images)):
            parts.append(embedder.embed(batch))
            batch = []
        run.progress("embed", done, len(images))
    if batch:
        parts.append(embedder.embed(batch))
    return ids, np.concatenate(parts) if parts else np.zeros((0, embedder.dimension), dtype=np.float32)


def _cutter(bank: Detector | None) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Cuts the most anomalous place out of an image; without a memory bank the image stays whole."""
    from inference.vision.region_crops import crop_region, worst_box

    def cut(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if bank is None:
            return pixels
        size_px = (pixels.shape[1], pixels.shape[0])
        return crop_region(pixels, worst_box(bank.inspect(pixels).anomaly_map, image_size_px=size_px))

    return cut


def _publish(
    run: JobRun, folder: Path, *, ids: list[int], vectors: NDArray[np.float32], embedder: Embedder
) -> PublishedBundle:
    from inference.vision.vector_index import VectorIndex

    run.progress("build", 0, 0)
    index = VectorIndex.build(vectors, np.asarray(ids, dtype=np.int64))
    folder.parent.mkdir(parents=True, exist_ok=True)
    manifest = index.save(folder, metadata={"embedder": embedder.name})
    run.progress("publish", 0, 0)
    return publishing.publish(
        run.services, folder, kind=SIMILARITY_INDEX, manifest_sha256=manifest.sha256, attempt=run.claim
    )
