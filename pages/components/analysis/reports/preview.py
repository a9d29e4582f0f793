"""A report on the screen before it is fetched: its figures, the chart, what a reader must know; and the two files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ROLE_NAMES
from core.errors import AppError
from core.reports.layout import Words
from core.reports.period import wording
from core.reports.period.contents import MOST_GROUPS, PeriodContents, gather
from core.reports.period.request import PeriodChoice, make_request
from core.schedules.records import FORMAT_NAMES
from pages.components.shared.charts import draw_pareto, show_chart
from pages.components.shared.language import _, escape, language, number, percent
from pages.components.shared.screens import HISTORY, link_to
from pages.components.shared.session import person, services, show_error
from pages.server.report_downloads import period_path

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BLUE, _VERMILION, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#E69F00", "#8a8a8a"
_MOST_TYPES, _MOST_TICKS = 8, 14


def show_preview(choice: PeriodChoice, wanted: str) -> None:
    """Show the report in the language of the screen, and the files of it in the language `wanted`."""
    try:
        request = make_request(services(), choice, language=language())
        contents = gather(services(), request, made_by=_name())
    except AppError as error:
        show_error(error)
        return
    words = wording.words_of(contents)
    _show_head(contents, choice, words, wanted)
    notes = wording.list_notes(contents, words, with_pictures=False)
    if notes:
        st.info("  \n".join(escape(note) for note in notes), icon=":material/info:")
    figures, details = st.columns([1.15, 1], gap="medium")
    with figures:
        _show_figures(contents, words)
    with details:
        _show_types(contents, words)
    if not contents.is_empty:
        _show_chart(contents, words)
        _show_groups(contents, words)
    link_to(HISTORY, _("All open actions"), query={"action": "open"}, icon=":material/pending_actions:")


def _show_head(contents: PeriodContents, choice: PeriodChoice, words: Words, wanted: str) -> None:
    title, pdf, excel = st.columns([3, 1, 1], vertical_alignment="bottom")
    period = wording.name_period(contents.request.period, words)
    title.subheader(f"{wording.title_of(contents, words)} · {escape(period)}")
    pdf.link_button(
        FORMAT_NAMES["pdf"],
        period_path("pdf", choice, language=wanted),
        icon=":material/picture_as_pdf:",
        type="primary",
        width="stretch",
    )
    excel.link_button(
        FORMAT_NAMES["xlsx"],
        period_path("xlsx", choice, language=wanted),
        icon=":material/table_view:",
        width="stretch",
    )
    facts = wording.list_facts(contents, words)[1:]
    st.caption("  ·  ".join(f"{escape(name)}: {escape(value)}" for name, value in facts))


def _show_figures(contents: PeriodContents, words: Words) -> None:
    rows = wording.list_figures(contents, words)
    before = contents.request.before
    st.table(
        {
            _("Figure"): [row.name for row in rows],
            _("This period"): [wording.write_value(row.value, row.kind, words) for row in rows],
            _("Period before"): [wording.write_value(row.before, row.kind, words) for row in rows],
            _("Difference"): [wording.write_change(row, words) for row in rows],
        },
        border="horizontal",
        hide_index=True,
    )
    if before is not None:
        st.caption(_("Period before: {period}", period=escape(wording.name_period(before, words))))


def _show_types(contents: PeriodContents, words: Words) -> None:
    names = wording.name_types(contents, words)
    if not names:
        if not contents.is_empty:
            st.success(_("No part was rejected."), icon=":material/check_circle:")
        return
    counts = [one.count for one in contents.types]
    shown = len(names) if len(names) <= _MOST_TYPES else _MOST_TYPES - 1
    left = counts[shown:]
    rest = (_("Others ({count})", count=len(left)), sum(left)) if left else None
    st.markdown(f"**{_('Defects by type')}**")
    show_chart(
        draw_pareto(
            names[:shown], counts[:shown], count_title=_("Count"), share_title=_("Cumulative share"), rest=rest
        ),
        key="report_pareto",
        alt=", ".join(f"{name}: {number(count)}" for name, count in zip(names, counts, strict=True)),
    )


def _show_chart(contents: PeriodContents, words: Words) -> None:
    titles = {
        "hour": _("Defect rate by hour"),
        "day": _("Defect rate by day"),
        "week": _("Defect rate by week"),
    }
    chart = contents.chart
    st.markdown(f"**{titles[chart.by]}**")
    names = [wording.name_sample(point.start, contents) for point in chart.points]
    told = [f"{name}: {percent(point.share or 0.0)}" for name, point in zip(names, chart.points, strict=True)]
    show_chart(_draw(contents, names), key="report_chart", alt=f"{titles[chart.by]}. {', '.join(told)}")
    said = wording.describe_limits(contents, words)
    if said:
        st.caption(said)
    with st.expander(_("Table of the chart"), icon=":material/table_rows:"):
        st.dataframe(
            {
                _("From"): names,
                _("Inspections"): [point.n for point in chart.points],
                _("NG"): [point.n_reject for point in chart.points],
                _("Defect rate"): [_share(point.share) for point in chart.points],
                _("Lower limit"): [_share(point.lower) for point in chart.points],
                _("Upper limit"): [_share(point.upper) for point in chart.points],
                _("Outside the limits"): [_("yes") if point.is_outside else "" for point in chart.points],
            },
            hide_index=True,
            width="stretch",
        )


def _draw(contents: PeriodContents, names: list[str]) -> go.Figure:
    import plotly.graph_objects as go

    points = contents.chart.points
    # Numbered places and not names: an hour comes twice on the day that the clocks are put back.
    places = list(range(len(points)))
    every = max(1, math.ceil(len(points) / _MOST_TICKS))
    figure = go.Figure()
    for values, label in (
        ([point.upper for point in points], _("Upper limit")),
        ([point.lower for point in points], _("Lower limit")),
    ):
        figure.add_scatter(
            x=places,
            y=values,
            name=label,
            mode="lines",
            line={"color": _ORANGE, "width": 1.5, "dash": "dash", "shape": "hvh"},
            hovertemplate=label + ": %{y:.2%}<extra></extra>",
        )
    center = contents.chart.center
    if center is not None:
        figure.add_hline(y=center, line={"color": _GRAY, "width": 1.2})
    figure.add_scatter(
        x=places,
        y=[point.share for point in points],
        name=_("Defect rate"),
        mode="lines+markers",
        line={"color": _BLUE, "width": 2},
        marker={
            "size": [12 if point.is_outside else 7 for point in points],
            "symbol": ["diamond" if point.is_outside else "circle" for point in points],
            "color": [_VERMILION if point.is_outside else _BLUE for point in points],
        },
        customdata=[[name, point.n_reject, point.n] for name, point in zip(names, points, strict=True)],
        hovertemplate="%{customdata[0]}: %{y:.2%} (%{customdata[1]:,} / %{customdata[2]:,})<extra></extra>",
    )
    figure.update_layout(
        height=300,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={
            "tickvals": places[::every],
            "ticktext": names[::every],
            "tickangle": 0,
            "fixedrange": True,
            "automargin": True,
        },
        yaxis={
            "tickformat": ".1%",
            "rangemode": "tozero",
            "fixedrange": True,
            "title": {"text": _("Defect rate (%)")},
        },
    )
    return figure


def _show_groups(contents: PeriodContents, words: Words) -> None:
    shown = [
        (heading, name, groups)
        for heading, name, groups in (
            (_("By product"), _("Product"), contents.products),
            (_("By line"), _("Line"), contents.lines),
            (_("By shift"), _("Shift"), contents.shifts),
        )
        if groups
    ]
    if not shown:
        return
    for column, (heading, name, groups) in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        column.markdown(f"**{heading}**")
        some = groups[:MOST_GROUPS]
        column.table(
            {
                name: [escape(wording.name_group(group.name, words)) for group in some],
                _("Inspections"): [number(group.counts.n) for group in some],
                _("NG"): [number(group.counts.reject) for group in some],
                _("Defect rate"): [_share(group.counts.defect_rate) for group in some],
            },
            border="horizontal",
            hide_index=True,
        )
        if len(groups) > len(some):
            column.caption(_("{count} more are in the Excel report.", count=number(len(groups) - len(some))))


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value, decimals=2)


def _name() -> str:
    return person().display_name or ROLE_NAMES[person().role]
