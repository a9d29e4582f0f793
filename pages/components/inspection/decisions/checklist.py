"""The corrective steps as a checklist: one citation mark a heading, each step a box with who ticked it and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.guidance.checklist import (
    PastCases,
    count_past_cases,
    list_ticks,
    make_step_key,
    steps_to_do,
    tick_step,
    untick_step,
)
from core.inspections.terms import STEP_TITLES
from pages.components.inspection.guidance_source import show_source_button
from pages.components.inspection.shown_result import forget_outcome, refuse
from pages.components.shared.language import _, defect_name, escape, moment, number
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.catalog.names import DefectTypeName
    from core.guidance.checklist import Tick
    from core.guidance.records import Source, WrittenGuidance
    from core.inspections.records import InspectionRecord
    from inference.language.guidance import Section, Step

STEP_ICONS: dict[str, str] = {
    "cause": ":material/search:",
    "action": ":material/build:",
    "check": ":material/fact_check:",
    "prevention": ":material/shield:",
}
_KNOWN = "known_ticks"


@dataclass(frozen=True)
class Progress:
    """How far the corrective steps are: how many there are to do, and those nobody has ticked, with their section."""

    total: int
    open_steps: tuple[tuple[str, str], ...]

    @property
    def left(self) -> int:
        """Return how many steps nobody has ticked."""
        return len(self.open_steps)


@dataclass(frozen=True)
class _Past:
    """What is known of the steps from closed cases of the same defect type."""

    defect_type: DefectTypeName
    cases: PastCases


def show_checklist(record: InspectionRecord, written: WrittenGuidance) -> Progress | None:
    """Draw the steps by heading, and those ticked before that are written differently now; return how far they are."""
    sections = written.guidance.sections
    ticks = _read_ticks(record.id)
    keys = {make_step_key(step.text) for section in sections for step in section.steps}
    to_do = steps_to_do(sections)
    open_steps = tuple(
        (section.name, step.text)
        for section in sections
        for step in section.steps
        if (key := make_step_key(step.text)) in to_do and key not in ticks
    )
    past = _read_past(record, sorted(keys))
    sources = {source.number: source for source in written.sources}
    with st.container(key=f"guidance_steps_{written.id}", gap="small"):
        for section in sections:
            _show_section(record, written.id, section, sources, ticks, past)
        earlier = {key: tick for key, tick in ticks.items() if key not in keys}
        if earlier:
            st.markdown(f"**:material/history: {_('Done before the steps were written again')}**")
            for tick in earlier.values():
                _show_box(record, f"earlier_{tick.step_key[:16]}", tick.section, tick.text, ticks, [])
    return Progress(len(to_do), open_steps) if to_do else None


def show_next_step_button(record: InspectionRecord, progress: Progress) -> None:
    """Draw the button that ticks the next step: its key spares a gloved hand the small boxes."""
    section, text = progress.open_steps[0] if progress.open_steps else ("", "")
    st.button(
        _("Step done"),
        key=f"tick_next_{record.id}",
        shortcut="T",
        disabled=not text,
        help=text or None,
        on_click=_tick,
        args=(record, section, text),
    )


def _show_section(
    record: InspectionRecord,
    guidance_id: int,
    section: Section,
    sources: Mapping[int, Source],
    ticks: Mapping[str, Tick],
    past: _Past | None,
) -> None:
    cited = dict.fromkeys(n for step in section.steps if step.from_manual for n in step.citations if n in sources)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        title = f"**{STEP_ICONS[section.name]} {_(STEP_TITLES[section.name])}**"
        if section.name == "cause":
            title += f" :small[{_('tick what it was')}]"
        st.markdown(title, width="content")
        if cited:
            show_source_button(guidance_id, section.name, [sources[number_] for number_ in cited])
    for place, step in enumerate(section.steps, start=1):
        marks = _describe_marks(step, sources, is_alone=len(cited) <= 1)
        if past is not None and (done := past.cases.n_done.get(make_step_key(step.text), 0)):
            marks.append(_describe_past(past, done, is_cause=section.name == "cause"))
        _show_box(record, f"{section.name}_{place}", section.name, step.text, ticks, marks)


def _describe_marks(step: Step, sources: Mapping[int, Source], *, is_alone: bool) -> list[str]:
    """Return what stands behind a step: which of the heading's passages, where they are several."""
    if not step.from_manual:
        return [f":orange-badge[:material/warning: {_('not from the manual')}]"]
    if is_alone:
        return []
    return [":small[" + " ".join(rf"\[{n}\]" for n in step.citations if n in sources) + "]"]


def _describe_past(past: _Past, done: int, *, is_cause: bool) -> str:
    values = {
        "done": number(done),
        "closed": number(past.cases.n_closed),
        "name": escape(defect_name(past.defect_type)),
    }
    if is_cause:
        words = _("it was this in {done} of {closed} closed cases of {name}", **values)
    else:
        words = _("done in {done} of {closed} closed cases of {name}", **values)
    return f":small[:material/history: {words}]"


def _show_box(
    record: InspectionRecord, place: str, section: str, text: str, ticks: Mapping[str, Tick], marks: Sequence[str]
) -> None:
    step_key = make_step_key(text)
    tick = ticks.get(step_key)
    if tick is not None:
        who = escape(_(tick.person_name)) if tick.person_name else "–"
        marks = [*marks, f":small[:green[:material/check: {who} · {moment(tick.at)}]]"]
    key = f"tick_{record.id}_{place}_{step_key[:16]}"
    # What is stored is what is shown, also where the box was drawn before and somebody else ticked the step since.
    st.session_state[key] = tick is not None
    st.checkbox(
        " ".join([escape(" ".join(text.split())), *marks]),
        key=key,
        width="stretch",
        on_change=_toggle,
        args=(record, section, text, key),
    )


def _toggle(record: InspectionRecord, section: str, text: str, key: str) -> None:
    if st.session_state.get(key):
        _tick(record, section, text)
        return
    forget_outcome()
    try:
        untick_step(services(), person(), record.id, step_key=make_step_key(text))
    except AppError as error:
        refuse(record, error)


def _tick(record: InspectionRecord, section: str, text: str) -> None:
    forget_outcome()
    try:
        tick_step(services(), person(), record.id, section=section, text=text)
    except AppError as error:
        refuse(record, error)


def _read_ticks(inspection_id: int) -> dict[str, Tick]:
    """Return the ticks; those known before where they cannot be read now."""
    try:
        found = list_ticks(services(), inspection_id)
    except AppError as error:
        show_error(error)
        known = st.session_state.get(_KNOWN)
        return dict(known[1]) if known is not None and known[0] == inspection_id else {}
    st.session_state[_KNOWN] = (inspection_id, found)
    return found


def _read_past(record: InspectionRecord, keys: Sequence[str]) -> _Past | None:
    """Return what closed cases of the confirmed type (until then the suggested one) tell of these steps."""
    decision = record.decision
    kind = next((found for found in record.defect_types if found.id == decision.defect_type_id), None)
    if decision.confirmed_at is None and record.suggestion is not None:
        kind = record.suggestion.defect_type
    if kind is None or not keys:
        return None
    try:
        cases = count_past_cases(
            services(), product_id=record.product.id, defect_type_id=kind.id, step_keys=keys, without=record.id
        )
    except AppError:
        return None  # an extra: the steps stand without it
    return _Past(kind, cases) if cases.n_closed else None
