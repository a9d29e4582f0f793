"""The result of one inspection: the verdict and why, with every step beside the picture and none below the fold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.inspections import records
from core.inspections.terms import VERDICT_NAMES
from pages.components.inspection.guidance_view import show_guidance
from pages.components.inspection.heat_map import Pictures, draw_pictures
from pages.components.inspection.heat_viewer import show_heat_viewer
from pages.components.inspection.report_button import show_report_button
from pages.components.inspection.result_actions import show_action, show_defect_type, show_override
from pages.components.inspection.score_scale import show_score_scale
from pages.components.inspection.similar_images import show_similar_images
from pages.components.shared.labels import (
    IMAGE_NOTES,
    QUALITY_WARNINGS,
    SOURCE_NAMES,
    THRESHOLD_METHODS,
    VERDICT_ICONS,
    VERDICT_MEANINGS,
    describe_region,
    label_of,
)
from pages.components.shared.language import _, byte_size, defect_name, escape, moment, number
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.inspections.records import InspectionView

_SHOWN = "shown_inspection"


@st.cache_resource(show_spinner=False, max_entries=32)
def _pictures(store: int, inspection_id: int, _view: InspectionView | None) -> Pictures:
    return draw_pictures(_view if _view is not None else records.load(services(), inspection_id))


def keep_result(view: InspectionView) -> None:
    """Make `view` the result on screen. Its pictures go to the shared cache; the session keeps no arrays."""
    _pictures(hash(services().settings), view.inspection.id, view)
    small = replace(view, pixels=view.pixels[:1, :1].copy(), anomaly_map=view.anomaly_map[:1, :1].copy(), nearest=None)
    st.session_state[_SHOWN] = (small, view.nearest.stored_name if view.nearest is not None else "")


def clear_result() -> None:
    """Clear the screen for the next part."""
    st.session_state.pop(_SHOWN, None)


def shown_result() -> InspectionView | None:
    """Return the result on screen (without its arrays), or None."""
    found = st.session_state.get(_SHOWN)
    return found[0] if found is not None else None


def show_result() -> None:
    """Draw the result that `keep_result` kept: picture on the left; decision, similar images and details beside it."""
    view, nearest_name = st.session_state[_SHOWN]
    row = view.inspection
    pictures = _pictures(hash(services().settings), row.id, None)
    _show_verdict(view)
    for warning in view.quality.warnings:
        st.warning(label_of(QUALITY_WARNINGS, warning), icon=":material/photo_camera:")
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        show_heat_viewer(view, pictures, key=f"viewer_{row.id}")
        _show_regions(view)
    with right:
        decide, similar, compare, image = st.tabs([_("Decision"), _("Similar images"), _("Comparison"), _("Image")])
        with decide:
            _show_decision(view)
        with similar:
            show_similar_images(view)
        with compare:
            _show_comparison(pictures, nearest_name)
        with image:
            _show_image_details(view)
    if view.product.notice:
        st.caption(escape(view.product.notice))


def _show_verdict(view: InspectionView) -> None:
    row = view.inspection
    verdict = row.final_verdict
    banner, scale = st.columns([1, 1.5], gap="medium", vertical_alignment="center")
    with banner, st.container(key=f"verdict_{verdict}_{row.id}", gap=None):
        st.markdown(f"## {VERDICT_ICONS[verdict]} {label_of(VERDICT_NAMES, verdict)}")
        if row.final_verdict == row.verdict:
            st.markdown(label_of(VERDICT_MEANINGS, verdict))
        else:
            st.markdown(_("Overruled; the model said: {verdict}", verdict=label_of(VERDICT_NAMES, row.verdict)))
    with scale:
        show_score_scale(row.score, review_at=row.review_at, reject_at=row.reject_at)


def _show_regions(view: InspectionView) -> None:
    row = view.inspection
    if not view.regions:
        if row.verdict != "ok":
            st.caption(_("The difference is spread over the part: no single region stands out."))
        return
    lines = [f"{index + 1}. {describe_region(view, index)}" for index in range(min(5, len(view.regions)))]
    if len(view.regions) > 5:
        lines.append(_("… and {count} smaller ones", count=number(len(view.regions) - 5)))
    st.markdown("\n".join(lines))


def _show_decision(view: InspectionView) -> None:
    if view.inspection.final_verdict == "ok":
        st.success(_("Nothing to do: the part may go on."), icon=":material/check:")
    else:
        show_defect_type(view, keep=_keep_row)
        with st.container(border=True):
            show_guidance(view)
        show_action(view, keep=_keep_row)
    overrule, report = st.columns(2)
    with overrule:
        show_override(view, keep=_keep_row)
    with report:
        show_report_button(view)


def _keep_row(row: object, defect_types: object = None) -> None:
    """A decision was saved: show the row as it is now."""
    view, nearest_name = st.session_state[_SHOWN]
    types = view.defect_types if defect_types is None else defect_types
    st.session_state[_SHOWN] = (replace(view, inspection=row, defect_types=types), nearest_name)


def _show_comparison(pictures: Pictures, nearest_name: str) -> None:
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
        if nearest_name:
            st.caption(escape(nearest_name))
        st.caption(_("The difference is adjusted for light. Parts that lie differently differ at their edges too."))


def _show_image_details(view: InspectionView) -> None:
    row, version = view.inspection, view.bank_version
    none = "–"
    facts = {
        _("File"): escape(row.original_name) or none,
        _("Size"): f"{number(row.width_px)} × {number(row.height_px)} px",
        _("Source"): label_of(SOURCE_NAMES, row.source),
        _("Quality"): _("No fault found") if not view.quality.warnings else _("See the warning above"),
        _("Line / lot"): " / ".join(escape(part) or none for part in (row.line, row.lot)),
        _("Serial / shift"): " / ".join(escape(part) or none for part in (row.serial, row.shift)),
        _("Inspected"): f"{moment(row.created_at)} · {escape(_(view.person_name)) if view.person_name else none}",
        _("Inspection no."): number(row.id),
        _("Model"): _(
            "version {number}, {size}, built {when}",
            number=version.number,
            size=byte_size(version.byte_size),
            when=moment(version.created_at),
        ),
        _("Thresholds"): label_of(THRESHOLD_METHODS, view.threshold.method),
        _("Time taken"): f"{number(row.latency_ms)} ms",
    }
    if view.suggestion is not None:
        likely = view.suggestion.defect_type
        facts[_("Suggested type")] = escape(defect_name(likely)) if likely else _("none of the known types")
    st.table(facts, border="horizontal")
    for note in row.image_notes:
        st.caption(label_of(IMAGE_NOTES, note))
