"""Reading dataset versions, and whether their images are still what they were."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select as select_columns
from sqlalchemy import update
from sqlmodel import Session, col, select

from core.datasets.records import GOOD, Dataset, DatasetHead, FrozenImage
from core.errors import Conflict, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.tables import DatasetVersion, DatasetVersionImage, DefectType, Image

# Why a version cannot be used any more; each is the code of its sentence.
GONE, RELABELED = "dataset_image_gone", "dataset_image_relabeled"
# Of a mask that was drawn anew: found when it is read.
MASK_CHANGED = "dataset_mask_changed"


def list_datasets(services: HasDatabase, product_id: int) -> list[DatasetHead]:
    """Return the product's dataset versions, the newest first, each with whether it is broken now."""
    query = select(DatasetVersion).where(DatasetVersion.product_id == product_id)
    with reading(services) as session:
        rows = session.exec(query.order_by(col(DatasetVersion.number).desc())).all()
        changed = _find_changes(session, rows)
    if changed:
        _store_changes(services, changed)
        for row in rows:
            row.broken_reason = changed.get(row.id, row.broken_reason)
    return [DatasetHead.from_row(row) for row in rows]


def read_head(services: HasDatabase, dataset_id: int) -> DatasetHead:
    """Return a dataset version without its images, with whether it is broken now. Raises NotFound dataset_unknown."""
    with reading(services) as session:
        row = _get(session, dataset_id)
        changed = _find_changes(session, [row])
    if changed:
        _store_changes(services, changed)
        row.broken_reason = changed.get(row.id, row.broken_reason)
    return DatasetHead.from_row(row)


def find_dataset(services: HasDatabase, product_id: int, number: int) -> DatasetHead:
    """Return the product's version of this number. Raises NotFound dataset_unknown."""
    with reading(services) as session:
        found = session.exec(
            select(DatasetVersion.id).where(DatasetVersion.product_id == product_id, DatasetVersion.number == number)
        ).first()
    if found is None:
        raise NotFound("dataset_unknown", number=number)
    return read_head(services, found)


def load_dataset(services: HasDatabase, dataset_id: int) -> Dataset:
    """Return a dataset version with its images, broken or not. Raises NotFound dataset_unknown."""
    head = read_head(services, dataset_id)
    query = select(DatasetVersionImage).where(DatasetVersionImage.dataset_version_id == dataset_id)
    with reading(services) as session:
        rows = session.exec(query.order_by(col(DatasetVersionImage.image_id))).all()
        return Dataset(head, tuple(FrozenImage.from_row(row) for row in rows))


def require_intact(head: DatasetHead) -> None:
    """Raise Conflict with the reason for a version whose images are not what they were."""
    if head.broken_reason:
        raise Conflict(head.broken_reason, number=head.number)


def mark_broken(services: HasDatabase, dataset_id: int, reason: str) -> None:
    """Note that a version is broken for a reason that its rows do not show, as a mask that was drawn anew."""
    _store_changes(services, {dataset_id: reason})


def _get(session: Session, dataset_id: int) -> DatasetVersion:
    row = session.get(DatasetVersion, dataset_id)
    if row is None:
        raise NotFound("dataset_unknown", number=dataset_id)
    return row


def _find_changes(session: Session, rows: Sequence[DatasetVersion]) -> dict[int, str]:
    """Return the reasons that differ from those stored; an image that came back out of the trash mends its versions."""
    found: dict[int, str] = {}
    for row in rows:
        if row.broken_reason == MASK_CHANGED:
            continue
        reason = _reason_of(session, row.id)
        if reason != row.broken_reason:
            found[row.id] = reason
    return found


def _reason_of(session: Session, dataset_id: int) -> str:
    frozen = DatasetVersionImage
    joined = (
        select_columns(
            col(Image.id), col(Image.image_type), col(DefectType.code), col(frozen.image_type), col(frozen.label)
        )
        .select_from(frozen)
        .outerjoin(Image, col(Image.id) == col(frozen.image_id))
        .outerjoin(DefectType, col(DefectType.id) == col(Image.defect_type_id))
        .where(col(frozen.dataset_version_id) == dataset_id)
    )
    reason = ""
    for image_id, image_type, code, was_type, was_label in session.execute(joined):
        if image_id is None:
            return GONE
        if (image_type, code or GOOD) != (was_type, was_label):
            reason = RELABELED
    return reason


def _store_changes(services: HasDatabase, changed: dict[int, str]) -> None:
    with writing(services) as session:
        for dataset_id, reason in changed.items():
            session.execute(
                update(DatasetVersion).where(col(DatasetVersion.id) == dataset_id).values(broken_reason=reason)
            )
        session.commit()
