"""What the tracking store is told of a run, read from its rows: whatever kind of message comes first can begin it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core.tracking.naming import clean_name, flatten_figures, flatten_parameters
from storage.tables import DatasetVersion, Product, RunEpoch, SystemConfig, TrainingRun, User

INSTALLATION = "installation"
TAG = "geomsa.run"
SOURCE = "Geomsa"


@dataclass(frozen=True)
class EpochPoint:
    """The figures of one epoch by their names in the store."""

    epoch: int
    at: datetime
    figures: dict[str, float]


@dataclass(frozen=True)
class RunFacts:
    """A run as the store shall show it. `tag` is the value of `geomsa.run`, which no other run anywhere has."""

    run_id: int
    tag: str
    name: str
    experiment: str
    created_at: datetime
    configuration: dict[str, Any]
    parameters: dict[str, str]
    tags: dict[str, str]
    dataset_name: str
    dataset_digest: str
    epochs: tuple[EpochPoint, ...] = field(repr=False)


def read_facts(session: Session, run_id: int) -> RunFacts | None:
    """Return what is known of a run; None for one that is gone."""
    run = session.get(TrainingRun, run_id)
    if run is None:
        return None
    product = session.get_one(Product, run.product_id)
    dataset = session.get_one(DatasetVersion, run.dataset_version_id)
    person = session.get(User, run.created_by) if run.created_by is not None else None
    tag = f"{_installation(session)}:{run.id}"
    tags = {
        TAG: tag,
        "geomsa.run_id": str(run.id),
        "geomsa.product": product.code,
        "geomsa.view": run.view,
        "geomsa.task": run.task,
        "geomsa.recipe": run.recipe,
        "geomsa.seed": str(run.seed),
        "geomsa.config_hash": run.config_hash,
        "geomsa.dataset": f"{dataset.number}",
        "geomsa.dataset_hash": dataset.content_hash,
        "mlflow.source.name": SOURCE,
        "mlflow.source.type": "LOCAL",
        "mlflow.user": person.login if person is not None else "",
    }
    return RunFacts(
        run_id=run.id,
        tag=tag,
        name=run.name or f"run {run.id}",
        # What a product calls its experiments must not mix with another product's of the same name.
        experiment=clean_name(f"{product.code}/{run.experiment or 'default'}"),
        created_at=run.created_at,
        configuration=dict(run.configuration),
        parameters={clean_name(name): value for name, value in flatten_parameters(run.configuration).items()},
        tags={name: value for name, value in tags.items() if value},
        dataset_name=f"{product.code} #{dataset.number}",
        dataset_digest=dataset.content_hash[:36],
        epochs=tuple(read_epochs(session, run_id)),
    )


def read_epochs(session: Session, run_id: int) -> list[EpochPoint]:
    """Return the figures of a run's epochs, in order."""
    query = select(RunEpoch).where(RunEpoch.run_id == run_id).order_by(col(RunEpoch.epoch))
    return [_point(row) for row in session.exec(query).all()]


def _point(row: RunEpoch) -> EpochPoint:
    own = {
        "train/loss": row.train_loss,
        "val/loss": row.val_loss,
        "learning_rate": row.learning_rate,
        "images_seen": row.images_seen,
        "epoch_seconds": row.seconds,
    }
    figures = {name: float(value) for name, value in own.items() if value is not None}
    return EpochPoint(row.epoch, row.created_at, figures | flatten_figures(row.metrics, under="val"))


def _installation(session: Session) -> str:
    row = session.get(SystemConfig, INSTALLATION)
    return str(row.value.get("id", "")) if row is not None else ""
