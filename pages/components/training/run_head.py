"""How a run stands: state, stage, progress, times, images seen; cancel, go on, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ADMIN
from core.errors import AppError
from core.jobs.terms import STAGE_NAMES
from core.training.runs.control import cancel_run, delete_run, resume_run
from core.training.runs.overview import read_epochs, read_run
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, duration, escape, language, number, product_name
from pages.components.shared.session import (
    may,
    person,
    say_after_rerun,
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
    showing_errors,
)
from pages.components.training.address import open_run
from pages.components.training.curves import show_curves
from pages.components.training.wording import STOPPED_FOR, describe_about, describe_state, describe_version

if TYPE_CHECKING:
    from core.jobs.views import JobView
    from core.training.runs.records import EpochRow, RunView

_DELETE = "train_delete"


@st.fragment(run_every=1.0)
def show_live_run(run_id: int) -> None:
    """Draw a run that waits or runs, with its curves; the whole page runs again when that is over."""
    since_start_s = seconds_since_worker_start()
    try:
        run = read_run(services(), person(), run_id)
        epochs = read_epochs(services(), person(), run_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if run.head.is_over:
        say_after_rerun(_("Training run {number} has ended.", number=run_id))
        st.rerun(scope="app")
    _show(run, epochs)
    if run.head.state == "queued":
        show_worker_missing(since_start_s)
    show_curves(epochs, run.head.figure, best=None, planned=run.head.epochs, key="live")


def show_run_head(run: RunView, epochs: list[EpochRow]) -> None:
    """Draw the head of a run that is over."""
    _show(run, epochs)
    found = opened(_DELETE)
    if found is not None:
        confirm(
            _("Delete this training run?"),
            _(
                "Its network, figures and failed examples are deleted for good. Inspections that were made with it "
                "keep their results."
            ),
            action=_("Delete"),
            icon=":material/delete:",
            dialog=found,
            carry_out=_delete,
            danger=True,
        )


def _show(run: RunView, epochs: list[EpochRow]) -> None:
    head, job = run.head, run.job
    with st.container(border=True, key=f"train_head_{head.id}"):
        told, buttons = st.columns([4, 1.3], vertical_alignment="center")
        first = [describe_state(head), escape(product_name(head.product)), describe_version(head)]
        told.markdown(" · ".join(part for part in first if part))
        told.caption(describe_about(head))
        with buttons:
            _show_buttons(run)
        if not head.is_over and job is not None:
            share = job.done / job.total if job.total else 0.0
            st.progress(min(1.0, max(0.0, share)), text=_progress_text(job))
            _show_times(run, job, epochs)
        if head.error is not None:
            st.error(escape(head.error.to_app_error().sentence(language())), icon=":material/error:")
            if head.epochs_done:
                st.caption(_("What is trained stays: it goes on after epoch {epoch}.", epoch=head.epochs_done))
        if run.stopped_for in STOPPED_FOR:
            st.caption(f":material/info: {_(STOPPED_FOR[run.stopped_for])}")


def _show_times(run: RunView, job: JobView, epochs: list[EpochRow]) -> None:
    seen = epochs[-1].images_seen if epochs else 0
    remaining = "–" if job.remaining_s is None else duration(job.remaining_s)
    with st.container(horizontal=True, gap="medium", key=f"train_times_{run.head.id}"):
        st.markdown(f"{_('Running for')} **{duration(job.elapsed_s)}**")
        st.markdown(f"{_('Remaining')} **{remaining}**")
        if run.head.epochs:
            st.markdown(f"{_('Epoch')} **{run.head.epochs_done} / {run.head.epochs}**")
        if seen:
            st.markdown(f"{_('Images seen')} **{number(seen)}**")


def _show_buttons(run: RunView) -> None:
    head, job = run.head, run.job
    if head.can_resume and st.button(
        _("Go on with the training"), key="train_resume", type="primary", icon=":material/play_arrow:", width="stretch"
    ):
        with showing_errors():
            resume_run(services(), person(), head.id)
            st.rerun(scope="app")
    if not head.is_over:
        if job is not None and job.cancel_requested:
            st.button(_("Stopping …"), key="train_stopping", disabled=True, width="stretch")
            return
        with st.popover(_("Cancel"), icon=":material/stop_circle:", width="stretch", key="train_cancel_menu"):
            st.markdown(_("Stop this training? The epochs that are over stay, and it can go on later."))
            if st.button(_("Yes, stop it"), key="train_cancel", type="primary"):
                with showing_errors():
                    cancel_run(services(), person(), head.id)
                    st.rerun(scope="app")
        return
    # Deleting for good is the administrator's.
    if head.version_state != "active" and may(ADMIN):
        st.button(
            _("Delete"), key="train_delete", icon=":material/delete:", width="stretch",
            on_click=open_dialog, args=(_DELETE,), kwargs={"run_id": head.id},
        )  # fmt: skip


def _delete(dialog: OpenDialog) -> None:
    try:
        delete_run(services(), person(), int(dialog.values["run_id"]))
    except AppError as error:
        show_error(error)
        return
    close_dialog()
    say_after_rerun(_("The training run is deleted."))
    open_run(None)
    st.rerun()


def _progress_text(job: JobView) -> str:
    if job.cancel_requested:
        return _("Stopping …")
    if job.state == "queued":
        if job.position is not None and job.position > 1:
            return _("Waiting: number {position} in the queue", position=job.position)
        return _("Waiting for the worker")
    return label_of(STAGE_NAMES, job.stage)
