"""What a build will take, before it starts: time, memory and disk, for the chosen model; and whether it fits.

Seconds are those of two ordinary cores, times the pace that earlier builds have shown on these machines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.deployments.capacity import measure_capacity, refuse_too_large
from core.deployments.kinds.registry import find_steps
from core.deployments.origins import NewImages, count_new_of
from core.errors import AppError
from core.images.exposures.leaks import find_test_leaks_in
from core.jobs.outcomes import BUILT
from core.jobs.records import JobProgress
from core.models.kinds import MEMORY_BANK
from core.transactions import reading
from storage.tables import Image, Job

if TYPE_CHECKING:
    from core.services import Services

START_S = 4.0  # starting the process and opening the runtime
_PACE_JOBS = 10
_PACE_BOUNDS = (0.02, 50.0)


@dataclass(frozen=True)
class Estimate:
    """What a build will take: images (or pages of manuals), wall time, peak memory, and free disk while it runs.

    `stored_bytes` is what the new versions add to the object store. `n_leaked_parts` have training and test images, so
    that what a memory bank would measure on these is too good to be true. `new_images` are those that the version in
    use has not seen.
    """

    n_images: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    stored_bytes: int
    n_leaked_parts: int = 0
    new_images: NewImages = field(default_factory=NewImages)


def estimate(services: Services, kind: str, product_ids: list[int]) -> Estimate:
    """Return what a build with the model that is chosen now will take."""
    steps = find_steps(kind)
    with reading(services) as session:
        # A product with views is built one view after the other, each as a product without views would be.
        builds = [(number, view) for number in product_ids for view in steps.list_views(session, number)]
        costs = [steps.cost_of_choice(session, *build) for build in builds] or [steps.cost]
        counts = [steps.count_sources(session, *build) for build in builds]
        looks = [steps.count_looks(session, *build) for build in builds]
        seconds = sum(product_cost_s(session, kind, product_id) for product_id in product_ids) * pace(session, kind)
        new_images = sum((count_new_of(session, kind, product_id) for product_id in product_ids), NewImages())
        n_leaked_parts = 0
        if kind == MEMORY_BANK:
            n_leaked_parts = sum(len(find_test_leaks_in(session, product_id)) for product_id in product_ids)
        originals = 0 if services.settings.object_store == "local" else _largest_originals(session, product_ids)
    # Also where a bank can be extended: if that fails on the way, it is built whole.
    budget = services.settings.memory_budget_bytes
    held = [min(cost.image_bytes * seen, budget) for cost, seen in zip(costs, looks, strict=False)] or [0]
    bundles = [cost.bundle_bytes + cost.bundle_image_bytes * count for cost, count in zip(costs, counts, strict=False)]
    stored = sum(bundles)
    bundle = max(bundles, default=costs[0].bundle_bytes)
    # One in the folder of the build; all in the cache of models, and in the object store where that is this disk.
    copies = 2 if services.settings.object_store == "local" else 1
    return Estimate(
        n_images=sum(counts),
        seconds=START_S + seconds,
        memory_bytes=max(cost.base_bytes + own for cost, own in zip(costs, held, strict=True)),
        disk_bytes=bundle + copies * stored + originals,
        stored_bytes=stored,
        n_leaked_parts=n_leaked_parts,
        new_images=new_images,
    )


def refusal(services: Services, kind: str, product_ids: list[int]) -> AppError | None:
    """Return why this machine cannot build these products now (memory, disk), with the figures; None when it can."""
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
    """Return the seconds of one product's build, of all its views, at the standard pace."""
    steps = find_steps(kind)
    return sum(steps.expected_s(session, product_id, view) for view in steps.list_views(session, product_id))


def pace(session: Session, kind: str) -> float:
    """Return how many times longer than the standard the last builds of this kind took here; 1 before the first."""
    jobs = session.exec(
        select(Job).where(Job.kind == kind, Job.state == "succeeded").order_by(col(Job.id).desc()).limit(_PACE_JOBS)
    ).all()
    ratios = [
        outcome.work_s / outcome.cost_s
        for job in jobs
        for outcome in JobProgress.from_json(job.result).outcomes
        if outcome.outcome in BUILT and outcome.work_s and outcome.cost_s
    ]
    lowest, highest = _PACE_BOUNDS
    return min(highest, max(lowest, median(ratios))) if ratios else 1.0


def _largest_originals(session: Session, product_ids: list[int]) -> int:
    """Return the bytes of the originals of the product that has the most: they are fetched product by product."""
    sizes = session.exec(
        select(func.sum(Image.byte_size))
        .where(col(Image.product_id).in_(product_ids), Image.split == "train")
        .group_by(col(Image.product_id))
    ).all()
    return max((int(size or 0) for size in sizes), default=0)
