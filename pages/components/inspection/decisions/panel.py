"""The verdict and everything that is decided beside it, drawn apart from the page: a key redraws this panel alone.

The picture stands beside it. Verdict, score and the bar of decisions keep their places; what is long scrolls between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.comparisons.second_opinion import has_second_opinion
from core.fusion.rules import FOUND_AS_WORDS
from core.inspections.terms import VERDICT_NAMES
from core.inspections.trained.wording import describe_trained
from pages.components.inspection.by_view.evidence import describe_views
from pages.components.inspection.decisions.bar import show_decision_bar
from pages.components.inspection.decisions.change_list import show_changes
from pages.components.inspection.decisions.defect_type import show_defect_type
from pages.components.inspection.decisions.keys import show_result_keys
from pages.components.inspection.decisions.override import is_overriding
from pages.components.inspection.guidance_view import show_guidance
from pages.components.inspection.image_details import show_comparison, show_image_details
from pages.components.inspection.report_button import show_report_button
from pages.components.inspection.score_scale import show_narrow_scale, show_score_scale
from pages.components.inspection.second_opinion import show_second_opinion
from pages.components.inspection.shown_result import shown_result
from pages.components.inspection.similar_images import show_similar_images
from pages.components.shared.labels import VERDICT_ICONS, VERDICT_MEANINGS, label_of
from pages.components.shared.language import _, escape, language, score
from pages.components.shared.screens import COMBINE_VIEWS, MODEL_REPORT, link_to
from pages.components.shared.session import may, services, showing_errors

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord
    from pages.components.inspection.heat_map import Pictures

_LETTER_KEYS = ("A", "D", "G", "L", "N", "O", "T")
_DIGIT_KEYS = tuple("123456789")


@st.fragment
def show_decision_panel(inspection_id: int, pictures: Pictures, on_next: Callable[[], None]) -> None:
    """Draw the panel of the result on screen. `on_next` clears it for the next part."""
    record = shown_result()
    if record is None or record.id != inspection_id:
        st.rerun(scope="app")
    with st.container(key="decision_panel", gap="small"):
        _show_verdict(record)
        show_changes(record)
        # What a tab holds is drawn when it is opened: most parts are decided without.
        titles = [_("Decision"), _("Similar images"), _("Comparison"), _("Image")]
        if has_second_opinion(services(), record.id):
            titles.append(_("Second opinion"))
        decide, similar, compare, image, *others = st.tabs(titles, key=f"result_tabs_{record.id}", on_change="rerun")
        bar = st.container(key="decision_bar_place", gap=None)
        progress = None
        with decide:
            if record.decision.verdict == "ok":
                st.success(_("Nothing to do: release the part."), icon=":material/check:")
            else:
                show_defect_type(record)
                progress = show_guidance(record)
            show_report_button(record)
        # The record as it was drawn: what comes of the decisions is known before the panel is drawn.
        with bar:
            show_decision_bar(
                record,
                steps_left=progress.left if progress is not None else None,
                n_steps=progress.total if progress is not None else 0,
                on_next=on_next,
            )
        if similar.open:
            with similar:
                show_similar_images(record, pictures)
        if compare.open:
            with compare, showing_errors():
                show_comparison(record, pictures)
        if image.open:
            with image:
                show_image_details(record, pictures)
        for opinion in others:
            if opinion.open:
                with opinion:
                    show_second_opinion(record)
        _show_keys(record)


def _show_verdict(record: InspectionRecord) -> None:
    verdict = record.decision.verdict
    frame = f"verdict_{verdict}_{record.id}"
    with st.container(key=frame, horizontal=True, vertical_alignment="center", gap="medium"):
        words = label_of(VERDICT_NAMES, verdict)
        if record.combined is not None and record.combined.found_as and verdict == "reject":
            words += f" · {label_of(FOUND_AS_WORDS, record.combined.found_as)}"
        st.markdown(f"## {VERDICT_ICONS[verdict]} {words}", width="content")
        if verdict == record.verdict:
            st.markdown(_say_why(record), width="content")
        else:
            told = _("Changed by a person; the model said: {verdict}", verdict=label_of(VERDICT_NAMES, record.verdict))
            st.markdown(told, width="content")
    if record.combined is not None:
        show_narrow_scale(record.score, review_at=record.review_at, reject_at=record.reject_at, is_share=True)
    else:
        show_score_scale(record.score, review_at=record.review_at, reject_at=record.reject_at)
    if record.raised_by > 0:
        st.caption(_("Known defects raised the score by {value}.", value=score(record.raised_by)))
    if record.trained is not None:
        told = escape(describe_trained(record.trained, record.trained_type, language()))
        icon = ":material/front_hand:" if record.trained.raised else ":material/model_training:"
        with st.container(key="trained_finding"):
            st.caption(f"{icon} {told}")
    if may(ENGINEER):
        with st.container(key="report_of_score"):
            if record.combined is not None:
                link_to(
                    COMBINE_VIEWS,
                    _("Combine views: how this probability comes about"),
                    icon=":material/join_inner:",
                    query={"product": str(record.product.id)},
                )
                return
            link_to(
                MODEL_REPORT,
                _("Model report: where these thresholds come from"),
                icon=":material/fact_check:",
                query={"version": str(record.model.version_id)},
            )


def _say_why(record: InspectionRecord) -> str:
    """Return what the verdict means; of a part with several views, which of them found something or are missing."""
    combined = record.combined
    if combined is None:
        return label_of(VERDICT_MEANINGS, record.verdict)
    if record.verdict == "ok":
        return _("No view shows a defect.")
    said = []
    if combined.found_as:
        found = escape(describe_views(combined))
        said.append(_("Found by: {views}", views=found) if found else label_of(FOUND_AS_WORDS, combined.found_as))
        if record.verdict == "review":
            said.insert(0, _("Suspected: {words}", words=label_of(FOUND_AS_WORDS, combined.found_as)))
    if combined.missing:
        names = ", ".join(combined.name_of(code, language()) for code in combined.missing)
        said.append(_("Missing: {views}", views=escape(names)))
    if any(one.error_code is not None for one in combined.pictures):
        said.append(_("A picture could not be judged."))
    return " · ".join(said) or label_of(VERDICT_MEANINGS, record.verdict)


def _show_keys(record: InspectionRecord) -> None:
    form = f"override_reason_{record.id}"
    opened = is_overriding(record.id)
    show_result_keys(
        key="result_keys",
        keys=(*_LETTER_KEYS, *_DIGIT_KEYS),
        notes='[class*="st-key-action_note_"]',
        scrolled='[class*="st-key-changes_"], .st-key-result_picture > :has(> .st-key-result_places)',
        focus=f".st-key-{form} input" if opened else "",
        cancel=f".st-key-override_cancel_{record.id} button" if opened else "",
        submit=f".st-key-override_save_{record.id} button" if opened else "",
        submit_from=f".st-key-{form}" if opened else "",
    )
