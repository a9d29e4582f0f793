"""The choice of a report's period, product, line and language; it stands in the address, which can be passed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import streamlit as st

from core.errors import AppError
from core.history.choices import load_choices
from core.i18n import LANGUAGES
from core.reports.period.request import PeriodChoice, list_recent_lots
from core.rollups.calendar import PlantCalendar
from core.schedules.periods import PERIOD_NAMES, last_ended, load_calendar
from pages.components.shared.language import _, language, product_name
from pages.components.shared.session import services, show_error

WORDS = ("period", "day", "shift", "lot", "product", "line", "report_language")


def show_period_choice() -> tuple[PeriodChoice | None, str]:
    """Draw the choice of the address; a change goes into the address at once. Return it with the report's language.

    None where the address is not understood, or a lot is still to be named.
    """
    try:
        choice = PeriodChoice.from_query(st.query_params)
    except AppError as error:
        show_error(error)
        st.button(_("Begin anew"), icon=":material/restart_alt:", on_click=clear_address)
        return None, language()
    calendar = load_calendar(services())
    choice = _with_defaults(choice, calendar)
    # Whoever gets the address sees the same report, also tomorrow.
    for word, text in choice.to_query().items():
        if st.query_params.get(word) != text:
            st.query_params[word] = text
    with st.container(border=True):
        _show_period(choice, calendar)
        wanted = _show_narrowing(choice)
    return (choice if choice.kind != "lot" or choice.lot else None), wanted


def clear_address() -> None:
    """Take every word of the choice out of the address."""
    for word in WORDS:
        st.query_params.pop(word, None)


def _with_defaults(choice: PeriodChoice, calendar: PlantCalendar) -> PeriodChoice:
    """Return the choice with the day, and the shift, of the last one that is over, where none is asked for."""
    if choice.kind == "lot" or (choice.kind == "shift" and not calendar.shifts):
        return choice
    values: dict[str, Any] = {}
    if choice.day is None or (choice.kind == "shift" and not choice.shift):
        last = last_ended(calendar, choice.kind, datetime.now(UTC))
        values = {"day": choice.day or last.last if choice.kind != "week" else choice.day or last.first}
        if choice.kind == "shift":
            values["shift"] = choice.shift or last.shift
    return replace(choice, **values)


def _show_period(choice: PeriodChoice, calendar: PlantCalendar) -> None:
    kind, when, which = st.columns([1.5, 1, 1], vertical_alignment="bottom")
    _hold("period", choice.kind)
    kind.segmented_control(
        _("Period"),
        list(PERIOD_NAMES),
        key=_key("period"),
        required=True,
        format_func=lambda name: _(PERIOD_NAMES[name]),
        on_change=_apply,
        args=("period",),
        width="stretch",
    )
    if choice.kind == "lot":
        lots = list_recent_lots(services(), product_id=choice.product)
        options = lots if not choice.lot or choice.lot in lots else [choice.lot, *lots]
        _hold("lot", choice.lot or None)
        when.selectbox(
            _("Lot"),
            options,
            key=_key("lot"),
            index=None,
            accept_new_options=True,
            placeholder=_("Choose or type a lot"),
            on_change=_apply,
            args=("lot",),
        )
        return
    _hold("day", choice.day)
    when.date_input(
        _("Any day of the week") if choice.kind == "week" else _("Production day"),
        key=_key("day"),
        value=None,
        max_value=max(calendar.day_of(datetime.now(UTC)), choice.day or date.min),
        format="YYYY-MM-DD",
        on_change=_apply,
        args=("day",),
    )
    if choice.kind == "shift" and calendar.shifts:
        names = [shift.name for shift in calendar.shifts]
        if choice.shift and choice.shift not in names:
            names.append(choice.shift)
        _hold("shift", choice.shift)
        which.selectbox(_("Shift"), names, key=_key("shift"), on_change=_apply, args=("shift",))


def _show_narrowing(choice: PeriodChoice) -> str:
    choices = load_choices(services(), product_id=None, defect_type_id=None)
    product, line, tongue = st.columns(3)
    names: dict[int, str] = {found.id: f"{product_name(found)}  ·  {found.code}" for found in choices.products}
    options: list[int] = list(names)
    if choice.product is not None and choice.product not in names:
        options.append(choice.product)
    _hold("product", choice.product)
    product.selectbox(
        _("Product"),
        options,
        key=_key("product"),
        index=None,
        format_func=lambda found: names.get(found, str(found)),
        placeholder=_("All products"),
        on_change=_apply,
        args=("product",),
    )
    known = choices.lines if not choice.line or choice.line in choices.lines else (*choices.lines, choice.line)
    lines = [one for one in known if one]
    _hold("line", choice.line or None)
    line.selectbox(
        _("Line"),
        lines,
        key=_key("line"),
        index=None,
        placeholder=_("All lines"),
        on_change=_apply,
        args=("line",),
    )
    asked = st.query_params.get("report_language", "")
    wanted = asked if asked in LANGUAGES else language()
    _hold("report_language", wanted)
    tongue.selectbox(
        _("Language of the report"),
        list(LANGUAGES),
        key=_key("report_language"),
        format_func=lambda code: LANGUAGES[code],
        on_change=_apply,
        args=("report_language",),
    )
    return wanted


def _hold(word: str, value: Any) -> None:
    """Let the box show what the address says, also where it was changed by a link or by going back."""
    if st.session_state.get(_key(word)) != value:
        st.session_state[_key(word)] = value


def _apply(word: str) -> None:
    value = st.session_state[_key(word)]
    text = value.isoformat() if isinstance(value, date) else str(value or "").strip()
    if word == "period":
        # Another kind begins at its own last one that is over.
        for other in ("day", "shift", "lot"):
            st.query_params.pop(other, None)
    if text:
        st.query_params[word] = text
    else:
        st.query_params.pop(word, None)


def _key(word: str) -> str:
    return f"report_{word}"
