"""The form of a schedule: what it makes, when, in which formats, where to. What was typed stays until it is saved."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import streamlit as st

from core.catalog.products import list_products
from core.errors import AppError
from core.i18n import LANGUAGES, N_
from core.schedules.periods import PERIOD_NAMES, load_calendar
from core.schedules.records import (
    DEFAULT_KEEP_DAYS,
    FORMAT_NAMES,
    FORMATS,
    LONGEST_KEEP_DAYS,
    LONGEST_NAME,
    ScheduleOrder,
)
from core.schedules.schedules import Schedule, add_schedule, save_schedule
from core.schedules.timing import DEFAULT_DELAY_MIN, LONGEST_DELAY_MIN, Timing
from pages.components.shared.dialogs import OpenDialog, close_dialog, open_dialog
from pages.components.shared.language import _, escape, language, product_name
from pages.components.shared.session import person, say_after_rerun, services, show_error

EDIT = "report_schedule_edit"
WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
_STORE, _FOLDER = "store", "folder"
_PREFIX = "schedule_form_"


def edit_schedule(schedule: Schedule | None) -> None:
    """Open the form with a schedule's values, or with those of a new one."""
    order = schedule.order if schedule is not None else ScheduleOrder("", Timing("day"), language=language())
    timing = order.timing
    values = {
        "name": order.name,
        "kind": timing.kind,
        "at": timing.at,
        "weekday": timing.weekday,
        "delay": timing.delay_min if schedule is not None else DEFAULT_DELAY_MIN,
        "shifts": list(timing.shifts),
        "product": order.product_id,
        "line": order.line,
        "language": order.language,
        "formats": list(order.formats),
        "where": _STORE if order.folder is None else _FOLDER,
        "folder": "" if order.folder is None else str(order.folder),
        "skip_empty": order.skip_empty,
        "keeps": order.keep_days is None,
        "keep_days": order.keep_days or DEFAULT_KEEP_DAYS,
    }
    for name, value in values.items():
        st.session_state[_PREFIX + name] = value
    open_dialog(
        EDIT,
        id=None if schedule is None else schedule.id,
        row_version=None if schedule is None else schedule.row_version,
    )


def show_form(dialog: OpenDialog) -> None:
    """Ask for everything that a schedule says, and save it."""
    st.text_input(_("Name"), key=_PREFIX + "name", max_chars=LONGEST_NAME, placeholder=_("Shift report for the office"))
    _show_timing()
    _show_contents()
    _show_destination()
    if not st.button(_("Save"), key=_PREFIX + "save", type="primary", icon=":material/check:"):
        return
    try:
        order = _read()
        if dialog.values["id"] is None:
            saved = add_schedule(services(), person(), order)
        else:
            saved = save_schedule(
                services(), person(), dialog.values["id"], order, row_version=dialog.values["row_version"]
            )
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("{name} is saved.", name=escape(saved.order.name)), ":material/schedule_send:")
    close_dialog()
    st.rerun()


def _show_timing() -> None:
    calendar = load_calendar(services())
    # What was hidden for a while has lost its value.
    for field, value in (("at", time(7)), ("weekday", 0), ("delay", DEFAULT_DELAY_MIN), ("shifts", [])):
        st.session_state.setdefault(_PREFIX + field, value)
    kinds = [name for name in PERIOD_NAMES if name != "lot"]
    kind = st.segmented_control(
        _("Report of each"),
        kinds,
        key=_PREFIX + "kind",
        required=True,
        format_func=lambda name: _(PERIOD_NAMES[name]),
        width="stretch",
    )
    if kind == "shift":
        if not calendar.shifts:
            st.warning(_("The plant has no shifts yet. Set them in the plant calendar first."), icon=":material/event:")
            return
        names = [shift.name for shift in calendar.shifts]
        known = st.session_state.get(_PREFIX + "shifts", [])
        st.multiselect(
            _("Shifts"),
            list(dict.fromkeys([*names, *known])),
            key=_PREFIX + "shifts",
            placeholder=_("Every shift"),
        )
        st.number_input(
            _("Minutes after the end of the shift"),
            min_value=0,
            max_value=LONGEST_DELAY_MIN,
            step=5,
            key=_PREFIX + "delay",
            help=_("Time for the last decisions and actions to be entered."),
        )
        return
    if kind == "week":
        st.selectbox(
            _("Weekday"), range(len(WEEKDAYS)), key=_PREFIX + "weekday", format_func=lambda number: _(WEEKDAYS[number])
        )
    st.time_input(
        _("Time of day ({zone})", zone=calendar.time_zone),
        key=_PREFIX + "at",
        step=300,
        help=_("The report is of the last day or week that is over then."),
    )


