"""The head of the way to the first inspection: its three steps, and which one is taken."""

from __future__ import annotations

import streamlit as st

from pages.components.overview.first_inspection.place import BUILDING, IMAGES, READY, STOPPED
from pages.components.shared.language import _

_STEP_OF_STAGE = {IMAGES: 1, BUILDING: 2, STOPPED: 2, READY: 3}


def show_steps(stage: str) -> None:
    """Show the steps: done, taken now, to come; in words, color and icon alike."""
    now = _STEP_OF_STAGE[stage]
    steps = (_("Name and images"), _("Deployment"), _("Inspection"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="first_steps"):
        for number, name in enumerate(steps, start=1):
            if number < now:
                st.badge(f"{number} {name}", icon=":material/check:", color="green")
            elif number == now:
                st.badge(f"{number} {name}", icon=":material/arrow_forward:", color="blue")
            else:
                st.badge(f"{number} {name}", icon=":material/radio_button_unchecked:", color="gray")
