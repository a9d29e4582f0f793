"""A deployment while it runs, and what came of it: stages in words, progress, time, cancel, log, outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.jobs.outcomes import ACTIVATED, BUILT, CANDIDATE, ProductOutcome
from core.jobs.queue import cancel
from core.jobs.terms import (
    BACKUP_KINDS,
    BATCH_INSPECTION,
    COMPARISON,
    IMAGE_IMPORT,
    JOB_KIND_NAMES,
    MEASUREMENT,
    STAGE_NAMES,
)
from core.jobs.views import JobView, list_jobs, list_unfinished, running_job, view
from core.models.figures import ManualFigures
from core.models.judgment_words import weak_remedy
from core.models.kinds import MEMORY_BANK
from pages.components.deployment.defect_head import describe_learning
from pages.components.deployment.inspect_now import show_inspect_now
from pages.components.deployment.job_log import log_sentence, reason_sentence
from pages.components.deployment.judgment_view import describe_reasons, describe_weak
from pages.components.deployment.metrics import describe_metrics
from pages.components.deployment.sources import describe_manuals, describe_set_apart
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, clock, duration, escape, language, moment, number
from pages.components.shared.screens import MODEL_REPORT, NORMAL_IMAGES, link_to
from pages.components.shared.session import (
    person,
    say_after_rerun,
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
    showing_errors,
)
from pages.components.shared.view_choice import title_view

if TYPE_CHECKING:
    from collections.abc import Mapping

JOB_STATES: dict[str, str] = {
    "queued": N_("Waiting"),
    "running": N_("Running"),
    "succeeded": N_("Finished"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}
_OUTCOMES: dict[str, tuple[str, str, str]] = {
    "activated": (":material/check_circle:", "green", N_("built and in use")),
    "unchanged": (":material/check_circle:", "gray", N_("was up to date already")),
    "candidate": (":material/pause_circle:", "orange", N_("built, and measures worse: the version in use stays")),
    "held_back": (":material/pause_circle:", "orange", N_("built, and waits: what speaks against it stands below")),
    "overridden": (":material/check_circle:", "orange", N_("built and in use, in spite of what stands below")),
    "by_hand": (":material/pause_circle:", "orange", N_("built, and waits for a person to put it into use")),
    "retired": (":material/archive:", "gray", N_("taken out of use: nothing is left to build it from")),
    "measured": (":material/check_circle:", "green", N_("measured on the test images")),
    "failed": (":material/error:", "red", N_("not built")),
    "skipped": (":material/skip_next:", "gray", N_("skipped")),
}
_LOG_LINES = 200
_MOST_SKIPPED = 20
_MOST_LINKED = 6
_FRESH = timedelta(minutes=10)


def show_job_panel(kind: str, product_names: Mapping[int, str]) -> bool:
    """Show the running or waiting job of `kind`, live, else the last outcome; return whether one is under way."""
    current = running_job(services(), kind)
    if current is not None:
        show_live(current.id, dict(product_names))
        return True
    _show_queue(None, product_names)
    finished = list_jobs(services(), kind=kind, limit=10)
    if finished:
        last = finished[0]
        fine = {"activated", "unchanged", "retired"}
        went_well = last.state == "succeeded" and all(found.outcome in fine for found in last.outcomes)
        asks = any(found.set_apart or found.weak_on_test for found in last.outcomes)
        with st.expander(
            _("Last deployment"), icon=":material/flag:", expanded=not went_well or asks or _is_fresh(last)
        ):
            show_finished(last, product_names)
            if kind == MEMORY_BANK:
                built = [found.product_id for found in last.outcomes if found.outcome == ACTIVATED]
                show_inspect_now([number for number in built if number in product_names], key=f"job_{last.id}")
    if len(finished) > 1:
        with st.expander(_("Earlier deployments"), icon=":material/history:"):
            for job in finished[1:]:
                show_finished(job, product_names)
                st.divider()
    return False


def _is_fresh(job: JobView) -> bool:
    return job.finished_at is not None and datetime.now(UTC) - job.finished_at < _FRESH


@st.fragment(run_every=1.0)
def show_live(job_id: int, product_names: dict[int, str]) -> None:
    """Show a job that waits or runs, anew each second; the whole page runs once more when it has ended."""
    since_start_s = seconds_since_worker_start()
    try:
        job = view(services(), job_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if job.state not in ("queued", "running"):
        if job.state == "succeeded":
            is_measurement = job.kind == MEASUREMENT
            say_after_rerun(_("The measurement is finished.") if is_measurement else _("The deployment is finished."))
        st.rerun(scope="app")
    with st.container(border=True, key=f"job_{job_id}"):
        head, stop = st.columns([4, 1], vertical_alignment="center")
        with head:
            st.markdown(f"**{_headline(job, product_names)}**")
        with stop:
            show_cancel(job)
        st.progress(_share(job), text=progress_text(job))
        st.caption(describe_times(job))
        show_worker_missing(since_start_s)
        _show_outcomes(job, product_names)
        _show_log(job)
    _show_queue(job.id, product_names)


def _show_queue(shown_id: int | None, product_names: Mapping[int, str]) -> None:
    """Show every other deployment that waits or runs, in the order of its turn: whatever kind it is of."""
    others = [job for job in list_unfinished(services()) if job.id != shown_id]
    if not others:
        return
    st.caption(_("Also in the queue:"))
    for job in others:
        words, stop = st.columns([5, 1], vertical_alignment="center")
        place = _("runs now") if job.state == "running" else _("number {position}", position=job.position or 1)
        about = [
            f"**{label_of(JOB_KIND_NAMES, job.kind)}**",
            place,
            _list_products(job, product_names),
            _("about {time} left", time=duration(job.remaining_s)) if job.remaining_s is not None else "",
            _("started by {name}", name=escape(_(job.created_by_name))) if job.created_by_name else "",
        ]
        words.caption(" · ".join(part for part in about if part))
        with stop:
            show_cancel(job)


def _list_products(job: JobView, product_names: Mapping[int, str]) -> str:
    names = [escape(product_names[number]) for number in job.product_ids if number in product_names]
    rest = len(job.product_ids) - len(names[:3])
    return ", ".join(names[:3]) + (" " + _n("and {count} more", "and {count} more", rest) if rest > 0 else "")


def _headline(job: JobView, product_names: Mapping[int, str]) -> str:
    if job.state == "queued":
        if job.position is not None and job.position > 1:
            return _("Waiting: number {position} in the queue", position=job.position)
        return _("Waiting for the worker")
    name = product_names.get(job.current_product_id or 0)
    done = len({outcome.product_id for outcome in job.outcomes} - {job.current_product_id})
    place = _("product {index} of {count}", index=min(done + 1, len(job.product_ids)), count=len(job.product_ids))
    return f"{escape(name)} · {place}" if name else place


def _share(job: JobView) -> float:
    return min(1.0, job.done / job.total) if job.total > 0 else 0.0


def progress_text(job: JobView) -> str:
    """Return the stage that the job is at, with its count."""
    if job.cancel_requested:
        return _("Stopping …")
    if job.state == "queued":
        return _("Nothing has started yet; what is in use stays in use.")
    stage = label_of(STAGE_NAMES, job.stage)
    if job.total > 1:
        return _("{stage}: {done} of {total}", stage=stage, done=number(job.done), total=number(job.total))
    return stage


def describe_times(job: JobView) -> str:
    """Return how long the job has been running, how long it will, and who started it."""
    parts = [_("Running for {time}", time=duration(job.elapsed_s))] if job.started_at else []
    if job.remaining_s is not None:
        parts.append(_("about {time} left", time=duration(job.remaining_s)))
    if job.created_by_name:
        parts.append(_("started by {name}", name=escape(_(job.created_by_name))))
    return " · ".join(parts)


def show_cancel(job: JobView) -> None:
    """Show the button that stops the job, once the person has confirmed it."""
    if job.cancel_requested:
        st.button(_("Stopping …"), key=f"cancelling_{job.id}", disabled=True, width="stretch")
        return
    with st.popover(_("Cancel"), icon=":material/stop_circle:", width="stretch", key=f"cancel_menu_{job.id}"):
        if job.kind == BATCH_INSPECTION:
            st.markdown(_("Stop this batch? What is inspected stays; the files that are left are not inspected."))
        elif job.kind == IMAGE_IMPORT:
            st.markdown(_("Stop this import? What is taken in stays; the files that are left are not taken in."))
        elif job.kind == COMPARISON:
            st.markdown(_("Stop this comparison? What is trained and predicted stays."))
        elif job.kind == MEASUREMENT:
            st.markdown(_("Stop this measurement? What was measured before stays."))
        elif job.kind in BACKUP_KINDS:
            st.markdown(_("Stop this? Nothing of a backup that is not whole is kept."))
        else:
            st.markdown(_("Stop this deployment? What is not finished is lost; the models in use stay."))
        if st.button(_("Yes, stop it"), key=f"cancel_{job.id}", type="primary"):
            with showing_errors():
                cancel(services(), person(), job.id)
                st.rerun()


def show_finished(job: JobView, product_names: Mapping[int, str]) -> None:
    """Show what came of a job."""
    icon = {"succeeded": ":material/check_circle:", "failed": ":material/error:"}.get(job.state, ":material/block:")
    color = {"succeeded": "green", "failed": "red"}.get(job.state, "gray")
    when = moment(job.finished_at or job.created_at)
    parts = [f":{color}[{icon}] **{label_of(JOB_STATES, job.state)}**", when, duration(job.elapsed_s)]
    if not job.outcomes:
        parts.append(_list_products(job, product_names))
    st.markdown(" · ".join(part for part in parts if part))
    if job.error is not None:
        st.error(job.error.sentence(language()), icon=":material/error:")
    _show_outcomes(job, product_names)
    _show_log(job)


def _show_outcomes(job: JobView, product_names: Mapping[int, str]) -> None:
    lines = [_describe_outcome(outcome, product_names) for outcome in job.outcomes]
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines))
    if job.kind == MEMORY_BANK:
        for outcome in job.outcomes[:_MOST_LINKED]:
            if outcome.version_id is not None:
                name = _name(outcome, product_names)
                query = {"version": str(outcome.version_id)}
                link_to(MODEL_REPORT, _("Model report: {product}", product=escape(name)), query=query)
    if any(outcome.set_apart for outcome in job.outcomes):
        link_to(NORMAL_IMAGES, _("Decide on the images that were set apart"))


def _name(outcome: ProductOutcome, product_names: Mapping[int, str]) -> str:
    """Return the product's name, with that of the view where the outcome is of one."""
    name = product_names.get(outcome.product_id) or outcome.code or "–"
    return name + title_view(outcome.product_id, outcome.view)


