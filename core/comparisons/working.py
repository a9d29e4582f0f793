"""Working a comparison off: in a worker's child, image after image, each committed with how far the job is.

What is trained and predicted is found again, so that whoever goes on, here or after a kill -9, asks no method about an
image twice. A method that fails has its reason in a row for every image, and the others go on; only a database or an
object store that is away ends the job.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.catalog.products import get_product
from core.comparisons.bills import add_bills, bill_since, read_meter
from core.comparisons.entries import Entry, list_entries
from core.comparisons.fusing import FusedPart, fuse_parts, read_combination_rule
from core.comparisons.orders import ComparisonOrder
from core.comparisons.results import ComparisonResult
from core.comparisons.storing import (
    add_rows,
    empty_row,
    find_subjects,
    folder_of,
    list_rows,
    make_row,
    put_error,
    store_verdicts,
)
from core.datasets.masks import check_masks
from core.datasets.reading import load_dataset, require_intact
from core.errors import AppError, NotFound, Unavailable, from_lower
from core.fusion.rules import rule_to_json
from core.jobs import claims
from core.jobs.records import JobProgress
from core.jobs.stored_error import StoredError
from core.jobs.terms import STAGE_NAMES, Claim, JobCancelled, JobLost
from core.methods.models import find_model, load_method, open_method, train_method
from core.methods.records import TrainingSet
from core.methods.registry import find_method
from core.methods.training_sets import read_training_set
from core.services import Services
from core.transactions import reading, writing
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import Comparison, Job, Prediction, utc_now

if TYPE_CHECKING:
    from core.comparisons.measuring import Measured
    from core.datasets.records import Dataset
    from core.methods.records import Sample
    from inference.vision.comparison.predictions import Method

logger = logging.getLogger(__name__)

_REPORT_EVERY_S = 0.3
_ROWS_AT_ONCE = 200
# What the stages of the detectors are called.
_TRAINING_STAGES = {"features": "extract", "calibration": "calibrate", "fit": "coreset", "teaching": "teach"}


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Train, ask and measure every method of the comparison; return the error that ends it before, else None.

    Raises JobLost, JobCancelled, both of which leave what is done.
    """
    try:
        _Run(services, claim).work()
    except AppError as error:
        return error
    return None


