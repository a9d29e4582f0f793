"""What is said of an image in the gallery: its quality, its origin, and all of it in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.i18n import N_
from core.images.gallery.filters import NONE_NAMED
from pages.components.images.domains import name_domain
from pages.components.images.labels import SPLIT_NAMES, describe_label
from pages.components.images.outlier_filter import describe_outlier_state
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

QUALITY_NAMES: dict[str, str] = {
    "blurred": N_("Blurred"),
    "under_exposed": N_("Too dark"),
    "over_exposed": N_("Too bright"),
    "unreadable": N_("Unreadable"),
    "fault": N_("Any fault"),
    "fine": N_("No fault found"),
    "unmeasured": N_("Not measured yet"),
}
ORIGIN_NAMES: dict[str, str] = {
    "upload": N_("Upload"),
    "import": N_("Folder or ZIP import"),
    "api": N_("REST interface"),
    "inspection": N_("Inspection"),
    "demo": N_("Demo data"),
    NONE_NAMED: N_("not known"),
}


def quality_words(quality: str | None) -> list[str]:
    """Return the faults of an image in words; none where it has none, or was not measured."""
    return [label_of(QUALITY_NAMES, code) for code in (quality or "").split(",") if code in QUALITY_NAMES]


def origin_words(origin: str) -> str:
    """Return by which way an image came."""
    return label_of(ORIGIN_NAMES, origin if origin in ORIGIN_NAMES else NONE_NAMED)


def describe_tile(image: Image, defect_types: Sequence[DefectType], n_regions: int) -> str:
    """Return in one line what a tile shows, for the pointer that rests on it and for screen readers."""
    facts = [image.stored_name, describe_label(image, defect_types), label_of(SPLIT_NAMES, image.split)]
    if n_regions:
        facts.append(_n("{count} region marked", "{count} regions marked", n_regions))
    elif image.mask_key is not None:
        facts.append(_("with mask"))
    if image.part:
        facts.append(_("part {part}", part=image.part))
    if image.view:
        facts.append(_("view {view}", view=image.view))
    if image.domain:
        facts.append(name_domain(image.domain))
    facts += quality_words(image.quality)
    if state := describe_outlier_state(image):
        facts.append(state)
    return " · ".join(facts)
