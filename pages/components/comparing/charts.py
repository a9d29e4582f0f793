"""ROC curves and precision by recall of the methods of one view, over one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.components.comparing.wording import ProductWords
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _

if TYPE_CHECKING:
    from core.comparisons.results import ComparisonResult, EntryResult

_HEIGHT_PX = 340
# Okabe and Ito: told apart with every kind of color vision; each line has a dash of its own as well.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#4d4d4d")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")


def show_curves(result: ComparisonResult, words: ProductWords) -> None:
    """Draw both curves of the methods that judged the view which is chosen."""
    views = list(dict.fromkeys(one.view for one in result.entries if one.roc is not None))
    if not views:
        return
    st.markdown(f"**{_('Curves')}**")
    view = views[0]
    if len(views) > 1:
        names = {one: words.view(one) for one in views}
        chosen = st.segmented_control(
            _("View"), views, default=views[0], required=True, key="compare_curves_view",
            format_func=names.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
        view = chosen if chosen in views else views[0]
    entries = [one for one in result.entries if one.view == view and one.roc is not None]
    labels = words.entries(entries)
    left, right = st.columns(2)
    with left:
        _show(entries, labels, kind="roc", title=_("ROC curve"), x=_("Good parts stopped"), y=_("Defects found"))
    with right:
        _show(
            entries, labels, kind="pr", title=_("Precision and recall"),
            x=_("Defects found (recall)"), y=_("Defects among the stopped (precision)"),
        )  # fmt: skip


def _show(entries: list[EntryResult], labels: dict[str, str], *, kind: str, title: str, x: str, y: str) -> None:
    import plotly.graph_objects as go

    figure = go.Figure()
    if kind == "roc":
        figure.add_scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": "#8c8c8c", "dash": "dot", "width": 1.5},
            name=_("by chance"), hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    told = []
    for place, one in enumerate(entries):
        curve = one.roc if kind == "roc" else one.precision_recall
        if curve is None:
            continue
        value = one.value("auroc" if kind == "roc" else "average_precision")
        name = labels[one.key] + ("" if value is None else f" ({value:.3f})")
        told.append(name)
        figure.add_scatter(
            x=list(curve.x), y=list(curve.y), mode="lines", name=name,
            line={"color": _COLORS[place % len(_COLORS)], "dash": _DASHES[place % len(_DASHES)], "width": 2.5},
            hovertemplate=f"{x} %{{x:.1%}}<br>{y} %{{y:.1%}}",
        )  # fmt: skip
    axis = {"range": [-0.02, 1.02], "tickformat": ".0%", "fixedrange": True, "automargin": True}
    figure.update_layout(
        height=_HEIGHT_PX + 22 * len(entries),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": x, **axis},
        yaxis={"title": y, **axis},
    )
    st.markdown(f"**{title}**")
    show_chart(figure, key=f"compare_curve_{kind}", alt=f"{title}. {'; '.join(told)}")
