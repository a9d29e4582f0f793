"""Gauge study: how far scores and verdicts repeat, from the plan to the report, one step after the other."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.errors import NotFound
from pages.components.analysis.gauge.address import asked_study, asks_for_new, open_study
from pages.components.analysis.gauge.plan_form import show_plan_form
from pages.components.analysis.gauge.study_list import show_study_list
from pages.components.analysis.gauge.study_view import show_study
from pages.components.shared.language import _
from pages.components.shared.session import require


def show_new() -> None:
    """Draw the plan of a new study."""
    title, back = st.columns([4, 1.1], vertical_alignment="bottom")
    title.title(_("New gauge study"))
    back.button(
        _("All studies"),
        key="gauge_back",
        icon=":material/arrow_back:",
        width="stretch",
        on_click=open_study,
        args=(None,),
    )
    show_plan_form(None)


require(ENGINEER)
asked = asked_study()
if asked is not None:
    try:
        show_study(asked)
    except NotFound:
        st.title(_("Gauge study"))
        st.warning(_("The study of this link is not there."), icon=":material/link_off:")
        st.button(_("All studies"), icon=":material/arrow_back:", on_click=open_study, args=(None,))
elif asks_for_new():
    show_new()
else:
    show_study_list()