def _describe_outcome(outcome: ProductOutcome, product_names: Mapping[int, str]) -> str:
    result = outcome.outcome
    if outcome.held_back and result in BUILT:
        result = "held_back" if result == CANDIDATE else "overridden"
    elif outcome.reason == "by_hand":
        result = "by_hand"
    icon, color, words = _OUTCOMES.get(result, (":material/help:", "gray", ""))
    name = _name(outcome, product_names)
    line = f":{color}[{icon}] **{escape(name)}**: {_(words)}"
    if outcome.error is not None:
        line += f". {outcome.error.to_app_error().sentence(language())}"
    if outcome.metrics is not None and (figures := describe_metrics(outcome.metrics)):
        line += f" · {figures}"
    for said in describe_reasons(outcome.held_back):
        line += f"\n  - :orange[:material/front_hand:] {said}"
    if outcome.held_back and outcome.outcome == CANDIDATE:
        line += "\n  - " + _("Its pictures, and *Put into use*, are under Versions below.")
    if outcome.weak_on_test:
        for said in describe_weak(outcome.weak_on_test, outcome.product_id):
            line += f"\n  - :orange[:material/warning:] {said}"
        line += f"\n  - {escape(weak_remedy(outcome.weak_on_test, language()))}"
    for said in describe_learning(outcome):
        line += f"\n  - {said}"
    if outcome.set_apart:
        line += f"\n  - {describe_set_apart(outcome.set_apart)}"
    for notice in outcome.notices or ():
        line += f"\n  - :orange[:material/warning:] {notice.sentence(language())}"
    if isinstance(outcome.metrics, ManualFigures):
        line += f" · {describe_manuals(outcome.metrics)}"
    if outcome.skipped_manuals:
        named = ", ".join(escape(found.name) for found in outcome.skipped_manuals)
        line += " · " + _("left out: {names}", names=named)
    skipped = outcome.skipped_images or ()
    if skipped:
        line += " · " + _n("{count} image could not be used", "{count} images could not be used", len(skipped))
    for image in skipped[:_MOST_SKIPPED]:
        line += f"\n  - {escape(image.name)}: {reason_sentence(image.reason, {'name': image.name})}"
    rest = len(skipped) - _MOST_SKIPPED
    if rest > 0:
        line += "\n  - " + _n("and {count} more, named in the log", "and {count} more, named in the log", rest)
    return line


def _show_log(job: JobView) -> None:
    if not job.log:
        return
    with st.expander(_("Log"), icon=":material/article:", key=f"log_{job.id}"):
        lines = [f"{clock(line.at)}  {log_sentence(line)}" for line in job.log[-_LOG_LINES:]]
        st.code("\n".join(lines), language=None, wrap_lines=True, height=220)
