"""A product, its views and types as they were when its images left: what an import makes anew where it is missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TypeFacts:
    """A defect type, or a kind of good part, as it was when the images left."""

    code: str
    name_ko: str
    name_en: str = ""
    severity: str = "major"
    description: str = ""
    outcome: str = "defect"
    is_active: bool = True


@dataclass(frozen=True)
class ViewFacts:
    """A view of a product, as it was when its images left."""

    code: str
    name: str
    name_en: str = ""
    modality: str = "rgb"
    is_required: bool = True
    found_as: str = "external"
    is_active: bool = True


@dataclass(frozen=True)
class ProductFacts:
    """A product as it was when its images left."""

    code: str
    name: str
    name_en: str = ""
    description: str = ""
    notice: str = ""
    types: tuple[TypeFacts, ...] = ()
    views: tuple[ViewFacts, ...] = ()
