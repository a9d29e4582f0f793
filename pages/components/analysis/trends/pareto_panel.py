"""The panel of what the defects are: by type, by cause, and what was done about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.causes import Section, count_steps
from core.analytics.trend_filter import TrendFilter
from core.reports.trend_report import count_types
from core.reports.trend_tables import step_sheet, type_sheet
from pages.components.analysis.trends.filter_bar import words
from pages.components.analysis.trends.links import history_query
from pages.components.analysis.trends.tables import show_table
from pages.components.shared.charts import draw_pareto, show_chart
from pages.components.shared.language import _, _n, number, percent
from pages.components.shared.screens import HISTORY, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.analytics.trends import Trend
    from core.reports.group_labels import GroupNames

_MOST_BARS = 12
_TYPES, _CAUSES, _ACTIONS = "types", "causes", "actions"


def show_pareto_panel(trend: Trend, wanted: TrendFilter, names: GroupNames) -> None:
    """Show the NG parts by type, or the causes or actions that people ticked in the checklists."""
    titles = {_TYPES: _("By type"), _CAUSES: _("By cause"), _ACTIONS: _("By action taken")}
    chosen = st.segmented_control(
        _("Pareto"), list(titles), key="trend_pareto", default=_TYPES, required=True,
        format_func=lambda code: titles[code], label_visibility="collapsed",
    )  # fmt: skip
    if chosen in {_CAUSES, _ACTIONS}:
        _show_steps(trend, wanted, "cause" if chosen == _CAUSES else "action")
        return
    counts = count_types(services(), trend.scope, names, words())
    if not counts:
        st.info(_("No NG part in this period."), icon=":material/check_circle:")
        return
    total = sum(count for _name, count in counts)
    _draw(counts, _("NG parts"), key="types")
    link_to(
        HISTORY,
        _n("Open the NG part ({count})", "Open the NG parts ({count})", total),
        query=history_query(trend.scope, names.calendar, verdict="reject"),
    )
    show_table(type_sheet(counts, words()), "types", wanted)


def _show_steps(trend: Trend, wanted: TrendFilter, section: Section) -> None:
    found = count_steps(services(), trend.scope, section)
    n_rejected = trend.n_rejected
    if not found.steps:
        text = (
            _("Nobody has ticked a likely cause in this period. Causes are ticked in the checklist of an NG part.")
            if section == "cause"
            else _("Nobody has ticked an action in this period. Actions are ticked in the checklist of an NG part.")
        )
        st.info(text, icon=":material/checklist:")
        return
    share = percent(found.n_parts / n_rejected) if n_rejected else "–"
    st.caption(
        _(
            "Ticked on {count} of {total} NG parts ({share}); a part may have several.",
            count=number(found.n_parts),
            total=number(n_rejected),
            share=share,
        )
    )
    _draw([(step.text, step.count) for step in found.steps], _("Ticks"), key=section)
    title = _("Causes") if section == "cause" else _("Actions taken")
    show_table(step_sheet(found, title, words()), "causes" if section == "cause" else "actions", wanted)


def _draw(counts: Sequence[tuple[str, int]], title: str, *, key: str) -> None:
    shown = list(counts) if len(counts) <= _MOST_BARS else list(counts[: _MOST_BARS - 1])
    left = counts[len(shown) :]
    rest = (_("Others ({count})", count=len(left)), sum(count for _name, count in left)) if left else None
    labels, heights = [name for name, _count in shown], [count for _name, count in shown]
    show_chart(
        draw_pareto(
            labels, heights, count_title=title, share_title=_("Cumulative share"), rest=rest, height_px=360
        ),
        key=f"trend_pareto_{key}",
        alt=", ".join(f"{label}: {number(count)}" for label, count in zip(labels, heights, strict=True)),
    )  # fmt: skip
