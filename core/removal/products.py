"""Purging a product: what would go is said first, then a person types its code, then rows and objects go for good."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from core.access import ADMIN, require_role
from core.audit import record, stale_save
from core.catalog.products import get_product_row
from core.errors import AppError, BadInput, Conflict
from core.removal.pending import finish_removals, note_removal
from core.removal.rows import delete_product_rows, is_busy, list_bound_alone, list_product_objects
from core.transactions import reading, writing
from storage.tables import (
    DefectType,
    GaugeStudy,
    Image,
    Inspection,
    Manual,
    ModelVersion,
    Product,
    ReportSchedule,
    TrashedImage,
    WatchFolder,
)

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PurgeWeight:
    """How much goes with a product: rows of each kind, and the bytes of its images and manuals."""

    images: int
    trashed_images: int
    defect_types: int
    manuals: int
    model_versions: int
    inspections: int
    gauge_studies: int
    watched_folders: int
    report_schedules: int
    byte_size: int


def weigh_purge(services: Services, person: Person, product_id: int) -> tuple[Product, PurgeWeight]:
    """Return the product as it is now, and what goes with it. Raises NotAllowed; NotFound not_found."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        return get_product_row(session, product_id), _weigh(session, product_id)


def purge_product(
    services: Services, person: Person, product_id: int, *, row_version: int, typed_code: str
) -> PurgeWeight:
    """Delete a product with everything that hangs on it, for good; return what went.

    The person has typed the product's code, and saw it in the state `row_version`. The rows go first, in one
    transaction that keeps which objects are to follow; what a crash or a store that is away leaves of those, the next
    tidying deletes. The audit log keeps who purged what. Raises NotAllowed; NotFound not_found; BadInput
    purge_not_confirmed; Conflict purge_busy (a job has to do with it), purge_bound (accounts would be bound to no
    product any more, and so be let into all) and stale_save.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        if typed_code.strip() != product.code:
            raise BadInput("purge_not_confirmed", product_code=product.code)
        if product.row_version != row_version:
            raise stale_save(session, subject_type="product", subject_id=product_id, row_version=row_version)
        if is_busy(session, [product_id]):
            raise Conflict("purge_busy", product_code=product.code)
        if bound := list_bound_alone(session, [product_id]):
            raise Conflict("purge_bound", product_code=product.code, names=", ".join(bound))
        weight = _weigh(session, product_id)
        keys, prefixes = list_product_objects(session, [product_id])
        told = {"code": product.code, "name": product.name, **asdict(weight)}
        delete_product_rows(session, [product_id])
        note_removal(session, [product_id], keys, prefixes)
        record(session, person, "product.purged", "product", product_id, **told)
        session.commit()
    try:
        finish_removals(services)
    except AppError as error:
        logger.warning("the files of product %s are deleted later: %s", told["code"], error.code)
    return weight


def _weigh(session: Session, product_id: int) -> PurgeWeight:
    def count(table: Any) -> int:
        return int(session.exec(select(func.count()).select_from(table).where(table.product_id == product_id)).one())

    def weigh(table: Any) -> int:
        return int(session.exec(select(func.sum(table.byte_size)).where(table.product_id == product_id)).one() or 0)

    folders = select(func.count()).select_from(WatchFolder).where(WatchFolder.product_id == product_id)
    return PurgeWeight(
        images=count(Image),
        trashed_images=count(TrashedImage),
        defect_types=count(DefectType),
        manuals=count(Manual),
        model_versions=count(ModelVersion),
        inspections=count(Inspection),
        gauge_studies=count(GaugeStudy),
        watched_folders=int(session.exec(folders.where(col(WatchFolder.removed_at).is_(None))).one()),
        report_schedules=count(ReportSchedule),
        byte_size=weigh(Image) + weigh(Manual),
    )
