"""One row of the audit log with all that it kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.audit_log.listing import load_row
from core.audit_log.subjects import name_subjects
from core.audit_log.telling import read_changes, read_rest
from core.audit_log.words import ACTION_NAMES, CHANNEL_NAMES, OUTCOME_NAMES, SUBJECT_NAMES
from core.errors import AppError
from pages.components.shared import screens
from pages.components.shared.dialogs import OpenDialog, close_dialog
from pages.components.shared.language import _, escape, language, moment
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from storage.tables import AuditLog

# The screen that shows a subject, and the word of its address that takes the number.
_SCREENS: dict[str, tuple[str, str]] = {
    "inspection": (screens.INSPECT_PART, "inspection"),
    "product": (screens.PRODUCTS, "product"),
    "product_view": (screens.PRODUCTS, ""),
    "defect_type": ("pages/catalog/defect_types.py", ""),
    "manual": (screens.MANUALS, ""),
    "image_preprocessing": (screens.PREPROCESSING, ""),
    "model_version": (screens.MODEL_REPORT, ""),
    "model_choice": (screens.MODELS, ""),
    "training_run": (screens.EXPERIMENTS, "run"),
    "dataset": (screens.DATASET_VERSIONS, ""),
    "gauge_study": (screens.GAUGE_STUDY, "study"),
    "report_schedule": (screens.REPORTS, ""),
    "user": (screens.USERS, ""),
    "api_key": (screens.USERS, ""),
    "watch_folder": (screens.SYSTEM_STATUS, ""),
    "delivery_target": (screens.SYSTEM_STATUS, ""),
}


def word(names: dict[str, str], code: str) -> str:
    """Return what a code is called in the run's language; the code itself where it has no name."""
    return _(names[code]) if code in names else code


def tell_subject(row: AuditLog, names: dict[tuple[str, int], str]) -> str:
    """Return the kind, the name and the number of what a row is about."""
    kind = word(SUBJECT_NAMES, row.subject_type)
    if row.subject_id is None:
        return kind
    name = names.get((row.subject_type, row.subject_id), "")
    return f"{kind} {name} (#{row.subject_id})" if name else f"{kind} #{row.subject_id}"


def show_row(dialog: OpenDialog) -> None:
    """Show all that is known of the row in the dialog."""
    try:
        row = load_row(services(), person(), int(dialog.values["row"]))
        names = name_subjects(services(), [row])
    except AppError as error:
        show_error(error)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(word(ACTION_NAMES, row.action))}**", width="content")
        refused = row.outcome == "refused"
        st.badge(
            word(OUTCOME_NAMES, row.outcome),
            icon=":material/block:" if refused else ":material/check_circle:",
            color="red" if refused else "green",
        )
    origin = word(CHANNEL_NAMES, row.channel) + (f", {row.address}" if row.address else "")
    facts: dict[str, str] = {
        _("Who"): tell_person(row) + (f" (#{row.user_id})" if row.user_id is not None else ""),
        _("When"): moment(row.created_at),
        _("Subject"): tell_subject(row, names),
        _("From where"): origin,
        _("Code"): row.action,
    }
    st.markdown("\n".join(f"- {name}: **{escape(text)}**" for name, text in facts.items()))
    changes = read_changes(row.details, language())
    if changes:
        st.markdown(f"**{_('Before → after')}**")
        st.table(
            [
                {
                    _("Field"): escape(one.field),
                    _("Value before"): escape(one.before),
                    _("Value after"): escape(one.after),
                }
                for one in changes
            ]
        )
    rest = read_rest(row.details, language())
    if rest:
        st.markdown(f"**{_('Details')}**")
        st.markdown("\n".join(f"- {escape(name)}: {escape(text)}" for name, text in rest.items()))
    _show_link(row)
    st.caption(_("Position in the chain: {position}", position=row.position or "–"))
    st.code(row.seal or "–", language=None, wrap_lines=True)
    if st.button(_("Close"), width="stretch"):
        close_dialog()
        st.rerun()


def tell_person(row: AuditLog) -> str:
    """Return who acted."""
    if row.user_name:
        return _(row.user_name)
    return _("The system itself") if row.channel == "system" else _("Nobody signed in")


def _show_link(row: AuditLog) -> None:
    found: tuple[str, str] | None = _SCREENS.get(row.subject_type)
    if found is None or row.subject_id is None:
        return
    path, name = found
    query: dict[str, Any] = {name: str(row.subject_id)} if name else {}
    screens.link_to(path, _("Open the screen of this subject"), query=query)
