"""What the files of a format have no place for: other programs do not see it, and the manifest beside them keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from core.i18n import N_
from core.images.exports.records import ExportFormat, ExportImage, ExportType
from core.images.regions.records import BOX

Fact = Literal[
    "regions",
    "outlines",
    "unmarked_types",
    "good_kinds",
    "parts",
    "views",
    "domains",
    "original_names",
    "region_origins",
    "type_names",
    "descriptions",
]
FACT_NAMES: Final[dict[Fact, str]] = {
    "regions": N_("single regions with their own types"),
    "outlines": N_("exact outlines"),
    "unmarked_types": N_("types of defects that nobody has marked"),
    "good_kinds": N_("kinds of good parts"),
    "parts": N_("parts"),
    "views": N_("views"),
    "domains": N_("where images were taken"),
    "original_names": N_("original file names"),
    "region_origins": N_("who marked a region"),
    "type_names": N_("names in two languages and severity of the types"),
    "descriptions": N_("descriptions of product, views and types"),
}
_OF_IMAGES: Final[tuple[Fact, ...]] = ("parts", "views", "domains", "original_names")
# What each format's own files do not say.
NOT_IN_FORMAT: Final[dict[ExportFormat, frozenset[Fact]]] = {
    "folders": frozenset({"regions", *_OF_IMAGES, "region_origins", "type_names", "descriptions"}),
    "coco": frozenset({*_OF_IMAGES, "region_origins", "descriptions"}),
    "yolo": frozenset(
        {"outlines", "unmarked_types", "good_kinds", *_OF_IMAGES, "region_origins", "type_names", "descriptions"}
    ),
    "voc": frozenset(
        {"outlines", "unmarked_types", "good_kinds", *_OF_IMAGES, "region_origins", "type_names", "descriptions"}
    ),
    "csv": frozenset({"region_origins", "descriptions"}),
}


def list_facts(image: ExportImage) -> Iterable[Fact]:
    """Yield what is known of an image that some format has no place for."""
    if image.regions:
        yield "regions"
        yield "region_origins"
    if any(region.shape != BOX for region, _kind in image.regions):
        yield "outlines"
    if image.is_defect and not image.regions and image.mask_key is None:
        yield "unmarked_types"
    if not image.is_defect and image.type is not None:
        yield "good_kinds"
    if image.part:
        yield "parts"
    if image.view:
        yield "views"
    if image.domain:
        yield "domains"
    if image.original_name and image.original_name != image.name:
        yield "original_names"


def list_facts_of_all(types: Sequence[ExportType], descriptions: Iterable[str]) -> Iterable[Fact]:
    """Yield the same of the product and its types."""
    if any(kind.name_en or kind.name_ko not in {"", kind.code} for kind in types):
        yield "type_names"
    if any(descriptions) or any(kind.description for kind in types):
        yield "descriptions"
