"""The schedules: what each makes and when, how its last report went; added, changed, switched off, removed here."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import AppError
from core.i18n import LANGUAGES
from core.schedules.periods import PERIOD_NAMES
from core.schedules.records import FORMAT_NAMES, ScheduleOrder
from core.schedules.runs import run_now
from core.schedules.schedules import Schedule, list_schedules, remove_schedule, set_schedule_active
from core.schedules.views import Run, last_runs
from pages.components.analysis.reports.run_states import (
    name_run_period,
    name_run_state,
    plant_moment,
    show_run_badge,
)
from pages.components.analysis.reports.schedule_form import EDIT, WEEKDAYS, edit_schedule, show_form
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, escape, language, product_name
from pages.components.shared.session import person, say_after_rerun, services, show_error

_REMOVE = "report_schedule_remove"


def show_schedules() -> None:
    """Show the way to add a schedule, and those that there are, live."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _("Reports that are made by themselves, and put into a folder on the server or into the object store."),
            width="stretch",
        )
        st.button(
            _("New schedule"),
            icon=":material/add_alarm:",
            type="primary",
            on_click=edit_schedule,
            args=(None,),
        )
    _show_all()
    if dialog := opened(EDIT):
        title = _("Change the schedule") if dialog.values["id"] is not None else _("New schedule")
        draw_dialog(title, show_form, dialog, drawer=True)
    elif dialog := opened(_REMOVE):
        confirm(
            _("Remove the schedule?"),
            _(
                "{name} makes no more reports. Those that it made stay until their time is over.",
                name=f"**{escape(dialog.values['name'])}**",
            ),
            action=_("Remove"),
            icon=":material/delete:",
            dialog=dialog,
            carry_out=_carry_out_remove,
        )


@st.fragment(run_every=5.0)
def _show_all() -> None:
    try:
        schedules, runs = list_schedules(services()), last_runs(services())
    except AppError as error:
        # The next look asks again.
        show_error(error)
        return
    if not schedules:
        st.info(
            _(
                "No report is made by itself yet. A schedule makes one after each shift, every day or every week, "
                "for as long as a worker runs."
            ),
            icon=":material/schedule_send:",
        )
        return
    for schedule in schedules:
        with st.container(border=True, gap="small"):
            _show_one(schedule, runs.get(schedule.id))


def _show_one(schedule: Schedule, run: Run | None) -> None:
    order = schedule.order
    about, state, actions = st.columns([3, 2.2, 1.7], vertical_alignment="center")
    product = product_name(schedule.product) if schedule.product is not None else _("All products")
    narrowed = " · ".join(escape(part) for part in (product, order.line) if part)
    formats = " + ".join(FORMAT_NAMES[one] for one in order.formats)
    where = str(order.folder) if order.folder is not None else _("Object store")
    about.markdown(
        f"**{escape(order.name)}**  \n{describe_timing(order)} · {narrowed}  \n"
        f":small[{formats} · {LANGUAGES[order.language]} · {escape(where)}]"
    )
    with state:
        if run is not None:
            show_run_badge(run)
            st.caption(_("Last: {period}", period=escape(name_run_period(run))))
        if not schedule.is_active:
            st.badge(_("Switched off"), icon=":material/pause_circle:", color="gray")
        elif schedule.next_due is not None:
            st.caption(_("Next: {time}", time=plant_moment(schedule.next_due.at)))
        else:
            st.caption(_("Nothing will fall due: check its shifts in the plant calendar."))
    with actions, st.container(horizontal=True, horizontal_alignment="right", wrap=False):
        _show_actions(schedule)
    if run is not None and run.skipped:
        st.caption(
            _n(
                "{count} earlier report was missed because nothing was running.",
                "{count} earlier reports were missed because nothing was running.",
                run.skipped,
            )
        )
    if run is not None and run.error is not None and run.state == "failed":
        st.error(f"{escape(run.error.sentence(language()))} {name_run_state(run)}", icon=":material/error:")


def _show_actions(schedule: Schedule) -> None:
    number = schedule.id
    if st.button("", key=f"schedule_run_{number}", icon=":material/send:", help=_("Make the last report now")):
        _act(lambda: run_now(services(), person(), number), _("The report is being made."))
    switch = _("Switch off") if schedule.is_active else _("Switch on")
    icon = ":material/pause:" if schedule.is_active else ":material/play_arrow:"
    if st.button("", key=f"schedule_active_{number}", icon=icon, help=switch):
        wanted, seen = not schedule.is_active, schedule.row_version
        _act(lambda: set_schedule_active(services(), person(), number, wanted, row_version=seen), "")
    if st.button("", key=f"schedule_edit_{number}", icon=":material/edit:", help=_("Change")):
        edit_schedule(schedule)
        st.rerun(scope="app")
    if st.button("", key=f"schedule_remove_{number}", icon=":material/delete:", help=_("Remove")):
        open_dialog(_REMOVE, id=number, name=schedule.order.name, row_version=schedule.row_version)
        st.rerun(scope="app")


def _act(work: Callable[[], object], said: str) -> None:
    try:
        work()
    except AppError as error:
        show_error(error)
        return
    if said:
        say_after_rerun(said, ":material/send:")
    st.rerun(scope="app")


def describe_timing(order: ScheduleOrder) -> str:
    """Return when a schedule's reports are made, in words."""
    timing = order.timing
    kind = _(PERIOD_NAMES[timing.kind])
    at = timing.at.strftime("%H:%M")
    if timing.kind == "shift":
        which = ", ".join(escape(name) for name in timing.shifts) or _("every shift")
        told = _n("{count} minute after the end", "{count} minutes after the end", timing.delay_min)
        return f"{kind}: {which}, {told}"
    if timing.kind == "week":
        return f"{kind}: " + _("{weekday} at {time}", weekday=_(WEEKDAYS[timing.weekday]), time=at)
    return f"{kind}: " + _("every day at {time}", time=at)


def _carry_out_remove(dialog: OpenDialog) -> None:
    try:
        remove_schedule(services(), person(), dialog.values["id"], row_version=dialog.values["row_version"])
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("{name} makes no more reports.", name=escape(dialog.values["name"])), ":material/delete:")
    close_dialog()
    st.rerun()
