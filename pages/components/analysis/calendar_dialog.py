"""The plant's calendar on the screens whose figures follow it: what it says, and the dialog that changes it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError
from core.rollups.calendar import PlantCalendar, Shift
from core.rollups.calendar_saving import (
    LONGEST_SHIFT_NAME,
    MOST_SHIFTS,
    check_calendar,
    list_time_zones,
    save_calendar,
)
from core.rollups.comparing import is_counted
from core.rollups.rebuilding import ensure_counts
from core.schedules.periods import load_calendar
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, escape, number
from pages.components.shared.session import may, say_after_rerun, services, show_error
from pages.components.shared.session import person as current_person

_DIALOG = "plant_calendar"
_PREFIX = "plant_calendar_"
_DAY_MINUTES = 24 * 60


def show_calendar_button() -> None:
    """Say in small text by which days the figures are counted; whoever may, changes it there."""
    calendar = load_calendar(services())
    with st.container(horizontal=True, vertical_alignment="center", key="plant_calendar_line"):
        st.caption(describe_calendar(calendar), width="content")
        if may(ENGINEER) and st.button(
            _("Plant calendar"),
            key="plant_calendar_open",
            type="tertiary",
            icon=":material/calendar_clock:",
            help=_("Time zone and shifts: when a production day begins."),
        ):
            _open(calendar)
        if not is_counted(services()):
            st.caption(
                _("All inspections are being counted again. The figures are right, but take longer until then."),
                width="content",
            )
    dialog = opened(_DIALOG)
    if dialog is not None:
        draw_dialog(_("Plant calendar"), _show_form, dialog, width="medium")


def describe_calendar(calendar: PlantCalendar) -> str:
    """Return in words when a production day begins, in which time zone, and how many shifts it has."""
    start, zone = f"{calendar.day_starts_at:%H:%M}", escape(calendar.time_zone)
    if not calendar.shifts:
        return _("Days begin at {start} ({zone}) · no shifts", start=start, zone=zone)
    names = escape(", ".join(f"{one.name} {one.starts_at:%H:%M}" for one in calendar.shifts))
    return _("Days begin at {start} ({zone}) · shifts: {names}", start=start, zone=zone, names=names)


def _open(calendar: PlantCalendar) -> None:
    values: dict[str, Any] = {"zone": calendar.time_zone, "count": len(calendar.shifts)}
    for place in range(MOST_SHIFTS):
        shift = calendar.shifts[place] if place < len(calendar.shifts) else None
        values[f"name_{place}"] = "" if shift is None else shift.name
        values[f"start_{place}"] = None if shift is None else shift.starts_at
    for name, value in values.items():
        st.session_state[_PREFIX + name] = value
    open_dialog(_DIALOG, row_version=calendar.row_version)


def _show_form(dialog: OpenDialog) -> None:
    st.caption(
        _(
            "Days and shifts of all figures follow this calendar, also those of the past. A shift that was entered "
            "with an inspection stays as it was entered."
        )
    )
    known = st.session_state.get(_PREFIX + "zone", "UTC")
    zones = list_time_zones()
    now = datetime.now(UTC)
    st.selectbox(
        _("Time zone of the plant"),
        zones if known in zones else [known, *zones],
        key=_PREFIX + "zone",
        format_func=lambda name: f"{name} · UTC{_offset(name, now)}",
    )
    st.segmented_control(
        _("Shifts a day"),
        list(range(MOST_SHIFTS + 1)),
        key=_PREFIX + "count",
        required=True,
        format_func=lambda count: str(count) if count else _("None"),
        on_change=_fill_in,
        width="stretch",
    )
    count = int(st.session_state.get(_PREFIX + "count") or 0)
    for place in range(count):
        name, start = st.columns([2, 1])
        labels: Literal["visible", "collapsed"] = "collapsed" if place else "visible"
        name.text_input(
            _("Shift {number}, with which the day begins", number=1)
            if not place
            else _("Shift {number}", number=place + 1),
            key=f"{_PREFIX}name_{place}",
            max_chars=LONGEST_SHIFT_NAME,
            label_visibility=labels,
        )
        start.time_input(
            _("Begins at"),
            key=f"{_PREFIX}start_{place}",
            step=300,
            label_visibility=labels,
        )
    wanted = _read(count, dialog.values["row_version"])
    checked = None
    try:
        checked = check_calendar(wanted)
    except AppError as error:
        show_error(error)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Cancel"), key=_PREFIX + "cancel"):
            close_dialog()
            st.rerun()
        agreed = st.button(_("Save"), key=_PREFIX + "save", type="primary", icon=":material/check:")
    if agreed:
        _save(wanted)
    # Below the buttons: however many shifts there are, these stay in view.
    if checked is not None:
        _show_preview(checked, now)


def _fill_in() -> None:
    """Give shifts that have just been added a name and a time: the day is divided evenly from the first one on."""
    count = int(st.session_state.get(_PREFIX + "count") or 0)
    first = st.session_state.get(_PREFIX + "start_0") or time(6)
    taken = {st.session_state.get(f"{_PREFIX}name_{place}") for place in range(count)}
    for place in range(count):
        if st.session_state.get(f"{_PREFIX}start_{place}") is None:
            minutes = (first.hour * 60 + first.minute + place * _DAY_MINUTES // count) % _DAY_MINUTES
            st.session_state[f"{_PREFIX}start_{place}"] = time(minutes // 60, minutes % 60)
            if not st.session_state.get(f"{_PREFIX}name_{place}"):
                free = next(letter for letter in "ABCDEFGHIJKL" if letter not in taken)
                st.session_state[f"{_PREFIX}name_{place}"] = free
                taken.add(free)


def _read(count: int, row_version: int) -> PlantCalendar:
    state = st.session_state
    shifts = tuple(
        Shift(str(state.get(f"{_PREFIX}name_{place}") or ""), state.get(f"{_PREFIX}start_{place}") or time(0))
        for place in range(count)
    )
    return PlantCalendar(str(state.get(_PREFIX + "zone") or ""), shifts, row_version)


def _show_preview(calendar: PlantCalendar, now: datetime) -> None:
    today = calendar.day_of(now)
    zone = calendar.zone
    shifts = list(calendar.shifts_of(today)) or [(_("Whole day"), calendar.start_of(today), calendar.end_of(today))]
    st.markdown(f"**{_('Today, {day}', day=today.isoformat())}**")
    st.dataframe(
        [
            {
                _("Shift"): name,
                _("Begins at"): start.astimezone(zone).strftime("%m-%d %H:%M"),
                _("Ends at"): end.astimezone(zone).strftime("%m-%d %H:%M"),
                _("Length"): _("{hours} h {minutes} min", hours=length // 60, minutes=f"{length % 60:02d}"),
                _("Now"): "●" if start <= now < end else "",
            }
            for name, start, end in shifts
            if (length := int((end - start) / timedelta(minutes=1))) >= 0
        ],
        hide_index=True,
    )


def _save(wanted: PlantCalendar) -> None:
    try:
        saved = save_calendar(services(), current_person(), wanted)
        if not is_counted(services()):
            bar = st.progress(0.0, text=_("Counting the inspections again …"))

            def tell(done: int, total: int) -> None:
                text = _("{done} of {total} inspections counted again", done=number(done), total=number(total))
                bar.progress(done / total if total else 1.0, text=text)

            # Whoever leaves now loses nothing: the worker goes on where it stopped.
            ensure_counts(services(), progress=tell)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The plant calendar is saved. {calendar}", calendar=describe_calendar(saved)))
    close_dialog()
    st.rerun()


def _offset(name: str, now: datetime) -> str:
    text = now.astimezone(ZoneInfo(name)).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"
