"""Labels of the tables' codes: what verdicts mean, image notes, places in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.guidance.writers.registry import is_quoted
from core.i18n import N_
from core.inspections import terms
from core.models.options import find_option
from pages.components.shared.language import _, number, percent

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord

VERDICT_ICONS: dict[str, str] = {
    "ok": ":material/check_circle:",
    "review": ":material/help:",
    "reject": ":material/cancel:",
}
VERDICT_COLORS: dict[str, str] = {"ok": "green", "review": "orange", "reject": "red"}
VERDICT_MEANINGS: dict[str, str] = {
    "ok": N_("Looks like the normal parts."),
    "review": N_("Between OK and NG: a person must decide."),
    "reject": N_("Differs clearly from the normal parts."),
}
SOURCE_NAMES = terms.SOURCE_NAMES
THRESHOLD_METHODS = terms.THRESHOLD_METHODS
QUALITY_WARNINGS: dict[str, str] = {
    "blurred": N_("The image is blurred. Check the focus and hold the part still."),
    "under_exposed": N_("The image is too dark. Give it more light or a longer exposure."),
    "over_exposed": N_("The image is too bright. Reduce the light or the exposure."),
}
_PLACES: tuple[tuple[str, str, str], ...] = (
    (N_("top left"), N_("top centre"), N_("top right")),
    (N_("centre left"), N_("centre"), N_("centre right")),
    (N_("bottom left"), N_("bottom centre"), N_("bottom right")),
)

_ENCODER_NAMES: dict[str, str] = {"use-multilingual-3": N_("Universal Sentence Encoder (multilingual)")}


def label_of(names: dict[str, str], code: str) -> str:
    """Return the name of `code` in the run's language; the code itself where it has none."""
    return _(names[code]) if code in names else code


def name_model(name: str | None) -> str:
    """Return what a model of this name is called, of whichever kind; the name itself where it is unknown here."""
    option = find_option(name or "")
    if option is not None:
        return _(option.title, backbone=option.network_title)
    if name and is_quoted(name):
        return _("Quote the manual")
    return label_of(_ENCODER_NAMES, str(name or "–"))


def describe_region(record: InspectionRecord, index: int) -> str:
    """Return the place (the ninth of the image that holds its middle) and the size of the region at `index`."""
    region = record.regions[index]
    column = min(2, int(3 * (region.x + region.w / 2) / max(1, record.width_px)))
    line = min(2, int(3 * (region.y + region.h / 2) / max(1, record.height_px)))
    return _(
        "{place}, {width} × {height} px, {share} of the image",
        place=_(_PLACES[line][column]),
        width=number(region.w),
        height=number(region.h),
        share=percent(region.area / max(1, record.width_px * record.height_px), decimals=2),
    )
