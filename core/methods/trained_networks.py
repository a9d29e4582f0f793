"""Networks that training runs gave: found by their run, loaded once, and what they were shown while they learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.errors import NotFound, NotReady, from_lower
from core.models.kinds import TRAINED_NETWORK
from core.transactions import HasDatabase, reading
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import DatasetVersionImage, TrainingRun

if TYPE_CHECKING:
    from core.models.cache import StoredBundle
    from core.services import Services
    from inference.artifact import Bundle
    from inference.vision.comparison.trained_method import TrainedMethod


def load_network(services: Services, stored: StoredBundle) -> TrainedMethod:
    """Return the network of a run, or of a version of it, loaded once in this process.

    Raises NotFound(`object_missing`), NotReady for a damaged bundle or a device that fails, Unavailable.
    """
    try:
        return services.models.trained_network(stored)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error


def load_bundle(services: Services, stored: StoredBundle) -> Bundle:
    """Return the verified bundle of the network itself. Raises ArtifactError, ObjectStoreError."""
    from inference.artifact import read_bundle

    return services.models.read_once(
        ("trained_bundle", stored.manifest_sha256),
        stored,
        lambda folder: read_bundle(folder, kind=TRAINED_NETWORK, manifest_sha256=stored.manifest_sha256),
    )


def has_network(run: TrainingRun) -> bool:
    """Return whether a run has ended with a network that is still stored."""
    return run.finished_at is not None and bool(run.object_prefix)


def find_finished_run(services: HasDatabase, run_id: int) -> TrainingRun:
    """Return a run that has a network. Raises NotFound(`trained_run_unknown`), NotReady(`trained_run_unfinished`)."""
    with reading(services) as session:
        run = session.get(TrainingRun, run_id)
    if run is None:
        raise NotFound("trained_run_unknown", number=run_id)
    if not has_network(run):
        raise NotReady("trained_run_unfinished", number=run_id, name=run.name)
    return run


def list_finished_runs(
    services: HasDatabase, *, product_id: int | None = None, view: str | None = None
) -> list[TrainingRun]:
    """Return the runs that have a network, the newest first: all, or of a product, or of one view of it."""
    query = select(TrainingRun).where(col(TrainingRun.finished_at).is_not(None), TrainingRun.object_prefix != "")
    if product_id is not None:
        query = query.where(TrainingRun.product_id == product_id)
    if view is not None:
        query = query.where(TrainingRun.view == view)
    with reading(services) as session:
        return list(session.exec(query.order_by(col(TrainingRun.id).desc())).all())


@dataclass(frozen=True)
class ShownImages:
    """What a run was shown: the contents of images, and the names of parts."""

    contents: frozenset[str] = field(repr=False)
    parts: frozenset[str] = field(repr=False)

    def knows(self, content_sha256: str, part: str) -> bool:
        """Return whether it was shown this image, or another one of the same part (empty: none is known)."""
        return content_sha256 in self.contents or (bool(part) and part in self.parts)


def read_shown(services: HasDatabase, run: TrainingRun, *splits: str) -> ShownImages:
    """Return the images of these splits of the dataset version that a run was trained on.

    From those of `train` it learned; by those of `val` its best epoch and its threshold were chosen.
    """
    with reading(services) as session:
        rows = _read_rows(session, run, splits)
    return ShownImages(frozenset(row.content_sha256 for row in rows), frozenset(row.part for row in rows if row.part))


def _read_rows(session: Session, run: TrainingRun, splits: Sequence[str]) -> list[DatasetVersionImage]:
    query = select(DatasetVersionImage).where(
        DatasetVersionImage.dataset_version_id == run.dataset_version_id,
        col(DatasetVersionImage.split).in_(splits),
    )
    if run.view:
        query = query.where(DatasetVersionImage.view == run.view)
    return list(session.exec(query).all())
