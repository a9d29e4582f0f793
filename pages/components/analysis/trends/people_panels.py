"""The panels of yield and time to action, and of people and the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.agreement import VERDICTS, read_agreement
from core.analytics.conditions import MOST_SHIFT_DAYS
from core.analytics.trend_filter import TrendFilter
from core.analytics.yields import MOST_ACTIONS, MOST_INSPECTIONS, read_action_times, read_yields
from core.inspections.terms import VERDICT_NAMES
from core.reports.trend_tables import action_sheet, agreement_sheet, yield_sheet
from core.reports.trend_words import describe_kappa
from pages.components.analysis.trends.drawing import BLUE, ORANGE, shorten
from pages.components.analysis.trends.figures import show_row
from pages.components.analysis.trends.filter_bar import words
from pages.components.analysis.trends.links import history_query
from pages.components.analysis.trends.tables import show_table
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, duration, escape, number, percent
from pages.components.shared.screens import GAUGE_STUDY, HISTORY, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from core.analytics.trends import Trend
    from core.analytics.yields import ActionTimes
    from core.reports.group_labels import GroupNames

_MOST_BARS = 10


def show_yield_panel(trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show first-pass yield and rolled throughput, then how long actions take."""
    yields = read_yields(services(), trend.scope)
    times = read_action_times(services(), trend.scope)
    total = yields.total
    figures = [
        (_("First-pass yield"), percent(total.share) if total.share is not None else "–",
         _("Parts that were OK at their first inspection in the period and stayed it: neither Review nor NG, and no "
           "person decided otherwise. A part is known by its serial number; without one each inspection is a part.")),
        (_("Parts"), number(total.n_parts), None),
        (_("Inspected again"), number(yields.n_repeated), _("Inspections of a part after its first one.")),
        (_("Rolled over the lines"), percent(yields.rolled) if yields.rolled is not None else "–",
         _("The share of parts that would pass all lines at once, if each part goes through all of them one after "
           "another: the product of the lines' first-pass yields.")),
        (_("Time to action (median)"), duration(times.total.median_s) if times.total is not None else "–",
         _("From the inspection to the corrective action that closed it.")),
        (_("90 % of actions within"), duration(times.total.p90_s) if times.total is not None else "–", None),
    ]  # fmt: skip
    show_row(figures, key="trend_yield_figures")
    if yields.is_capped:
        st.caption(_("The yields are of the newest {count} inspections of the period.", count=number(MOST_INSPECTIONS)))
    _say_shift(trend)
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{_('First-pass yield by line')}**")
        if total.n_parts:
            shown = [line for line in yields.lines if line.share is not None][:_MOST_BARS]
            labels = [line.line or _("not noted") for line in shown]
            show_chart(
                _draw_bars(labels, [line.share or 0.0 for line in shown], is_share=True),
                key="trend_yield",
                alt=", ".join(
                    f"{label}: {percent(line.share or 0)}" for label, line in zip(labels, shown, strict=True)
                ),
            )
        else:
            st.info(_("Nothing was inspected in this period."), icon=":material/event_busy:")
    with right:
        st.markdown(f"**{_('Time to action by defect type')}**")
        if times.by_type:
            several = len({names.type_products.get(type_id or 0) for type_id in times.by_type}) > 1
            named = [
                (names.type_name(type_id, words(), with_product=several), found)
                for type_id, found in times.by_type.items()
            ]
            _show_times(named[:_MOST_BARS])
        else:
            st.info(_("No action was closed in this period."), icon=":material/pending_actions:")
    if times.is_capped:
        st.caption(_("The times are of the newest {count} closed actions.", count=number(MOST_ACTIONS)))
    if total.n_parts:
        show_table(yield_sheet(yields, words()), "yield", wanted)
    if times.total is not None:
        show_table(action_sheet(times, names, words()), "times", wanted)


