"""The filter of the history: four boxes that are always there, and the others behind one button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.access import ROLE_NAMES
from core.history.choices import load_choices
from core.history.filters import NO_TYPE, HistoryFilter, longest_filter_text
from core.i18n import N_
from core.inspections.terms import ACTION_NAMES, REVIEW_STATE_NAMES, SOURCE_NAMES, VERDICT_NAMES
from pages.components.history.address import ask_for, asked_filter
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, defect_name, moment, product_name
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.history.choices import Choices

_BESIDE = ("defect_type", "model_verdict", "review", "line", "lot", "serial", "person", "source", "batch", "name")
FILTER_NAMES: dict[str, str] = {
    "product": N_("Product"),
    "verdict": N_("Verdict"),
    "action": N_("Action"),
    "first_day": N_("From"),
    "last_day": N_("To"),
    "defect_type": N_("Defect type"),
    "model_verdict": N_("Model's verdict"),
    "review": N_("Review state"),
    "line": N_("Line"),
    "lot": N_("Lot"),
    "serial": N_("Serial number"),
    "person": N_("Person"),
    "source": N_("Source"),
    "batch": N_("Batch no."),
    "name": N_("File name"),
    "since": N_("From"),
    "until": N_("To"),
    "version": N_("Model version"),
}


def show_filter_bar() -> HistoryFilter:
    """Draw the filter of the address; a change goes into the address at once. Returns the filter."""
    wanted, wrong = asked_filter()
    choices = load_choices(services(), product_id=wanted.product, defect_type_id=wanted.defect_type)
    if wrong:
        names = ", ".join(_(FILTER_NAMES[name]) for name in wrong)
        st.warning(
            _("The address names filters that are not understood and were left out: {names}.", names=names),
            icon=":material/filter_alt_off:",
        )
    with st.container(key="history_filter"):
        product, verdict, action, first_day, last_day, more = st.columns(
            [1.5, 0.95, 0.95, 1.15, 1.15, 1], vertical_alignment="bottom", gap="small"
        )
    with product:
        _pick("product", {found.id: product_name(found) for found in choices.products}, wanted)
    with verdict:
        _pick("verdict", _translated(VERDICT_NAMES), wanted)
    with action:
        _pick("action", _translated(ACTION_NAMES), wanted)
    for column, name in ((first_day, "first_day"), (last_day, "last_day")):
        _hold(name, getattr(wanted, name))
        column.date_input(
            _(FILTER_NAMES[name]), key=_key(name), value=None, format="YYYY-MM-DD", on_change=_apply, args=(name,)
        )
    _show_span(wanted)
    used = sum(getattr(wanted, name) not in (None, "") for name in _BESIDE)
    label = _("More ({count})", count=used) if used else _("More")
    with more, st.popover(label, icon=":material/filter_alt:", width="stretch"):
        _show_others(wanted, choices)
    return wanted


def _show_span(wanted: HistoryFilter) -> None:
    """Show what only a link asks for: a span between two moments, a model version; a click takes it out again."""
    if wanted.since is None and wanted.until is None and wanted.version is None:
        return
    span = f"{moment(wanted.since)} – {moment(wanted.until)}" if wanted.since or wanted.until else ""
    version = _("Model version no. {number}", number=wanted.version) if wanted.version is not None else ""
    st.button(
        " · ".join(text for text in (span, version) if text),
        key="history_span",
        icon=":material/close:",
        help=_("Take this filter out"),
        on_click=ask_for,
        args=(replace(wanted, since=None, until=None, version=None),),
    )


def _show_others(wanted: HistoryFilter, choices: Choices) -> None:
    left, right = st.columns(2)
    with left:
        _pick(
            "defect_type",
            {NO_TYPE: _("not named"), **{found.id: defect_name(found) for found in choices.types}},
            wanted,
            hint=None if wanted.product is not None else _("Choose a product first: each has types of its own."),
        )
        _pick("model_verdict", _translated(VERDICT_NAMES), wanted)
        _pick("review", _translated(REVIEW_STATE_NAMES), wanted)
        _pick("person", {number: _person_name(name) for number, name in choices.people.items()}, wanted)
        _pick("source", _translated(SOURCE_NAMES), wanted)
    with right:
        lines = choices.lines if not wanted.line or wanted.line in choices.lines else (*choices.lines, wanted.line)
        _pick("line", {line: line for line in lines}, wanted)
        _type("lot", wanted)
        _type("serial", wanted, hint=_("What it begins with."))
        _hold("batch", wanted.batch)
        st.number_input(
            _(FILTER_NAMES["batch"]),
            key=_key("batch"),
            value=None,
            min_value=1,
            step=1,
            on_change=_apply,
            args=("batch",),
        )
        _type("name", wanted, hint=_("Any part of it."))
    st.button(
        _("Clear all filters"),
        key="history_clear",
        icon=":material/filter_alt_off:",
        on_click=ask_for,
        args=(HistoryFilter(),),
        disabled=not wanted.to_query(),
    )


def _pick(name: str, names: Mapping[Any, str], wanted: HistoryFilter, *, hint: str | None = None) -> None:
    value = getattr(wanted, name)
    value = None if value == "" else value
    options: Sequence[Any] = list(names) if value is None or value in names else [*names, value]
    _hold(name, value)
    st.selectbox(
        _(FILTER_NAMES[name]),
        options,
        key=_key(name),
        index=None,
        format_func=lambda found: names.get(found, str(found)),
        placeholder=_("All"),
        on_change=_apply,
        args=(name,),
        help=hint,
    )


def _type(name: str, wanted: HistoryFilter, *, hint: str | None = None) -> None:
    _hold(name, getattr(wanted, name))
    st.text_input(
        _(FILTER_NAMES[name]),
        key=_key(name),
        max_chars=longest_filter_text(name),
        on_change=_apply,
        args=(name,),
        help=hint,
    )


def _hold(name: str, value: Any) -> None:
    """Let the box show what the address says, also where it was changed by a link or by going back."""
    if st.session_state.get(_key(name)) != value:
        st.session_state[_key(name)] = value


def _apply(name: str) -> None:
    value = st.session_state[_key(name)]
    wanted, _wrong = asked_filter()
    if isinstance(getattr(HistoryFilter(), name), str):
        value = str(value or "").strip()
    changed: dict[str, Any] = {name: value}
    if name == "product":
        changed["defect_type"] = None  # each product has types of its own
    ask_for(replace(wanted, **changed))


def _key(name: str) -> str:
    return f"history_{name}"


def _translated(names: dict[str, str]) -> dict[str, str]:
    return {code: label_of(names, code) for code in names}


def _person_name(name: str) -> str:
    # The built-in people are called by their role.
    return _(name) if name in ROLE_NAMES.values() else name
