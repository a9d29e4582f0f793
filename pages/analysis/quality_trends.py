"""Quality trends: how defect rate, regions and score move, what the defects are, and how people and the model agree."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.analytics.trend_filter import TrendFilter
from core.analytics.trends import Trend, read_trend
from core.reports.group_labels import GroupNames, read_group_names
from pages.components.analysis.calendar_dialog import show_calendar_button
from pages.components.analysis.trends.control_panels import (
    show_limits,
    show_rate_panel,
    show_regions_panel,
    show_score_panel,
)
from pages.components.analysis.trends.drift_panel import show_drift_panel
from pages.components.analysis.trends.figures import show_row
from pages.components.analysis.trends.filter_bar import show_trend_filter
from pages.components.analysis.trends.pareto_panel import show_pareto_panel
from pages.components.analysis.trends.people_panels import show_people_panel, show_yield_panel
from pages.components.shared.language import _, number, percent
from pages.components.shared.screens import INSPECT_PART, PRODUCTS, REPORTS, link_to
from pages.components.shared.session import require, services

require(ENGINEER)

_CHART, _RATE, _REGIONS, _SCORE, _PARETO = "chart", "rate", "regions", "score", "pareto"
_DRIFT, _YIELD, _PEOPLE = "drift", "yield", "people"


def show_screen() -> None:
    """Show the filter, the period's figures, and the chosen chart."""
    title, reports = st.columns([4, 1], vertical_alignment="bottom")
    title.title(_("Quality trends"))
    with reports:
        link_to(REPORTS, _("Reports"), icon=":material/summarize:")
    names = read_group_names(services())
    if not names.products:
        st.info(_("There is no product yet: trends begin with the first inspection."), icon=":material/category:")
        link_to(PRODUCTS, _("Register a product"))
        return
    wanted = show_trend_filter(names)
    trend = read_trend(services(), wanted)
    if not trend.total.n:
        show_nothing(wanted, trend)
    else:
        show_figures(trend)
    chart_choice, limits = st.columns([5, 1], vertical_alignment="bottom")
    with chart_choice:
        chart = pick_chart()
    if chart in {_RATE, _REGIONS, _SCORE}:
        with limits:
            show_limits(wanted, of_counts=chart != _SCORE)
    if chart == _DRIFT:
        show_drift_panel(wanted)
    elif trend.total.n:
        show_panel(chart, trend, wanted, names)
    show_calendar_button()


def show_figures(trend: Trend) -> None:
    """Show the figures of the whole period."""
    total = trend.total
    figures = (
        (_("Inspections"), number(total.n), None),
        (_("NG"), number(trend.n_rejected), None),
        (_("Defect rate"), percent(trend.n_rejected / total.n, 2), _("NG parts of all inspections.")),
        (_("Review"), number(total.review), _("Not decided yet: neither clearly OK nor clearly NG.")),
        (_("Regions a part"), f"{trend.n_regions / total.n:.3f}", _("Defect regions on NG parts, of all inspections.")),
        (
            _("Signals"),
            number(trend.rate.n_signals),
            _("Points of the defect rate that break a Western Electric rule: hardly chance."),
        ),
    )
    show_row(figures, key="trend_figures")


def show_nothing(wanted: TrendFilter, trend: Trend) -> None:
    """Say that nothing was inspected, and what to do."""
    if wanted.to_query().keys() <= {"period", "by", "limits"} and trend.scope.first is None:
        st.info(_("Nothing was ever inspected: trends begin with the first inspection."), icon=":material/event_busy:")
        link_to(INSPECT_PART, _("Inspect a part"))
        return
    st.info(
        _("Nothing was inspected in this period with these filters. Choose a longer period, or fewer filters."),
        icon=":material/event_busy:",
    )


def pick_chart() -> str:
    """Return which chart is looked at; it stands in the address."""
    titles = {
        _RATE: _("Defect rate"),
        _REGIONS: _("Defect regions"),
        _SCORE: _("Score"),
        _PARETO: _("Pareto"),
        _DRIFT: _("Drift"),
        _YIELD: _("Yield and actions"),
        _PEOPLE: _("Model and people"),
    }
    asked = st.query_params.get(_CHART, _RATE)
    asked = asked if asked in titles else _RATE
    if st.session_state.get("trend_chart") != asked:
        st.session_state["trend_chart"] = asked
    chosen = st.segmented_control(
        _("Chart"),
        list(titles),
        key="trend_chart",
        required=True,
        format_func=lambda code: titles[code],
        on_change=_keep_chart,
        label_visibility="collapsed",
    )
    return chosen or _RATE


def _keep_chart() -> None:
    chosen = st.session_state["trend_chart"]
    if chosen == _RATE:
        st.query_params.pop(_CHART, None)
    else:
        st.query_params[_CHART] = chosen


def show_panel(chart: str, trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show one of the charts over the inspections of the period."""
    panels = {
        _RATE: show_rate_panel,
        _REGIONS: show_regions_panel,
        _SCORE: show_score_panel,
        _PARETO: show_pareto_panel,
        _YIELD: show_yield_panel,
        _PEOPLE: show_people_panel,
    }
    panels[chart](trend, wanted, names)


show_screen()
