"""The state of the backups in one line, and making or checking one now, live while it runs."""

from __future__ import annotations

import streamlit as st

from core.backups.jobs import DRILL, VERIFY, start_backup, start_check
from core.backups.schedule import backup_root
from core.backups.status import BackupStanding, find_backup_standing
from core.errors import AppError
from core.jobs.terms import BACKUP, BACKUP_KINDS, JOB_KIND_NAMES
from core.jobs.views import JobView, list_unfinished, view
from pages.components.deployment.job_panel import describe_times, progress_text, show_cancel
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, duration, escape, language, moment
from pages.components.shared.session import (
    person,
    say_after_rerun,
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
    showing_errors,
)

_DAY_S = 24 * 3600


def show_standing() -> None:
    """Say how old the last backup is, and what is wrong with it."""
    found = find_backup_standing(services())
    if found.failed is not None and found.failed.error is not None:
        st.error(
            _("The last backup failed ({time}).", time=moment(found.failed.began_at))
            + " "
            + escape(found.failed.error.sentence(language())),
            icon=":material/error:",
        )
    if found.last is None or found.age is None:
        st.warning(
            _("No backup was made yet. If this machine is lost now, everything in Geomsa is lost with it."),
            icon=":material/warning:",
        )
    elif found.is_old:
        st.error(_last_words(found) + " " + _("That is longer ago than twice the schedule."), icon=":material/error:")
    elif not found.schedule.is_active:
        st.warning(
            _last_words(found) + " " + _("No schedule is set up: none is made by itself."), icon=":material/warning:"
        )
    else:
        st.success(_last_words(found), icon=":material/check_circle:")
    if services().settings.backup_key is None:
        st.warning(
            _(
                "Backups are not encrypted: no key is set. They hold secrets, such as the keys that sign sessions and "
                "those of the targets that results are sent to. Set GEOMSA_BACKUP_KEY_FILE on the server, and keep a "
                "copy of the key where the backups are not."
            ),
            icon=":material/lock_open:",
        )


def show_actions() -> None:
    """Show what runs now, live, or the buttons that start something."""
    running = next((job for job in list_unfinished(services()) if job.kind in BACKUP_KINDS), None)
    if running is not None:
        _show_live(running.id)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="backup_actions"):
        if st.button(_("Make a backup now"), icon=":material/backup:", type="primary", key="backup_now"):
            _start(lambda: start_backup(services(), person(), full=False))
        if st.button(_("Full backup now"), icon=":material/database:", key="backup_full"):
            _start(lambda: start_backup(services(), person(), full=True))
        if find_backup_standing(services()).last is not None:
            if st.button(
                _("Verify the newest"),
                icon=":material/verified:",
                key="backup_verify",
                help=_("Reads every file of it, and says whether all is as it was written."),
            ):
                _start(lambda: start_check(services(), person(), how=VERIFY))
            if st.button(
                _("Try a restore"),
                icon=":material/settings_backup_restore:",
                key="backup_drill",
                help=_(
                    "Restores the newest backup into a temporary place, looks whether everything is there, and deletes "
                    "it again. The running system is not touched."
                ),
            ):
                _start(lambda: start_check(services(), person(), how=DRILL))
    st.caption(_("They are written to {folder} on the server.", folder=f"`{backup_root(services().settings)}`"))


@st.fragment(run_every=1.0)
def _show_live(job_id: int) -> None:
    """Show a backup that waits or runs, anew each second; the whole page runs once more when it has ended."""
    since_start_s = seconds_since_worker_start()
    try:
        job = view(services(), job_id)
    except AppError as error:
        # The next second asks again.
        show_error(error)
        return
    if job.state not in ("queued", "running"):
        _say_end(job)
        st.rerun(scope="app")
    with st.container(border=True, key="backup_live"):
        head, stop = st.columns([4, 1], vertical_alignment="center")
        head.markdown(f"**{label_of(JOB_KIND_NAMES, job.kind)}**")
        with stop:
            show_cancel(job)
        share = min(1.0, job.done / job.total) if job.total else 0.0
        waits = _("Waiting for the worker") if job.state == "queued" else progress_text(job)
        st.progress(share, text=waits)
        st.caption(describe_times(job))
        show_worker_missing(since_start_s)


def _say_end(job: JobView) -> None:
    if job.state == "succeeded":
        done = _("The backup is made and verified.") if job.kind == BACKUP else _("The backup is whole.")
        say_after_rerun(done, ":material/check_circle:")
    elif job.state == "failed" and job.error is not None:
        say_after_rerun(escape(job.error.sentence(language())), ":material/error:")


def _start(order: object) -> None:
    with showing_errors():
        assert callable(order)
        order()
        st.rerun()


def _last_words(found: BackupStanding) -> str:
    assert found.last is not None
    assert found.age is not None
    seconds = found.age.total_seconds()
    days = _n("{count} day ago", "{count} days ago", found.age.days)
    age = _("{time} ago", time=duration(seconds)) if seconds < _DAY_S else days
    proven = _("verified") if found.last.verified_at is not None else _("not verified yet")
    return _("Last backup: {time} ({age}), {proven}.", time=moment(found.last.began_at), age=age, proven=proven)
