"""The corrective steps of an inspection: written while one watches, each with the manual's page behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError, describe
from core.guidance.passages import FoundPassages, find_passages
from core.guidance.records import latest_guidance
from core.guidance.writers.registry import is_quoted
from core.guidance.writing import write_guidance
from core.inspections.terms import STEP_TITLES
from core.messages import MESSAGES
from pages.components.inspection.decisions.checklist import STEP_ICONS, Progress, show_checklist, show_next_step_button
from pages.components.inspection.guidance_rating import show_rating
from pages.components.inspection.guidance_source import show_source_button, show_source_dialog
from pages.components.shared import screens
from pages.components.shared.language import _, _n, escape, language, moment
from pages.components.shared.session import may, person, services, show_error

if TYPE_CHECKING:
    from core.guidance.records import Source, WrittenGuidance
    from core.inspections.records import InspectionRecord

_LATEST = "guidance_kept"
_FIRST_LINES = 4


def show_guidance(record: InspectionRecord) -> Progress | None:
    """Draw what the manuals say to do about this part: a button at first, then the steps to tick.

    Returns how far the steps are, None where there are none. What was written before stays when a new try fails.
    """
    head, body = st.container(key=f"guidance_head_{record.id}"), st.container(gap="small")
    wanted = f"guidance_wanted_{record.id}"
    progress: Progress | None = None
    with body:
        try:
            written = _latest(record.id)
        except AppError as error:
            show_error(error)
            return None
        if st.session_state.pop(wanted, False):
            written = _write(record.id) or written
        elif written is None:
            st.caption(_("From this product's manuals, each step with the page that it stands on."))
        if written is not None:
            progress = _show_written(record, written)
            show_source_dialog(written.sources)
    with head:
        _show_head(record, written, progress, wanted)
    return progress


def _show_head(
    record: InspectionRecord, written: WrittenGuidance | None, progress: Progress | None, wanted: str
) -> None:
    done = f" {progress.total - progress.left}/{progress.total}" if progress is not None else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**:material/menu_book: {_('Corrective steps')}{done}**")
        st.button(
            _write_label(written),
            key=f"guidance_write_{record.id}",
            type="secondary" if written else "primary",
            shortcut="G",
            on_click=_want_steps,
            args=(wanted,),
        )
        if progress is not None:
            show_next_step_button(record, progress)


def _want_steps(wanted: str) -> None:
    st.session_state[wanted] = True


def _write_label(written: WrittenGuidance | None) -> str:
    if written is None:
        return _("Show the steps")
    # What is quoted was found and not written.
    return _("Find again") if is_quoted(written.guidance.model_name) else _("Write again")


def _latest(inspection_id: int) -> WrittenGuidance | None:
    """Return the newest guidance in the run's language; asked of the database once a session."""
    known = st.session_state.setdefault(_LATEST, {})
    key = (inspection_id, language())
    if key not in known:
        known[key] = latest_guidance(services(), inspection_id, language=language())
    found: WrittenGuidance | None = known[key]
    return found


def _write(inspection_id: int) -> WrittenGuidance | None:
    """Draw the first passage at once, then the steps one by one; return the whole, None where nothing came of it."""
    place = st.empty()
    try:
        found = find_passages(services(), inspection_id, language=language())
        if found.state == "no_index":
            _show_no_index()
            return None
        with place.container():
            if found.sources:
                with st.container(border=True):
                    _show_first_passage(found)
            written = _follow(inspection_id, found)
    except AppError as error:
        place.empty()
        show_error(error)
        return None
    place.empty()
    if written is not None:
        st.session_state[_LATEST] = {(inspection_id, language()): written}
    return written


def _follow(inspection_id: int, found: FoundPassages) -> WrittenGuidance | None:
    place = st.empty()
    area = place.container()
    section = None
    written = None
    with st.spinner(_("Writing the steps …"), show_time=True):
        for event in write_guidance(services(), person(), inspection_id, language=language(), found=found):
            if event.fallback_code is not None:
                area = place.container()
                section = None
                area.info(_fallback_label(event.fallback_code), icon=":material/format_quote:")
            elif event.step is not None:
                if event.section != section:
                    section = event.section
                    area.markdown(_section_title(section or ""))
                area.markdown(f"- {escape(event.step.text)}")
            elif event.written is not None:
                written = event.written
    return written


def _show_first_passage(found: FoundPassages) -> None:
    source = next((one for one in found.sources if not one.is_held_back and not one.is_page_only), None)
    if source is None:
        return
    place = source.name_place(_, title=escape(source.manual_title))
    st.caption(_("The best place in the manuals: {place}", place=place))
    lines = [escape(line) for line in source.text.splitlines()]
    more = ["…"] if len(lines) > _FIRST_LINES else []
    st.markdown("  \n".join(lines[:_FIRST_LINES] + more))


def _show_no_index() -> None:
    st.info(_("The manuals of this product cannot be searched yet."), icon=":material/menu_book:")
    if may(ENGINEER):
        st.markdown(_("Add its manual, then build the manual index."))
        screens.link_to("pages/catalog/manuals.py", _("To the manuals"))
        screens.link_to("pages/deployment/manual_index.py", _("To the manual index"))
    else:
        st.markdown(_("Ask a quality engineer to add the manual."))


def _fallback_label(code: str) -> str:
    why = describe(code, {}, language()) if code in MESSAGES and "{" not in MESSAGES[code] else ""
    return " ".join(part for part in (why, _("These steps are quoted from the manual instead.")) if part)


def _section_title(name: str) -> str:
    return f"**{STEP_ICONS[name]} {_(STEP_TITLES[name])}**"


def _show_written(record: InspectionRecord, written: WrittenGuidance) -> Progress | None:
    guidance = written.guidance
    if guidance.fallback_code:
        st.info(_fallback_label(guidance.fallback_code), icon=":material/format_quote:")
    pages = [source for source in written.sources if source.is_page_only and not source.is_held_back]
    if not guidance.sections and not pages:
        st.warning(
            _("The manuals say nothing about this defect. No steps were made up: ask a quality engineer."),
            icon=":material/help:",
        )
    progress = show_checklist(record, written)
    if pages:
        _show_pages(written, pages)
    held_back = [source for source in written.sources if source.is_held_back]
    if held_back:
        st.warning(_("Part of the manual was not used, because it speaks to a computer and not to a person:"))
        show_source_button(written.id, "held", held_back)
    if guidance.left_out:
        text = _n("{count} unsafe line was left out.", "{count} unsafe lines were left out.", guidance.left_out)
        st.caption(f":material/gpp_maybe: {text}")
    st.caption(_describe_writer(written))
    if guidance.sections:
        show_rating(written)
    return progress


def _show_pages(written: WrittenGuidance, pages: Sequence[Source]) -> None:
    """Draw the pages that are about several defects, or not parted for certain: to be read, not to be ticked."""
    if written.guidance.sections:
        st.caption(_("No steps were taken from these pages, because several defects stand there together:"))
    else:
        st.warning(
            _(
                "The manuals do not set apart what to do about this defect. No step of another one is shown for it: "
                "read the pages themselves:"
            ),
            icon=":material/menu_book:",
        )
    for source in pages:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            show_source_button(written.id, f"page_{source.number}", [source])
            if source.chapter:
                st.markdown(f":small[{escape(source.chapter)}]", width="stretch")


def _describe_writer(written: WrittenGuidance) -> str:
    name = written.guidance.model_name
    when = moment(written.created_at)
    if is_quoted(name):
        return _("Quoted from the manuals, {when}", when=when)
    return _("Written by {model} from the manuals, {when}. Check it before you act.", model=escape(name), when=when)
