"""The license of an adapter, shown whole to the administrator who accepts it."""

from __future__ import annotations

import streamlit as st

from core.access import ADMIN
from core.adapters.registry import accept_license, get_adapter
from core.errors import AppError
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, opened
from pages.components.shared.language import _
from pages.components.shared.session import may, person, say_after_rerun, services, show_error

LICENSE_DIALOG = "train_adapter_license"
_TEXT_HEIGHT_PX = 280


def show_license_dialog() -> None:
    """Draw the dialog where it is open."""
    dialog = opened(LICENSE_DIALOG)
    if dialog is not None and may(ADMIN):
        draw_dialog(_("License of an adapter"), _show, dialog, width="medium")


def _show(dialog: OpenDialog) -> None:
    name = str(dialog.values["adapter"])
    try:
        view = get_adapter(services(), person(), name)
    except AppError as error:
        show_error(error)
        return
    # Somebody else's words: shown as text, never as Markdown.
    st.text(f"{view.title} · {view.license_name}")
    if view.license_notice:
        st.text(view.license_notice)
    if view.license_text:
        with st.container(border=True, height=_TEXT_HEIGHT_PX):
            st.text(view.license_text)
    else:
        st.caption(_("The adapter's folder holds no text of the license. Read it at its authors'."))
    st.caption(_("Who accepted it, and when, is written into the log. A changed adapter is asked for again."))
    with st.container(horizontal=True, horizontal_alignment="right", key="train_license_buttons"):
        if st.button(_("Cancel"), key="train_license_cancel"):
            close_dialog()
            st.rerun()
        if not st.button(_("Accept license"), key="train_license_accept", type="primary", icon=":material/gavel:"):
            return
    try:
        accept_license(services(), person(), name)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The license of {name} is accepted.", name=view.title))
    close_dialog()
    st.rerun()
