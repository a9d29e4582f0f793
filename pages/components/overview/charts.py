"""The two charts of the dashboard: inspections and defect rate over time, and the defects by type."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.overview.address import history_query, step_query
from pages.components.shared.charts import choose_point, draw_pareto
from pages.components.shared.language import _, defect_name, number, percent, product_name
from pages.components.shared.link_table import Cell, Target, show_link_table
from pages.components.shared.screens import HISTORY, INSPECT_PART, link_to

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.analytics.dashboard import DashboardView, DefectCount
    from core.analytics.groups import Group

MOST_BARS = 10
_CHART_PX = 188
_MOST_TICKS = 6
# Where the axis of the rate may end, in percent: its half is a round number, too.
_RATE_STEPS = (1, 2, 4, 6, 10, 20, 30, 40, 60, 80, 100)


def show_over_time(view: DashboardView) -> None:
    """Draw the inspections of each step as bars, and the share that was rejected as a line; a click opens the step."""
    head = panel_head(_("Inspections and defect rate"), key="over_time")
    if not view.counts.n:
        show_nothing(view)
        return
    titles = {"hour": _("Hour"), "day": _("Day"), "week": _("Week from"), "month": _("Month")}
    labels = [step_label(group.key, view) for group in view.steps]
    targets = [Target(HISTORY, step_query(view, group.key)) for group in view.steps]
    with head, table_popover("over_time"):
        show_link_table(
            [
                (titles[view.step], ""),
                (_("Inspections"), "number"),
                (_("Defects"), "number"),
                (_("Review"), "number"),
                (_("Defect rate"), "number"),
            ],
            [
                [
                    Cell(label),
                    Cell(number(group.counts.n), target if group.counts.n else None),
                    Cell(number(group.counts.reject)),
                    Cell(number(group.counts.review)),
                    Cell(_rate(group)),
                ]
                for label, group, target in reversed(list(zip(labels, view.steps, targets, strict=True)))
            ],
            key="over_time_table",
            label=_("Inspections and defect rate"),
            height_px=420,
        )
    busiest = max(view.steps, key=lambda group: group.counts.n)
    choose_point(
        draw_over_time(labels, view.steps),
        targets,
        key="dashboard_over_time",
        alt=_(
            "{count} inspections in {steps} steps, {rate} rejected; most of them in {busiest}",
            count=number(view.counts.n),
            steps=len(view.steps),
            rate=percent(view.counts.defect_rate or 0.0),
            busiest=step_label(busiest.key, view),
        ),
    )


def show_defects(view: DashboardView) -> None:
    """Draw the defect types from the most frequent on, and what they add up to; a click opens the type's parts."""
    head = panel_head(_("Defects by type"), key="defects")
    if not view.defects_by_type:
        if view.counts.n:
            st.info(_("No defect was found in this period."), icon=":material/check_circle:")
        else:
            show_nothing(view)
        return
    every = view.defects_by_type
    shown = every if len(every) <= MOST_BARS else every[: MOST_BARS - 1]
    left = every[len(shown) :]
    labels, targets = label_defects(every), [Target(HISTORY, defect_query(view, row)) for row in every]
    with head, table_popover("defects"):
        show_link_table(
            [(_("Defect type"), ""), (_("Product"), ""), (_("Count"), "number"), (_("Share"), "number")],
            [
                [
                    Cell(defect_name(row.defect_type) if row.defect_type else _("not named")),
                    Cell(product_name(row.product)),
                    Cell(number(row.count), target),
                    Cell(percent(row.count / max(1, view.counts.reject))),
                ]
                for row, target in zip(every, targets, strict=True)
            ],
            key="defects_table",
            label=_("Defects by type"),
            height_px=420,
        )
    counts = [row.count for row in shown]
    rest = (_("Others ({count})", count=len(left)), sum(row.count for row in left)) if left else None
    others = [Target(HISTORY, history_query(view, verdict="reject"))] if left else []
    choose_point(
        draw_pareto(
            labels[: len(shown)],
            counts,
            count_title=_("Count"),
            share_title=_("Cumulative share"),
            rest=rest,
            height_px=_CHART_PX,
        ),
        [*targets[: len(shown)], *others],
        key="dashboard_pareto",
        alt=", ".join(f"{label}: {number(count)}" for label, count in zip(labels, counts, strict=False)),
    )


def show_nothing(view: DashboardView) -> None:
    """Say why there is nothing to draw: never inspected, or not in this period."""
    if view.first_at is None:
        st.info(_("Nothing was ever inspected here."), icon=":material/center_focus_strong:")
        link_to(INSPECT_PART, _("Inspect a part"))
    else:
        st.info(_("Nothing was inspected in this period. Choose a longer one."), icon=":material/event_busy:")


