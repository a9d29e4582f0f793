"""The result of one inspection: the picture and why, and beside it all that is decided, none of it below the fold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.inspections.images import load_images
from pages.components.inspection.by_view.evidence import show_evidence
from pages.components.inspection.decisions.panel import show_decision_panel
from pages.components.inspection.heat_map import Pictures, draw_pictures
from pages.components.inspection.heat_viewer import show_heat_viewer
from pages.components.inspection.shown_result import keep_record
from pages.components.shared.labels import QUALITY_WARNINGS, describe_region, label_of
from pages.components.shared.language import _, defect_name, escape, number, percent
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.inspections.images import InspectionImages
    from core.inspections.records import InspectionRecord


@st.cache_resource(show_spinner=False, max_entries=32)
def _pictures(
    store: int, inspection_id: int, _record: InspectionRecord, _images: InspectionImages | None = None
) -> Pictures:
    # Shared by all sessions and never changed: an inspection's pictures stay as they are.
    images = _images if _images is not None else load_images(services(), _record)
    return draw_pictures(services(), _record, images)


def find_pictures(record: InspectionRecord) -> Pictures:
    """Return the addresses of an inspection's pictures. Raises NotFound, or Unavailable where they cannot be read."""
    return _pictures(hash(services().settings), record.id, record)


def keep_result(record: InspectionRecord, images: InspectionImages | None = None) -> None:
    """Make `record` the result on screen. Its pictures go to the shared cache, of `images` where they are at hand.

    Raises NotFound, or Unavailable where the pictures cannot be read.
    """
    _pictures(hash(services().settings), record.id, record, images)
    keep_record(record)


def show_result(record: InspectionRecord, *, on_next: Callable[[], None]) -> None:
    """Draw a result: the picture on the left; verdict, decisions, similar images and details beside it.

    Nothing of it leaves the screen: what is long scrolls in its own box. `on_next` clears it for the next part.
    """
    pictures = _pictures(hash(services().settings), record.id, record)
    with st.container(key="result_body"):
        left, right = st.columns([1.08, 1], gap="medium")
    if record.combined is not None:
        with left, st.container(key="result_picture", gap="small"):
            show_evidence(record, record.combined)
        with right:
            show_decision_panel(record.id, pictures, on_next)
        return
    with left, st.container(key="result_picture", gap="small"):
        show_heat_viewer(record, pictures, key=f"viewer_{record.id}")
        with st.container(key="result_places", gap="small"):
            for warning in pictures.quality_warnings:
                st.warning(label_of(QUALITY_WARNINGS, warning), icon=":material/photo_camera:")
            _show_regions(record)
            if record.product_notice:
                st.caption(escape(record.product_notice))
    with right:
        show_decision_panel(record.id, pictures, on_next)


def _show_regions(record: InspectionRecord) -> None:
    if not record.regions:
        if record.verdict != "ok":
            st.caption(_("The difference is spread over the part: no single region stands out."))
        return
    lines = [
        f"{index + 1}. {describe_region(record, index)}{_name_region(record, index)}"
        for index in range(min(5, len(record.regions)))
    ]
    if len(record.regions) > 5:
        lines.append(_("… and {count} smaller ones", count=number(len(record.regions) - 5)))
    st.markdown("\n".join(lines))


def _name_region(record: InspectionRecord, index: int) -> str:
    """Return the type that a place is taken for, where the labeled defects of several types taught it."""
    region = record.regions[index]
    named = next((found for found in record.defect_types if found.id == region.defect_type_id), None)
    if named is None or region.type_share is None or len(record.defect_types) < 2:
        return ""
    return f" · {escape(defect_name(named))} {percent(region.type_share, decimals=0)}"
