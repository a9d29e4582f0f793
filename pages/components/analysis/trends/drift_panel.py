"""The panel of drift: do good parts still score as they did when the thresholds were calibrated?"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.drift import MOST_RECENT, WINDOW, ScoreDrift, measure_drift
from core.analytics.trend_filter import TrendFilter
from core.reports.trend_tables import drift_sheet
from core.reports.trend_words import describe_drift, name_p_value
from pages.components.analysis.trends.drawing import BLUE, VERMILION
from pages.components.analysis.trends.figures import show_row
from pages.components.analysis.trends.filter_bar import words
from pages.components.analysis.trends.tables import show_table
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, escape, number, percent, product_name, score, view_name
from pages.components.shared.screens import HISTORY, MEMORY_BANKS, PREPROCESSING, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ICONS = {
    "rise": ":material/trending_up:",
    "fall": ":material/trending_down:",
    "shape": ":material/scatter_plot:",
    "none": ":material/check_circle:",
    "too_few": ":material/hourglass_empty:",
}


def show_drift_panel(wanted: TrendFilter) -> None:
    """Show each product's comparison in words, and the two distributions of the chosen product."""
    found = measure_drift(services(), product_id=wanted.product)
    st.caption(
        _(
            "The newest OK parts of the last {days} days (at most {count} a product) against the calibration of the "
            "memory bank in use: other filters do not count here.",
            days=WINDOW.days,
            count=MOST_RECENT,
        )
    )
    if not found:
        st.info(_("No product here has a memory bank in use."), icon=":material/memory:")
        link_to(MEMORY_BANKS, _("Build a memory bank"))
        return
    order = sorted(found, key=lambda one: (not one.has_drifted, one.outcome == "too_few", -(one.p_value is not None)))
    for one in order if len(found) > 1 else found:
        _say(one)
    if len(found) == 1 and found[0].p_value is not None:
        _show_distributions(found[0])
    show_table(drift_sheet(order, words()), "drift", wanted, is_open=False)


def _say(one: ScoreDrift) -> None:
    subject = product_name(one.product) + (f" · {view_name(one.view)}" if one.view is not None else "")
    text = f"**{escape(subject)}** · {describe_drift(one, words())}"
    show = st.warning if one.has_drifted else st.success if one.outcome == "none" else st.info
    show(text, icon=_ICONS[one.outcome])
    if one.has_drifted:
        left, right, _rest = st.columns([1, 1, 1])
        with left:
            link_to(HISTORY, _("Look at the newest parts"), query={"product": str(one.product.id), "verdict": "ok"})
        with right:
            link_to(PREPROCESSING, _("Lighting and preprocessing"))


def _show_distributions(one: ScoreDrift) -> None:
    figures = [
        (_("Recent OK parts"), number(one.n_recent), None),
        (_("Calibration images"), number(one.n_calibration), None),
        (_("Median now against then") if not one.is_summary else _("Mean now against then"), _signed(one.change), None),
        (_("A part of now scores higher"), percent(one.higher, 0) if one.higher is not None else "–", None),
        (_("Chance alone"), name_p_value(one.p_value), None),
    ]
    show_row(figures, key="trend_drift_figures")
    if one.is_summary:
        st.caption(_("Of this memory bank's calibration only mean and spread were kept; build it anew for the curve."))
        return
    show_chart(
        _draw(one),
        key="trend_drift",
        alt=_("Share of parts up to each score, now and at the calibration."),
    )
    if one.below is not None:
        st.caption(
            _(
                "Scores from {limit} on are left out on both sides: a part that scores so high is not OK by itself.",
                limit=score(one.below),
            )
        )


def _draw(one: ScoreDrift) -> go.Figure:
    """Draw both distributions as rising steps: where the lines part, the scores differ."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, values, color, dash in (
        (_("Calibration"), sorted(one.calibration), BLUE, "dash"),
        (_("Recent OK parts"), sorted(one.recent), VERMILION, "solid"),
    ):
        x = sorted(set(values))
        figure.add_scatter(
            x=x,
            y=[bisect.bisect_right(values, value) / len(values) for value in x],
            name=name,
            mode="lines",
            line={"color": color, "dash": dash, "width": 2.5, "shape": "hv"},
            hovertemplate="%{x:.4g}: %{y:.0%}<extra>" + name + "</extra>",
        )
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        dragmode=False,
        xaxis={"title": {"text": _("Score (distance)")}, "fixedrange": True},
        yaxis={
            "title": {"text": _("Share of parts up to this score")},
            "tickformat": ".0%",
            "range": [0, 1.02],
            "fixedrange": True,
        },
    )
    return figure


def _signed(change: float | None) -> str:
    return f"{change * 100:+.1f}%" if change is not None else "–"
