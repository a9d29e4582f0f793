"""What products and defect types are called: small values that outlive the session they were read in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from storage.tables import DefectType, Product


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
    """A product by its id, its code and its name."""

    id: int
    code: str
    name: str

    @classmethod
    def from_row(cls, row: Product) -> ProductName:
        """Return the names in a product's row."""
        return cls(row.id, row.code, row.name)
