"""Carrying out what is wanted of chosen images: at once, or as a job that is watched; and taking a deletion back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError, Conflict
from core.images.gallery.change_jobs import start_change
from core.images.gallery.changes import DELETE, PART, ImageChange, apply_change, needs_job
from core.images.trash.listing import find_trashed
from core.images.trash.restoring import Restored, restore_images
from core.jobs.queue import cancel
from core.jobs.terms import IMAGE_CHANGE
from core.jobs.views import JobView, list_jobs, list_unfinished, view
from pages.components.gallery.selection import note_told
from pages.components.shared.language import _, _n, escape, language, number
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

_DELETED = "gallery_deleted"
_WATCHED = "gallery_watched_job"
_MOST_NAMED = 10


def carry_out(product_id: int, change: ImageChange, seen: Mapping[int, int]) -> bool:
    """Change these images (row version as it was seen, by id); return whether that was done, or is on its way.

    What stands in the way is shown here. The page has to run again afterwards.
    """
    try:
        if needs_job(change, len(seen)):
            job_id = start_change(services(), person(), product_id, change, seen)
            st.session_state[_WATCHED] = job_id
            say_after_rerun(_("The change is in the queue."), icon=":material/schedule:")
            return True
        changed = apply_change(services(), person(), change, seen)
    except AppError as error:
        show_error(error)
        if isinstance(error, Conflict):
            note_told()
        return False
    if change.action == DELETE:
        st.session_state[_DELETED] = (product_id, list(seen))
        return True
    if not changed:
        st.info(_("Nothing was changed: it was so already."), icon=":material/info:")
        return False
    if change.action == PART:
        say_after_rerun(_n("Part noted at {count} image.", "Part noted at {count} images.", changed))
    else:
        say_after_rerun(_n("{count} image re-labelled.", "{count} images re-labelled.", changed))
    return True


def note_deleted(product_id: int, image_ids: Sequence[int]) -> None:
    """Offer to put back what was just deleted, on this screen."""
    st.session_state[_DELETED] = (product_id, list(image_ids))


def show_undo(product_id: int) -> None:
    """Say what was just deleted, with the key that puts it back."""
    owner, ids = st.session_state.get(_DELETED, (None, []))
    if owner != product_id or not ids:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="gallery_undo_bar"):
        words = _n("{count} image is in the trash.", "{count} images are in the trash.", len(ids))
        st.markdown(f":material/delete: **{words}** " + _("It can be put back for 30 days."), width="content")
        st.space("stretch")
        if st.button(_("Undo"), key="gallery_undo", icon=":material/undo:", type="primary"):
            with showing_errors():
                trashed = find_trashed(services(), ids)
                st.session_state.pop(_DELETED, None)
                say_restored(restore_images(services(), person(), trashed))
                st.rerun(scope="app")
        if st.button("", key="gallery_undo_close", icon=":material/close:", type="tertiary", help=_("Close")):
            st.session_state.pop(_DELETED, None)
            st.rerun()


def say_restored(outcomes: Sequence[Restored]) -> None:
    """Say how many images are back, and what stands in the way of each of the others."""
    back = sum(outcome.error is None for outcome in outcomes)
    if back:
        say_after_rerun(_n("{count} image put back.", "{count} images put back.", back), icon=":material/undo:")
    reasons = [outcome.error.sentence(language()) for outcome in outcomes if outcome.error is not None]
    for reason in reasons[:_MOST_NAMED]:
        say_after_rerun(escape(reason), icon=":material/error:")
    if len(reasons) > _MOST_NAMED:
        rest = len(reasons) - _MOST_NAMED
        say_after_rerun(_n("and {count} more", "and {count} more", rest), icon=":material/error:")


def show_change(product_id: int) -> None:
    """Show the change of the product's images that waits or runs, live, or what came of the last one."""
    unfinished = [job for job in list_unfinished(services()) if job.kind == IMAGE_CHANGE]
    job = next((job for job in unfinished if product_id in job.product_ids), None)
    if job is not None:
        st.session_state[_WATCHED] = job.id
        _show_live(job.id)
        return
    watched = st.session_state.get(_WATCHED)
    last = next((one for one in list_jobs(services(), kind=IMAGE_CHANGE, limit=5) if one.id == watched), None)
    if last is not None and product_id in last.product_ids:
        _show_end(last)


@st.fragment(run_every=1.0)
def _show_live(job_id: int) -> None:
    since_start_s = seconds_since_worker_start()
    try:
        job = view(services(), job_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if job.state not in ("queued", "running"):
        st.rerun(scope="app")
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="gallery_change"):
        words = (
            _("Changing images: {done} of {total}", done=number(job.done), total=number(job.total))
            if job.total
            else _("Changing images: waits for its turn")
        )
        st.progress(job.done / job.total if job.total else 0.0, text=words)
        if may(ENGINEER) and not job.cancel_requested:
            if st.button(_("Cancel"), key="gallery_change_cancel", icon=":material/stop_circle:"):
                with showing_errors():
                    cancel(services(), person(), job.id)
                    st.rerun()
        else:
            st.caption(_("Stopping …"))
    show_worker_missing(since_start_s)


def _show_end(job: JobView) -> None:
    skipped = [file.name for outcome in job.outcomes for file in outcome.skipped_images or ()]
    with st.container(border=True, key="gallery_changed"):
        if job.state == "succeeded" and not skipped:
            st.success(_("The images are changed."), icon=":material/check_circle:")
        elif job.state == "succeeded":
            names = ", ".join(escape(name) for name in skipped[:_MOST_NAMED])
            st.warning(
                _(
                    "The images are changed. Somebody else changed some of them meanwhile; these stay as they are: "
                    "{names}",
                    names=names + (" …" if len(skipped) > _MOST_NAMED else ""),
                ),
                icon=":material/warning:",
            )
        elif job.error is not None:
            st.error(job.error.sentence(language()), icon=":material/error:")
        else:
            st.info(_("The change was stopped. What was changed before stays so."), icon=":material/stop_circle:")
        if st.button(_("Close"), key="gallery_changed_close", icon=":material/close:"):
            st.session_state.pop(_WATCHED, None)
            st.rerun()
