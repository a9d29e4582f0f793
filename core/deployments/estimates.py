"""What a build will take, before it starts: time, memory and disk, for the chosen model; and whether it fits.

Seconds are those of two ordinary cores, times the pace that earlier builds have shown on these machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, or_, select

from core.deployments import bank_extension, manual_indexes, memory_banks, similarity_indexes
from core.deployments.capacity import measure_capacity, refuse_too_large
from core.deployments.costs import cost_of_model
from core.errors import AppError
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import DETECTION, SIMILARITY
from core.registry.choices import chosen
from core.transactions import reading
from inference.build_cost import BuildCost
from storage.tables import DeploymentLog, Image, ImagePreprocessing

if TYPE_CHECKING:
    from core.deployments.bank_extension import Extension
    from core.services import Services

START_S = 4.0  # starting the process and opening the runtime
_PACE_JOBS = 10
_PACE_BOUNDS = (0.02, 50.0)
_BASE_COSTS: dict[str, BuildCost] = {
    MEMORY_BANK: memory_banks.COST,
    SIMILARITY_INDEX: similarity_indexes.COST,
    MANUAL_INDEX: manual_indexes.COST,
}


@dataclass(frozen=True)
class Estimate:
    """What a build will take: images (or pages of manuals), wall time, peak memory, and free disk while it runs.

    `stored_bytes` is what the new versions add to the object store.
    """

    n_images: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    stored_bytes: int


def estimate(services: Services, kind: str, product_ids: list[int]) -> Estimate:
    """Images (or pages), seconds, memory and disk of a build with the model that is chosen now."""
    with reading(services) as session:
        cost = _cost(session, kind)
        counts = [count_sources(session, kind, product_id) for product_id in product_ids]
        views = [_count_views(session, kind, product_id) for product_id in product_ids]
        seconds = sum(product_cost_s(session, kind, product_id) for product_id in product_ids) * pace(session, kind)
        originals = 0 if services.settings.object_store == "local" else _largest_originals(session, product_ids)
    largest = max(counts, default=0)
    # Also where a bank can be extended: if that fails on the way, it is built whole.
    held = min(cost.image_bytes * max(views, default=0), services.settings.memory_budget_bytes)
    stored = sum(cost.bundle_bytes + cost.bundle_image_bytes * count for count in counts)
    bundle = cost.bundle_bytes + cost.bundle_image_bytes * largest
    # One in the folder of the build; all in the cache of models, and in the object store where that is this disk.
    copies = 2 if services.settings.object_store == "local" else 1
    return Estimate(
        n_images=sum(counts),
        seconds=START_S + seconds,
        memory_bytes=cost.base_bytes + held,
        disk_bytes=bundle + copies * stored + originals,
        stored_bytes=stored,
    )


def refusal(services: Services, kind: str, product_ids: list[int]) -> AppError | None:
    """Why this machine cannot build these products now (memory, disk), with the figures; None when it can."""
    needed = estimate(services, kind, product_ids)
    return refuse_too_large(
        measure_capacity(services.settings),
        memory_bytes=needed.memory_bytes,
        disk_bytes=needed.disk_bytes,
        folder=services.settings.data_dir,
    )


def builds_here(services: Services) -> bool:
    """Return whether the worker is this machine's own, so that what is free here is what counts."""
    return services.settings.worker == "embedded"


def product_cost_s(session: Session, kind: str, product_id: int) -> float:
    """Seconds of one product's build at the standard pace.

    A memory bank that can be extended has only the normal images looked at that came since, and the defects.
    """
    cost = _cost(session, kind)
    extension = bank_extension.find_extension(session, product_id) if kind == MEMORY_BANK else None
    return cost.product_s + cost.image_s * _count_views(session, kind, product_id, extension)


def pace(session: Session, kind: str) -> float:
    """Return how many times longer than the standard the last builds of this kind took here; 1 before the first."""
    jobs = session.exec(
        select(DeploymentLog)
        .where(DeploymentLog.kind == kind, DeploymentLog.state == "succeeded")
        .order_by(col(DeploymentLog.id).desc())
        .limit(_PACE_JOBS)
    ).all()
    ratios = [
        float(outcome["work_s"]) / float(outcome["cost_s"])
        for job in jobs
        for outcome in job.result.get("outcomes", [])
        if outcome.get("outcome") in ("activated", "candidate") and outcome.get("work_s") and outcome.get("cost_s")
    ]
    lowest, highest = _PACE_BOUNDS
    return min(highest, max(lowest, median(ratios))) if ratios else 1.0


def count_sources(session: Session, kind: str, product_id: int) -> int:
    """Return the training images of the product; for a manual index the pages of its manuals."""
    if kind == MANUAL_INDEX:
        return manual_indexes.count_pages(session, product_id)[1]
    query = select(func.count()).select_from(Image).where(Image.product_id == product_id, Image.split == "train")
    return int(session.exec(query).one())


def _count_views(session: Session, kind: str, product_id: int, extension: Extension | None = None) -> int:
    """How often the network looks: once for each image, or for each tile where the product is inspected in tiles."""
    stored = session.exec(select(ImagePreprocessing).where(ImagePreprocessing.product_id == product_id)).first()
    tile_size_px = int(stored.options.get("tile_size_px") or 0) if stored is not None else 0
    if kind != MEMORY_BANK or not tile_size_px:
        known = 0 if extension is None else extension.n_known
        return count_sources(session, kind, product_id) - known
    from inference.vision.detection.features.tiling import count_tiles

    query = select(Image.height_px, Image.width_px).where(Image.product_id == product_id, Image.split == "train")
    if extension is not None:
        added = [row.id for row in extension.added]
        query = query.where(or_(Image.image_type == "defect", col(Image.id).in_(added)))
    return sum(count_tiles((height, width), tile_size_px=tile_size_px) for height, width in session.exec(query))


def _cost(session: Session, kind: str) -> BuildCost:
    if kind == MANUAL_INDEX:
        return _BASE_COSTS[kind]
    choice = chosen(session, DETECTION if kind == MEMORY_BANK else SIMILARITY)
    return cost_of_model(_BASE_COSTS[kind], choice.option, choice.options)


def _largest_originals(session: Session, product_ids: list[int]) -> int:
    """Bytes of the originals of the product that has the most: they are fetched product by product."""
    sizes = session.exec(
        select(func.sum(Image.byte_size))
        .where(col(Image.product_id).in_(product_ids), Image.split == "train")
        .group_by(col(Image.product_id))
    ).all()
    return max((int(size or 0) for size in sizes), default=0)
