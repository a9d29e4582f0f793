"""What products and defect types are called: small values that outlive the session they were read in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from storage.tables import DefectType, Product


class HasProductNames(Protocol):
    """Whatever carries the names of a product: its row, or `ProductName`."""

    @property
    def name(self) -> str:
        """Return the name; the Korean one where there are two."""

    @property
    def name_en(self) -> str:
        """Return the English name, "" where there is one name for both languages."""


class HasDefectNames(Protocol):
    """Whatever carries the names of a defect type: its row, or `DefectTypeName`."""

    @property
    def code(self) -> str:
        """Return the English mapping name."""

    @property
    def name_ko(self) -> str:
        """Return the Korean name."""

    @property
    def name_en(self) -> str:
        """Return the English name, "" where there is none."""


@dataclass(frozen=True)
class DefectTypeName:
    """A defect type by its id, its code and its two names."""

    id: int
    code: str
    name_ko: str
    name_en: str

    @classmethod
    def from_row(cls, row: DefectType) -> DefectTypeName:
        """Return the names in a defect type's row."""
        return cls(row.id, row.code, row.name_ko, row.name_en)


@dataclass(frozen=True)
class ProductName:
    """A product by its id, its code and its names."""

    id: int
    code: str
    name: str
    name_en: str = ""

    @classmethod
    def from_row(cls, row: Product) -> ProductName:
        """Return the names in a product's row."""
        return cls(row.id, row.code, row.name, row.name_en)


def name_product(product: HasProductNames, language: str) -> str:
    """Return the product's name in a language; the other one where there is none of its own."""
    return product.name if language == "ko" else (product.name_en or product.name)


def spoken_name(product: HasProductNames) -> str | dict[str, str]:
    """Return the name for a sentence whose language is chosen later (`core.errors.describe`): one, or both."""
    return {"ko": product.name, "en": product.name_en} if product.name_en else product.name


def name_defect(defect: HasDefectNames, language: str) -> str:
    """Return the defect type's name in a language; its code where that name is missing."""
    return (defect.name_ko if language == "ko" else defect.name_en) or defect.code
