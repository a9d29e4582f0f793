"""Backups: how old the last one is, making and checking them, their schedule, and how one is restored."""

from __future__ import annotations

import streamlit as st

from core.access import ADMIN
from pages.components.administration.backups.backup_list import show_backups
from pages.components.administration.backups.restore_help import show_contents, show_restore_help
from pages.components.administration.backups.schedule_form import show_schedule
from pages.components.administration.backups.standing import show_actions, show_standing
from pages.components.shared.language import _
from pages.components.shared.session import require

require(ADMIN)


def show_screen() -> None:
    """Show how the backups stand, what can be done now, all of them, and the schedule."""
    st.title(_("Backups"))
    show_standing()
    show_actions()
    show_schedule()
    show_backups()
    show_contents()
    show_restore_help()


show_screen()
