"""The comparisons of a product, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.overview import list_comparisons
from core.comparisons.wording import rank_entries
from pages.components.comparing.head import describe_about, describe_state
from pages.components.comparing.wording import ProductWords, describe_figure
from pages.components.shared.language import _, escape
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView

_STEP = 6
_SHOWN = "comparisons_shown"


def show_comparison_list(product_id: int, words: ProductWords) -> int | None:
    """Draw the newest comparisons of a product; return the one that is to be opened."""
    wanted = st.session_state.get(_SHOWN, _STEP)
    found = list_comparisons(services(), product_id=product_id, limit=wanted + 1)
    st.subheader(_("Comparisons so far"))
    if not found:
        st.caption(_("There is no comparison yet. Choose methods above and start: the result is listed here."))
        return None
    opened = None
    for one in found[:wanted]:
        with st.container(border=True, key=f"comparison_{one.id}"):
            told, button = st.columns([5, 1], vertical_alignment="center")
            told.markdown(f"{describe_state(one)} · {_describe(one, words)}")
            told.caption(describe_about(one))
            if button.button(_("See the results"), key=f"comparison_open_{one.id}", width="stretch"):
                opened = one.id
    if len(found) > wanted and st.button(_("Show more"), key="comparisons_more", icon=":material/expand_more:"):
        st.session_state[_SHOWN] = wanted + _STEP
        st.rerun()
    return opened


def _describe(one: ComparisonView, words: ProductWords) -> str:
    if one.result is None:
        return escape(
            ", ".join([*(choice.name for choice in one.order.methods), *(c.name for c in one.order.combinations)])
        )
    names = words.entries(one.result.entries)
    best = [entry for entry in rank_entries(one.result.entries) if "f1" in entry.figures]
    if not best:
        return escape(", ".join(names.values()))
    first = max(best, key=lambda entry: entry.value("f1") or 0.0)
    return _(
        "{count} methods · best F1 {value}: {name}",
        count=len(names),
        value=describe_figure(first.figures["f1"]),
        name=escape(names[first.key]),
    )
