"""What runs in Ray's processes: one product of a job, and the board on which the products tell how far they are.

A task opens the product's own services from the environment of its machine, as a worker there would; nothing but ids
and progress travels through Ray, so no secret does.
"""

from __future__ import annotations

from typing import Any

from core.deployments.kinds.registry import find_steps
from core.deployments.pipeline import build_product, plan_product
from core.errors import AppError, Unavailable
from core.jobs import claims, terms
from core.jobs.claims import check_claim
from core.jobs.outcomes import ProductOutcome
from core.jobs.progress import JobRun, Standing
from core.services import Services, build_services
from core.transactions import reading
from storage.tables import Product

# What a task returns instead of an outcome when it had to stop.
LOST, CANCELLED = "lost", "cancelled"


class ProgressBoard:
    """An actor: where each product stands."""

    def __init__(self) -> None:
        self._standings: dict[int, Standing] = {}

    def tell(self, product_id: int, standing: Standing) -> None:
        """Write down where a product stands."""
        self._standings[product_id] = standing

    def read(self) -> dict[int, Standing]:
        """Return where each product stands that has begun."""
        return self._standings


class ProductRun(JobRun):
    """The run of one product in a task: progress goes to the board, and the job row is only looked at."""

    def __init__(self, services: Services, claim: terms.Claim, *, product_id: int, board: Any) -> None:
        super().__init__(services, claim, stages=find_steps(claim.kind).stages)
        self._product_id = product_id
        self._board = board

    def _report(self, stage: str, done: int, total: int, *, changed: bool) -> None:
        self._board.tell.remote(self._product_id, (stage, done, total))
        check_claim(self.services, self.claim)


def build_one(
    job_id: int, fencing_token: int, product_id: int, database: str, board: Any
) -> list[ProductOutcome] | str:
    """Build one product of the claimed job; return the outcomes of its views, or its own, or LOST or CANCELLED.

    `database` says which one the job is in: a machine that is set up for another must not look for it there.
    """
    try:
        services = build_services(patient=True)
    except AppError as error:
        return [ProductOutcome.failed(product_id, str(product_id), error)]
    try:
        if services.database.describe() != database:
            return [ProductOutcome.failed(product_id, str(product_id), Unavailable("executor_other_database"))]
        claim = claims.reopen_claim(services, job_id, fencing_token)
        run = ProductRun(services, claim, product_id=product_id, board=board)
        with reading(services) as session:
            product = session.get(Product, product_id)
            if product is None:
                return [ProductOutcome.failed(product_id, str(product_id), AppError("not_found"))]
            planned = plan_product(session, run, product)
        return list(build_product(run, planned))
    except terms.JobLost:
        return LOST
    except terms.JobCancelled:
        return CANCELLED
    except AppError as error:
        return [ProductOutcome.failed(product_id, str(product_id), error)]
    finally:
        services.database.dispose()
