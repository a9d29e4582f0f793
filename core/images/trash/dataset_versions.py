"""Which dataset versions images belong to that are to be deleted: those are broken by it, or must not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.errors import Conflict
from core.transactions import HasDatabase, reading
from storage.tables import DatasetVersion, DatasetVersionImage, Image, Job, TrainingRun

_AT_ONCE = 500
_UNDER_WAY = ("queued", "running")


@dataclass(frozen=True)
class HeldVersion:
    """A whole dataset version with how many of the images are in it, and whether a training learns from it now."""

    id: int
    number: int
    name: str
    n_images: int
    in_training: bool


def list_versions_with(services: HasDatabase, image_ids: Sequence[int]) -> list[HeldVersion]:
    """Return the versions, not broken until now, that deleting these images breaks, by number."""
    with reading(services) as session:
        counts: dict[int, int] = {}
        for start in range(0, len(image_ids), _AT_ONCE):
            some = list(image_ids[start : start + _AT_ONCE])
            held = select(DatasetVersionImage.dataset_version_id, func.count()).where(
                col(DatasetVersionImage.image_id).in_(some)
            )
            for version_id, count in session.exec(held.group_by(col(DatasetVersionImage.dataset_version_id))):
                counts[version_id] = counts.get(version_id, 0) + count
        whole = select(DatasetVersion).where(
            col(DatasetVersion.id).in_(list(counts)), DatasetVersion.broken_reason == ""
        )
        rows = session.exec(whole.order_by(col(DatasetVersion.number))).all() if counts else []
        busy = _in_training(session, [row.id for row in rows])
    return [HeldVersion(row.id, row.number, row.name, counts[row.id], row.id in busy) for row in rows]


def require_not_in_training(session: Session, images: Sequence[Image]) -> None:
    """Raise Conflict dataset_image_in_training where a training that waits or runs learns from one of these images."""
    query = (
        select(TrainingRun.dataset_version_id, DatasetVersion.number)
        .join(Job, col(Job.id) == col(TrainingRun.job_id))
        .join(DatasetVersion, col(DatasetVersion.id) == col(TrainingRun.dataset_version_id))
        .where(col(Job.state).in_(_UNDER_WAY), col(TrainingRun.product_id).in_({image.product_id for image in images}))
    )
    numbers = dict(session.exec(query).all()) if images else {}
    if not numbers:
        return
    names = {image.id: image.stored_name for image in images}
    ids = list(names)
    for start in range(0, len(ids), _AT_ONCE):
        held = session.exec(
            select(DatasetVersionImage.image_id, DatasetVersionImage.dataset_version_id)
            .where(
                col(DatasetVersionImage.image_id).in_(ids[start : start + _AT_ONCE]),
                col(DatasetVersionImage.dataset_version_id).in_(list(numbers)),
            )
            .limit(1)
        ).first()
        if held is not None:
            raise Conflict("dataset_image_in_training", name=names[held[0]], number=numbers[held[1]])


def _in_training(session: Session, version_ids: Sequence[int]) -> set[int]:
    if not version_ids:
        return set()
    query = (
        select(TrainingRun.dataset_version_id)
        .join(Job, col(Job.id) == col(TrainingRun.job_id))
        .where(col(Job.state).in_(_UNDER_WAY), col(TrainingRun.dataset_version_id).in_(list(version_ids)))
    )
    return set(session.exec(query).all())
