"""Choosing how views are combined in a comparison: for each view the method that judges it, and the rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.comparisons.orders import Combination, MethodChoice
from core.i18n import N_
from pages.components.comparing.wording import ProductWords
from pages.components.shared.language import _

_RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "fitted": (
        N_("Weighted average, weights fitted on validation"),
        {"method": "weighted_average", "weights": "fitted"},
    ),
    "any": (N_("Any view that finds a defect"), {"method": "voting", "votes": "any"}),
    "majority": (N_("Majority of the views"), {"method": "voting", "votes": "majority"}),
}


def choose_combinations(
    product_id: int, views: Sequence[str], methods: Sequence[MethodChoice], words: ProductWords
) -> list[Combination]:
    """Show the combinations of a product with several views; return those that are wanted."""
    if len(views) < 2 or not methods:
        return []
    st.markdown(f"**{_('Combinations of views')}**")
    wanted = st.multiselect(
        _("How the views are combined"),
        list(_RULES),
        default=["fitted"],
        format_func={code: _(title) for code, (title, _rule) in _RULES.items()}.__getitem__,
        key=f"compare_rules_{product_id}",
        placeholder=_("None"),
    )
    if not wanted:
        return []
    names = [one.name for one in methods]
    members: dict[str, str] = {}
    for column, view in zip(st.columns(len(views)), views, strict=True):
        members[view] = column.selectbox(
            _("{view}: judged by", view=words.view(view)), names, key=f"compare_member_{product_id}_{view}"
        )
    return [Combination(_name(code), dict(members), dict(_RULES[code][1])) for code in wanted]


def _name(code: str) -> str:
    # A name of the result, in the language of who starts it.
    return {"fitted": _("Weighted"), "any": _("Any view"), "majority": _("Majority")}[code]
