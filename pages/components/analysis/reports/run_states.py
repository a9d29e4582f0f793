"""How a scheduled report went, in words and as a badge; its moments are those of the plant."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.i18n import N_
from core.reports.layout import Words
from core.reports.period.wording import name_period
from core.schedules.periods import load_calendar
from core.schedules.views import Run
from pages.components.shared.language import _, language
from pages.components.shared.session import services

_STATES: dict[str, tuple[str, str, str]] = {
    "waiting": (N_("Being made"), ":material/hourglass_top:", "blue"),
    "made": (N_("Made"), ":material/task_alt:", "green"),
    "empty": (N_("Nothing inspected, no report"), ":material/event_busy:", "gray"),
    "failed": (N_("Failed"), ":material/error:", "red"),
}


def show_run_badge(run: Run) -> None:
    """Show the state of a report; one that was made late says so."""
    words, icon, color = _STATES[run.state]
    text = _(words)
    if run.state == "made" and run.is_late and run.asked_by is None:
        text = _("Made late")
    st.badge(text, icon=icon, color=color)  # type: ignore[arg-type]


def name_run_state(run: Run) -> str:
    """Return when a failed report is tried again."""
    if run.next_attempt_at is not None:
        return _("It is tried again at {time}.", time=plant_moment(run.next_attempt_at))
    return _("It is not tried again by itself: make it now when the cause is gone.")


def name_run_period(run: Run) -> str:
    """Return what period a report is of, in the run's language."""
    return name_period(run.period, Words(language(), load_calendar(services()).zone))


def plant_moment(when: datetime | None) -> str:
    """Return a moment as the plant's clocks show it, with the name of its zone; a dash for none."""
    if when is None:
        return "–"
    calendar = load_calendar(services())
    return f"{when.astimezone(calendar.zone):%Y-%m-%d %H:%M} ({calendar.time_zone})"