def defect_query(view: DashboardView, row: DefectCount) -> dict[str, str]:
    """Return the words of the history's address for the rejected parts of a type, or for those without one."""
    kind = row.defect_type.id if row.defect_type else 0
    return history_query(view, product=row.product.id, verdict="reject", defect_type=kind)


def label_defects(found: Sequence[DefectCount]) -> list[str]:
    """Return the names of the types; where several have one name, with what tells them apart."""
    labels = [defect_name(row.defect_type) if row.defect_type else _("not named") for row in found]
    products = [product_name(row.product) for row in found]
    codes = [row.defect_type.code if row.defect_type else row.product.code for row in found]
    for details in (products, codes):
        alike = {label for label in labels if labels.count(label) > 1}
        labels = [
            f"{label} · {detail}" if label in alike else label for label, detail in zip(labels, details, strict=True)
        ]
    return labels


def step_label(start: object, view: DashboardView) -> str:
    """Return an hour, a day, a week's Monday or a month, in the plant's time zone."""
    if isinstance(start, datetime):
        return start.astimezone(view.calendar.zone).strftime("%m-%d %H:00")
    assert isinstance(start, date)
    return start.strftime("%Y-%m") if view.step == "month" else start.isoformat()


def draw_over_time(labels: Sequence[str], groups: Sequence[Group], *, height_px: int = _CHART_PX) -> go.Figure:
    """Draw bars of the inspections and a line of the defect rate, which has gaps where nothing was inspected."""
    import plotly.graph_objects as go

    places = list(range(len(labels)))
    every = max(1, -(-len(labels) // _MOST_TICKS))
    names = [html.escape(label, quote=False) for label in labels]
    # Of one day only the hours are told apart, of several the year goes without saying.
    is_one_day = " " in names[0] and len({name.split(" ")[0] for name in names}) == 1
    short = [
        name.split(" ")[1] if is_one_day else name[5:] if len(name) == len("2026-01-01") else name for name in names
    ]
    rates = [None if group.counts.defect_rate is None else 100 * group.counts.defect_rate for group in groups]
    highest = max([rate for rate in rates if rate is not None], default=0.0)
    details = [
        f"{name}<br>{_('Inspections')}: {number(group.counts.n)}<br>{_('Defects')}: {number(group.counts.reject)}"
        f"<br>{_('Defect rate')}: {_rate(group)}"
        for name, group in zip(names, groups, strict=True)
    ]
    hover: dict[str, Any] = {"customdata": details, "hovertemplate": "%{customdata}<extra></extra>"}
    figure = go.Figure()
    figure.add_bar(
        x=places, y=[group.counts.n for group in groups], name=_("Inspections"), marker_color="#0f7c9c", **hover
    )
    figure.add_scatter(
        x=places,
        y=rates,
        name=_("Defect rate"),
        yaxis="y2",
        mode="lines+markers",
        line={"color": "#d98a1f", "width": 2.5},
        marker={"size": 7 if len(labels) <= 31 else 5, "symbol": "diamond"},
        **hover,
    )
    top = next(step for step in _RATE_STEPS if step >= highest)
    most = max([group.counts.n for group in groups], default=1) or 1
    figure.update_layout(
        height=height_px,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={
            "tickvals": places[::every],
            "ticktext": short[::every],
            "tickangle": 0,
            "automargin": True,
            "fixedrange": True,
            "range": [-1, 1] if len(labels) == 1 else [-0.6, len(labels) - 0.4],
        },
        yaxis={"range": [0, 1.08 * most], "tickformat": ",d", "fixedrange": True, "nticks": 5}
        | ({"dtick": 1} if most <= 5 else {}),
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 1.08 * top],
            "tickmode": "array",
            "tickvals": [0, top / 2, top],
            "ticktext": [f"{share:g}%" for share in (0, top / 2, top)],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        bargap=0.25,
        clickmode="event+select",
    )
    return figure


def panel_head(title: str, *, key: str) -> Any:
    """Draw the heading of a panel; return the place beside it."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"panel_head_{key}"):
        st.markdown(f"##### {title}", width="stretch")
        return st.container(width="content")


def table_popover(key: str) -> Any:
    """Return the box that holds the figures behind a chart."""
    return st.popover(_("Table"), icon=":material/table_rows:", key=f"table_{key}")


def _rate(group: Group) -> str:
    rate = group.counts.defect_rate
    return "–" if rate is None else percent(rate)
