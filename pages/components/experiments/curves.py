"""Loss and figures of the chosen runs over one another, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.experiments.colors import COLORS, DASHES, letter
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _
from pages.components.training.wording import name_figure, show_figure

if TYPE_CHECKING:
    from core.training.experiments.side_by_side import SideBySide
    from core.training.runs.records import EpochRow

_HEIGHT_PX = 320
_MARKED_UP_TO = 60


def show_curves(found: SideBySide) -> None:
    """Draw loss of training and validation, and a figure of validation that is chosen, of all runs."""
    if not any(found.epochs):
        st.caption(_("None of these runs has an epoch: a recipe that fits at once draws no curve."))
        return
    names = list(dict.fromkeys(name for rows in found.epochs for one in rows for name in one.metrics))
    primary = found.runs[0].head.figure
    names.sort(key=lambda name: name != primary)
    left, right = st.columns(2)
    with left:
        _show(found, _("Loss in training"), lambda one: one.train_loss, key="train_loss", is_share=False)
    with right:
        _show(found, _("Loss on validation"), lambda one: one.val_loss, key="val_loss", is_share=False)
    if not names:
        return
    chosen = names[0]
    if len(names) > 1:
        picked = st.segmented_control(
            _("Figure"), names, default=names[0], required=True, key="experiments_figure", format_func=name_figure
        )
        chosen = picked if picked in names else names[0]
    title = _("{figure} on validation", figure=name_figure(chosen))
    _show(found, title, lambda one: one.metrics.get(chosen), key="figure", is_share=True)


def _show(found: SideBySide, title: str, read: Callable[[EpochRow], float | None], *, key: str, is_share: bool) -> None:
    import plotly.graph_objects as go

    figure = go.Figure()
    told = []
    last_epoch = 1
    for place, (run, rows) in enumerate(zip(found.runs, found.epochs, strict=True)):
        points = [(one.epoch, value) for one in rows if (value := read(one)) is not None]
        if not points:
            continue
        last_epoch = max(last_epoch, points[-1][0])
        last = points[-1][1]
        told.append(f"{letter(place)} {show_figure(last) if is_share else f'{last:.3f}'}")
        figure.add_scatter(
            x=[epoch for epoch, _value in points], y=[value for _epoch, value in points],
            name=f"{letter(place)} · {run.head.id}",
            mode="lines+markers" if len(points) <= _MARKED_UP_TO else "lines",
            line={"color": COLORS[place], "dash": DASHES[place], "width": 2.5}, marker={"size": 6},
            hovertemplate="%{y:.1%}" if is_share else "%{y:.4f}",
        )  # fmt: skip
    st.markdown(f"**{title}**")
    if not told:
        st.caption(_("This recipe does not measure it."))
        return
    axis: dict[str, Any] = {"fixedrange": True, "automargin": True}
    figure.update_layout(
        height=_HEIGHT_PX,
        margin={"l": 10, "r": 10, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.08, "yanchor": "bottom", "x": 0},
        xaxis={
            "title": _("Epoch"), "range": [0.5, last_epoch + 0.5], "tickformat": "d",
            "dtick": max(1, -(-last_epoch // 10)), **axis,
        },
        yaxis={"tickformat": ".0%" if is_share else ".3g", "rangemode": "normal" if is_share else "tozero", **axis},
        hovermode="x unified",
        showlegend=True,
    )  # fmt: skip
    show_chart(figure, key=f"experiments_curve_{key}", alt=f"{title}. {_('last')}: {', '.join(told)}")
