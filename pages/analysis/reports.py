"""Reports: one of a shift, day, week or lot by hand; the schedules that make them by themselves; what these made."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.i18n import N_
from pages.components.analysis.calendar_dialog import show_calendar_button
from pages.components.analysis.reports.made_reports import show_made_reports
from pages.components.analysis.reports.period_choice import show_period_choice
from pages.components.analysis.reports.preview import show_preview
from pages.components.analysis.reports.schedule_list import show_schedules
from pages.components.shared.language import _
from pages.components.shared.session import require, showing_errors

require(ENGINEER)

_VIEWS: dict[str, str] = {
    "report": N_("One report"),
    "schedules": N_("Schedules"),
    "made": N_("Made by schedules"),
}
_VIEW = "reports_view"


def show_screen() -> None:
    """Show the view of the address: a report by hand, the schedules, or what they made."""
    asked = st.query_params.get("view", "report")
    st.session_state[_VIEW] = asked if asked in _VIEWS else "report"
    title, views = st.columns([1, 1.4], vertical_alignment="bottom")
    title.title(_("Reports"))
    view = views.segmented_control(
        _("View"),
        list(_VIEWS),
        key=_VIEW,
        required=True,
        format_func=lambda name: _(_VIEWS[name]),
        on_change=keep_view,
        label_visibility="collapsed",
        width="stretch",
    )
    with showing_errors():
        show_calendar_button()
        if view == "schedules":
            show_schedules()
        elif view == "made":
            show_made_reports()
        else:
            show_one_report()


def show_one_report() -> None:
    """Show the choice of a period, and below it the report that it means."""
    choice, language = show_period_choice()
    if choice is not None:
        show_preview(choice, language)


def keep_view() -> None:
    """Keep the chosen view in the address."""
    view = st.session_state[_VIEW]
    if view == "report":
        st.query_params.pop("view", None)
    else:
        st.query_params["view"] = view


show_screen()
