"""One similar image opened: the large picture with its place outlined, what it is, and what was done then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError, NotFound
from core.guidance.records import latest_guidance
from core.inspections.cases import load_case
from core.inspections.terms import ACTION_NAMES, STEP_TITLES, VERDICT_NAMES
from core.similarity.cut_outs import draw_large
from core.similarity.places import find_places
from pages.components.inspection.shown_result import open_result
from pages.components.inspection.similar_summary import describe_closeness
from pages.components.shared.dialogs import OpenDialog, draw_dialog, open_dialog, opened
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, defect_name, escape, language, moment, product_name
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from datetime import datetime

    from core.guidance.records import WrittenGuidance
    from core.inspections.cases import Case, Treatment
    from core.similarity.matches import Similar

_DIALOG = "similar_case"
# The whole picture fits into the dialog on a screen of 1280 × 800.
_TALLEST_PX, _WIDEST_PX, _NARROWEST_PX = 540, 590, 120


def open_case(similar: Similar) -> None:
    """Open a similar image on the next run."""
    open_dialog(_DIALOG, match_id=similar.id, similarity=similar.similarity, alike=describe_closeness(similar))


def show_open_case() -> None:
    """Draw the similar image that was opened, where one is."""
    if dialog := opened(_DIALOG):
        draw_dialog(_("Similar image"), _show_case, dialog, width="large")


def _show_case(dialog: OpenDialog) -> None:
    match_id: int = dialog.values["match_id"]
    try:
        case = load_case(services(), match_id)
    except NotFound:
        st.info(_("This image was deleted since."), icon=":material/hide_image:")
        return
    except AppError as error:
        show_error(error)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _show_picture(match_id, case)
    with right:
        st.markdown(f"**{_('What was done then')}**")
        if not case.treatments:
            st.caption(_("This image was added to the library. No inspection of the same file is known."))
        for treatment in case.treatments:
            with st.container(border=True):
                _show_treatment(treatment, with_moment=not case.is_part)
        _show_facts(case, dialog)


def _show_picture(match_id: int, case: Case) -> None:
    place = find_places(services(), [match_id]).get(match_id)
    if place is None:
        st.caption(_("(no preview)"))
        return
    try:
        pixels = draw_large(services(), place)
    except AppError as error:
        show_error(error)
        return
    width_px = min(_WIDEST_PX, max(_NARROWEST_PX, round(_TALLEST_PX * pixels.shape[1] / pixels.shape[0])))
    st.image(pixels, width=width_px, alt=case.name)
    if place.mask_key is not None:
        st.caption(_("Outlined: the marked defect."))
    elif place.box is not None:
        st.caption(_("Outlined: where it differs most from normal parts."))


def _show_facts(case: Case, dialog: OpenDialog) -> None:
    facts = {
        _("Defect type"): escape(defect_name(case.defect_type)) if case.defect_type else _("Normal"),
        _("How alike"): str(dialog.values["alike"]),
        _("Cosine similarity"): f"{float(dialog.values['similarity']):.4f}",
        _("Product"): escape(product_name(case.product)),
        _("File"): escape(case.name),
        _("Inspected") if case.is_part else _("Added"): _who(case.arrived_by, case.arrived_at),
    }
    if case.is_part:
        part = case.treatments[0].part
        told = {
            _("Line / lot"): (part.line, part.lot),
            _("Serial / shift"): (part.serial, part.shift),
        }
        facts |= {name: " / ".join(escape(text) or "–" for text in texts) for name, texts in told.items() if any(texts)}
    elif case.original_name != case.name:
        facts[_("Original name")] = escape(case.original_name)
    st.table(facts, border="horizontal")


def _show_treatment(treatment: Treatment, *, with_moment: bool) -> None:
    decision = treatment.decision
    if with_moment:
        st.caption(
            _join(
                _("Inspection no. {number}", number=treatment.inspection_id),
                _who(treatment.inspected_by, treatment.inspected_at),
            )
        )
    verdict = f"{VERDICT_ICONS[decision.verdict]} **{label_of(VERDICT_NAMES, decision.verdict)}**"
    lines = [f":{VERDICT_COLORS[decision.verdict]}[{verdict}]"]
    if decision.overridden_at is not None:
        model = _("Changed by a person; the model said: {verdict}", verdict=label_of(VERDICT_NAMES, treatment.verdict))
        reason = f"“{escape(decision.override_reason)}”" if decision.override_reason else ""
        lines[0] += f" · {_join(model, reason, _who(treatment.overridden_by, decision.overridden_at))}"
    if decision.confirmed_at is not None:
        name = defect_name(treatment.defect_type) if treatment.defect_type else _("none of the known types")
        told = _("Defect type: **{name}** (confirmed)", name=escape(name))
        lines.append(_join(told, _who(treatment.confirmed_by, decision.confirmed_at)))
    if decision.action_status != "none":
        told = _("Corrective action: **{state}**", state=label_of(ACTION_NAMES, decision.action_status))
        lines.append(_join(told, _who(treatment.action_by, decision.action_at)))
        if decision.action_note:
            lines.append("> " + "  \n> ".join(escape(line) for line in decision.action_note.splitlines()))
    st.markdown("\n\n".join(lines))
    _show_guidance(treatment.inspection_id)
    if st.button(
        _("Open this inspection"), key=f"open_treatment_{treatment.inspection_id}", icon=":material/open_in_full:"
    ):
        open_result(treatment.inspection_id)
        st.rerun()


def _show_guidance(inspection_id: int) -> None:
    """Draw the guidance that was written then: in the run's language where there is one, else the newest."""
    written = latest_guidance(services(), inspection_id, language=language())
    written = written or latest_guidance(services(), inspection_id)
    if written is None or not written.guidance.sections:
        return
    with st.expander(_("Guidance written then"), icon=":material/menu_book:"):
        st.caption(_who(written.person_name, written.created_at))
        st.markdown(_write_steps(written))


def _write_steps(written: WrittenGuidance) -> str:
    pages = {source.number: source.page for source in written.sources}
    lines: list[str] = []
    for section in written.guidance.sections:
        lines.append(f"\n**{_(STEP_TITLES[section.name])}**\n")
        for step in section.steps:
            cited = dict.fromkeys(pages[number] for number in step.citations if number in pages)
            places = ", ".join(_("p. {page}", page=page) for page in cited)
            lines.append(f"- {escape(step.text)}" + (f" ({places})" if places else ""))
    return "\n".join(lines)


def _who(name: str, when: datetime | None) -> str:
    return _join(escape(_(name)) if name else "", moment(when) if when is not None else "")


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
