"""The filter of quality trends: kept in the address, so that a chart can be sent to somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.analytics.trend_filter import (
    CUSTOM,
    GROUPINGS,
    PERIODS,
    TrendFilter,
    is_name_of_trend_filter,
    longest_trend_text,
)
from core.history.choices import load_choices
from core.i18n import N_
from core.reports.group_labels import GroupNames
from core.reports.layout import Words
from pages.components.shared.language import _, language, product_name, time_zone
from pages.components.shared.pickers import remember_product
from pages.components.shared.session import services

_BESIDE = ("line", "lot", "shift", "defect_type", "version")
_NAMES: dict[str, str] = {
    "period": N_("Period"),
    "first_day": N_("From"),
    "last_day": N_("To"),
    "product": N_("Product"),
    "line": N_("Line"),
    "lot": N_("Lot"),
    "shift": N_("Shift"),
    "defect_type": N_("Defect type"),
    "version": N_("Model version"),
    "by": N_("Group by"),
    "limits": N_("Limits"),
    "baseline_first": N_("Limits from"),
    "baseline_last": N_("Limits until"),
    "is_plain": N_("Plain 3σ limits"),
    "scores": N_("A point is"),
    "view": N_("View of the product"),
    "weight": N_("Weight of the newest (λ)"),
    "width": N_("Width of the limits (L)"),
}


def asked_trend() -> tuple[TrendFilter, tuple[str, ...]]:
    """Return the filter in the address, and the names of what in it is not understood."""
    return TrendFilter.from_query(st.query_params)


def ask_for_trend(wanted: TrendFilter) -> None:
    """Put a filter into the address."""
    for name in [name for name in st.query_params if is_name_of_trend_filter(name)]:
        del st.query_params[name]
    for name, text in wanted.to_query().items():
        st.query_params[name] = text


def name_of(field: str) -> str:
    """Return what a field of the filter is called."""
    return _(_NAMES[field])


def words() -> Words:
    """Return the words of this run."""
    return Words(language(), time_zone())


def show_trend_filter(names: GroupNames) -> TrendFilter:
    """Draw the filter of the address; a change goes into the address at once. Returns the filter."""
    wanted, wrong = asked_trend()
    if wrong:
        st.warning(
            _(
                "The address names filters that are not understood and were left out: {names}.",
                names=", ".join(dict.fromkeys(name_of(name) for name in wrong)),
            ),
            icon=":material/filter_alt_off:",
        )
    is_custom = wanted.period == CUSTOM
    widths = [1.1, 1, 1, 1.5, 1.1, 1] if is_custom else [1.1, 1.7, 1.2, 1.2]
    with st.container(key="trend_filter"):
        columns = iter(st.columns(widths, vertical_alignment="bottom", gap="small"))
    with next(columns):
        pick("period", {code: _(label) for code, label in PERIODS.items()}, wanted, may_be_none=False)
    if is_custom:
        for name in ("first_day", "last_day"):
            with next(columns):
                pick_day(name, wanted)
    with next(columns):
        pick(
            "product",
            {found.id: f"{product_name(found)}  ·  {found.code}" for found in names.products.values()},
            wanted,
        )
    with next(columns):
        pick("by", {code: _(label) for code, label in GROUPINGS.items()}, wanted, may_be_none=False)
    used = sum(getattr(wanted, name) not in (None, "") for name in _BESIDE)
    label = _("More ({count})", count=used) if used else _("More")
    with next(columns), st.popover(label, icon=":material/filter_alt:", width="stretch"):
        _show_others(wanted, names)
    return wanted


def _show_others(wanted: TrendFilter, names: GroupNames) -> None:
    said = words()
    if wanted.product is None:
        st.caption(_("Choose a product first: each has types and versions of its own."))
    types = {
        number: names.type_name(number, said)
        for number, owner in names.type_products.items()
        if owner == wanted.product or number == wanted.defect_type
    }
    versions = {
        number: names.label(number, "version", said)
        for number, (owner, _number) in names.versions.items()
        if owner == wanted.product or number == wanted.version
    }
    pick("defect_type", types, wanted)
    pick("version", versions, wanted)
    lines = load_choices(services(), product_id=None, defect_type_id=None).lines
    pick("line", {line: line for line in lines}, wanted)
    shifts = [shift.name for shift in names.calendar.shifts]
    pick("shift", {name: name for name in shifts}, wanted, may_be_new=True)
    _type("lot", wanted)
    st.button(
        _("Clear all filters"),
        key="trend_clear",
        icon=":material/filter_alt_off:",
        on_click=ask_for_trend,
        args=(replace(wanted, product=None, defect_type=None, version=None, view="", line="", lot="", shift=""),),
    )


def pick(
    name: str,
    names: Mapping[Any, str],
    wanted: TrendFilter,
    *,
    may_be_none: bool = True,
    may_be_new: bool = False,
    hint: str | None = None,
) -> None:
    """Show a select box for a field of the filter."""
    value = getattr(wanted, name) or None
    options: Sequence[Any] = list(names) if value is None or value in names else [*names, value]
    _hold(name, value)
    st.selectbox(
        name_of(name),
        options,
        key=_key(name),
        index=None if may_be_none else 0,
        format_func=lambda found: names.get(found, str(found)),
        placeholder=_("All"),
        accept_new_options=may_be_new,
        on_change=_apply,
        args=(name,),
        help=hint,
    )


def choose(name: str, names: Mapping[str, str], wanted: TrendFilter) -> None:
    """Show one of a few choices for a field of the filter, all of them in view."""
    _hold(name, getattr(wanted, name))
    st.radio(
        name_of(name),
        list(names),
        key=_key(name),
        format_func=lambda found: names[found],
        on_change=_apply,
        args=(name,),
    )


def pick_day(name: str, wanted: TrendFilter) -> None:
    """Show a field for a production day of the filter."""
    _hold(name, getattr(wanted, name))
    st.date_input(name_of(name), key=_key(name), value=None, format="YYYY-MM-DD", on_change=_apply, args=(name,))


def slide(name: str, wanted: TrendFilter, least: float, most: float, *, step: float, hint: str) -> None:
    """Show a slider for a number of the filter."""
    _hold(name, getattr(wanted, name))
    st.slider(name_of(name), least, most, key=_key(name), step=step, on_change=_apply, args=(name,), help=hint)


def tick(name: str, wanted: TrendFilter, *, hint: str) -> None:
    """Show a box to tick for a yes or no of the filter."""
    _hold(name, getattr(wanted, name))
    st.checkbox(name_of(name), key=_key(name), on_change=_apply, args=(name,), help=hint)


def _type(name: str, wanted: TrendFilter) -> None:
    _hold(name, getattr(wanted, name))
    st.text_input(name_of(name), key=_key(name), max_chars=longest_trend_text(name), on_change=_apply, args=(name,))


def _hold(name: str, value: Any) -> None:
    """Let the box show what the address says, also where it was changed by a link or by going back."""
    if st.session_state.get(_key(name)) != value:
        st.session_state[_key(name)] = value


def _apply(name: str) -> None:
    value = st.session_state[_key(name)]
    wanted, _wrong = asked_trend()
    if isinstance(getattr(TrendFilter(), name), str):
        value = str(value or "").strip()[: _longest(name)]
    changed: dict[str, Any] = {name: value}
    if name == "product":
        changed |= {"defect_type": None, "version": None, "view": ""}  # each product has its own
        remember_product(value)
    # A period that ends before it begins is one day: the one that was chosen last.
    for first, last in (("first_day", "last_day"), ("baseline_first", "baseline_last")):
        if name in (first, last) and value is not None:
            other = getattr(wanted, last if name == first else first)
            if other is not None and (value > other if name == first else value < other):
                changed |= {first: value, last: value}
    ask_for_trend(replace(wanted, **changed))


def _longest(name: str) -> int | None:
    return longest_trend_text(name) if name in {"line", "lot", "shift"} else None


def _key(name: str) -> str:
    return f"trend_{name}"
