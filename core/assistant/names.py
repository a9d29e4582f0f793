"""The names that people may say: products, defect types, views and lines, as they stand in the database now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.catalog.defect_types import list_defect_types
from core.catalog.names import DefectTypeName, ProductName, name_defect, name_product
from core.catalog.outcomes import DEFECT
from core.catalog.products import list_products_in_use
from core.catalog.views import codes_of, list_views_of
from core.history.choices import load_choices
from core.services import Services


@dataclass(frozen=True)
class NamedType:
    """A defect type with its product's id."""

    product_id: int
    name: DefectTypeName


@dataclass(frozen=True)
class Names:
    """All names: products in use by code, their defect types, the views of those that have any, the lines."""

    products: tuple[ProductName, ...]
    types: tuple[NamedType, ...]
    views: dict[int, tuple[str, ...]]
    lines: tuple[str, ...]

    def product(self, code: str) -> ProductName | None:
        """Return the product of this code, upper and lower case alike."""
        return next((one for one in self.products if one.code.casefold() == code.strip().casefold()), None)

    def types_of(self, product_id: int | None) -> tuple[NamedType, ...]:
        """Return the defect types of a product, or of all."""
        return tuple(one for one in self.types if product_id in (None, one.product_id))

    def views_of(self, product_id: int) -> tuple[str, ...]:
        """Return the codes of a product's views; none where it has none."""
        return self.views.get(product_id, ())


class Unclear(Exception):
    """Something that was said means several things, or nothing: `field` is asked for, with `choices` to pick from.

    Each choice is a value and what it is called.
    """

    def __init__(self, field: str, said: str, choices: Sequence[tuple[str, str]]) -> None:
        self.field, self.said, self.choices = field, said, tuple(choices)
        super().__init__(field, said)


def read_names(services: Services) -> Names:
    """Return the names as they are now, in a handful of queries."""
    products = tuple(ProductName.from_row(row) for row in list_products_in_use(services))
    ids = {one.id for one in products}
    types = tuple(
        NamedType(row.product_id, DefectTypeName.from_row(row))
        for row in list_defect_types(services, None, outcome=DEFECT)
        if row.product_id in ids
    )
    views = {product_id: codes_of(found) for product_id, found in list_views_of(services, ids).items() if found}
    lines = load_choices(services, product_id=None, defect_type_id=None).lines
    return Names(products, types, views, tuple(line for line in lines if line))


def product_choices(products: Sequence[ProductName], language: str) -> list[tuple[str, str]]:
    """Return products as choices: code, and what they are called in the language."""
    called = [(one.code, name_product(one, language)) for one in products]
    return [(code, name if name == code else f"{name} ({code})") for code, name in called]


def type_choices(types: Sequence[NamedType], language: str) -> list[tuple[str, str]]:
    """Return defect types as choices in the language; one code of several products stands there once."""
    found: dict[str, str] = {}
    for one in types:
        found.setdefault(one.name.code, f"{name_defect(one.name, language)} ({one.name.code})")
    return list(found.items())
