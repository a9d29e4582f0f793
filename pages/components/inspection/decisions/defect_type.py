"""The defect type of a result: confirmed, changed, denied, or registered on the spot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import create_defect_type
from core.catalog.names import DefectTypeName
from core.errors import AppError
from core.inspections.decisions import confirm_defect_type
from pages.components.inspection.shown_result import forget_outcome, keep_record, refuse, say
from pages.components.shared.language import _, defect_name, escape, percent
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord

# Digits are keys on every keypad; more types than that are chosen from a list.
_TYPES_WITH_KEYS = 9


def show_defect_type(record: InspectionRecord) -> None:
    """Draw the suggested type first; a click, or its digit key, confirms any type, and a new one can be registered."""
    decision = record.decision
    state = f"change_type_{record.id}"
    names = {found.id: defect_name(found) for found in record.defect_types}
    if decision.confirmed_at is not None and not st.session_state.get(state):
        name = names.get(decision.defect_type_id) if decision.defect_type_id else _("none of the known types")
        told, change = st.columns([2.4, 1], vertical_alignment="center")
        told.markdown(_("Defect type: **{name}** (confirmed)", name=escape(name or "–")))
        change.button(_("Change"), key=f"change_{record.id}", width="stretch", on_click=_set_state, args=(state, True))
        return
    likely = record.suggestion.defect_type if record.suggestion is not None else None
    suggested = likely.id if likely is not None else None
    if record.suggestion is not None and likely is not None:
        st.markdown(
            _(
                "Probably **{name}** ({share}). Confirm, or choose:",
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
            st.button(
                escape(names[found.id]),
                key=f"type_{record.id}_{found.id}",
                type="primary" if found.id == suggested else "secondary",
                shortcut=str(digit),
                on_click=_confirm,
                args=(record, found.id, state),
            )
        st.button(
            _("None of these"),
            key=f"type_{record.id}_none",
            type="tertiary",
            on_click=_confirm,
            args=(record, None, state),
        )
        with st.popover(_("New type"), icon=":material/add:"):
            _show_new_type(record, state)
    if len(ordered) > _TYPES_WITH_KEYS:
        more = ordered[_TYPES_WITH_KEYS:]
        key = f"more_{record.id}"
        st.selectbox(
            _("More types"),
            [found.id for found in more],
            index=None,
            format_func=lambda i: names[i],
            key=key,
            on_change=_confirm_listed,
            args=(record, key, state),
        )


def _set_state(name: str, value: bool) -> None:
    st.session_state[name] = value


def _confirm(record: InspectionRecord, defect_type_id: int | None, state: str) -> None:
    forget_outcome()
    try:
        decision = confirm_defect_type(
            services(), person(), record.id, row_version=record.decision.row_version, defect_type_id=defect_type_id
        )
    except AppError as error:
        refuse(record, error)
        return
    st.session_state.pop(state, None)
    keep_record(replace(record, decision=decision))
    say(record, _("The defect type was kept."))


def _confirm_listed(record: InspectionRecord, key: str, state: str) -> None:
    chosen = st.session_state.get(key)
    if chosen is not None:
        _confirm(record, chosen, state)


def _show_new_type(record: InspectionRecord, state: str) -> None:
    ko_key, code_key = f"new_type_ko_{record.id}", f"new_type_code_{record.id}"
    with st.form(f"new_type_{record.id}", border=False):
        st.text_input(_("Korean name"), key=ko_key)
        st.text_input(_("English name (code)"), key=code_key, help=_("Letters, digits, - and _."))
        st.form_submit_button(
            _("Register and confirm"), type="primary", on_click=_register_type, args=(record, ko_key, code_key, state)
        )


def _register_type(record: InspectionRecord, ko_key: str, code_key: str, state: str) -> None:
    forget_outcome()
    code = str(st.session_state.get(code_key) or "").strip()
    try:
        created = create_defect_type(
            services(),
            person(),
            product_id=record.product.id,
            code=code,
            name_ko=str(st.session_state.get(ko_key) or ""),
            name_en=code.replace("_", " ").replace("-", " "),
        )
    except AppError as error:
        refuse(record, error)
        return
    record = replace(record, defect_types=(*record.defect_types, DefectTypeName.from_row(created)))
    keep_record(record)
    _confirm(record, created.id, state)
