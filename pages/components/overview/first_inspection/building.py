"""Step 2: the deployment while it runs, stage by stage, and what stopped it where it was stopped."""

from __future__ import annotations

import streamlit as st

from core.deployments.kinds.registry import find_steps
from core.errors import AppError
from core.jobs.terms import STAGE_NAMES
from core.jobs.views import JobView, view
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from pages.components.deployment.job_panel import JOB_STATES, describe_times, progress_text, show_cancel
from pages.components.deployment.judgment_view import show_reasons
from pages.components.overview.first_inspection.importing import start_deployment
from pages.components.overview.first_inspection.place import Place, add_images_to
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, escape, language, product_name
from pages.components.shared.screens import MEMORY_BANKS, link_to
from pages.components.shared.session import (
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
)

_WAITING = ("queued", "running")


def show_building(place: Place) -> None:
    """Show the running deployment of the product, live."""
    assert place.product is not None
    assert place.job is not None
    st.subheader(_("“{name}” is being deployed", name=escape(product_name(place.product))))
    _show_live(place.job.id)
    st.caption(_("This page may be left, closed or loaded again: the deployment goes on, and this address shows it."))


@st.fragment(run_every=1.0)
def _show_live(job_id: int) -> None:
    since_start_s = seconds_since_worker_start()
    try:
        job = view(services(), job_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if job.state not in _WAITING:
        st.rerun(scope="app")
    with st.container(border=True, key="first_stages"):
        st.markdown("  \n".join(_describe_stages(job)))
        share = min(1.0, job.done / job.total) if job.total > 0 else 0.0
        st.progress(share, text=_headline(job))
        times, stop = st.columns([3, 1], vertical_alignment="center")
        times.caption(describe_times(job) or _("Nothing has started yet."))
        with stop:
            show_cancel(job)
        show_worker_missing(since_start_s)


def _headline(job: JobView) -> str:
    if job.cancel_requested:
        return _("Stopping …")
    if job.state == "queued":
        if job.position is not None and job.position > 1:
            return _("Waiting: number {position} in the queue", position=job.position)
        return _("Waiting for the worker")
    return progress_text(job)


def _describe_stages(job: JobView) -> list[str]:
    """Return one line for each stage: done, running with its count, or to come."""
    shares = find_steps(MEMORY_BANK).stages
    stages = sorted(shares, key=lambda stage: shares[stage])
    at = stages.index(job.stage) if job.state == "running" and job.stage in stages else -1
    lines = []
    for place, stage in enumerate(stages):
        if place < at:
            lines.append(f":green[:material/check_circle:] {label_of(STAGE_NAMES, stage)}")
        elif place == at:
            lines.append(f":blue[:material/pending:] **{progress_text(job)}**")
        else:
            lines.append(f":gray[:material/radio_button_unchecked:] {label_of(STAGE_NAMES, stage)}")
    return lines


def show_stopped(place: Place) -> None:
    """Say why the deployment has left the product without its new model, and what can be done."""
    product, job = place.product, place.job
    assert product is not None
    assert job is not None
    outcome = next((found for found in job.outcomes if found.product_id == product.id), None)
    waits = outcome is not None and outcome.outcome == "candidate"
    st.subheader(
        _("The model of “{name}” waits for a decision", name=escape(product_name(product)))
        if waits
        else _("“{name}” was not deployed", name=escape(product_name(product)))
    )
    if job.error is not None:
        st.error(job.error.sentence(language()), icon=":material/error:")
    elif outcome is not None and outcome.error is not None:
        st.error(outcome.error.to_app_error().sentence(language()), icon=":material/error:")
    elif waits:
        newest = next(iter(list_versions(services(), MEMORY_BANK, product.id)), None)
        st.info(
            _("It is built, but not in use yet. A person puts it into use under Memory banks."),
            icon=":material/pause_circle:",
        )
        if newest is not None:
            show_reasons(newest)
    else:
        st.warning(f"{label_of(JOB_STATES, job.state)}. {_('The images are kept.')}", icon=":material/block:")
    with st.container(horizontal=True):
        if waits:
            link_to(MEMORY_BANKS, _("See the versions"))
        elif st.button(_("Try again"), key="first_again", type="primary", icon=":material/refresh:"):
            try:
                start_deployment(product.id)
            except AppError as error:
                show_error(error)
            else:
                st.rerun()
        st.button(
            _("Add images"),
            key="first_more",
            icon=":material/add_photo_alternate:",
            on_click=add_images_to,
            args=(product.id,),
        )
