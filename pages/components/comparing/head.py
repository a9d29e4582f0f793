"""What a comparison is and how far it is: state, progress of each method, times, cancel and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.overview import list_progress, view_comparison
from core.comparisons.starting import cancel, go_on
from core.errors import AppError
from core.jobs.terms import STAGE_NAMES
from pages.components.deployment.job_panel import JOB_STATES
from pages.components.shared.job_decisions import show_job_decisions
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, duration, escape, language, moment, number, product_name
from pages.components.shared.session import (
    say_after_rerun,
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
)

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView, EntryProgress

_ICONS = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/autorenew:"),
    "succeeded": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/block:"),
}


def describe_state(comparison: ComparisonView) -> str:
    """Return the state in a word, with its icon and color."""
    color, icon = _ICONS.get(comparison.state, ("gray", ":material/help:"))
    return f":{color}[{icon}] **{label_of(JOB_STATES, comparison.state)}**"


def describe_about(comparison: ComparisonView) -> str:
    """Return number, name, dataset version, when and by whom, in one line."""
    job = comparison.job
    parts = [
        _("Comparison {number}", number=comparison.id),
        escape(comparison.name),
        _("dataset version {number}", number=comparison.dataset_number),
        moment(job.created_at) if job is not None else "",
        _("started by {name}", name=escape(_(job.created_by_name))) if job is not None and job.created_by_name else "",
    ]
    return " · ".join(part for part in parts if part)


@st.fragment(run_every=1.0)
def show_live_head(comparison_id: int) -> None:
    """Draw the head of a comparison that waits or runs; the whole page runs again when that is over."""
    since_start_s = seconds_since_worker_start()
    try:
        comparison = view_comparison(services(), comparison_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if comparison.is_over:
        say_after_rerun(_("Comparison {number} has ended.", number=comparison_id))
        st.rerun(scope="app")
    _show(comparison)
    show_worker_missing(since_start_s)


@st.fragment
def show_head(comparison: ComparisonView) -> None:
    """Draw the head of a comparison that is over."""
    _show(comparison)


def _show(comparison: ComparisonView) -> None:
    job = comparison.job
    with st.container(border=True, key=f"comparison_head_{comparison.id}"):
        told, button = st.columns([4, 1], vertical_alignment="center")
        told.markdown(f"{describe_state(comparison)} · {escape(product_name(comparison.product))}")
        told.caption(describe_about(comparison))
        if job is None:
            return
        with button:
            show_job_decisions(
                job,
                key="comparison",
                can_go_on=comparison.can_go_on,
                is_over=comparison.is_over,
                continue_label=_("Continue the comparison"),
                stop_question=_("Stop this comparison? What is trained and predicted stays."),
                go_on=go_on,
                cancel=cancel,
            )
        if not comparison.is_over:
            share = job.done / job.total if job.total else 0.0
            st.progress(min(1.0, share), text=_progress_text(comparison))
            for one in list_progress(services(), comparison):
                st.caption(_describe_progress(one))
        if job.started_at is not None:
            took = duration(job.elapsed_s)
            st.caption(_("took {time}", time=took) if comparison.is_over else _("Running for {time}", time=took))
        if job.error is not None:
            st.error(job.error.sentence(language()), icon=":material/error:")
            if comparison.can_go_on:
                st.caption(_("What is trained and predicted stays, and no method is asked about an image twice."))


def _progress_text(comparison: ComparisonView) -> str:
    job = comparison.job
    assert job is not None
    if job.cancel_requested:
        return _("Stopping …")
    if job.state == "queued":
        if job.position is not None and job.position > 1:
            return _("Waiting: number {position} in the queue", position=job.position)
        return _("Waiting for the worker")
    stage = label_of(STAGE_NAMES, job.stage)
    if not job.total:
        return stage
    return _("{stage}: {done} of {total}", stage=stage, done=number(job.done), total=number(job.total))


def _describe_progress(one: EntryProgress) -> str:
    if one.done and one.done >= one.total:
        icon = ":green[:material/check:]" if not one.errors else ":orange[:material/error:]"
    else:
        icon = ":blue[:material/autorenew:]" if one.done else ":gray[:material/schedule:]"
    text = f"{icon} {escape(one.entry.key.replace('@', ' · '))}: {number(one.done)}"
    if not one.entry.is_combination:
        text += f" / {number(one.total)}"
    if one.errors:
        text += " · " + _n("{count} without a prediction", "{count} without a prediction", one.errors)
    return text
