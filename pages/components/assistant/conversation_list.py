"""The person's own conversations: opened, renamed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.assistant.conversations import LONGEST_TITLE, delete_conversation, rename_conversation
from core.errors import AppError
from pages.components.assistant.address import asked_conversation, open_conversation
from pages.components.shared.dialogs import close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, escape, language
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.assistant.records import ConversationHead

_RENAME, _DELETE = "assistant_rename", "assistant_delete"
_SHORT = 48


def show_conversation_list(heads: list[ConversationHead]) -> None:
    """Draw the list behind a button; the open one can be renamed and deleted."""
    with st.popover(_("Conversations"), icon=":material/history:", width="stretch", disabled=not heads):
        number = asked_conversation()
        for head in heads:
            title = head.title if len(head.title) <= _SHORT else f"{head.title[: _SHORT - 1]}…"
            st.button(
                escape(title),
                key=f"assistant_open_{head.id}",
                type="primary" if head.id == number else "tertiary",
                on_click=open_conversation,
                args=(head.id,),
            )
        if number is not None and any(head.id == number for head in heads):
            with st.container(horizontal=True):
                st.button(
                    _("Rename"), key="assistant_rename", icon=":material/edit:", on_click=open_dialog, args=(_RENAME,)
                )
                st.button(
                    _("Delete"), key="assistant_delete", icon=":material/delete:", on_click=open_dialog, args=(_DELETE,)
                )


def show_open_dialogs(head: ConversationHead | None) -> None:
    """Draw the dialog that is open for the conversation, if any."""
    if head is None:
        return
    if (renaming := opened(_RENAME)) is not None:
        draw_dialog(_("Rename the conversation"), lambda _dialog: _ask_title(head), renaming)
    if (deleting := opened(_DELETE)) is not None:
        confirm(
            _("Delete the conversation?"),
            _(
                "“{title}” is deleted with everything said in it. Trainings that were started stay.",
                title=escape(head.title),
            ),
            action=_("Delete"),
            icon=":material/delete:",
            dialog=deleting,
            carry_out=lambda _dialog: _delete(head),
            danger=True,
        )


def _ask_title(head: ConversationHead) -> None:
    title = st.text_input(_("Title"), value=head.title, max_chars=LONGEST_TITLE, key=f"assistant_title_{head.id}")
    if st.button(_("Save"), key="assistant_title_save", type="primary", icon=":material/check:"):
        try:
            rename_conversation(services(), person(), head.id, title, row_version=head.row_version)
        except AppError as error:
            st.error(error.sentence(language()), icon=":material/error:")
            return
        close_dialog()
        st.rerun()


def _delete(head: ConversationHead) -> None:
    close_dialog()
    try:
        delete_conversation(services(), person(), head.id)
    except AppError as error:
        show_error(error)
        return
    open_conversation(None)
    st.rerun()
