"""Deployments: from images and manuals to the active models of each product, one product after the other.

Each product stands by itself: what fails is said in its outcome, its active version goes on inspecting, and the next
product follows. A version becomes active in one transaction that also proves the job to be still ours.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.deployments import cleanup, manual_indexes, memory_banks, similarity_indexes
from core.deployments.estimates import pace, product_cost_s, refusal
from core.errors import AppError, BadInput, NotReady, from_lower
from core.images.training import training_rows, trim_cache
from core.jobs.claims import plain
from core.jobs.progress import JobRun, failed_outcome
from core.jobs.terms import Claim, JobCancelled, JobLost
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services
from core.transactions import reading
from storage.tables import Product

logger = logging.getLogger(__name__)

Builder = Callable[[JobRun, Product, Path], dict[str, Any]]
BUILDERS: dict[str, Builder] = {
    MEMORY_BANK: memory_banks.build,
    SIMILARITY_INDEX: similarity_indexes.build,
    MANUAL_INDEX: manual_indexes.build,
}


@dataclass(frozen=True)
class PlannedProduct:
    """A product that a job still has to build, and the seconds that takes at the standard pace."""

    product: Product
    cost_s: float


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Build every product of the job, one after the other.

    Answers the error to end the job with: only when no product succeeded. Raises JobLost and JobCancelled; both leave
    finished products as they are.
    """
    run = JobRun(services, claim)
    for planned in plan(run):
        run.begin(planned.product.id)
        run.conclude(build_product(run, planned))
    return error_of(run)


def plan(run: JobRun) -> list[PlannedProduct]:
    """What the job still has to build, after a sweep of what dead attempts at it left; the run expects as much."""
    cleanup.clean_up(run.services, run.claim.job_id)
    with run.services.database.reading() as session:
        products = [found for product_id in run.product_ids if (found := session.get(Product, product_id))]
        planned = [PlannedProduct(one, product_cost_s(session, run.claim.kind, one.id)) for one in products]
        own_pace = pace(session, run.claim.kind)
    run.expect({one.product.id: one.cost_s * own_pace for one in planned})
    return planned


def build_product(run: JobRun, planned: PlannedProduct) -> dict[str, Any]:
    """Build one product; answers its outcome, also when it failed. Raises JobLost and JobCancelled."""
    services, product, kind = run.services, planned.product, run.claim.kind
    folder = cleanup.build_folder(services, run.claim, product.id)
    started = time.monotonic()
    try:
        if not product.is_active:
            raise BadInput("product_inactive", product=product.name)
        # Here and not only where the job was asked for: this may be another machine, and another hour.
        if too_large := refusal(services, kind, [product.id]):
            raise too_large
        outcome = BUILDERS[kind](run, product, folder)
        return outcome | {"work_s": round(time.monotonic() - started, 2), "cost_s": round(planned.cost_s, 2)}
    except (JobLost, JobCancelled):
        raise
    except Exception as error:
        shaped = from_lower(error)
        if shaped.code == "unexpected":
            logger.exception("product %s failed", product.code)
        run.log("log_product_failed", product=product.code, reason=shaped.code, reason_params=plain(shaped.params))
        return failed_outcome(product.id, product.code, shaped)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        trim_cache(services)


def error_of(run: JobRun) -> AppError | None:
    """Return the error to end the job with: that of the last product when none succeeded."""
    if run.outcomes and all(outcome["outcome"] == "failed" for outcome in run.outcomes):
        return AppError(run.outcomes[-1]["error_code"], **run.outcomes[-1]["error_params"])
    return None


HANDLERS: dict[str, Callable[[Services, Claim], AppError | None]] = dict.fromkeys(BUILDERS, work_off)


# --- before the start ------------------------------------------------------------------------------------------------


def readiness(services: Services, kind: str, product_id: int) -> AppError | None:
    """Why this product cannot be built, or None."""
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            return BadInput("not_found")
        if kind == MANUAL_INDEX:
            return manual_indexes.readiness(session, product)
        n_normal = len(training_rows(session, product_id, "normal"))
        n_defect = len(training_rows(session, product_id, "defect"))
    if kind == MEMORY_BANK and n_normal == 0:
        return NotReady("no_normal_images", product=product.name)
    if kind == SIMILARITY_INDEX and n_normal + n_defect == 0:
        return NotReady("no_training_images", product=product.name)
    return None