def show_people_panel(trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show how often people decide otherwise than the model, and Cohen's kappa."""
    found = read_agreement(services(), trend.scope)
    kappa, total = found.kappa, trend.total
    interval = f"{kappa.low:.2f} – {kappa.high:.2f}" if kappa.low is not None and kappa.high is not None else "–"
    figures = [
        (_("Override rate"), percent(total.overridden / total.n, 2) if total.n else "–",
         _("Inspections whose verdict a person changed, of all in the period. Decided Reviews count, too.")),
        (_("Judged by a person"), number(found.n_judged),
         _("Reviewed, overridden, with a confirmed defect type, or with a closed action.")),
        (_("Cohen's kappa"), f"{kappa.value:.2f}" if kappa.value is not None else "–",
         _("Agreement beyond chance, over the parts on which model and person both decided OK or NG: 1 is complete, "
           "0 no more than chance. AIAG: above 0.75 good, below 0.40 poor.")),
        (_("95 % interval"), interval, None),
        (_("Same verdict"), percent(kappa.observed) if kappa.observed is not None else "–", None),
    ]  # fmt: skip
    show_row(figures, key="trend_people_figures")
    _say_shift(trend)
    st.markdown(describe_kappa(kappa, words()))
    if kappa.value is None and kappa.n:
        link_to(GAUGE_STUDY, _("Gauge study"), icon=":material/straighten:")
    st.caption(
        _("Parts that the model passes are seldom looked at: what people would say of them is not in these figures.")
    )
    if not found.n_judged:
        return
    st.table(
        {
            _("The model says"): [f"**{_(VERDICT_NAMES[code])}**" for code in VERDICTS],
            **{
                _("A person says {verdict}", verdict=_(VERDICT_NAMES[person])): [
                    number(found.table[place][column]) for place in range(len(VERDICTS))
                ]
                for column, person in enumerate(VERDICTS)
            },
        }
    )
    for model, person, label in (
        ("reject", "ok", _("Look at what the model called NG and people OK")),
        ("ok", "reject", _("Look at what the model called OK and people NG")),
    ):
        count = found.table[VERDICTS.index(model)][VERDICTS.index(person)]
        if count:
            query = history_query(trend.scope, names.calendar, verdict=person) | {"model_verdict": model}
            link_to(HISTORY, f"{label} ({number(count)})", query=query)
    show_table(agreement_sheet(found, words()), "agreement", wanted)


def _say_shift(trend: Trend) -> None:
    if trend.scope.shift is not None and (trend.scope.days is None or trend.scope.days > MOST_SHIFT_DAYS):
        st.caption(
            _(
                "Inspections that name no shift are counted by the calendar for the last {count} days only.",
                count=MOST_SHIFT_DAYS,
            )
        )


def _show_times(named: Sequence[tuple[str, ActionTimes]]) -> None:
    labels = [name for name, _found in named]
    show_chart(
        _draw_times(labels, [found for _name, found in named]),
        key="trend_times",
        alt=", ".join(f"{escape(label)}: {duration(found.median_s)}" for label, found in named),
    )


def _draw_bars(labels: Sequence[str], values: Sequence[float], *, is_share: bool) -> go.Figure:
    import html

    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_bar(
        y=[html.escape(label, quote=False) for label in shorten(labels)],
        x=values,
        orientation="h",
        marker_color=BLUE,
        text=[percent(value) for value in values] if is_share else None,
        textposition="inside",
        insidetextanchor="end",
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
    )
    _lay_out(figure, len(labels))
    figure.update_layout(xaxis={"tickformat": ".0%", "range": [0, 1], "fixedrange": True}, showlegend=False)
    return figure


def _draw_times(labels: Sequence[str], times: Sequence[ActionTimes]) -> go.Figure:
    import html

    import plotly.graph_objects as go

    figure = go.Figure()
    names = [html.escape(label, quote=False) for label in shorten(labels)]
    for name, values, color, pattern in (
        (_("Median"), [found.median_s for found in times], BLUE, ""),
        (_("90 % within"), [found.p90_s for found in times], ORANGE, "/"),
    ):
        figure.add_bar(
            y=names,
            x=[value / 3600 for value in values],
            name=name,
            orientation="h",
            marker={"color": color, "pattern": {"shape": pattern}},
            customdata=[[duration(value), number(found.n)] for value, found in zip(values, times, strict=True)],
            hovertemplate="%{y}: %{customdata[0]} (n = %{customdata[1]})<extra>" + name + "</extra>",
        )
    _lay_out(figure, len(labels) * 1.6)
    figure.update_layout(
        barmode="group",
        xaxis={"title": {"text": _("Hours")}, "fixedrange": True, "rangemode": "tozero"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def _lay_out(figure: go.Figure, rows: float) -> None:
    figure.update_layout(
        height=int(90 + 34 * max(rows, 3)),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        dragmode=False,
        yaxis={"autorange": "reversed", "automargin": True, "fixedrange": True, "type": "category"},
    )
