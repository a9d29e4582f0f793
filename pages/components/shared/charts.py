"""Charts that follow the theme: the figures carry no colors of paper or text, Streamlit's theme gives those."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TICK_CHARACTERS = 16
_MOST_LEVEL_TICKS, _MOST_SINGLE_STEPS = 4, 5
_CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False}


def draw_pareto(
    labels: Sequence[str],
    counts: Sequence[int],
    *,
    count_title: str,
    share_title: str,
    rest: tuple[str, int] | None = None,
    height_px: int = 320,
) -> go.Figure:
    """Draw bars in falling order with the line of their running share in percent (Pareto); `rest` is the last bar."""
    import plotly.graph_objects as go

    ordered = sorted(zip(labels, counts, strict=True), key=lambda pair: -pair[1]) + ([rest] if rest else [])
    heights = [count for _label, count in ordered]
    # Numbered places and not names: two types of one name must stay two bars.
    places = list(range(len(ordered)))
    total = sum(heights) or 1
    running = [100.0 * sum(heights[: index + 1]) / total for index in places]
    # Plotly reads some HTML in its texts: what a person typed must stay text.
    names = [html.escape(label, quote=False) for label, _count in ordered]
    ticks = [html.escape(_shorten(label), quote=False) for label, _count in ordered]
    figure = go.Figure()
    figure.add_bar(
        x=places,
        y=heights,
        name=count_title,
        marker_color="#0f7c9c",
        text=heights,
        textposition="outside",
        cliponaxis=False,
        customdata=names,
        hovertemplate="%{customdata}: %{y:,}<extra></extra>",
    )
    figure.add_scatter(
        x=places,
        y=running,
        name=share_title,
        yaxis="y2",
        mode="lines+markers",
        line={"color": "#d98a1f", "width": 2.5},
        customdata=names,
        hovertemplate="%{customdata}: %{y:.1f}%<extra></extra>",
    )
    figure.update_layout(
        height=height_px,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={
            "tickvals": places,
            "ticktext": ticks,
            "tickangle": -30 if len(ticks) > _MOST_LEVEL_TICKS else 0,
            "automargin": True,
            "fixedrange": True,
            # A single bar is no wall.
            "range": [-1, 1] if len(ticks) == 1 else None,
        },
        yaxis={"range": [0, 1.2 * max(heights, default=1)], **_count_ticks(max(heights, default=1))},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 120],
            "tickmode": "array",
            "tickvals": list(range(0, 101, 20)),
            "ticktext": [f"{share}%" for share in range(0, 101, 20)],
            "showgrid": False,
            "fixedrange": True,
        },
        bargap=0.35,
    )
    return figure


def _count_ticks(most: int) -> dict[str, Any]:
    """Return the ticks of a count: whole numbers, and each of them once."""
    steps: dict[str, Any] = {"dtick": 1} if most <= _MOST_SINGLE_STEPS else {"nticks": 6}
    return {"tickformat": ",d", "fixedrange": True, **steps}


def _shorten(label: str) -> str:
    return label if len(label) <= _TICK_CHARACTERS else f"{label[: _TICK_CHARACTERS - 1]}…"


def show_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw `figure` over the full width in the theme's colors, without the tool bar; `alt` says what it shows."""
    st.plotly_chart(figure, width="stretch", theme="streamlit", key=key, config=_CONFIG, alt=alt)
