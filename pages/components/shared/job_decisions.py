"""What a person decides about a job of their own: to let it go on where it stopped, or to stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.components.shared.language import _
from pages.components.shared.session import person, services, showing_errors

if TYPE_CHECKING:
    from core.access import Person
    from core.jobs.views import JobView
    from core.services import Services

    Decide = Callable[[Services, Person, int], None]


def show_job_decisions(
    job: JobView,
    *,
    key: str,
    can_go_on: bool,
    is_over: bool,
    continue_label: str,
    stop_question: str,
    go_on: Decide,
    cancel: Decide,
) -> None:
    """Show the button that lets a failed job go on, and the one that stops it after a yes; none where it is over."""
    if can_go_on and st.button(
        continue_label, key=f"{key}_go_on_{job.id}", type="primary", icon=":material/play_arrow:", width="stretch"
    ):
        with showing_errors():
            go_on(services(), person(), job.id)
            st.rerun(scope="app")
    if is_over and not can_go_on:
        return
    if job.cancel_requested and not is_over:
        st.button(_("Stopping …"), key=f"{key}_stopping_{job.id}", disabled=True, width="stretch")
        return
    label = _("Give up") if is_over else _("Cancel")
    with st.popover(label, icon=":material/stop_circle:", width="stretch", key=f"{key}_cancel_menu_{job.id}"):
        st.markdown(stop_question)
        if st.button(_("Yes, stop it"), key=f"{key}_cancel_{job.id}", type="primary"):
            with showing_errors():
                cancel(services(), person(), job.id)
                st.rerun(scope="app")