def _show_contents() -> None:
    names = {
        found.product.id: f"{product_name(found.product)} · {found.product.code}" for found in list_products(services())
    }
    chosen = st.session_state.get(_PREFIX + "product")
    options = [*names, chosen] if chosen is not None and chosen not in names else list(names)
    left, right = st.columns(2)
    left.selectbox(
        _("Product"),
        options,
        key=_PREFIX + "product",
        index=None,
        format_func=lambda number: names.get(number, str(number)),
        placeholder=_("All products"),
    )
    right.text_input(_("Line (optional)"), key=_PREFIX + "line", max_chars=64)
    left, right = st.columns(2)
    left.selectbox(
        _("Language of the report"), list(LANGUAGES), key=_PREFIX + "language", format_func=lambda code: LANGUAGES[code]
    )
    right.pills(
        _("Formats"),
        FORMATS,
        key=_PREFIX + "formats",
        selection_mode="multi",
        format_func=lambda name: FORMAT_NAMES[name],
    )
    st.checkbox(_("No report where nothing was inspected"), key=_PREFIX + "skip_empty")


def _show_destination() -> None:
    where = st.radio(
        _("Where to"),
        (_STORE, _FOLDER),
        key=_PREFIX + "where",
        format_func=lambda name: _("Object store") if name == _STORE else _("Folder on the server"),
        horizontal=True,
    )
    if where == _FOLDER:
        st.text_input(
            _("Folder on the server"),
            key=_PREFIX + "folder",
            placeholder="/mnt/reports",
            help=_("The full path, as the server sees it. Geomsa must be able to write there."),
        )
    left, right = st.columns(2, vertical_alignment="bottom")
    if not right.checkbox(_("Keep for ever"), key=_PREFIX + "keeps"):
        st.session_state.setdefault(_PREFIX + "keep_days", DEFAULT_KEEP_DAYS)
        left.number_input(
            _("Keep for so many days"),
            min_value=1,
            max_value=LONGEST_KEEP_DAYS,
            key=_PREFIX + "keep_days",
            help=_("After that, the report and its files are deleted, also from the folder."),
        )


def _read() -> ScheduleOrder:
    def of(name: str, default: object = None) -> object:
        return st.session_state.get(_PREFIX + name, default)

    folder = None
    if of("where") == _FOLDER:
        folder = Path(str(of("folder", "")).strip())
    at = of("at")
    product = of("product")
    timing = Timing(
        of("kind"),  # type: ignore[arg-type]
        at if isinstance(at, time) else time(7),
        int(str(of("weekday", 0))),
        int(str(of("delay", DEFAULT_DELAY_MIN))),
        tuple(str(name) for name in _list(of("shifts"))) if of("kind") == "shift" else (),
    )
    return ScheduleOrder(
        str(of("name", "")),
        timing,
        product if isinstance(product, int) else None,
        str(of("line", "")),
        str(of("language", language())),
        tuple(one for one in FORMATS if one in _list(of("formats"))),
        folder,
        bool(of("skip_empty")),
        None if of("keeps") else int(str(of("keep_days", DEFAULT_KEEP_DAYS))),
    )


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
