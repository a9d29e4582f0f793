"""The dataset versions of a product, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.datasets.records import DatasetHead
from pages.components.datasets.naming import name_splits
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, _n, day, escape, number

_STEP = 10
_SHOWN = "datasets_shown"


def show_version_list(versions: Sequence[DatasetHead]) -> int | None:
    """Draw the versions; return the id of the one that is to be opened."""
    wanted = st.session_state.get(_SHOWN, _STEP)
    chosen = None
    for head in versions[:wanted]:
        with st.container(border=True, key=f"dataset_{head.id}"):
            told, button = st.columns([5, 1], vertical_alignment="center")
            told.markdown(_title(head))
            told.caption(_about(head))
            if button.button(_("Details"), key=f"dataset_open_{head.id}", width="stretch"):
                chosen = head.id
    if len(versions) > wanted and st.button(_("Show more"), key="datasets_more", icon=":material/expand_more:"):
        st.session_state[_SHOWN] = wanted + _STEP
        st.rerun()
    return chosen


def _title(head: DatasetHead) -> str:
    title = f"**{_('Version {number}', number=head.number)}**"
    if head.name:
        title += f" · {escape(head.name)}"
    if head.broken_reason:
        title += f" :red-badge[:material/link_off: {_('broken')}]"
    elif head.report.warnings:
        count = len(head.report.warnings)
        title += f" :orange-badge[:material/info: {_n('{count} hint', '{count} hints', count)}]"
    return title


def _about(head: DatasetHead) -> str:
    report = head.report
    parts = [f"{name} {number(report.count(split))}" for split, name in name_splits().items()]
    parts.append(_n("{count} type", "{count} types", len(report.labels)))
    parts += [name_domain(domain) for domain, count in report.count_domains().items() if domain and count]
    parts.append(day(head.created_at))
    return escape(" · ".join(parts))
