"""The schedule of backups, shown in one line and changed in a form."""

from __future__ import annotations

from datetime import UTC, datetime, time

import streamlit as st

from core.backups.schedule import (
    MOST_CHAINS,
    MOST_DRILL_DAYS,
    MOST_FULL_EVERY,
    BackupSchedule,
    load_schedule,
    next_due,
    save_schedule,
)
from core.errors import AppError, Conflict
from core.schedules.periods import load_calendar
from pages.components.analysis.reports.run_states import plant_moment
from pages.components.analysis.reports.schedule_form import WEEKDAYS
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n
from pages.components.shared.session import person, say_after_rerun, services, show_error

_EDIT = "backup_schedule_edit"
_PREFIX = "backup_schedule_"


def show_schedule() -> None:
    """Show when backups are made by themselves, and the way to change it."""
    schedule = load_schedule(services())
    with st.container(border=True):
        about, change = st.columns([5, 1.3], vertical_alignment="center")
        about.markdown(f"**{_('Schedule')}**  \n{describe_schedule(schedule)}")
        change.button(
            _("Change") if schedule.is_active else _("Set up"),
            icon=":material/edit_calendar:",
            width="stretch",
            key="backup_schedule_change",
            on_click=_open,
            args=(schedule,),
        )
    if dialog := opened(_EDIT):
        draw_dialog(_("Schedule of backups"), _show_form, dialog, drawer=True)


def describe_schedule(schedule: BackupSchedule) -> str:
    """Return the schedule in words."""
    if not schedule.is_active:
        return _("No backup is made by itself.")
    zone = load_calendar(services()).time_zone
    at = f"{schedule.at:%H:%M}"
    if schedule.every == "week":
        when = _("Every week on {day} at {time} ({zone})", day=_(WEEKDAYS[schedule.weekday]), time=at, zone=zone)
    else:
        when = _("Every day at {time} ({zone})", time=at, zone=zone)
    parts = [
        when,
        _("every one full")
        if schedule.full_every == 1
        else _("a full one first, then {count} incremental ones", count=schedule.full_every - 1),
        _n("the newest {count} chain is kept", "the newest {count} chains are kept", schedule.keep_chains),
    ]
    if schedule.drill_days:
        parts.append(_n("restored for a trial every {count} day", "restored for a trial every {count} days",
                        schedule.drill_days))  # fmt: skip
    text = " · ".join(parts)
    due = next_due(services(), schedule, datetime.now(UTC))
    return text if due is None else text + "  \n:small[" + _("Next: {time}", time=plant_moment(due)) + "]"


def _open(schedule: BackupSchedule) -> None:
    values = {
        "is_active": schedule.is_active or schedule.row_version == 0,
        "every": schedule.every,
        "weekday": schedule.weekday,
        "at": schedule.at,
        "full_every": schedule.full_every,
        "keep_chains": schedule.keep_chains,
        "folder": schedule.folder,
        "drill_days": schedule.drill_days,
    }
    for name, value in values.items():
        st.session_state[_PREFIX + name] = value
    open_dialog(_EDIT, row_version=schedule.row_version)


def _show_form(dialog: OpenDialog) -> None:
    st.toggle(_("Make backups by themselves"), key=_PREFIX + "is_active")
    # What was hidden for a while has lost its value.
    for name, value in (("weekday", 6), ("at", time(2))):
        st.session_state.setdefault(_PREFIX + name, value)
    every = st.segmented_control(
        _("How often"),
        ("day", "week"),
        key=_PREFIX + "every",
        required=True,
        format_func=lambda one: _("Every day") if one == "day" else _("Every week"),
        width="stretch",
    )
    if every == "week":
        st.selectbox(
            _("Weekday"), range(len(WEEKDAYS)), key=_PREFIX + "weekday", format_func=lambda one: _(WEEKDAYS[one])
        )
    st.time_input(
        _("Time of day ({zone})", zone=load_calendar(services()).time_zone), key=_PREFIX + "at", step=900,
        help=_("Inspection goes on meanwhile. Deployments and trainings wait until the backup is finished."),
    )  # fmt: skip
    st.number_input(
        _("A full backup every … backups"), min_value=1, max_value=MOST_FULL_EVERY, key=_PREFIX + "full_every",
        help=_("Those between are incremental: only new files are written. Restoring needs all of them up to the day."),
    )  # fmt: skip
    st.number_input(
        _("Keep so many chains"), min_value=1, max_value=MOST_CHAINS, key=_PREFIX + "keep_chains",
        help=_("A chain is a full backup with its incremental ones. Older ones go once newer ones are verified."),
    )  # fmt: skip
    st.number_input(
        _("Try a restore every … days (0: never)"), min_value=0, max_value=MOST_DRILL_DAYS, key=_PREFIX + "drill_days",
        help=_("Needs as much free space for a while as all files take."),
    )  # fmt: skip
    st.text_input(
        _("Subfolder (optional)"), key=_PREFIX + "folder", max_chars=120,
        help=_("Within the folder for backups, which the server sets with GEOMSA_BACKUP_DIR."),
    )  # fmt: skip
    if not st.button(_("Save"), key=_PREFIX + "save", type="primary", icon=":material/check:"):
        return
    try:
        save_schedule(services(), person(), services().settings, _read(), row_version=int(dialog.values["row_version"]))
    except Conflict as error:
        show_error(error)
        dialog.values["row_version"] = load_schedule(services()).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The schedule is saved."), ":material/edit_calendar:")
    close_dialog()
    st.rerun()


def _read() -> BackupSchedule:
    def of(name: str, default: object = None) -> object:
        return st.session_state.get(_PREFIX + name, default)

    at = of("at")
    return BackupSchedule(
        is_active=bool(of("is_active")),
        every=str(of("every", "day")),
        weekday=int(str(of("weekday", 6))),
        at=at if isinstance(at, time) else time(2),
        full_every=int(str(of("full_every", 7))),
        keep_chains=int(str(of("keep_chains", 4))),
        folder=str(of("folder", "")).strip(),
        drill_days=int(str(of("drill_days", 30))),
    )
