"""One result: its chart and table, the query behind it, and the screen that shows the same."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.components.shared.charts import draw_pareto, show_chart
from pages.components.shared.language import _, escape, number
from pages.components.shared.link_table import Cell, Target, show_link_table
from pages.components.shared.screens import TRACEABILITY, link_to

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.assistant.results import Chart, Column, ToolResult

_HEIGHT_PX, _TABLE_PX = 260, 340
_MOST_TICKS = 6
_OF_INSPECTIONS = frozenset({"list_inspections", "list_open_actions"})
_BAR = "#0f7c9c"


def show_result(result: ToolResult, *, key: str) -> None:
    """Draw a result; one without rows and quotes has said everything in words."""
    if not result.columns and not result.quotes:
        return
    with st.container(border=True, key=f"{key}_card"):
        st.markdown(f"**{escape(result.title)}**")
        _show_quotes(result)
        if result.chart is not None and len(result.rows) > 1:
            show_chart(_draw(result, result.chart), key=f"{key}_chart", alt=f"{result.title}: {' '.join(result.words)}")
        if result.rows:
            with _place_of_table(result):
                show_link_table(
                    [(column.title, _kind(column)) for column in result.columns],
                    [[_cell(result, column, value) for column, value in zip(result.columns, row, strict=False)]
                     for row in result.rows],
                    key=f"{key}_table",
                    label=result.title,
                    height_px=_TABLE_PX,
                )  # fmt: skip
        elif not result.quotes:
            st.caption(_("There are no entries for this."))
        if result.n_left_out and result.rows:
            st.caption(_("{count} more rows are not shown here.", count=number(result.n_left_out)))
        _show_source(result)


def _place_of_table(result: ToolResult) -> st.delta_generator.DeltaGenerator:
    """Return where the table stands: below a chart it is folded."""
    return st.expander(_("Table")) if result.chart is not None else st.container()


def _show_quotes(result: ToolResult) -> None:
    section = ""
    for quote in result.quotes:
        if quote.section != section:
            section = quote.section
            st.markdown(f"*{escape(section)}*")
        where = f"{quote.manual}, {_('p. {page}', page=quote.page)}" if quote.page is not None else quote.manual
        st.markdown(f"> {escape(quote.text)}" + (f"  \n> — {escape(where)}" if where else ""))


def _show_source(result: ToolResult) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f":material/database: {escape(result.query)}")
        if result.address is not None:
            link_to(result.address.screen, escape(result.address.label), query=result.address.query)


def _kind(column: Column) -> Literal["", "number"]:
    return "number" if column.kind in ("number", "share", "id") else ""


def _cell(result: ToolResult, column: Column, value: object) -> Cell:
    if column.kind == "id" and result.tool in _OF_INSPECTIONS and isinstance(value, int):
        return Cell(str(value), Target(TRACEABILITY, {"inspection": str(value)}))
    return Cell(_write(column, value))


def _write(column: Column, value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float) or column.kind == "id":
        return str(value)
    if column.kind == "share":
        return f"{100 * value:.1f}%"
    return number(value) if isinstance(value, int) else f"{value:,.4g}"


def _draw(result: ToolResult, chart: Chart) -> go.Figure:
    import html

    import plotly.graph_objects as go

    labels = [_write(result.columns[chart.x], row[chart.x]) for row in result.rows]
    values = [row[chart.y] for row in result.rows]
    title = result.columns[chart.y].title
    if chart.kind == "pareto":
        counts = [int(value) if isinstance(value, int | float) else 0 for value in values]
        return draw_pareto(labels, counts, count_title=title, share_title=_("Running share"), height_px=_HEIGHT_PX)
    figure = go.Figure()
    is_share = result.columns[chart.y].kind == "share"
    axis = {"tickformat": ".1%" if is_share else ",d", "rangemode": "tozero", "fixedrange": True, "title": title}
    names = [html.escape(label, quote=False) for label in labels]
    shown = "%{customdata}: %{y:.1%}<extra></extra>" if is_share else "%{customdata}: %{y:,}<extra></extra>"
    if chart.kind == "line":
        figure.add_scatter(
            x=(moments := [_moment(label) for label in labels]), y=values, mode="lines+markers", customdata=names,
            hovertemplate=shown, line={"color": _BAR, "width": 2.5}, marker={"size": 7},
        )  # fmt: skip
        figure.update_xaxes(fixedrange=True)
        if all(isinstance(one, date) for one in moments):
            # Days as figures: the names of months would be English on every screen.
            by_month = result.arguments.get("by") == "month"
            figure.update_xaxes(tickformat="%Y-%m" if by_month else "%m-%d", nticks=_MOST_TICKS, type="date")
    else:
        places = list(range(len(labels)))
        figure.add_bar(x=places, y=values, marker_color=_BAR, customdata=names, hovertemplate=shown)
        figure.update_xaxes(tickvals=places, ticktext=names, fixedrange=True, automargin=True)
    figure.update_layout(height=_HEIGHT_PX, margin={"l": 10, "r": 10, "t": 10, "b": 10}, yaxis=axis, showlegend=False)
    return figure


def _moment(label: str) -> str | date:
    try:
        return date.fromisoformat(label)
    except ValueError:
        return label
