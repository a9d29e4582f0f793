"""Out of date: which models of a product and why, and one click to deploy them; on every screen that changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.deployments.start import list_stale, start_stale
from core.errors import AppError
from core.jobs.outcomes import ACTIVATED
from core.jobs.terms import JOB_KIND_NAMES
from core.jobs.views import list_unfinished, view
from core.models.kinds import KINDS, MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.registry.model_status import model_states
from core.registry.versions import has_active_version
from pages.components.deployment.inspect_now import show_inspect_now
from pages.components.deployment.job_panel import progress_text
from pages.components.deployment.sources import describe_changes
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, duration
from pages.components.shared.screens import MANUAL_INDEX as MANUAL_SCREEN
from pages.components.shared.screens import MEMORY_BANKS, link_to
from pages.components.shared.screens import SIMILARITY_INDEX as SIMILARITY_SCREEN
from pages.components.shared.session import may, person, say_after_rerun, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.registry.model_status import ModelState

# What images, preprocessing and the chosen models change.
IMAGE_KINDS = tuple(kind for kind in KINDS if kind != MANUAL_INDEX)
_SCREENS = {MEMORY_BANK: MEMORY_BANKS, SIMILARITY_INDEX: SIMILARITY_SCREEN, MANUAL_INDEX: MANUAL_SCREEN}


def show_deploy_notice(product_ids: Sequence[int], *, key: str, kinds: Sequence[str] = IMAGE_KINDS) -> None:
    """Show one line where a model of these products is out of date or missing, with the button to deploy it.

    What waits or runs already is shown, live, instead of offered again; what was started here ends with the way to the
    inspection.
    """
    if not product_ids or not may(ENGINEER):
        return
    states = model_states(services())
    stale = list_stale(services(), product_ids, kinds=kinds, states=states)
    if not stale:
        _show_ready(product_ids, key)
        return
    waiting = [job for job in list_unfinished(services()) if job.kind in stale]
    busy = {kind: {number for job in waiting if job.kind == kind for number in job.product_ids} for kind in stale}
    left = {kind: [number for number in ids if number not in busy[kind]] for kind, ids in stale.items()}
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"deploy_notice_{key}"):
        if not any(left.values()):
            _show_under_way([job.id for job in waiting])
            link_to(_SCREENS[next(iter(stale))], _("Look at it"))
            return
        words = _describe(stale, states, single=len(product_ids) == 1)
        st.markdown(f":orange[:material/update:] {words}", width="stretch")
        if all(states[(kind, number)].built for kind, ids in left.items() for number in ids):
            # To build once more would only give the same: what is missing is a person's decision.
            link_to(_SCREENS[next(iter(stale))], _("See the versions"))
            return
        if st.button(_("Deploy now"), key=f"deploy_now_{key}", type="primary", icon=":material/play_arrow:"):
            try:
                started = start_stale(services(), person(), product_ids, kinds=kinds)
            except AppError as error:
                show_error(error)
                return
            st.session_state[_started_key(key)] = (tuple(product_ids), tuple(started))
            say_after_rerun(_("The deployment is in the queue."), icon=":material/schedule:")
            st.rerun()


@st.fragment(run_every=2.0)
def _show_under_way(job_ids: list[int]) -> None:
    """Show where the first of these jobs stands; when none is left, the page says what came of them."""
    with showing_errors():
        jobs = [view(services(), job_id) for job_id in job_ids]
        left = [job for job in jobs if job.state in {"queued", "running"}]
        if not left:
            st.rerun(scope="app")
        job = min(left, key=lambda found: (found.state != "running", found.id))
        words = [
            _("The deployment is on its way. Inspection goes on meanwhile."),
            f"**{label_of(JOB_KIND_NAMES, job.kind)}**",
            progress_text(job) if job.state == "running" else "",
            _("about {time} left", time=duration(job.remaining_s)) if job.remaining_s is not None else "",
        ]
        st.markdown(":blue[:material/schedule:] " + " · ".join(part for part in words if part), width="stretch")


def _show_ready(product_ids: Sequence[int], key: str) -> None:
    """Say that what was started here is in use, with the way to the inspection."""
    shown_for, job_ids = st.session_state.get(_started_key(key), ((), ()))
    if shown_for != tuple(product_ids):
        return
    built: list[int] = []
    with showing_errors():
        for job in (view(services(), job_id) for job_id in job_ids):
            built += [found.product_id for found in job.outcomes if found.outcome == ACTIVATED]
        ready = [number for number in dict.fromkeys(built) if has_active_version(services(), MEMORY_BANK, number)]
        if not ready:
            return
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"deploy_ready_{key}"):
            st.markdown(
                ":green[:material/check_circle:] " + _("The deployment is finished. The new models are in use."),
                width="stretch",
            )
            show_inspect_now(ready, key=f"notice_{key}")
            if st.button(_("Close"), key=f"deploy_ready_close_{key}", icon=":material/close:", type="tertiary"):
                st.session_state.pop(_started_key(key), None)
                st.rerun()


def _started_key(key: str) -> str:
    return f"deploy_started_{key}"


def _describe(stale: dict[str, list[int]], states: Mapping[tuple[str, int], ModelState], *, single: bool) -> str:
    if not single:
        counts = [
            f"{label_of(JOB_KIND_NAMES, kind)}: {_n('{count} product', '{count} products', len(ids))}"
            for kind, ids in stale.items()
        ]
        if all(states[(kind, number)].built for kind, ids in stale.items() for number in ids):
            return _("A new version is built, but not in use") + " · " + " · ".join(counts)
        return _("Out of date or not built yet") + " · " + " · ".join(counts)
    parts = []
    for kind, (product_id,) in stale.items():
        state = states[(kind, product_id)]
        words = describe_changes(kind, state) or _("not built yet")
        parts.append(f"**{label_of(JOB_KIND_NAMES, kind)}**: {words}")
    is_first = all(states[(kind, ids[0])].state == "none" for kind, ids in stale.items())
    head = _("Not yet deployed") if MEMORY_BANK in stale or is_first else _("Out of date")
    return f"{head} · " + " · ".join(parts)
