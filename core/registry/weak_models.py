"""Which models in use are weak on their test images, as it was found when they were deployed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, select

from core.models.detection_figures import BankFigures
from core.models.judgments import WeakSpot
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.transactions import HasDatabase, reading
from storage.tables import ModelVersion, Product


@dataclass(frozen=True)
class WeakModel:
    """A memory bank in use, the codes of its product and view, and what it hardly finds."""

    product: str
    number: int
    spots: tuple[WeakSpot, ...]
    view: str = ""


def list_weak_models(services: HasDatabase) -> list[WeakModel]:
    """Return the weak memory banks in use of the active products, in order of the products' codes."""
    query = (
        select(Product.code, ModelVersion)
        .where(ModelVersion.product_id == Product.id, ModelVersion.kind == MEMORY_BANK)
        .where(col(ModelVersion.active_key).is_not(None), col(Product.is_active).is_(True))
        .order_by(col(Product.code))
    )
    with reading(services) as session:
        found = [
            WeakModel(code, version.number, weak_spots_of(version), version.view)
            for code, version in session.exec(query).all()
        ]
    return [one for one in found if one.spots]


def weak_spots_in_use(services: HasDatabase, product_id: int, view: str = "") -> tuple[WeakSpot, ...]:
    """Return what the memory bank that inspects (a view of) the product hardly finds; nothing where none is in use."""
    with reading(services) as session:
        version = active_version(session, MEMORY_BANK, product_id, view=view)
    return () if version is None else weak_spots_of(version)


def weak_spots_of(version: ModelVersion) -> tuple[WeakSpot, ...]:
    """Return what a memory bank hardly found on its test images."""
    detection = BankFigures.from_json(version.metrics).detection
    return () if detection is None else detection.weak_on_test
