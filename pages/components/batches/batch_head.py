"""What a batch is and how far it is: state, progress, times, counts by verdict, cancel and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.batches.overview import view_batch
from core.batches.starting import cancel, go_on
from core.errors import AppError
from core.inspections.terms import VERDICT_NAMES, VERDICTS
from core.jobs.terms import STAGE_NAMES
from pages.components.deployment.job_panel import JOB_STATES
from pages.components.shared.job_decisions import show_job_decisions
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, duration, escape, language, moment, number, product_name
from pages.components.shared.session import (
    may,
    person,
    say_after_rerun,
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
)

if TYPE_CHECKING:
    from core.batches.overview import BatchView

_ICONS = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/autorenew:"),
    "succeeded": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/block:"),
}


def describe_state(batch: BatchView) -> str:
    """Return the state in a word, with its icon and color."""
    color, icon = _ICONS.get(batch.job.state, ("gray", ":material/help:"))
    return f":{color}[{icon}] **{label_of(JOB_STATES, batch.job.state)}**"


def describe_details(batch: BatchView) -> str:
    """Return what holds of all its files, in one line."""
    job = batch.job
    parts = [
        escape(batch.title),
        *(escape(text) for text in (batch.line, batch.lot, batch.shift) if text),
        moment(job.created_at),
        _("started by {name}", name=escape(_(job.created_by_name))) if job.created_by_name else "",
    ]
    return " · ".join(part for part in parts if part)


def may_decide(batch: BatchView) -> bool:
    """Return whether this person may cancel the batch, or let it go on."""
    return batch.created_by == person().id or may(ENGINEER)


@st.fragment(run_every=1.0)
def show_live_head(job_id: int) -> None:
    """Draw the head of a batch that waits or runs; the whole page runs again when that is over."""
    since_start_s = seconds_since_worker_start()
    try:
        batch = view_batch(services(), job_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if batch.is_over:
        say_after_rerun(_("Batch {number} has ended.", number=job_id))
        st.rerun(scope="app")
    _show_head(batch)
    show_worker_missing(since_start_s)


@st.fragment
def show_head(batch: BatchView) -> None:
    """Draw the head of a batch that is over."""
    _show_head(batch)


def _show_head(batch: BatchView) -> None:
    job = batch.job
    with st.container(border=True, key=f"batch_head_{job.id}"):
        words, button = st.columns([4, 1], vertical_alignment="center")
        words.markdown(f"{describe_state(batch)} · {escape(product_name(batch.product))}")
        words.caption(describe_details(batch))
        with button:
            _show_decisions(batch)
        settled = batch.n_done + batch.n_failed
        if not batch.is_over:
            st.progress(settled / max(1, batch.n_files), text=_progress_text(batch))
        st.caption(_times(batch))
        if job.error is not None:
            st.error(job.error.sentence(language()), icon=":material/error:")
            if batch.can_go_on:
                st.caption(
                    _n(
                        "{count} file is still to be inspected: what is inspected stays, and nothing is inspected "
                        "twice.",
                        "{count} files are still to be inspected: what is inspected stays, and nothing is inspected "
                        "twice.",
                        batch.n_waiting,
                    )
                )
        _show_counts(batch)


def _progress_text(batch: BatchView) -> str:
    job = batch.job
    if job.cancel_requested:
        return _("Stopping …")
    if job.state == "queued":
        if job.position is not None and job.position > 1:
            return _("Waiting: number {position} in the queue", position=job.position)
        return _("Waiting for the worker")
    return _(
        "{stage}: {done} of {total}",
        stage=label_of(STAGE_NAMES, job.stage),
        done=number(batch.n_done + batch.n_failed),
        total=number(batch.n_files),
    )


def _times(batch: BatchView) -> str:
    job = batch.job
    parts = [_n("{count} file", "{count} files", batch.n_files)]
    if job.started_at is not None:
        took = duration(job.elapsed_s)
        parts.append(_("took {time}", time=took) if batch.is_over else _("Running for {time}", time=took))
    if job.remaining_s is not None:
        parts.append(_("about {time} left", time=duration(job.remaining_s)))
    return " · ".join(parts)


def _show_counts(batch: BatchView) -> None:
    waiting = _("Not inspected") if batch.is_over else _("Waiting")
    counts = [(_(VERDICT_NAMES[verdict]), batch.verdicts[verdict]) for verdict in VERDICTS]
    counts += [(_("Refused"), batch.n_failed), (waiting, batch.n_waiting)]
    with st.container(horizontal=True, key=f"batch_counts_{batch.job.id}"):
        for label, count in counts:
            st.metric(label, number(count), width=130)


def _show_decisions(batch: BatchView) -> None:
    if not may_decide(batch):
        return
    show_job_decisions(
        batch.job,
        key="batch",
        can_go_on=batch.can_go_on,
        is_over=batch.is_over,
        continue_label=_("Continue the batch"),
        stop_question=_("Stop this batch? What is inspected stays; the files that are left are not inspected."),
        go_on=go_on,
        cancel=cancel,
    )
