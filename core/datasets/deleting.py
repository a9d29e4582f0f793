"""Deleting a dataset version that nothing stands on; its images stay."""

from __future__ import annotations

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from core.access import ADMIN, Person, require_role
from core.audit import record
from core.errors import Conflict, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.tables import Comparison, DatasetVersion, DatasetVersionImage, MethodModel, TrainingRun


def count_uses(services: HasDatabase, dataset_id: int) -> int:
    """Return how many training runs, comparisons and trained methods stand on a version."""
    with reading(services) as session:
        return _count(session, dataset_id)


def delete_dataset(services: HasDatabase, person: Person, dataset_id: int) -> None:
    """Delete a version with its rows; only an administrator may.

    Raises NotAllowed, NotFound dataset_unknown, Conflict dataset_in_use (count).
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        row = session.get(DatasetVersion, dataset_id)
        if row is None:
            raise NotFound("dataset_unknown", number=dataset_id)
        count = _count(session, dataset_id)
        if count:
            raise Conflict("dataset_in_use", number=row.number, count=count)
        session.execute(delete(DatasetVersionImage).where(col(DatasetVersionImage.dataset_version_id) == dataset_id))
        record(
            session, person, "dataset.deleted", "dataset", row.id,
            product_id=row.product_id, number=row.number, hash=row.content_hash,
        )  # fmt: skip
        session.delete(row)
        session.commit()


def _count(session: Session, dataset_id: int) -> int:
    return sum(
        session.exec(select(func.count()).where(col(table.dataset_version_id) == dataset_id)).one()
        for table in (TrainingRun, Comparison, MethodModel)
    )
