"""Loss and figures of validation, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.shared.charts import show_chart
from pages.components.shared.language import _
from pages.components.training.wording import name_figure, show_figure

if TYPE_CHECKING:
    from core.training.runs.records import EpochRow

_HEIGHT_PX = 300
# Okabe and Ito: told apart with every kind of color vision; each line has a dash of its own as well.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MOST_FIGURES = 6
_MARKED_UP_TO = 60


def show_curves(
    epochs: Sequence[EpochRow], figure: str, *, best: int | None, planned: int, key: str, is_over: bool = False
) -> None:
    """Draw both charts side by side; `figure` is the one that the run is judged by, `best` the epoch that was kept."""
    if not epochs:
        told = _("No epoch was finished.") if is_over else _("The first point comes with the end of the first epoch.")
        st.caption(told)
        return
    left, right = st.columns(2)
    losses = {_("training"): [one.train_loss for one in epochs], _("validation"): [one.val_loss for one in epochs]}
    with left:
        _show(_("Loss"), epochs, losses, best=best, planned=planned, key=f"train_loss_{key}", is_share=False)
    names = list(dict.fromkeys(name for one in epochs for name in one.metrics))
    ordered = sorted(names, key=lambda name: name != figure)[:_MOST_FIGURES]
    figures = {name_figure(name): [one.metrics.get(name) for one in epochs] for name in ordered}
    with right:
        _show(
            _("Figures of validation"), epochs, figures, best=best, planned=planned, key=f"train_figures_{key}",
            is_share=True,
        )  # fmt: skip


def _show(
    title: str,
    epochs: Sequence[EpochRow],
    lines: Mapping[str, Sequence[float | None]],
    *,
    best: int | None,
    planned: int,
    key: str,
    is_share: bool,
) -> None:
    import plotly.graph_objects as go

    there = {name: values for name, values in lines.items() if any(value is not None for value in values)}
    st.markdown(f"**{title}**")
    if not there:
        st.caption(_("This recipe does not measure it."))
        return
    figure = go.Figure()
    places = [one.epoch for one in epochs]
    told = []
    for place, (name, values) in enumerate(there.items()):
        last = next(value for value in reversed(values) if value is not None)
        told.append(f"{name} {show_figure(last) if is_share else f'{last:.3f}'}")
        figure.add_scatter(
            x=places, y=list(values), name=name, mode="lines+markers" if len(places) <= _MARKED_UP_TO else "lines",
            line={"color": _COLORS[place % len(_COLORS)], "dash": _DASHES[place % len(_DASHES)], "width": 2.5},
            marker={"size": 6},
            hovertemplate="%{y:.1%}" if is_share else "%{y:.4f}",
        )  # fmt: skip
    if best is not None:
        figure.add_vline(
            x=best, line={"dash": "dot", "width": 1.5, "color": "#8c8c8c"}, annotation_text=_("best"),
            annotation_position="top",
        )  # fmt: skip
    last_place = max(places[-1], min(planned, places[-1] * 4))
    axis: dict[str, Any] = {"fixedrange": True, "automargin": True}
    figure.update_layout(
        height=_HEIGHT_PX,
        margin={"l": 10, "r": 10, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.08, "yanchor": "bottom", "x": 0},
        xaxis={"title": _("Epoch"), "range": [0.5, last_place + 0.5], "tickformat": "d", **_whole(last_place), **axis},
        yaxis={"tickformat": ".0%" if is_share else "~g", "rangemode": "normal" if is_share else "tozero", **axis},
        hovermode="x unified",
    )
    show_chart(figure, key=key, alt=f"{title}. {_('last')}: {', '.join(told)}")


def _whole(last: int) -> dict[str, Any]:
    """Return ticks at whole epochs, at most about ten."""
    return {"dtick": max(1, -(-last // 10))}
