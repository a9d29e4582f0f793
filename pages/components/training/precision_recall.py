"""Precision by recall of a detector, a line for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, escape
from pages.components.training.wording import read_figure

if TYPE_CHECKING:
    from pages.components.comparing.wording import ProductWords

_HEIGHT_PX = 360
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#4d4d4d")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MOST_LINES = 8


def show_precision_recall(figures: Mapping[str, Any], words: ProductWords, *, key: str) -> None:
    """Draw the curves at an overlap of one half; nothing where there are none."""
    import plotly.graph_objects as go

    curves = figures.get("curves")
    if not isinstance(curves, Mapping) or not curves:
        return
    classes = dict(figures.get("per_class") or {})
    ranked = sorted(curves, key=lambda label: -(read_figure(dict(classes.get(label) or {}), "ap50") or 0.0))
    st.markdown(f"**{_('Precision and recall')}**")
    figure = go.Figure()
    told = []
    for place, label in enumerate(ranked[:_MOST_LINES]):
        curve = dict(curves[label] or {})
        value = read_figure(dict(classes.get(label) or {}), "ap50")
        name = words.label(label) + ("" if value is None else f" (AP50 {value:.2f})")
        told.append(name)
        figure.add_scatter(
            x=list(curve.get("recall") or ()), y=list(curve.get("precision") or ()), mode="lines", name=name,
            line={"color": _COLORS[place % len(_COLORS)], "dash": _DASHES[place % len(_DASHES)], "width": 2.5},
            hovertemplate=f"{_('Recall')} %{{x:.0%}}<br>{_('Precision')} %{{y:.1%}}",
        )  # fmt: skip
    axis = {"range": [-0.02, 1.02], "tickformat": ".0%", "fixedrange": True, "automargin": True}
    figure.update_layout(
        height=_HEIGHT_PX + 20 * len(told),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": _("Defects found (recall)"), **axis},
        yaxis={"title": _("Right among the found (precision)"), **axis},
    )
    show_chart(figure, key=key, alt=f"{_('Precision and recall')}. {'; '.join(told)}")
    if len(ranked) > _MOST_LINES:
        rest = ", ".join(words.label(label) for label in ranked[_MOST_LINES:])
        st.caption(_("Not drawn: {classes}", classes=escape(rest)))
