"""What a person decides about an inspection: the defect type, the verdict, the corrective action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import create_defect_type
from core.catalog.names import DefectTypeName
from core.errors import AppError
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.inspections.terms import ACTION_NAMES, VERDICT_NAMES, VERDICTS
from pages.components.shared.labels import VERDICT_ICONS, label_of
from pages.components.shared.language import _, defect_name, escape, percent
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord

    Keep = Callable[[InspectionRecord], None]

# Digits are keys on every keypad; more types than that are chosen from a list.
_TYPES_WITH_KEYS = 9


def show_defect_type(record: InspectionRecord, *, keep: Keep) -> None:
    """Draw the suggested type first; one click, or its digit key, confirms any type, and a new one can be registered.

    `keep` is given the record as it is after the decision.
    """
    decision = record.decision
    state = f"change_type_{record.id}"
    names = {found.id: defect_name(found) for found in record.defect_types}
    if decision.confirmed_at is not None and not st.session_state.get(state):
        name = names.get(decision.defect_type_id) if decision.defect_type_id else _("none of the known types")
        told, change = st.columns([2.4, 1], vertical_alignment="center")
        told.markdown(_("Defect type: **{name}** (confirmed)", name=escape(name or "–")))
        if change.button(_("Change"), key=f"change_{record.id}", width="stretch"):
            st.session_state[state] = True
            st.rerun(scope="app")
        return
    likely = record.suggestion.defect_type if record.suggestion is not None else None
    suggested = likely.id if likely is not None else None
    if record.suggestion is not None and likely is not None:
        st.markdown(
            _(
                "Looks like **{name}** ({share} sure). Confirm, or choose:",
                name=escape(defect_name(likely)),
                share=percent(record.suggestion.confidence, decimals=0),
            )
        )
    elif record.suggestion is not None:
        st.markdown(_("Looks like **none of the known types**: no known defect is near. Which defect is it?"))
    else:
        st.markdown(_("Which defect is it?"))
    ordered = sorted(record.defect_types, key=lambda found: found.id != suggested)
    with st.container(horizontal=True, gap="small", key=f"types_{record.id}"):
        for digit, found in enumerate(ordered[:_TYPES_WITH_KEYS], start=1):
            if st.button(
                escape(names[found.id]),
                key=f"type_{record.id}_{found.id}",
                type="primary" if found.id == suggested else "secondary",
                shortcut=str(digit),
            ):
                _confirm(record, found.id, state, keep)
        if st.button(_("None of these"), key=f"type_{record.id}_none", type="tertiary"):
            _confirm(record, None, state, keep)
        with st.popover(_("New type"), icon=":material/add:"):
            _show_new_type(record, state, keep)
    if len(ordered) > _TYPES_WITH_KEYS:
        more = ordered[_TYPES_WITH_KEYS:]
        chosen = st.selectbox(
            _("More types"),
            [found.id for found in more],
            index=None,
            format_func=lambda i: names[i],
            key=f"more_{record.id}",
        )
        if chosen is not None:
            _confirm(record, chosen, state, keep)


def _confirm(record: InspectionRecord, defect_type_id: int | None, state: str, keep: Keep) -> None:
    try:
        decision = confirm_defect_type(
            services(),
            person(),
            record.id,
            row_version=record.decision.row_version,
            defect_type_id=defect_type_id,
        )
    except AppError as error:
        show_error(error)
        return
    st.session_state.pop(state, None)
    keep(replace(record, decision=decision))
    say_after_rerun(_("The defect type was kept."))
    st.rerun(scope="app")


def _show_new_type(record: InspectionRecord, state: str, keep: Keep) -> None:
    with st.form(f"new_type_{record.id}", border=False):
        name_ko = st.text_input(_("Korean name"), key=f"new_type_ko_{record.id}")
        code = st.text_input(
            _("English name (code)"), key=f"new_type_code_{record.id}", help=_("Letters, digits, - and _.")
        )
        if not st.form_submit_button(_("Register and confirm"), type="primary"):
            return
    try:
        created = create_defect_type(
            services(),
            person(),
            product_id=record.product.id,
            code=code.strip(),
            name_ko=name_ko,
            name_en=code.strip().replace("_", " ").replace("-", " "),
        )
    except AppError as error:
        show_error(error)
        return
    record = replace(record, defect_types=(*record.defect_types, DefectTypeName.from_row(created)))
    keep(record)
    _confirm(record, created.id, state, keep)


def show_action(record: InspectionRecord, *, keep: Keep) -> None:
    """Draw the corrective action: what was done, and whether it is done or stays open."""
    decision = record.decision
    st.markdown(_("Corrective action: **{state}**", state=label_of(ACTION_NAMES, decision.action_status)))
    note = st.text_area(
        _("What was done"),
        value=decision.action_note,
        key=f"action_note_{record.id}",
        height=104,
        placeholder=_("For example: part scrapped, nozzle cleaned"),
    )
    done, stays_open = st.columns(2)
    status = None
    if done.button(
        _("Action done"),
        key=f"done_{record.id}",
        type="primary",
        icon=":material/task_alt:",
        width="stretch",
        shortcut="D",
    ):
        status = "done"
    if stays_open.button(
        _("Leave open"), key=f"open_{record.id}", icon=":material/pending_actions:", width="stretch", shortcut="L"
    ):
        status = "open"
    if status is None:
        return
    try:
        closed = close_action(
            services(), person(), record.id, row_version=decision.row_version, status=status, note=note
        )
    except AppError as error:
        show_error(error)
        return
    keep(replace(record, decision=closed))
    say_after_rerun(_("The action was closed.") if status == "done" else _("The action stays open; the note was kept."))
    st.rerun(scope="app")


def show_override(record: InspectionRecord, *, keep: Keep) -> None:
    """Draw the form in which a person puts another verdict over the model's, with the reason."""
    decision = record.decision
    labels = {code: f"{VERDICT_ICONS[code]} {label_of(VERDICT_NAMES, code)}" for code in VERDICTS}
    with (
        st.popover(_("Overrule the verdict"), icon=":material/gavel:", width="stretch"),
        st.form(f"override_{record.id}", border=False),
    ):
        verdict = st.segmented_control(
            _("The right verdict"),
            VERDICTS,
            default=decision.verdict,
            required=True,
            key=f"override_verdict_{record.id}",
            format_func=lambda code: labels[code],
        )
        reason = st.text_input(_("Reason"), value=decision.override_reason, key=f"override_reason_{record.id}")
        if not st.form_submit_button(_("Overrule"), type="primary"):
            return
        try:
            overruled = override_verdict(
                services(),
                person(),
                record.id,
                row_version=decision.row_version,
                verdict=str(verdict),
                reason=reason,
            )
        except AppError as error:
            show_error(error)
            return
    keep(replace(record, decision=overruled))
    say_after_rerun(_("The verdict was overruled; the model's own verdict is kept beside it."))
    st.rerun(scope="app")
