"""The two filters of the dashboard, which stand in its address: the product and the period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.periods import CUSTOM, FIRST_DAY, LAST_DAY, PERIODS, Period
from core.i18n import N_
from pages.components.overview.address import Asked, ask_for, asked_for
from pages.components.shared.language import _, product_name

if TYPE_CHECKING:
    from storage.tables import Product

_PRODUCT, _PERIOD, _DAYS = "dashboard_product", "dashboard_period", "dashboard_days"
_ALL = 0  # a box shows None as nothing chosen
_ASKED_NAMES: dict[str, str] = {
    "product": N_("Product"),
    "period": N_("Period"),
    "first_day": N_("From"),
    "last_day": N_("To"),
}


def show_filters(products: Sequence[Product], *, today: date) -> Asked:
    """Draw the title and the filters in one line; a change goes into the address at once. Returns what is asked for."""
    names = {_ALL: _("All products"), **{found.id: product_name(found) for found in products}}
    asked = asked_for({found.id for found in products})
    title, product, period = st.columns([1.05, 1.1, 2.6], vertical_alignment="bottom", gap="small")
    title.title(_("Dashboard"))
    _hold(_PRODUCT, asked.product_id or _ALL)
    product.selectbox(
        _("Product"), list(names), key=_PRODUCT, format_func=lambda found: names[found], on_change=_apply, args=(today,)
    )
    labels = period_labels()
    _hold(_PERIOD, asked.period.name)
    period.segmented_control(
        _("Period"),
        list(labels),
        key=_PERIOD,
        required=True,
        format_func=lambda name: labels[name],
        on_change=_apply,
        args=(today,),
        width="stretch",
    )
    if asked.period.name == CUSTOM and asked.period.first is not None and asked.period.last is not None:
        if st.session_state.get(f"{_DAYS}_of") != asked.period:
            st.session_state[_DAYS] = (asked.period.first, asked.period.last)
            st.session_state[f"{_DAYS}_of"] = asked.period
        with st.container(horizontal=True, horizontal_alignment="right", key="dashboard_custom"):
            st.date_input(
                _("First and last day"),
                key=_DAYS,
                min_value=FIRST_DAY,
                max_value=LAST_DAY,
                format="YYYY-MM-DD",
                on_change=_apply_days,
                width=280,
            )
    if asked.wrong:
        st.warning(
            _(
                "The address names filters that are not understood and were left out: {names}.",
                names=", ".join(_(_ASKED_NAMES[name]) for name in asked.wrong),
            ),
            icon=":material/filter_alt_off:",
        )
    return asked


def period_labels() -> dict[str, str]:
    """Return the periods by what they are called."""
    days = {f"{count}d": _("{days} days", days=count) for count in (7, 30, 90)}
    names = {"today": _("Today"), **days, "all": _("All time"), CUSTOM: _("Custom")}
    return {name: names[name] for name in PERIODS}


def _hold(key: str, value: object) -> None:
    """Let a box show what the address says, also where it was changed by a link or by going back."""
    if st.session_state.get(key, "") != value:
        st.session_state[key] = value


def _apply(today: date) -> None:
    name = st.session_state[_PERIOD]
    period = Period(name)
    if name == CUSTOM:
        # From the days that were shown: the person changes what is in sight.
        shown, _wrong = Period.from_query(st.query_params)
        scope = shown.to_scope(today)
        period = Period(CUSTOM, scope.first or today - timedelta(days=364), scope.last)
    ask_for(st.session_state[_PRODUCT] or None, period)


def _apply_days() -> None:
    chosen = st.session_state[_DAYS]
    # Between the two clicks on the calendar only the first day is known.
    if isinstance(chosen, tuple) and len(chosen) == 2:
        ask_for(st.session_state[_PRODUCT] or None, Period(CUSTOM, *chosen))
