"""What the groups of a trend are called in the language of a screen or a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.analytics.groups import By, Key
from core.catalog.names import DefectTypeName, ProductName
from core.catalog.outcomes import DEFECT
from core.models.kinds import MEMORY_BANK
from core.rollups.calendar import PlantCalendar, read_calendar
from core.transactions import HasDatabase, reading
from storage.tables import DefectType, ModelVersion, Product

if TYPE_CHECKING:
    from core.reports.layout import Words


@dataclass(frozen=True)
class GroupNames:
    """Products, defect types and memory banks (product's id, number) by their ids, and the plant's calendar."""

    calendar: PlantCalendar
    products: dict[int, ProductName] = field(default_factory=dict)
    types: dict[int, DefectTypeName] = field(default_factory=dict)
    versions: dict[int, tuple[int, int]] = field(default_factory=dict)

    def label(self, key: Key, by: By, words: Words) -> str:
        """Return what a group is called."""
        if isinstance(key, tuple):
            return f"{key[0]:%Y-%m-%d} {key[1]}".rstrip()
        if isinstance(key, datetime):
            return f"{key.astimezone(self.calendar.zone):%Y-%m-%d %H:%M}"
        if isinstance(key, date):
            return _name_day(key, by, words)
        if isinstance(key, int):
            return self._name_row(key, by, words)
        if key is None:
            return words._("not named")
        return key or words._("not noted")

    def type_name(self, type_id: int | None, words: Words, *, with_product: bool = False) -> str:
        """Return the name of a defect type, with its product's name where several products are looked at."""
        found = self.types.get(type_id) if type_id is not None else None
        product_id = self.type_products.get(type_id) if type_id is not None else None
        if found is None:
            return words._("not named")
        product = self.products.get(product_id) if with_product and product_id is not None else None
        return f"{words.defect(found)} · {words.product(product)}" if product is not None else words.defect(found)

    type_products: dict[int, int] = field(default_factory=dict)

    def _name_row(self, key: int, by: By, words: Words) -> str:
        if by == "product":
            found = self.products.get(key)
            return words.product(found) if found is not None else f"#{key}"
        if by == "type":
            return self.type_name(key, words, with_product=True)
        product_id, number = self.versions.get(key, (0, 0))
        product = self.products.get(product_id)
        return f"{words.product(product)} · v{number}" if product is not None else f"#{key}"


def read_group_names(services: HasDatabase) -> GroupNames:
    """Return the names. Raises AppError when the database fails."""
    with reading(services) as session:
        types = session.exec(
            select(DefectType).where(DefectType.outcome == DEFECT).order_by(col(DefectType.code))
        ).all()
        versions = session.exec(
            select(ModelVersion.id, ModelVersion.product_id, ModelVersion.number)
            .where(ModelVersion.kind == MEMORY_BANK)
            .order_by(col(ModelVersion.id).desc())
        ).all()
        return GroupNames(
            calendar=read_calendar(session),
            products={
                row.id: ProductName.from_row(row) for row in session.exec(select(Product).order_by(col(Product.name)))
            },
            types={row.id: DefectTypeName.from_row(row) for row in types},
            type_products={row.id: row.product_id for row in types},
            versions={number_id: (product_id or 0, number) for number_id, product_id, number in versions},
        )


def _name_day(day: date, by: By, words: Words) -> str:
    if by == "week":
        year, week, _weekday = day.isocalendar()
        return words._("{year} week {week}", year=year, week=f"{week:02d}")
    return f"{day:%Y-%m}" if by == "month" else f"{day:%Y-%m-%d}"
