"""What the filter of the history can be chosen from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from core.catalog.names import DefectTypeName, ProductName
from core.catalog.outcomes import DEFECT
from core.transactions import HasDatabase, reading
from storage.tables import DefectType, Inspection, Product, User

_MOST_LINES = 200


@dataclass(frozen=True)
class Choices:
    """The products, the people by their ids, the lines that inspections name, and the types of the chosen product.

    Without a product, `types` holds the chosen type alone: those of all products together tell nobody anything.
    """

    products: tuple[ProductName, ...]
    types: tuple[DefectTypeName, ...]
    people: dict[int, str]
    lines: tuple[str, ...]


def load_choices(services: HasDatabase, *, product_id: int | None, defect_type_id: int | None) -> Choices:
    """Return the choices in the order in which they are shown."""
    types = select(DefectType).where(DefectType.outcome == DEFECT).order_by(col(DefectType.code))
    if product_id is not None:
        types = types.where(DefectType.product_id == product_id)
    else:
        types = types.where(DefectType.id == defect_type_id)
    with reading(services) as session:
        return Choices(
            products=tuple(
                ProductName.from_row(row) for row in session.exec(select(Product).order_by(col(Product.name))).all()
            ),
            types=tuple(DefectTypeName.from_row(row) for row in session.exec(types).all()),
            people=dict(session.exec(select(User.id, User.display_name).order_by(col(User.display_name))).all()),
            lines=tuple(_lines(session)),
        )


def _lines(session: Session) -> list[str]:
    # Each is looked up in the index: to gather them from a million entries would take as long as a page.
    found: list[str] = []
    after = ""
    while len(found) < _MOST_LINES:
        following = session.scalar(select(func.min(Inspection.line)).where(col(Inspection.line) > after))
        if following is None:
            break
        found.append(following)
        after = following
    return found
