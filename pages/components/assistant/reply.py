"""What was said: the person's words, the assistant's with its tables and charts, the draft, the choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.assistant.records import OFFLINE, PERSON
from pages.components.assistant.draft_card import show_draft
from pages.components.assistant.result_view import show_result
from pages.components.shared.language import _, escape, language

if TYPE_CHECKING:
    from core.assistant.events import AskEvent
    from core.assistant.records import Turn

_MOST_CHOICES = 12


def show_turn(turn: Turn, *, is_last: bool, say: Callable[[str], None]) -> None:
    """Draw one turn; the choices of the last question are buttons that `say` them."""
    if turn.role == PERSON:
        with st.chat_message("user", avatar=":material/person:"):
            st.markdown(_as_lines(turn.words))
        return
    with st.chat_message("assistant", avatar=":material/forum:"):
        if turn.error is not None and turn.words != turn.explain_error(language()):
            _show_error(turn)
        if turn.words:
            st.markdown(_as_lines(turn.words))
        for place, result in enumerate(turn.results):
            show_result(result, key=f"assistant_{turn.id}_{place}")
        if turn.draft is not None:
            show_draft(turn)
        if is_last:
            _show_choices(turn, say)
        if turn.writer and turn.writer != OFFLINE:
            st.caption(_("Words by {model}; figures from the database", model=escape(turn.writer)))


class Streamed:
    """What is drawn while the assistant works: what it looks up, and its words as they come."""

    def __init__(self) -> None:
        self._status = st.empty()
        self._words = st.empty()
        self._said: list[str] = []
        self._status.caption(f":material/hourglass_top: {_('One moment')}")

    def take(self, event: AskEvent) -> None:
        """Draw what an event brings."""
        if event.looking:
            self._status.caption(f":material/search: {_(event.looking)}")
        if event.fallback_code:
            self._said.clear()
            self._words.empty()
        if event.words:
            self._said.append(event.words)
            self._words.markdown(_as_lines("\n".join(self._said)))


def _show_error(turn: Turn) -> None:
    """Say why the parser took over from a model, or what else went wrong."""
    sentence = turn.explain_error(language())
    if turn.words:
        sentence = f"{sentence} {_('The words were understood offline instead.')}"
    st.warning(escape(sentence), icon=":material/cloud_off:")


def _show_choices(turn: Turn, say: Callable[[str], None]) -> None:
    choices = turn.question.choices if turn.question is not None else ()
    if turn.draft is not None and turn.draft.missing:
        choices = turn.draft.missing[0].choices
    if not choices:
        return
    with st.container(horizontal=True, key="assistant_choices"):
        for value, label in choices[:_MOST_CHOICES]:
            st.button(escape(label or value), key=f"assistant_choice_{value}", on_click=say, args=(value,))


def _as_lines(text: str) -> str:
    # Two spaces at its end make a line of Markdown end there.
    return "  \n".join(escape(line) for line in text.split("\n"))
