"""What a handler holds while it works a job off: progress, log, outcomes, and the right to go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from core.jobs import claims
from core.jobs.outcomes import ProductOutcome
from core.jobs.records import JobProgress
from core.jobs.terms import Claim
from core.services import Services
from core.transactions import reading
from storage.tables import Job, utc_now

logger = logging.getLogger(__name__)

REPORT_EVERY_S = 0.3

# Where each stage begins and ends within one product's work, as shares of it.
StageShares = Mapping[str, tuple[float, float]]
# Stage, done, total.
Standing = tuple[str, int, int]


class JobRun:
    """One claimed job over several products. Every report raises JobLost or JobCancelled when it is time to stop."""

    def __init__(self, services: Services, claim: Claim, *, stages: StageShares) -> None:
        self.services = services
        self.claim = claim
        self._stages = stages
        self._stage = "start"
        self._last_report = 0.0
        self._started_at = utc_now()
        self._weights: dict[int, float] = {}
        self._share = 0.0
        self._current: int | None = None
        # Which of the steps of the current product is being done, and of how many: one for each of its views.
        self._step, self._steps = 0, 1
        # The products that are not done yet, whatever some of their views have come to.
        self._unfinished: set[int] = set()
        with reading(services) as session:
            job = session.get(Job, claim.job_id)
            self.created_by = job.created_by if job else None
            # A job taken over from a lost worker goes on after the products that are done.
            self.outcomes = list(JobProgress.from_json(job.result).outcomes) if job else []

    @property
    def finished_ids(self) -> set[int]:
        """Return the products that have an outcome, and of which nothing is left to do."""
        return {outcome.product_id for outcome in self.outcomes} - self._unfinished

    @property
    def concluded(self) -> set[tuple[int, str]]:
        """Return the products that have an outcome, each with the view that it is of; empty for one without views."""
        return {(outcome.product_id, outcome.view or "") for outcome in self.outcomes}

    def expect(self, seconds: dict[int, float]) -> None:
        """Note how many seconds each product still to do will take, as far as can be known: for the remaining time."""
        self._weights = seconds
        self._unfinished = set(seconds)

    def begin(self, product_id: int, *, step: int = 0, steps: int = 1) -> None:
        """Go on to the next product, or to the next step of its work."""
        self._current = product_id
        self._step, self._steps = step, steps
        self.progress("start", 0, 0)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Report a stage and its counts; writes at most every 0.3 s within a stage."""
        now = time.monotonic()
        changed = stage != self._stage
        if not changed and now - self._last_report < REPORT_EVERY_S:
            return
        self._last_report = now
        self._stage = stage
        self._report(stage, done, total, changed=changed)

    def _report(self, stage: str, done: int, total: int, *, changed: bool) -> None:
        values: dict[str, Any] = {
            "stage": stage,
            "done": done,
            "total": total,
            "result": self._result(stage, done, total),
        }
        if changed:
            values["stage_started_at"] = utc_now()
        claims.report(self.services, self.claim, **values)

    def log(self, code: str, **params: Any) -> None:
        """Add a line to the job's log."""
        logger.info("job %d: %s %s", self.claim.job_id, code, params)
        claims.append_log(self.services, self.claim, code, **params)

    def conclude(self, *outcomes: ProductOutcome) -> None:
        """Store what came of the current product, or of its current step; it is done with the last one."""
        self.outcomes += outcomes
        if self._step + 1 >= self._steps:
            self._unfinished -= {outcome.product_id for outcome in outcomes}
            self._current = None
        claims.report(self.services, self.claim, result=self._result(self._stage, 0, 0))

    def share_of(self, standing: Standing) -> float:
        """Return how much of a product's work is done at this stage, from 0 to 1; 0 at a stage of no known length."""
        stage, done, total = standing
        low, high = self._stages.get(stage, (0.0, 0.0))
        own = low + (high - low) * (done / total if total else 0.0)
        return (self._step + own) / self._steps

    def _begun(self, stage: str, done: int, total: int) -> dict[int, Standing]:
        """Return where each product stands that is being worked on."""
        return {} if self._current is None else {self._current: (stage, done, total)}

    def _result(self, stage: str, done: int, total: int) -> dict[str, Any]:
        all_weight = sum(self._weights.values()) or 1.0
        weight = sum(self._weights.get(product_id, 0.0) for product_id in self.finished_ids)
        for product_id, standing in self._begun(stage, done, total).items():
            weight += self._weights.get(product_id, 0.0) * self.share_of(standing)
        # Stages that come again (an index has three parts) do not take back what is done.
        self._share = max(self._share, weight / all_weight)
        return JobProgress(
            outcomes=tuple(self.outcomes),
            current_product_id=self._current,
            share=self._share,
            expected_s=all_weight,
            work_started_at=self._started_at,
        ).to_json()
