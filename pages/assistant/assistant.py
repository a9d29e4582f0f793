"""Assistant: questions about inspections, trends, manuals and trainings, and trainings drafted in words."""

from __future__ import annotations

from contextlib import closing

import streamlit as st

from core.access import WORKER
from core.assistant.asking import ask
from core.assistant.conversations import LONGEST_WORDS, list_conversations, read_conversation
from core.assistant.offline.evidence.meaning import prepare
from core.assistant.records import ConversationView
from core.assistant.suggestions import list_suggestions
from core.assistant.tools.contract import open_context
from core.errors import AppError, NotFound
from pages.components.assistant.address import asked_conversation, open_conversation, opened_inspection
from pages.components.assistant.conversation_list import show_conversation_list, show_open_dialogs
from pages.components.assistant.reply import Streamed, show_turn
from pages.components.shared.language import _, escape, language
from pages.components.shared.link_table import follow_chosen
from pages.components.shared.session import person, require, services, show_error

_SAID = "assistant_said"

require(WORKER)
follow_chosen()
# Whoever opens the screen is about to ask.
prepare()


def say(words: str) -> None:
    """Take words as what the person says on the next run, from a callback."""
    st.session_state[_SAID] = words


def show_head() -> None:
    """Draw the title, and the conversations so far."""
    title, new, earlier = st.columns([3.2, 1.2, 1.2], vertical_alignment="bottom")
    title.title(_("Assistant"))
    new.button(
        _("New conversation"), key="assistant_new", icon=":material/add_comment:", width="stretch",
        on_click=open_conversation, args=(None,),
    )  # fmt: skip
    with earlier:
        show_conversation_list(list_conversations(services(), person()))


def show_beginning() -> None:
    """Draw what can be asked first, as buttons."""
    st.markdown(
        _(
            "Ask about inspections, trends, manuals and trainings, or describe a training: it becomes a "
            "draft that you confirm."
        )
    )
    context = open_context(services(), person(), language())
    with st.container(key="assistant_suggestions"):
        for place, one in enumerate(list_suggestions(context)):
            st.button(
                escape(one),
                key=f"assistant_suggestion_{place}",
                icon=":material/chat_bubble:",
                on_click=say,
                args=(one,),
            )
    st.caption(
        _(
            "Figures come from the database, never from a language model. Without a chosen model the words "
            "of the tasks are understood offline."
        )
    )


def show_conversation(view: ConversationView) -> None:
    """Draw all turns; the last question's choices can be pressed."""
    last = view.turns[-1] if view.turns else None
    for turn in view.turns:
        show_turn(turn, is_last=turn is last, say=say)


def take_words() -> str:
    """Return what the person says now: typed, or pressed."""
    typed = st.chat_input(_("Ask, or describe a training"), key="assistant_input", max_chars=LONGEST_WORDS)
    pressed = st.session_state.pop(_SAID, "")
    return str(typed or pressed or "")


def converse(words: str, conversation_id: int | None) -> None:
    """Say it, and draw what the assistant does while it does it; the stored conversation is drawn then."""
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(escape(words))
    opened = opened_inspection()
    with st.chat_message("assistant", avatar=":material/forum:"):
        streamed = Streamed()
        try:
            events = ask(
                services(), person(), words, language=language(), conversation_id=conversation_id, inspection_id=opened
            )
            # Closed also where the person presses another key meanwhile: what was said so far is stored.
            with closing(events):
                for event in events:
                    if event.conversation_id is not None and conversation_id is None:
                        conversation_id = event.conversation_id
                        open_conversation(conversation_id)
                    streamed.take(event)
        except AppError as error:
            show_error(error)
            return
    st.rerun()


number = asked_conversation()
show_head()
view: ConversationView | None = None
if number is not None:
    try:
        view = read_conversation(services(), person(), number)
    except NotFound as error:
        show_error(error)
        number = None
show_open_dialogs(view.head if view is not None else None)
words = take_words()
if view is not None:
    show_conversation(view)
elif not words:
    show_beginning()
if words:
    converse(words, number)
