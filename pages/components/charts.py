"""Charts that follow the theme: the figures carry no colours of paper or text, Streamlit's theme gives those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

VERDICT_CHART_COLORS: dict[str, str] = {"ok": "#2a9d63", "review": "#e0952b", "reject": "#c83b33"}
_CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False}


def draw_pareto(
    labels: Sequence[str], counts: Sequence[int], *, count_title: str, share_title: str, height_px: int = 320
) -> go.Figure:
    """Bars in falling order with the line of their running share in percent (Pareto)."""
    import plotly.graph_objects as go

    ordered = sorted(zip(labels, counts, strict=True), key=lambda pair: -pair[1])
    names = [label for label, _count in ordered]
    heights = [count for _label, count in ordered]
    total = sum(heights) or 1
    running = [100.0 * sum(heights[: index + 1]) / total for index in range(len(heights))]
    figure = go.Figure()
    figure.add_bar(x=names, y=heights, name=count_title, marker_color="#0f7c9c", text=heights, textposition="outside")
    figure.add_scatter(
        x=names, y=running, name=share_title, yaxis="y2", mode="lines+markers", line={"color": "#d98a1f", "width": 2.5}
    )
    figure.update_layout(
        height=height_px,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        yaxis={"title": count_title, "rangemode": "tozero", "tickformat": "d"},
        yaxis2={"overlaying": "y", "side": "right", "range": [0, 105], "ticksuffix": "%", "showgrid": False},
        bargap=0.35,
    )
    return figure


def show_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw `figure` over the full width in the theme's colours, without the tool bar; `alt` says what it shows."""
    st.plotly_chart(figure, width="stretch", theme="streamlit", key=key, config=_CONFIG, alt=alt)
