"""The open actions: how many of which age, the oldest of them, and the person's own before the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.components.overview.address import history_query
from pages.components.overview.charts import panel_head
from pages.components.overview.wording import age
from pages.components.shared.language import _, _n, defect_name, escape, number, product_name
from pages.components.shared.screens import HISTORY, link_to
from pages.components.shared.session import person

if TYPE_CHECKING:
    from core.analytics.actions import ActionAge, InspectionLine
    from core.analytics.dashboard import DashboardView


def show_open_actions(view: DashboardView) -> None:
    """Show how old the open actions are, and the first of those that wait."""
    panel_head(_("Open actions"), key="open_actions")
    if not view.n_actions_open:
        st.info(_("No action is open."), icon=":material/task_alt:")
        return
    with st.container(horizontal=True, gap="small", key="open_ages"):
        for one in view.open_by_age:
            show_age(view, one)
    own = [line for line in view.open_actions if line.inspection.created_by == person().id]
    others = [line for line in view.open_actions if line not in own]
    if own:
        st.caption(_("Of parts that you inspected"))
    for line in own:
        show_line(view, line)
    if own and others:
        st.caption(_("Of others"))
    for line in others:
        show_line(view, line)
    left = view.n_actions_open - len(view.open_actions)
    if left > 0:
        link_to(
            HISTORY,
            _n("and {count} more", "and {count} more", left),
            query=history_query(view, action="open", since=None, until=None),
        )


def show_age(view: DashboardView, one: ActionAge) -> None:
    """Show how many are of one age, as a link to them."""
    if one.up_to_days is None:
        words = _("over {days} d: {count}", days=one.over_days, count=number(one.count))
    else:
        words = _("{first}–{last} d: {count}", first=one.over_days, last=one.up_to_days, count=number(one.count))
    if not one.count:
        st.caption(words, width="content")
        return
    query = history_query(view, action="open", since=one.since, until=one.before)
    late = one.up_to_days is None
    link_to(HISTORY, f"**{words}**", icon=":material/priority_high:" if late else "", query=query)


def show_line(view: DashboardView, line: InspectionLine) -> None:
    """Show one open action: what it is about and how long it waits; it opens the result."""
    row = line.inspection
    named = escape(defect_name(line.defect_type)) if line.defect_type else _("not named")
    where = " · ".join(escape(text) for text in (row.line, row.lot, row.serial) if text)
    with st.container(gap=None, key=f"open_action_{row.id}"):
        link_to(
            HISTORY,
            f"**{named}** · {escape(product_name(line.product))} · {age(row.created_at, view.as_of)}",
            icon=":material/pending_actions:",
            query={"inspection": str(row.id)},
        )
        note = escape(" ".join(row.action_note.split())[:120])
        if told := " — ".join(text for text in (where, note) if text):
            st.caption(told)
