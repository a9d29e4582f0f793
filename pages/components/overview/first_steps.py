"""What to do on a system that has no product yet."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from pages.components.shared.language import _
from pages.components.shared.screens import FIRST_INSPECTION, link_to
from pages.components.shared.session import may


def show_first_steps() -> None:
    """Say what to do on a new system, in order."""
    with st.container(border=True):
        st.subheader(_("Nothing to show yet"))
        if not may(ENGINEER):
            st.markdown(_("Ask a quality engineer to register the product that you inspect."))
            return
        st.markdown(_("A name and images of good parts are enough for the first inspection: one button deploys them."))
        link_to(FIRST_INSPECTION, _("First inspection"), icon=":material/rocket_launch:")
        st.caption(_("To look around first, load the demo data on the server: `python -m core demo`"))
