"""The dashboard: what was inspected and found, what is still to be done, and how the data sets and models stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access import WORKER
from core.analytics.dashboard import current_calendar, dashboard, today_of
from core.catalog.products import list_products_in_use
from core.history.lines import load_lines
from core.operations.attention import find_attention
from pages.components.analysis.calendar_dialog import show_calendar_button
from pages.components.history.history_table import show_history_table
from pages.components.overview.address import Asked, history_query
from pages.components.overview.attention import show_attention
from pages.components.overview.charts import show_defects, show_over_time
from pages.components.overview.data_sets import show_data_sets
from pages.components.overview.filters import show_filters
from pages.components.overview.first_steps import show_first_steps
from pages.components.overview.open_actions import show_open_actions
from pages.components.overview.refresh import refresh_when_quiet
from pages.components.overview.style import apply_dashboard_style
from pages.components.overview.totals import show_totals
from pages.components.shared.language import _, _n, local
from pages.components.shared.link_table import Target, choose_target, follow_chosen
from pages.components.shared.screens import HISTORY, INSPECT_PART, link_to
from pages.components.shared.session import person, require, services, showing_errors

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.analytics.actions import InspectionLine
    from core.analytics.dashboard import DashboardView
    from core.rollups.calendar import PlantCalendar

require(WORKER)

_PANEL_PX = 246


def show_screen() -> None:
    """Show the filters, then everything that they leave."""
    products = list_products_in_use(services())
    if not products:
        st.title(_("Dashboard"))
        show_first_steps()
        return
    apply_dashboard_style()
    calendar = current_calendar(services())
    asked = show_filters(products, today=today_of(calendar))
    show_figures(asked, calendar)
    show_calendar_button()


@st.fragment
def show_figures(asked: Asked, calendar: PlantCalendar) -> None:
    """Draw the figures. They are drawn again by themselves: the filters and the place on the page stay."""
    follow_chosen()
    with st.container(key="dashboard_figures"), showing_errors():
        scope = asked.period.to_scope(today_of(calendar), product_id=asked.product_id)
        view = dashboard(services(), scope, first_of=person().id)
        show_totals(view)
        left, attention = show_panels("over_time", "attention")
        with left:
            show_over_time(view)
        left, right = show_panels("defects", "open_actions")
        with left:
            show_defects(view)
        with right:
            show_open_actions(view)
        show_as_of(view)
        n_products = len(view.per_product)
        st.subheader(f"{_('Data sets and models')} · {_n('{count} product', '{count} products', n_products)}")
        show_data_sets(view, asked.period)
        st.subheader(_("Last inspections"))
        show_last(view, view.last_inspections)
        # Last: comparing scores takes a moment at first, and nothing else is to wait for it.
        with attention:
            show_attention(view, find_attention(services(), person(), view))


def show_panels(left: str, right: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draw two panels side by side; what does not fit in scrolls."""
    wide, narrow = st.columns([1.35, 1], gap="small")
    return (
        wide.container(border=True, height=_PANEL_PX, key=f"panel_body_{left}"),
        narrow.container(border=True, height=_PANEL_PX, key=f"panel_body_{right}"),
    )


def show_as_of(view: DashboardView) -> None:
    """Say of when the figures are; they come anew while nobody does anything."""
    with st.container(horizontal=True, horizontal_alignment="right", key="dashboard_foot"):
        st.caption(_("As of {time} · refreshed by itself", time=local(view.as_of).strftime("%H:%M")), width="content")
        refresh_when_quiet(key="dashboard_refresh", drawn_at=view.as_of.isoformat())


def show_last(view: DashboardView, lines: Sequence[InspectionLine]) -> None:
    """Show the last inspections, the newest first."""
    if not lines:
        st.info(_("Nothing has been inspected yet."), icon=":material/center_focus_strong:")
        link_to(INSPECT_PART, _("Inspect a part"))
        return
    shown = load_lines(services(), [line.inspection.id for line in lines])
    show_history_table(shown, key="dashboard_last", opened=open_later)
    link_to(HISTORY, _("All inspections"), query=history_query(view, since=None, until=None))


def open_later(inspection_id: int) -> None:
    """Keep which inspection was chosen: the page runs once more before it can lead to another."""
    choose_target(Target(HISTORY, {"inspection": str(inspection_id)}))


show_screen()
