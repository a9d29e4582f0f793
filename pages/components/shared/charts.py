"""Charts that follow the theme: the figures carry no colors of paper or text, Streamlit's theme gives those."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from pages.components.shared.link_table import Target

_TICK_CHARACTERS, _LOW_PX = 16, 260
_MOST_LEVEL_TICKS, _MOST_COUNT_TICKS = 4, 5
_HEADROOM = 1.1  # for the number over a bar that is all there is
CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False}


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
    # Slanted words take their length from the height of the bars.
    longest = _TICK_CHARACTERS if height_px >= _LOW_PX else _TICK_CHARACTERS // 2 + 2
    ticks = [html.escape(_shorten(label, longest), quote=False) for label, _count in ordered]
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
        marker={"size": 7, "symbol": "diamond"},
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
        # The two axes are one: 100 % stands at the total, and the first point on the top of its own bar.
        yaxis={"range": [0, _HEADROOM * total], **_count_ticks(total)},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, _HEADROOM * 100],
            "tickmode": "array",
            "tickvals": list(range(0, 101, 20)),
            "ticktext": [f"{share}%" for share in range(0, 101, 20)],
            "showgrid": False,
            "fixedrange": True,
        },
        bargap=0.35,
        clickmode="event+select",
    )
    return figure


def _count_ticks(total: int) -> dict[str, Any]:
    """Return the ticks of a count: round whole numbers, and the total, with which the axis ends."""
    step = next(step for step in _round_steps() if total / step <= _MOST_COUNT_TICKS)
    # One that would be written over the total is left out.
    values = [value for value in range(0, total, step) if value == 0 or total - value > 0.5 * step]
    return {"tickmode": "array", "tickvals": [*values, total], "tickformat": ",d", "fixedrange": True}


def _round_steps() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50, …"""
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def _shorten(label: str, longest: int) -> str:
    return label if len(label) <= longest else f"{label[: longest - 1]}…"


def show_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw `figure` over the full width in the theme's colors, without the tool bar; `alt` says what it shows."""
    st.plotly_chart(figure, width="stretch", theme="streamlit", key=key, config=CONFIG, alt=alt)


def choose_point(figure: go.Figure, targets: Sequence[Target], *, key: str, alt: str) -> None:
    """Draw `figure` as `show_chart` does; a click on a point leads to the target of its place on the x axis."""
    event = st.plotly_chart(
        figure,
        width="stretch",
        theme="streamlit",
        key=key,
        config=CONFIG,
        alt=alt,
        on_select="rerun",
        selection_mode="points",
    )
    for point in event.selection.points:
        place = point.get("x")
        if isinstance(place, int | float) and 0 <= int(place) < len(targets):
            target = targets[int(place)]
            st.switch_page(target.path, query_params=dict(target.query))
