"""Thumbs up or down for the steps, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.guidance.records import rate_guidance
from pages.components.shared.language import _
from pages.components.shared.session import person, services, showing_errors

if TYPE_CHECKING:
    from core.guidance.records import WrittenGuidance

_RATINGS = (-1, 1)  # as st.feedback counts its thumbs


def show_rating(written: WrittenGuidance) -> None:
    """Draw the two thumbs: a press is recorded at once, the reason when it is entered."""
    thumbs_key, reason_key = f"guidance_thumb_{written.id}", f"guidance_reason_{written.id}"
    default = _RATINGS.index(written.rating) if written.rating in _RATINGS else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_("Was this of help?"), width="content")
        thumb = st.feedback("thumbs", key=thumbs_key, default=default)
        reason = written.rating_reason
        if thumb is not None:
            reason = st.text_input(
                _("Reason"),
                value=written.rating_reason,
                key=reason_key,
                max_chars=500,
                placeholder=_("Why? (if you like)"),
                label_visibility="collapsed",
            )
    state = f"guidance_rated_{written.id}"
    known = st.session_state.get(state, (written.rating, written.rating_reason))
    if thumb is None or (_RATINGS[thumb], reason) == known:
        return
    with showing_errors():
        rate_guidance(services(), person(), written.id, rating=_RATINGS[thumb], reason=reason)
        st.session_state[state] = (_RATINGS[thumb], reason)
        st.toast(_("Thank you. The rating was kept."), icon=":material/check_circle:")
