"""What the schedules made: each report with its files, the newest first, page by page."""

from __future__ import annotations

import streamlit as st

from core.schedules.periods import PERIOD_NAMES
from core.schedules.schedules import list_schedules
from core.schedules.views import Run, list_runs
from pages.components.analysis.reports.run_states import name_run_period, name_run_state, plant_moment, show_run_badge
from pages.components.shared.language import _, _n, byte_size, escape, language
from pages.components.shared.session import services
from pages.server.report_downloads import made_path

_A_PAGE = 20
_SCHEDULE, _PAGE = "made_schedule", "made_page"


def show_made_reports() -> None:
    """Show the reports of all schedules, or of one."""
    names = {schedule.id: schedule.order.name for schedule in list_schedules(services())}
    chosen = st.selectbox(
        _("Schedule"),
        list(names),
        key=_SCHEDULE,
        index=None,
        format_func=lambda number: names.get(number, str(number)),
        placeholder=_("All schedules"),
        on_change=_first_page,
    )
    page = int(st.session_state.get(_PAGE, 0))
    runs, total = list_runs(services(), schedule_id=chosen, offset=page * _A_PAGE, limit=_A_PAGE)
    if not total:
        st.info(_("No schedule has made a report yet."), icon=":material/schedule_send:")
        return
    with st.container(border=True, gap="small"):
        for run in runs:
            _show_run(run)
    if total > _A_PAGE:
        _show_pager(page, total)


def _show_run(run: Run) -> None:
    about, state, files = st.columns([2.6, 1.6, 2.4], vertical_alignment="center")
    about.markdown(
        f"**{_(PERIOD_NAMES[run.period.kind])}: {escape(name_run_period(run))}**  \n:small[{escape(run.schedule_name)}]"
    )
    with state:
        show_run_badge(run)
        st.caption(plant_moment(run.finished_at or run.due_at))
    with files, st.container(horizontal=True, horizontal_alignment="right"):
        for file in run.files:
            st.link_button(
                f"{file.name.rpartition('.')[2].upper()} · {byte_size(file.byte_size)}",
                made_path(run.id, file.name),
                icon=":material/download:",
                help=escape(file.place if file.in_folder else file.name),
            )
    if run.skipped:
        st.caption(
            _n(
                "{count} earlier report was missed because nothing was running.",
                "{count} earlier reports were missed because nothing was running.",
                run.skipped,
            )
        )
    if run.state == "failed" and run.error is not None:
        st.caption(f":red[{escape(run.error.sentence(language()))}] {name_run_state(run)}")


def _show_pager(page: int, total: int) -> None:
    last = (total - 1) // _A_PAGE
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.button(
            "",
            key="made_newer",
            icon=":material/chevron_left:",
            help=_("Newer"),
            disabled=page == 0,
            on_click=_turn,
            args=(page - 1,),
        )
        st.caption(_("Page {page} of {last}", page=page + 1, last=last + 1))
        st.button(
            "",
            key="made_older",
            icon=":material/chevron_right:",
            help=_("Older"),
            disabled=page >= last,
            on_click=_turn,
            args=(page + 1,),
        )


def _turn(page: int) -> None:
    st.session_state[_PAGE] = page


def _first_page() -> None:
    _turn(0)