class _Run:
    """One attempt at a comparison."""

    def __init__(self, services: Services, claim: Claim) -> None:
        self._services, self._claim = services, claim
        with reading(services) as session:
            row = _find_row(session, claim.job_id)
            job = session.get(Job, claim.job_id)
            self._person_id = job.created_by if job is not None else None
            self._comparison_id, self._product_id, self._dataset_id = row.id, row.product_id, row.dataset_version_id
            self._order = ComparisonOrder.from_json(row.configuration)
        self._dataset: Dataset = load_dataset(services, self._dataset_id)
        self._entries = list_entries(self._order, self._dataset.views)
        self._sets: dict[str, TrainingSet] = {}
        self._reported_at = 0.0
        self._started_at = utc_now()
        self._done = 0
        self._total = sum(
            len(self._dataset.of("val", "test", view=entry.view)) for entry in self._entries if not entry.is_combination
        )

    def work(self) -> None:
        """Do all that is left. Raises AppError for what ends the comparison, JobLost, JobCancelled."""
        require_intact(self._dataset.head)
        self._report("start", 0, 0)
        check_masks(self._services, self._dataset)
        for entry in self._entries:
            if not entry.is_combination:
                self._ask(entry)
        self._finish()

    def _ask(self, entry: Entry) -> None:
        """Have predictions of a method stored for every validation and test image."""
        training = self._training_set(entry.view)
        known = find_subjects(self._services, self._comparison_id, entry.key)
        self._done += len(known)
        waiting = [sample for sample in training.of("val", "test") if sample.key not in known]
        if not waiting:
            return
        claims.append_log(self._services, self._claim, "comparison_log_began", name=entry.key, count=len(waiting))
        try:
            method = self._open(entry, training)
        except AppError as error:
            self._store_failure(entry, waiting, error)
            return
        errors = 0
        for sample in waiting:
            row = self._predict(entry, method, sample)
            errors += row.error_code is not None
            self._done += 1
            add_rows(self._services, [row], self._hold)
        claims.append_log(
            self._services, self._claim, "comparison_log_done", name=entry.key, count=len(waiting), errors=errors
        )

    def _open(self, entry: Entry, training: TrainingSet) -> Method:
        """Return the method, trained if it has to be. Raises AppError for what concerns this method alone."""
        try:
            if not find_method(entry.method).is_trained:
                return open_method(self._services, training, entry.method, entry.options)
            known = find_model(self._services, training, entry.method, entry.options)
            started = time.monotonic()
            model = train_method(
                self._services,
                training,
                entry.method,
                entry.options,
                progress=self._report_training,
                job_id=self._claim.job_id,
                person_id=self._person_id,
            )
            if known is None:
                seconds = f"{time.monotonic() - started:.0f}"
                claims.append_log(
                    self._services, self._claim, "comparison_log_trained", name=entry.key, seconds=seconds
                )
            else:
                claims.append_log(self._services, self._claim, "comparison_log_known", name=entry.key)
            return load_method(self._services, model)
        except (JobLost, JobCancelled):
            raise
        except Exception as error:
            raise self._of_method(error) from error

    def _of_method(self, error: Exception) -> AppError:
        """Return the error as one of a single method; raise it where a store is away, which ends the comparison."""
        found = from_lower(error)
        if isinstance(found, Unavailable) and found.code.startswith(("database_", "object_", "disk_")):
            raise found
        if found.code == "unexpected":
            logger.error("a method of comparison %d failed", self._comparison_id, exc_info=error)
        return found

    def _store_failure(self, entry: Entry, waiting: Sequence[Sample], error: AppError) -> None:
        """Store the reason as the prediction of every image that waits."""
        logger.warning("%s of comparison %d cannot be asked: %s", entry.key, self._comparison_id, error)
        for start in range(0, len(waiting), _ROWS_AT_ONCE):
            rows = [
                empty_row(self._comparison_id, entry.key, sample) for sample in waiting[start : start + _ROWS_AT_ONCE]
            ]
            for row in rows:
                put_error(row, error)
            self._done += len(rows)
            add_rows(self._services, rows, self._hold)
        stored = StoredError.from_error(error)
        claims.append_log(
            self._services,
            self._claim,
            "comparison_log_failed",
            name=entry.key,
            reason=stored.code,
            reason_params=dict(stored.params),
        )

    def _predict(self, entry: Entry, method: Method, sample: Sample) -> Prediction:
        """Return the row of what the method says of an image. Raises AppError where a store is away."""
        started = time.perf_counter()
        before = read_meter(method)
        try:
            pixels = sample.load()
            started = time.perf_counter()
            prediction = method.predict([pixels])[0]
        except Exception as error:  # noqa: BLE001 - whatever a method does, the others go on
            row = empty_row(self._comparison_id, entry.key, sample)
            put_error(row, self._of_method(error))
        else:
            ms = 1000.0 * (time.perf_counter() - started)
            row = make_row(self._services, self._comparison_id, entry.key, sample, prediction, ms=ms)
        # An answer that cannot be read is paid for, too.
        bill = bill_since(method, before)
        row.bill = {} if bill is None else bill.to_json()
        return row

    def _training_set(self, view: str) -> TrainingSet:
        if view not in self._sets:
            self._sets[view] = read_training_set(self._services, self._dataset_id, view)
        return self._sets[view]

    def _finish(self) -> None:
        """Measure everything, and store the result with its file."""
        from core.comparisons.measuring import find_differences, measure_method

        good = self._dataset.head.report.good_labels
        seed = self._order.seed
        measured: list[Measured] = []
        for number, entry in enumerate(self._entries):
            self._report("combine" if entry.is_combination else "measure", number, len(self._entries))
            if entry.is_combination:
                measured.append(self._combine(entry, {one.result.key: one for one in measured}))
                continue
            training = self._training_set(entry.view)
            found = measure_method(
                self._services,
                entry,
                list_rows(self._services, self._comparison_id, entry.key),
                {sample.key: sample for sample in training.samples},
                good,
                seed=seed,
                byte_size=self._byte_size(entry, training),
            )
            store_verdicts(self._services, self._comparison_id, entry.key, found.stopped, found.named, self._hold)
            measured.append(found)
        self._report("measure", len(self._entries), len(self._entries))
        result = ComparisonResult(
            product=get_product(self._services, self._product_id).code,
            dataset_number=self._dataset.head.number,
            dataset_hash=self._dataset.head.content_hash,
            name=self._order.name,
            seed=seed,
            good_labels=good,
            entries=tuple(one.result for one in measured),
            differences=find_differences(measured, seed=seed),
        )
        self._store(result)

    def _combine(self, entry: Entry, measured: Mapping[str, Measured]) -> Measured:
        """Fuse the views of every part, store what comes of it, and measure it."""
        from core.comparisons.measuring import failed_combination, measure_combination

        good = self._dataset.head.report.good_labels
        rows = {view: list_rows(self._services, self._comparison_id, key) for view, key in entry.members.items()}
        known = find_subjects(self._services, self._comparison_id, entry.key)
        try:
            views, wanted = read_combination_rule(self._services, self._product_id, entry)
            rule, fused = fuse_parts(views, wanted, rows, good)
        except (AppError, InferenceError) as error:
            parts = [{row.part for row in own if row.split == "test"} for own in rows.values()]
            found = self._of_method(error)
            return failed_combination(entry, StoredError.from_error(found), len(set.intersection(*parts)))
        fresh = [self._row_of(entry, one) for one in fused if f"part:{one.part}" not in known]
        for start in range(0, len(fresh), _ROWS_AT_ONCE):
            add_rows(self._services, fresh[start : start + _ROWS_AT_ONCE], self._hold)
        limit = None if rule.method == "rule_based" else rule.review_at
        bill = add_bills(measured[key].result.bill for key in entry.members.values() if key in measured)
        return measure_combination(entry, rule_to_json(rule), limit, fused, seed=self._order.seed, bill=bill)

    def _row_of(self, entry: Entry, one: FusedPart) -> Prediction:
        row = Prediction(
            comparison_id=self._comparison_id,
            method=entry.key,
            subject=f"part:{one.part}",
            part=one.part,
            view=entry.view,
            split=one.split,
            truth=one.truth,
            score=one.probability,
            verdict="" if one.missing else "reject" if one.is_stopped else "ok",
            named=one.named,
            latency_ms=one.ms,
        )
        if one.missing:
            put_error(row, AppError("comparison_member_failed", view=one.missing))
        return row

    def _byte_size(self, entry: Entry, training: TrainingSet) -> int | None:
        if not find_method(entry.method).is_trained:
            return None
        model = find_model(self._services, training, entry.method, entry.options)
        return None if model is None else model.byte_size

    def _store(self, result: ComparisonResult) -> None:
        key = f"{folder_of(self._comparison_id)}result.json"
        data = json.dumps(result.to_json(), ensure_ascii=False, allow_nan=False, indent=1).encode()
        try:
            self._services.objects.put(key, data, content_type="application/json")
        except ObjectStoreError as error:
            raise from_lower(error) from error
        with writing(self._services) as session:
            session.execute(
                update(Comparison)
                .where(col(Comparison.id) == self._comparison_id)
                .values(summary=result.without_curves().to_json(), result_key=key, finished_at=utc_now())
            )
            self._hold(session)
            session.commit()

    def _report(self, stage: str, done: int, total: int) -> None:
        """Report a stage; at most every 0.3 s, but always its end. Raises JobLost, JobCancelled."""
        now = time.monotonic()
        if now - self._reported_at < _REPORT_EVERY_S and done < total:
            return
        self._reported_at = now
        claims.report(self._services, self._claim, stage=stage, done=done, total=total, result=self._progress())

    def _report_training(self, stage: str, done: int, total: int) -> None:
        """Report a stage of training by the name that people know it by."""
        self._report(_TRAINING_STAGES.get(stage, stage if stage in STAGE_NAMES else "train"), done, total)

    def _hold(self, session: Session) -> None:
        claims.hold(session, self._claim, stage="predict", done=self._done, total=self._total, result=self._progress())

    def _progress(self) -> dict[str, Any]:
        share = min(1.0, self._done / max(1, self._total))
        return JobProgress(share=share, work_started_at=self._started_at).to_json()


def _find_row(session: Session, job_id: int) -> Comparison:
    row = session.exec(select(Comparison).where(Comparison.job_id == job_id)).first()
    if row is None:
        raise NotFound("not_found")
    return row
