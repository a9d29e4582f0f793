"""The corrective steps of an inspection: written while one watches, each with the manual's page behind it."""

from __future__ import annotations

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
from pages.components.inspection.guidance_rating import show_rating
from pages.components.inspection.guidance_source import SOURCE_DIALOG, show_source_dialog
from pages.components.shared import screens
from pages.components.shared.dialogs import open_dialog
from pages.components.shared.language import _, _n, escape, language, moment
from pages.components.shared.session import may, person, services, show_error

if TYPE_CHECKING:
    from core.guidance.records import Source, WrittenGuidance
    from core.inspections.records import InspectionRecord
    from inference.language.guidance import Step

_STEP_ICONS: dict[str, str] = {
    "cause": ":material/search:",
    "action": ":material/build:",
    "check": ":material/fact_check:",
    "prevention": ":material/shield:",
}
_LATEST = "guidance_kept"
_FIRST_LINES = 4


def show_guidance(record: InspectionRecord) -> None:
    """Draw what the manuals say to do about this part: a button at first, then the steps."""
    _guidance_fragment(record.id, record.decision.row_version)


@st.fragment
def _guidance_fragment(inspection_id: int, _row_version: int) -> None:
    title, action = st.columns([1.25, 1], vertical_alignment="center")
    title.markdown(f"#### :material/menu_book: {_('Corrective steps')}")
    try:
        written = _latest(inspection_id)
    except AppError as error:
        show_error(error)
        return
    pressed = action.button(
        _("Write again") if written else _("Show the steps"),
        key=f"guidance_write_{inspection_id}",
        type="secondary" if written else "primary",
        icon=":material/refresh:" if written else ":material/play_arrow:",
        shortcut="G",
        width="stretch",
    )
    if pressed:
        _write(inspection_id)
        return
    if written is None:
        st.caption(_("From this product's manuals, each step with the page that it stands on."))
        return
    _show_written(written)
    show_source_dialog(written.sources)


def _latest(inspection_id: int) -> WrittenGuidance | None:
    """Return the newest guidance in the run's language; asked of the database once a session."""
    known = st.session_state.setdefault(_LATEST, {})
    key = (inspection_id, language())
    if key not in known:
        known[key] = latest_guidance(services(), inspection_id, language=language())
    found: WrittenGuidance | None = known[key]
    return found


def _write(inspection_id: int) -> None:
    """Draw the first passage at once, then the steps one by one."""
    try:
        found = find_passages(services(), inspection_id, language=language())
        if found.state == "no_index":
            _show_no_index()
            return
        first = st.empty()
        if found.sources:
            with first.container(border=True):
                _show_first_passage(found)
        written = _follow(inspection_id, found)
    except AppError as error:
        show_error(error)
        return
    if written is not None:
        st.session_state[_LATEST] = {(inspection_id, language()): written}
        st.rerun(scope="fragment")


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
    source = next((source for source in found.sources if not source.is_held_back), None)
    if source is None:
        return
    st.caption(
        _("The best place in the manuals: {title}, page {page}", title=escape(source.manual_title), page=source.page)
    )
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
    return f"**{_STEP_ICONS[name]} {_(STEP_TITLES[name])}**"


def _show_written(written: WrittenGuidance) -> None:
    guidance = written.guidance
    if guidance.fallback_code:
        st.info(_fallback_label(guidance.fallback_code), icon=":material/format_quote:")
    if not guidance.sections:
        st.warning(
            _("The manuals say nothing about this defect. No steps were made up: ask a quality engineer."),
            icon=":material/help:",
        )
    sources = {source.number: source for source in written.sources}
    with st.container(key=f"guidance_steps_{written.id}", gap="small"):
        for section in guidance.sections:
            st.markdown(_section_title(section.name))
            for place, step in enumerate(section.steps, start=1):
                _show_step(written.id, f"{section.name}_{place}", step, sources)
    held_back = [source for source in written.sources if source.is_held_back]
    if held_back:
        st.warning(_("Part of the manual was not used, because it speaks to a computer and not to a person:"))
        _show_places(written.id, "held", held_back)
    if guidance.left_out:
        text = _n("{count} unsafe line was left out.", "{count} unsafe lines were left out.", guidance.left_out)
        st.caption(f":material/gpp_maybe: {text}")
    st.caption(_describe_writer(written))
    if guidance.sections:
        show_rating(written)


def _show_step(guidance_id: int, key: str, step: Step, sources: dict[int, Source]) -> None:
    words, place = st.columns([3.1, 1], vertical_alignment="center", gap="small")
    words.markdown(escape(step.text))
    with place:
        if step.from_manual:
            _show_places(guidance_id, key, [sources[number] for number in step.citations if number in sources])
        else:
            st.badge(_("not from the manual"), icon=":material/warning:", color="orange")


def _show_places(guidance_id: int, key: str, places: list[Source]) -> None:
    for source in places:
        st.button(
            _("p. {page}", page=source.page),
            key=f"source_{guidance_id}_{key}_{source.number}",
            icon=":material/menu_book:",
            help=_("Show the page: {title}", title=escape(source.manual_title)),
            width="stretch",
            on_click=open_dialog,
            args=(SOURCE_DIALOG,),
            kwargs={"guidance_id": guidance_id, "number": source.number},
        )


def _describe_writer(written: WrittenGuidance) -> str:
    name = written.guidance.model_name
    when = moment(written.created_at)
    if is_quoted(name):
        return _("Quoted from the manuals, {when}", when=when)
    return _("Written by {model} from the manuals, {when}. Check it before you act.", model=escape(name), when=when)
