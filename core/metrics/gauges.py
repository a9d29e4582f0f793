"""The figures of the installation at this moment: trainings, the queue, what waits for the tracking store.

A few queries that an index serves; nothing counts inspections or images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from core.jobs.terms import TRAINING
from core.tracking.status import read_status
from core.transactions import HasDatabase, reading
from storage.json_fields import read_floats
from storage.tables import Job, Product, RunEpoch, TrainingRun, utc_now

if TYPE_CHECKING:
    from core.settings import Settings

STATES = ("queued", "running", "succeeded", "failed", "cancelled")
# A run that has ended stays so long, so that no scraper misses its last epoch.
STAYS_S = 600.0
_RUN_LABELS = ("run", "product", "recipe")
_MOST_RUNS = 50


@dataclass(frozen=True)
class Gauge:
    """A figure with its samples: for each the values of `labels`, and the number."""

    name: str
    words: str
    labels: tuple[str, ...] = ()
    samples: tuple[tuple[tuple[str, ...], float], ...] = field(default=())


def read_gauges(services: HasDatabase, settings: Settings) -> list[Gauge]:
    """Return all figures. Raises AppError when the database fails."""
    with reading(services) as session:
        found = [_runs_by_state(session), _queue(session), *_running_runs(session)]
    return [*found, *_tracking(services, settings)]


def _runs_by_state(session: Session) -> Gauge:
    query = select_columns(Job.state, func.count()).where(col(Job.kind) == TRAINING).group_by(col(Job.state))  # type: ignore[call-overload]
    counts = dict(session.execute(query).all())
    samples = tuple(((state,), float(counts.get(state, 0))) for state in STATES)
    return Gauge("geomsa_training_runs", "Training runs, by the state of their jobs.", ("state",), samples)


def _queue(session: Session) -> Gauge:
    query = (
        select_columns(Job.kind, Job.state, func.count())  # type: ignore[call-overload]
        .where(col(Job.state).in_(("queued", "running")))
        .group_by(col(Job.kind), col(Job.state))
    )
    counts = {(kind, state): int(count) for kind, state, count in session.execute(query).all()}
    # The kind that this is about is there also while nothing waits: a line that vanishes looks like a fault.
    kinds = sorted({kind for kind, _state in counts} | {TRAINING})
    samples = tuple(
        ((kind, state), float(counts.get((kind, state), 0))) for kind in kinds for state in ("queued", "running")
    )
    return Gauge("geomsa_queue_jobs", "Jobs that wait or run, by kind.", ("kind", "state"), samples)


def _running_runs(session: Session) -> Iterator[Gauge]:
    since = utc_now() - timedelta(seconds=STAYS_S)
    query = (
        select(TrainingRun, Product.code)
        .join(Product, col(Product.id) == col(TrainingRun.product_id))
        .join(Job, col(Job.id) == col(TrainingRun.job_id))
        .where(col(Job.kind) == TRAINING, or_(col(Job.state) == "running", col(Job.finished_at) > since))
        .order_by(col(TrainingRun.id).desc())
        .limit(_MOST_RUNS)
    )
    runs = [((str(run.id), code, run.recipe), run) for run, code in session.exec(query).all()]
    epochs = _last_epochs(session, [run.id for _labels, run in runs])
    rows = [(labels, run, epochs.get(run.id)) for labels, run in runs]
    yield Gauge(
        "geomsa_training_epoch", "Epochs that are over, of runs that go on or have just ended.", _RUN_LABELS,
        tuple((labels, float(run.epochs_done)) for labels, run, _last in rows),
    )  # fmt: skip
    yield Gauge(
        "geomsa_training_images_seen", "Images that a run has learned from, each as often as it was seen.", _RUN_LABELS,
        tuple((labels, float(last.images_seen)) for labels, _run, last in rows if last is not None),
    )  # fmt: skip
    losses = [
        ((*labels, split), value)
        for labels, _run, last in rows
        if last is not None
        for split, value in (("train", last.train_loss), ("val", last.val_loss))
        if value is not None
    ]
    yield Gauge("geomsa_training_loss", "Loss of a run's last epoch.", (*_RUN_LABELS, "split"), tuple(losses))
    figures = [
        ((*labels, name), value)
        for labels, _run, last in rows
        if last is not None
        for name, value in read_floats(last.metrics).items()
    ]
    yield Gauge(
        "geomsa_training_figure", "Figures of a run's last epoch on validation: accuracy (top1), macro F1 and others.",
        (*_RUN_LABELS, "figure"), tuple(figures),
    )  # fmt: skip


def _last_epochs(session: Session, run_ids: Sequence[int]) -> dict[int, RunEpoch]:
    if not run_ids:
        return {}
    newest = (
        select_columns(func.max(RunEpoch.id)).where(col(RunEpoch.run_id).in_(run_ids)).group_by(col(RunEpoch.run_id))
    )
    return {row.run_id: row for row in session.exec(select(RunEpoch).where(col(RunEpoch.id).in_(newest))).all()}


def _tracking(services: HasDatabase, settings: Settings) -> Iterator[Gauge]:
    state = read_status(services, settings).outbox
    age_s = 0.0 if state.oldest_at is None else (utc_now() - state.oldest_at).total_seconds()
    yield Gauge(
        "geomsa_tracking_waiting", "Messages of trainings that wait for the tracking store.",
        samples=(((), float(state.waiting)),),
    )  # fmt: skip
    yield Gauge(
        "geomsa_tracking_oldest_seconds", "How long the oldest of them has waited.", samples=(((), max(0.0, age_s)),)
    )
    yield Gauge(
        "geomsa_tracking_given_up", "Messages that the tracking store refused for good in the last 24 hours.",
        samples=(((), float(state.given_up)),),
    )  # fmt: skip
