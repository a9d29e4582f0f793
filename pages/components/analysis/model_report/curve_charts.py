"""The curves of a report with the points where its two thresholds work, and the table behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, percent, score

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.model_report.records import Confusion, Curve

_HEIGHT_PX = 330
# Told apart by shape and by brightness, not by color alone.
_LINE, _REVIEW, _REJECT = "#0072b2", "#e69f00", "#d55e00"
_MOST_ROWS = 60


@dataclass(frozen=True)
class WorkingPoint:
    """Where a threshold lies on a curve."""

    name: str
    x: float
    y: float
    symbol: str
    color: str


def show_roc(curve: Curve, table: Confusion, *, key: str) -> None:
    """Draw the ROC curve with the working points of the confusion table, and its table."""
    points = []
    for name, ok_only, symbol, color in (
        (_("Review or NG"), True, "diamond", _REVIEW),
        (_("NG"), False, "square", _REJECT),
    ):
        good, defect = table.good, table.defect
        alarms, found = (
            (one.review + one.reject if ok_only else one.reject) / max(1, one.ok + one.review + one.reject)
            for one in (good, defect)
        )
        points.append(WorkingPoint(name, alarms, found, symbol, color))
    titles = (_("Good parts stopped"), _("Defects found"))
    figure = _draw(curve, points, titles, chance=True)
    _show(figure, curve, titles, points, title=_("ROC curve"), key=f"{key}_roc")


def show_precision_recall(curve: Curve, table: Confusion, *, key: str) -> None:
    """Draw precision by recall with the working points of the confusion table, and its table."""
    points = []
    for name, ok_only, symbol, color in (
        (_("Review or NG"), True, "diamond", _REVIEW),
        (_("NG"), False, "square", _REJECT),
    ):
        stopped_good = table.good.reject + (table.good.review if ok_only else 0)
        found = table.defect.reject + (table.defect.review if ok_only else 0)
        n_defects = table.defect.ok + table.defect.review + table.defect.reject
        if stopped_good + found and n_defects:
            precision = found / (stopped_good + found)
            points.append(WorkingPoint(name, found / n_defects, precision, symbol, color))
    titles = (_("Defects found (recall)"), _("Defects among the stopped (precision)"))
    figure = _draw(curve, points, titles, chance=False)
    _show(figure, curve, titles, points, title=_("Precision and recall"), key=f"{key}_pr")


def _draw(curve: Curve, points: Sequence[WorkingPoint], titles: tuple[str, str], *, chance: bool) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    place = f"{titles[0]} %{{x:.1%}}<br>{titles[1]} %{{y:.1%}}"
    if chance:
        figure.add_scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": "#8c8c8c", "dash": "dot", "width": 1.5},
            name=_("by chance"),
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=list(curve.x),
        y=list(curve.y),
        mode="lines",
        line={"color": _LINE, "width": 2.5},
        name=_("this version"),
        customdata=[score(one) if abs(one) < 1e38 else "–" for one in curve.thresholds],
        hovertemplate=f"{place}<br>{_('Score')} %{{customdata}}<extra></extra>",
    )
    for point in points:
        figure.add_scatter(
            x=[point.x],
            y=[point.y],
            mode="markers",
            marker={
                "color": point.color,
                "size": 14,
                "symbol": point.symbol,
                "line": {"color": "#10171c", "width": 1.5},
            },
            name=point.name,
            hovertemplate=f"{point.name}: %{{x:.1%}}, %{{y:.1%}}<extra></extra>",
            cliponaxis=False,
        )
    figure.update_layout(
        height=_HEIGHT_PX,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        xaxis=_share_axis(titles[0]),
        yaxis=_share_axis(titles[1]),
    )
    return figure


def _share_axis(title: str) -> dict[str, Any]:
    return {"title": title, "range": [-0.02, 1.02], "tickformat": ".0%", "fixedrange": True, "automargin": True}


def _show(
    figure: go.Figure,
    curve: Curve,
    titles: tuple[str, str],
    points: Sequence[WorkingPoint],
    *,
    title: str,
    key: str,
) -> None:
    st.markdown(f"**{title}**")
    told = "; ".join(
        f"{point.name}: {titles[0]} {percent(point.x)}, {titles[1]} {percent(point.y)}" for point in points
    )
    show_chart(figure, key=key, alt=f"{title}. {told}")
    with st.expander(_("As a table"), icon=":material/table:", key=f"{key}_table"):
        step = max(1, -(-len(curve.x) // _MOST_ROWS))
        places = [*range(0, len(curve.x), step)]
        if places and places[-1] != len(curve.x) - 1:
            places.append(len(curve.x) - 1)
        st.dataframe(
            {
                _("Score from"): [
                    score(curve.thresholds[place]) if abs(curve.thresholds[place]) < 1e38 else "–" for place in places
                ],
                titles[0]: [percent(curve.x[place]) for place in places],
                titles[1]: [percent(curve.y[place]) for place in places],
            },
            hide_index=True,
            width="stretch",
            height=260,
            key=f"{key}_rows",
        )
