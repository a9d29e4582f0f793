"""The sessions of an account: which browser, from where, since when, and the way to end them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.accounts.session_list import SessionView, end_all_sessions, end_session, list_sessions
from core.errors import AppError
from pages.components.shared.language import _, escape, moment
from pages.components.shared.session import person, say_after_rerun, services, session_cookie, show_error

_MOST_SHOWN = 20


def show_sessions(user_id: int, *, key: str) -> None:
    """Show the open sessions of an account, each with its end, and the end of all; of one's own, the present is said.

    One's own present session is not ended here: signing out is.
    """
    try:
        found = list_sessions(services(), person(), user_id, current_cookie=session_cookie())
    except AppError as error:
        show_error(error)
        return
    if not found:
        st.caption(_("None: nobody is signed in with this account."))
        return
    for one in found[:_MOST_SHOWN]:
        _show_one(one, key)
    if len(found) > _MOST_SHOWN:
        st.caption(_("And {count} more.", count=len(found) - _MOST_SHOWN))
    is_own = user_id == person().id
    if not is_own and st.button(_("End all sessions"), key=f"{key}_end_all", icon=":material/logout:"):
        _end(lambda: end_all_sessions(services(), person(), user_id), _("All sessions of the account are over."))


def _show_one(one: SessionView, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"{key}_{one.id}"):
        with st.container(gap=None, width="stretch"):
            device = escape(one.device) if one.device else _("Unknown browser")
            here = f" :green-badge[{_('this browser')}]" if one.is_current else ""
            st.markdown(f"{device}{here}")
            st.caption(
                _(
                    "From {address} · since {start} · seen last {seen}",
                    address=escape(one.address) or "–",
                    start=moment(one.created_at),
                    seen=moment(one.last_seen_at),
                )
            )
        if not one.is_current and st.button(_("End"), key=f"{key}_end_{one.id}", icon=":material/logout:"):
            _end(lambda: end_session(services(), person(), one.id), _("The session is over."))


def _end(act: Callable[[], object], said: str) -> None:
    try:
        act()
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(said, ":material/logout:")
    st.rerun()
