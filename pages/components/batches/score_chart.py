"""The scores of a batch as a histogram, by verdict, with the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.inspections.terms import VERDICT_NAMES, VERDICTS
from pages.components.shared.language import _, score

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.batches.results import ScoreList, Thresholds

# As of the verdict's banner.
COLORS = {"ok": "#1b7f4d", "review": "#c07a10", "reject": "#b3261e"}
_BINS = 40
_HEIGHT_PX = 260


def draw_scores(scores: ScoreList, tried: Thresholds | None) -> go.Figure:
    """Draw how many parts have which score, colored by verdict: under `tried` thresholds where there are any."""
    import plotly.graph_objects as go

    values = scores.scores
    verdicts = [tried.judge(one) for one in values] if tried is not None else scores.model_verdicts
    shown = [one for one in (scores.in_force, tried) if one is not None]
    low = min(values, default=0.0)
    # Both thresholds are always in the picture.
    high = max([*values, *(one.reject_at for one in shown)], default=1.0)
    low = min([low, *(one.review_at for one in shown)])
    width = (high - low) / _BINS or 1.0
    middles = [low + width * (place + 0.5) for place in range(_BINS)]
    figure = go.Figure()
    totals = [0] * _BINS
    for verdict in VERDICTS:
        heights = _count(values, verdicts, verdict, low=low, width=width)
        totals = [total + height for total, height in zip(totals, heights, strict=True)]
        figure.add_bar(
            x=middles,
            y=heights,
            width=width * 0.96,
            name=_(VERDICT_NAMES[verdict]),
            marker_color=COLORS[verdict],
            hovertemplate="%{x:.4g}: %{y:,}<extra></extra>",
        )
    top = 1.08 * max(totals)
    if scores.in_force is not None:
        _add_lines(figure, scores.in_force, top=top, dash="solid" if tried is None else "dot", named=tried is None)
    if tried is not None:
        _add_lines(figure, tried, top=top, dash="solid", named=True)
    figure.update_layout(
        height=_HEIGHT_PX,
        barmode="stack",
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "traceorder": "normal", "y": -0.18, "yanchor": "top", "x": 0},
        xaxis={"title": None, "fixedrange": True, "range": [low - width, high + width]},
        yaxis={"tickformat": ",d", "fixedrange": True, "range": [0, top]},
    )
    return figure


def _count(values: Sequence[float], verdicts: Sequence[str], verdict: str, *, low: float, width: float) -> list[int]:
    heights = [0] * _BINS
    for value, found in zip(values, verdicts, strict=True):
        if found == verdict:
            heights[min(_BINS - 1, max(0, int((value - low) / width)))] += 1
    return heights


def _add_lines(figure: go.Figure, thresholds: Thresholds, *, top: float, dash: str, named: bool) -> None:
    for at, color, words in (
        (thresholds.review_at, COLORS["review"], _("Review from {value}", value=score(thresholds.review_at))),
        (thresholds.reject_at, COLORS["reject"], _("NG from {value}", value=score(thresholds.reject_at))),
    ):
        # Named in the legend: beside the lines, the words would lie over one another or leave the picture.
        figure.add_scatter(
            x=[at, at],
            y=[0, top],
            mode="lines",
            line={"color": color, "width": 2, "dash": dash},
            name=words,
            showlegend=named,
            hoverinfo="skip",
        )
