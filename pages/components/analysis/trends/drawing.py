"""Control charts drawn for both themes and for the color-blind: signals have a shape of their own."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pages.components.shared.language import _

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.analytics.charts.control_charts import ChartPoint, ControlChart

# Okabe and Ito's palette, and a gray that is read on white and on black.
BLUE, VERMILION, GREEN, ORANGE, GRAY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#7f8c94"
_MOST_TICKS = 12
_HEIGHT_PX = 330


@dataclass(frozen=True)
class Drawing:
    """How a chart is labeled: a label and a hover text a place, the title of the axis, and Plotly's number format.

    `marks` are places before which something changed, with a short name. Without an order no line joins the points.
    """

    labels: Sequence[str]
    hovers: Sequence[str]
    value_title: str
    tick_format: str
    value_name: str
    marks: Sequence[tuple[int, str]] = field(default_factory=tuple)
    is_ordered: bool = True
    from_zero: bool = True
    height_px: int = _HEIGHT_PX


def draw_control_chart(chart: ControlChart, drawing: Drawing) -> go.Figure:
    """Draw the points with center and limits; a point that breaks a rule is a large diamond."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, dash, width, pick in (
        (_("Upper limit"), "dash", 1.6, lambda point: point.upper),
        (_("Center"), "solid", 1.2, lambda point: point.center),
        # A limit of nothing is none.
        (_("Lower limit"), "dash", 1.6, lambda point: point.lower if point.lower or not drawing.from_zero else None),
    ):
        x, y = _steps(chart, pick)
        if all(value is None for value in y):
            continue
        figure.add_scatter(
            x=x, y=y, name=name, mode="lines", line={"color": GRAY, "dash": dash, "width": width, "shape": "linear"},
            hoverinfo="skip", showlegend=name != _("Lower limit"),
        )  # fmt: skip
    calm = [point for point in chart.points if not point.rules]
    signals = [point for point in chart.points if point.rules]
    if drawing.is_ordered:
        figure.add_scatter(
            x=[point.place for point in chart.points], y=[point.value for point in chart.points], mode="lines",
            line={"color": BLUE, "width": 1.8}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    for points, name, symbol, color, size in (
        (calm, drawing.value_name, "circle", BLUE, 7),
        (signals, _("Breaks a rule"), "diamond", VERMILION, 13),
    ):
        if points:
            _add_points(figure, points, drawing, name=name, symbol=symbol, color=color, size=size)
    _lay_out(figure, chart, drawing)
    return figure


def _steps(chart: ControlChart, pick: Any) -> tuple[list[float | None], list[float | None]]:
    """Return a line of steps, half a place to either side of each point, with a gap between phases."""
    x: list[float | None] = []
    y: list[float | None] = []
    for phase in chart.phases:
        for point in chart.points[phase.start : phase.stop]:
            x += [point.place - 0.5, point.place + 0.5]
            y += [pick(point), pick(point)]
        x.append(None)
        y.append(None)
    return x, y


def _add_points(
    figure: go.Figure, points: Sequence[ChartPoint], drawing: Drawing, *, name: str, symbol: str, color: str, size: int
) -> None:
    figure.add_scatter(
        x=[point.place for point in points],
        y=[point.value for point in points],
        name=name,
        mode="markers",
        marker={"symbol": symbol, "color": color, "size": size, "line": {"color": "#ffffff", "width": 1}},
        customdata=[[point.place, drawing.hovers[point.place]] for point in points],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _lay_out(figure: go.Figure, chart: ControlChart, drawing: Drawing) -> None:
    count = len(drawing.labels)
    ticks = shorten(drawing.labels)
    step = max(1, -(-count // _MOST_TICKS))
    places = list(range(0, count, step))
    figure.update_layout(
        height=drawing.height_px,
        margin={"l": 10, "r": 12, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        dragmode=False,
        xaxis={
            "tickvals": places,
            "ticktext": [html.escape(ticks[place], quote=False) for place in places],
            "range": [-0.7, max(count, 1) - 0.3],
            "automargin": True,
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "title": {"text": drawing.value_title},
            "tickformat": drawing.tick_format,
            **_range(chart, drawing),
            "fixedrange": True,
            "nticks": 7,
        },
    )
    for place, name in drawing.marks:
        figure.add_vline(
            x=place - 0.5,
            line={"color": ORANGE, "dash": "dot", "width": 2},
            annotation={"text": html.escape(name, quote=False), "showarrow": False, "yanchor": "top"},
            annotation_position="top left" if place == count else "top right",
        )


def _range(chart: ControlChart, drawing: Drawing) -> dict[str, Any]:
    """Return the range of the axis: a group of a few parts, whose limits are far, must not flatten all others."""
    uppers = sorted(point.upper for point in chart.points if point.upper is not None)
    if not drawing.from_zero or not uppers:
        return {"rangemode": "tozero" if drawing.from_zero else "normal"}
    usual = uppers[int(0.8 * (len(uppers) - 1))]
    return {"range": [0, 1.12 * max(usual, *(point.value for point in chart.points))]}


def shorten(labels: Sequence[str]) -> list[str]:
    """Return labels for an axis: without the year that all have in common, and no longer than the axis takes."""
    years = {label[:5] for label in labels}
    if len(labels) > 1 and len(years) == 1 and re.fullmatch(r"\d{4}-", years.pop()):
        labels = [label[5:] for label in labels]
    return [label if len(label) <= 16 else f"{label[:15]}…" for label in labels]
