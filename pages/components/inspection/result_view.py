"""The result of one inspection: the verdict and why, with every step beside the picture and none below the fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.images.notes import describe_note
from core.inspections.images import load_images, load_nearest_normal
from core.inspections.terms import VERDICT_NAMES
from pages.components.inspection.guidance_view import show_guidance
from pages.components.inspection.heat_map import Pictures, draw_pictures
from pages.components.inspection.heat_viewer import show_heat_viewer
from pages.components.inspection.report_button import show_report_button
from pages.components.inspection.result_actions import show_action, show_defect_type, show_override
from pages.components.inspection.score_scale import show_score_scale
from pages.components.inspection.similar_images import show_similar_images
from pages.components.shared.labels import (
    QUALITY_WARNINGS,
    SOURCE_NAMES,
    THRESHOLD_METHODS,
    VERDICT_ICONS,
    VERDICT_MEANINGS,
    describe_region,
    label_of,
)
from pages.components.shared.language import _, byte_size, defect_name, escape, language, moment, number, percent
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.inspections.images import InspectionImages
    from core.inspections.records import InspectionRecord

_SHOWN = "shown_inspection"


@st.cache_resource(show_spinner=False, max_entries=32)
def _pictures(
    store: int, inspection_id: int, _record: InspectionRecord, _images: InspectionImages | None = None
) -> Pictures:
    # Shared by all sessions and never changed: an inspection's pictures stay as they are.
    images = _images if _images is not None else load_images(services(), _record)
    return draw_pictures(_record, images, load_nearest_normal(services(), _record))


def keep_result(record: InspectionRecord, images: InspectionImages | None = None) -> None:
    """Make `record` the result on screen. Its pictures go to the shared cache, of `images` where they are at hand.

    Raises NotFound, or Unavailable where the pictures cannot be read.
    """
    _pictures(hash(services().settings), record.id, record, images)
    st.session_state[_SHOWN] = record


def clear_result() -> None:
    """Clear the screen for the next part."""
    st.session_state.pop(_SHOWN, None)


def shown_result() -> InspectionRecord | None:
    """Return the result on screen, or None."""
    record: InspectionRecord | None = st.session_state.get(_SHOWN)
    return record


def show_result(record: InspectionRecord) -> None:
    """Draw a result: picture on the left; decision, similar images and details beside it."""
    pictures = _pictures(hash(services().settings), record.id, record)
    _show_verdict(record)
    for warning in pictures.quality_warnings:
        st.warning(label_of(QUALITY_WARNINGS, warning), icon=":material/photo_camera:")
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        show_heat_viewer(record, pictures, key=f"viewer_{record.id}")
        _show_regions(record)
    with right:
        decide, similar, compare, image = st.tabs([_("Decision"), _("Similar images"), _("Comparison"), _("Image")])
        with decide:
            _show_decision(record)
        with similar:
            show_similar_images(record, pictures)
        with compare:
            _show_comparison(pictures)
        with image:
            _show_image_details(record, pictures)
    if record.product_notice:
        st.caption(escape(record.product_notice))


def _show_verdict(record: InspectionRecord) -> None:
    verdict = record.decision.verdict
    banner, scale = st.columns([1, 1.5], gap="medium", vertical_alignment="center")
    with banner, st.container(key=f"verdict_{verdict}_{record.id}", gap=None):
        st.markdown(f"## {VERDICT_ICONS[verdict]} {label_of(VERDICT_NAMES, verdict)}")
        if verdict == record.verdict:
            st.markdown(label_of(VERDICT_MEANINGS, verdict))
        else:
            st.markdown(_("Overruled; the model said: {verdict}", verdict=label_of(VERDICT_NAMES, record.verdict)))
    with scale:
        show_score_scale(record.score, review_at=record.review_at, reject_at=record.reject_at)


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


def _show_decision(record: InspectionRecord) -> None:
    if record.decision.verdict == "ok":
        st.success(_("Nothing to do: the part may go on."), icon=":material/check:")
    else:
        show_defect_type(record, keep=_keep_record)
        with st.container(border=True):
            show_guidance(record)
        show_action(record, keep=_keep_record)
    overrule, report = st.columns(2)
    with overrule:
        show_override(record, keep=_keep_record)
    with report:
        show_report_button(record)


def _keep_record(record: InspectionRecord) -> None:
    """Show the record as it is after a decision was saved."""
    st.session_state[_SHOWN] = record


def _show_comparison(pictures: Pictures) -> None:
    if pictures.nearest_jpeg is None or pictures.difference_jpeg is None:
        st.info(_("The nearest normal image is not stored any more, so there is nothing to compare with."))
        return
    st.markdown(_("The normal image that is nearest where this part looks worst, and where the two differ."))
    part, nearest = st.columns(2)
    with part:
        st.image(pictures.part_jpeg, width="stretch", caption=_("This part"))
    with nearest:
        st.image(pictures.nearest_jpeg, width="stretch", caption=_("Nearest normal image"))
    difference, words = st.columns(2)
    with difference:
        st.image(pictures.difference_jpeg, width="stretch", caption=_("Difference"))
    with words:
        if pictures.nearest_name:
            st.caption(escape(pictures.nearest_name))
        st.caption(_("The difference is adjusted for light. Parts that lie differently differ at their edges too."))


def _show_image_details(record: InspectionRecord, pictures: Pictures) -> None:
    part, none = record.part, "–"
    who = escape(_(record.person_name)) if record.person_name else none
    facts = {
        _("File"): escape(record.original_name) or none,
        _("Size"): f"{number(record.width_px)} × {number(record.height_px)} px",
        _("Source"): label_of(SOURCE_NAMES, part.source),
        _("Quality"): _("No fault found") if not pictures.quality_warnings else _("See the warning above"),
        _("Line / lot"): " / ".join(escape(text) or none for text in (part.line, part.lot)),
        _("Serial / shift"): " / ".join(escape(text) or none for text in (part.serial, part.shift)),
        _("Inspected"): f"{moment(record.created_at)} · {who}",
        _("Inspection no."): number(record.id),
        _("Model"): _(
            "version {number}, {size}, built {when}",
            number=record.model.number,
            size=byte_size(record.model.byte_size),
            when=moment(record.model.created_at),
        ),
        _("Thresholds"): label_of(THRESHOLD_METHODS, record.threshold_method),
        _("Time taken"): f"{number(record.latency_ms)} ms",
    }
    if record.suggestion is not None:
        likely = record.suggestion.defect_type
        facts[_("Suggested type")] = escape(defect_name(likely)) if likely else _("none of the known types")
    st.table(facts, border="horizontal")
    for note in record.image_notes:
        st.caption(describe_note(note, language()))
