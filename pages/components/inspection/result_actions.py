"""What a person decides about an inspection: the defect type, the verdict, the corrective action."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import create_defect_type
from core.errors import AppError
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.inspections.terms import ACTION_NAMES, VERDICT_NAMES, VERDICTS
from pages.components.shared.labels import VERDICT_ICONS, label_of
from pages.components.shared.language import _, defect_name, escape, percent
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.inspections.records import InspectionView

    Keep = Callable[..., None]

# Digits are keys on every keypad; more types than that are chosen from a list.
_TYPES_WITH_KEYS = 9


def show_defect_type(view: InspectionView, *, keep: Keep) -> None:
    """The suggested type first; one click, or its digit key, confirms any type. A new type can be registered here."""
    row = view.inspection
    state = f"change_type_{row.id}"
    names = {found.id: defect_name(found) for found in view.defect_types}
    if row.confirmed_at is not None and not st.session_state.get(state):
        name = names.get(row.final_defect_type_id) if row.final_defect_type_id else _("none of the known types")
        told, change = st.columns([2.4, 1], vertical_alignment="center")
        told.markdown(_("Defect type: **{name}** (confirmed)", name=escape(name or "–")))
        if change.button(_("Change"), key=f"change_{row.id}", width="stretch"):
            st.session_state[state] = True
            st.rerun(scope="app")
        return
    likely = view.suggestion.defect_type if view.suggestion is not None else None
    suggested = likely.id if likely is not None else None
    if view.suggestion is not None and likely is not None:
        st.markdown(
            _(
                "Looks like **{name}** ({share} sure). Confirm, or choose:",
                name=escape(defect_name(likely)),
                share=percent(view.suggestion.confidence, decimals=0),
            )
        )
    elif view.suggestion is not None:
        st.markdown(_("Looks like **none of the known types**: no known defect is near. Which defect is it?"))
    else:
        st.markdown(_("Which defect is it?"))
    ordered = sorted(view.defect_types, key=lambda found: found.id != suggested)
    with st.container(horizontal=True, gap="small", key=f"types_{row.id}"):
        for digit, found in enumerate(ordered[:_TYPES_WITH_KEYS], start=1):
            if st.button(
                escape(names[found.id]),
                key=f"type_{row.id}_{found.id}",
                type="primary" if found.id == suggested else "secondary",
                shortcut=str(digit),
            ):
                _confirm(view, found.id, state, keep)
        if st.button(_("None of these"), key=f"type_{row.id}_none", type="tertiary"):
            _confirm(view, None, state, keep)
        with st.popover(_("New type"), icon=":material/add:"):
            _show_new_type(view, state, keep)
    if len(ordered) > _TYPES_WITH_KEYS:
        more = ordered[_TYPES_WITH_KEYS:]
        chosen = st.selectbox(
            _("More types"),
            [found.id for found in more],
            index=None,
            format_func=lambda i: names[i],
            key=f"more_{row.id}",
        )
        if chosen is not None:
            _confirm(view, chosen, state, keep)


def _confirm(view: InspectionView, defect_type_id: int | None, state: str, keep: Keep) -> None:
    row = view.inspection
    try:
        saved = confirm_defect_type(
            services(), person(), row.id, row_version=row.row_version, defect_type_id=defect_type_id
        )
    except AppError as error:
        show_error(error)
        return
    st.session_state.pop(state, None)
    keep(saved)
    say_after_rerun(_("The defect type was kept."))
    st.rerun(scope="app")


def _show_new_type(view: InspectionView, state: str, keep: Keep) -> None:
    row = view.inspection
    with st.form(f"new_type_{row.id}", border=False):
        name_ko = st.text_input(_("Korean name"), key=f"new_type_ko_{row.id}")
        code = st.text_input(
            _("English name (code)"), key=f"new_type_code_{row.id}", help=_("Letters, digits, - and _.")
        )
        if not st.form_submit_button(_("Register and confirm"), type="primary"):
            return
    try:
        created = create_defect_type(
            services(),
            person(),
            product_id=row.product_id,
            code=code.strip(),
            name_ko=name_ko,
            name_en=code.strip().replace("_", " ").replace("-", " "),
        )
    except AppError as error:
        show_error(error)
        return
    keep(row, [*view.defect_types, created])
    _confirm(view, created.id, state, keep)


def show_action(view: InspectionView, *, keep: Keep) -> None:
    """The corrective action: what was done, and whether it is done or stays open."""
    row = view.inspection
    st.markdown(_("Corrective action: **{state}**", state=label_of(ACTION_NAMES, row.action_status)))
    note = st.text_area(
        _("What was done"),
        value=row.action_note,
        key=f"action_note_{row.id}",
        height=104,
        placeholder=_("For example: part scrapped, nozzle cleaned"),
    )
    done, stays_open = st.columns(2)
    status = None
    if done.button(
        _("Action done"),
        key=f"done_{row.id}",
        type="primary",
        icon=":material/task_alt:",
        width="stretch",
        shortcut="D",
    ):
        status = "done"
    if stays_open.button(
        _("Leave open"), key=f"open_{row.id}", icon=":material/pending_actions:", width="stretch", shortcut="L"
    ):
        status = "open"
    if status is None:
        return
    try:
        saved = close_action(services(), person(), row.id, row_version=row.row_version, status=status, note=note)
    except AppError as error:
        show_error(error)
        return
    keep(saved)
    say_after_rerun(_("The action was closed.") if status == "done" else _("The action stays open; the note was kept."))
    st.rerun(scope="app")


def show_override(view: InspectionView, *, keep: Keep) -> None:
    """Put one's own verdict over the model's, with the reason."""
    row = view.inspection
    labels = {code: f"{VERDICT_ICONS[code]} {label_of(VERDICT_NAMES, code)}" for code in VERDICTS}
    with (
        st.popover(_("Overrule the verdict"), icon=":material/gavel:", width="stretch"),
        st.form(f"override_{row.id}", border=False),
    ):
        verdict = st.segmented_control(
            _("The right verdict"),
            VERDICTS,
            default=row.final_verdict,
            required=True,
            key=f"override_verdict_{row.id}",
            format_func=lambda code: labels[code],
        )
        reason = st.text_input(_("Reason"), value=row.override_reason, key=f"override_reason_{row.id}")
        if not st.form_submit_button(_("Overrule"), type="primary"):
            return
        try:
            saved = override_verdict(
                services(), person(), row.id, row_version=row.row_version, verdict=str(verdict), reason=reason
            )
        except AppError as error:
            show_error(error)
            return
    keep(saved)
    say_after_rerun(_("The verdict was overruled; the model's own verdict is kept beside it."))
    st.rerun(scope="app")
