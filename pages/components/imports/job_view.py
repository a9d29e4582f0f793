"""An import that was started: how far it is, what came of each file, and where to go next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.image_imports.exports import OUTCOME_NAMES, stream_outcomes_csv
from core.image_imports.results import (
    ADDED,
    DUPLICATE,
    LEFT_OUT,
    REFUSED,
    WAITING,
    list_imported_products,
    list_imports,
    list_rows,
    view_import,
)
from core.image_imports.starting import cancel, go_on
from core.images.notes import describe_note, notes_to_check
from core.jobs.terms import STAGE_NAMES
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from pages.components.deployment.job_panel import JOB_STATES
from pages.components.shared.job_decisions import show_job_decisions
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, byte_size, duration, escape, language, moment, number
from pages.components.shared.noted_downloads import noted
from pages.components.shared.screens import DEFECT_IMAGES, MEMORY_BANKS, NORMAL_IMAGES, link_to
from pages.components.shared.session import (
    person,
    say_after_rerun,
    seconds_since_worker_start,
    services,
    show_error,
    show_worker_missing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.image_imports.results import ImportRow, ImportView

_ICONS = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/autorenew:"),
    "succeeded": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/block:"),
}
_PAGE = 50
_MOST_PRODUCTS = 6
_STEP = 8
_SHOWN = "imports_shown"


@st.fragment(run_every=1.0)
def show_live(job_id: int) -> None:
    """Draw an import that waits or runs; the whole page runs again when that is over."""
    since_start_s = seconds_since_worker_start()
    try:
        found = view_import(services(), person(), job_id)
    except AppError as error:
        # The next second asks again: the worker goes on without this page.
        show_error(error)
        return
    if found.is_over:
        say_after_rerun(_("Import {number} has ended.", number=job_id))
        st.rerun(scope="app")
    _show_head(found)
    show_worker_missing(since_start_s)


def show_over(found: ImportView) -> None:
    """Draw an import that is over: its head, the way on, and the outcome of each file."""
    _show_head(found)
    _show_next(found)
    _show_outcomes(found)


def show_import_list() -> int | None:
    """Draw the newest imports; return the job of the one that is to be opened."""
    wanted = st.session_state.get(_SHOWN, _STEP)
    found = list_imports(services(), person(), limit=wanted + 1)
    st.subheader(_("Imports so far"))
    if not found:
        st.caption(_("There is no import yet. What you start here is listed with what became of each file."))
        return None
    opened = None
    for one in found[:wanted]:
        color, icon = _ICONS.get(one.state, ("gray", ":material/help:"))
        with st.container(border=True, key=f"import_{one.job_id}"):
            words, button = st.columns([4, 1], vertical_alignment="center")
            state = f":{color}[{icon}] **{label_of(JOB_STATES, one.state)}**"
            told = _("{added} of {total} taken in", added=number(one.n_added), total=number(one.n_images))
            if one.n_refused:
                told += " · " + _n("{count} refused", "{count} refused", one.n_refused)
            words.markdown(f"{state} · {told}  \n{escape(one.title)} · {moment(one.created_at)}")
            if button.button(_("Show the files"), key=f"import_open_{one.job_id}", width="stretch"):
                opened = one.job_id
    if len(found) > wanted and st.button(_("Show more"), key="imports_more", icon=":material/expand_more:"):
        st.session_state[_SHOWN] = wanted + _STEP
        st.rerun()
    return opened


def _show_head(found: ImportView) -> None:
    job = found.job
    with st.container(border=True, key=f"import_head_{job.id}"):
        words, button = st.columns([4, 1], vertical_alignment="center")
        color, icon = _ICONS.get(job.state, ("gray", ":material/help:"))
        words.markdown(f":{color}[{icon}] **{label_of(JOB_STATES, job.state)}** · {escape(found.title)}")
        by = _("started by {name}", name=escape(_(job.created_by_name))) if job.created_by_name else ""
        words.caption(" · ".join(part for part in (moment(job.created_at), by) if part))
        with button:
            _show_decisions(found)
        settled = found.n_images - found.outcomes.get(WAITING, 0)
        if not found.is_over:
            share = found.done_bytes / found.byte_size if found.byte_size else settled / max(1, found.n_images)
            st.progress(min(1.0, share), text=_progress_text(found, settled))
        st.caption(_times(found))
        if job.error is not None:
            st.error(job.error.sentence(language()), icon=":material/error:")
            if found.can_go_on:
                st.caption(
                    _n(
                        "{count} image is still to be taken in: what is taken in stays, and nothing is stored twice.",
                        "{count} images are still to be taken in: what is taken in stays, and nothing is stored twice.",
                        found.outcomes.get(WAITING, 0),
                    )
                )
        with st.container(horizontal=True, key=f"import_outcomes_{job.id}"):
            for outcome in (ADDED, DUPLICATE, REFUSED, WAITING):
                if outcome != WAITING or found.outcomes.get(WAITING):
                    name = _("Not taken in") if outcome == WAITING and found.is_over else _(OUTCOME_NAMES[outcome])
                    st.metric(name, number(found.outcomes.get(outcome, 0)), width=150)
            st.metric(_("Masks"), number(found.n_masks), width=110)
            st.metric(_("Left out"), number(found.n_other), width=110)


def _progress_text(found: ImportView, settled: int) -> str:
    job = found.job
    if job.cancel_requested:
        return _("Stopping …")
    if job.state == "queued":
        if job.position is not None and job.position > 1:
            return _("Waiting: number {position} in the queue", position=job.position)
        return _("Waiting for the worker")
    counted = _(
        "{stage}: {done} of {total}",
        stage=label_of(STAGE_NAMES, job.stage),
        done=number(settled),
        total=number(found.n_images),
    )
    return f"{counted} · {byte_size(found.done_bytes)} / {byte_size(found.byte_size)}"


def _times(found: ImportView) -> str:
    job = found.job
    parts = [_n("{count} image", "{count} images", found.n_images)]
    if job.started_at is not None:
        took = duration(job.elapsed_s)
        parts.append(_("took {time}", time=took) if found.is_over else _("Running for {time}", time=took))
    if job.remaining_s is not None:
        parts.append(_("about {time} left", time=duration(job.remaining_s)))
    return " · ".join(parts)


def _show_decisions(found: ImportView) -> None:
    show_job_decisions(
        found.job,
        key="import",
        can_go_on=found.can_go_on,
        is_over=found.is_over,
        continue_label=_("Continue the import"),
        stop_question=_("Stop this import? What is taken in stays; the files that are left are not taken in."),
        go_on=go_on,
        cancel=cancel,
    )


def _show_next(found: ImportView) -> None:
    products = list_imported_products(services(), person(), found.job.id)
    if not products:
        return
    st.subheader(_("What next"))
    for product in products[:_MOST_PRODUCTS]:
        types = found.added.get(product.name) or found.added.get(product.code) or {}
        with st.container(border=True, key=f"import_next_{product.id}"):
            st.markdown(
                f"**{escape(product.name)}** · "
                + _n("{count} image taken in", "{count} images taken in", product.n_added)
            )
            query = {"product": str(product.id)}
            with st.container(horizontal=True):
                if not types or "" in types:
                    link_to(NORMAL_IMAGES, _("Look at the normal images"), icon=":material/image:", query=query)
                if not types or any(types):
                    link_to(DEFECT_IMAGES, _("Look at the defect images"), icon=":material/broken_image:", query=query)
                has_model = any(version.active_key for version in list_versions(services(), MEMORY_BANK, product.id))
                link_to(
                    MEMORY_BANKS,
                    _("Deploy the new images") if has_model else _("Build the memory bank"),
                    icon=":material/memory:",
                    query=query,
                )
    if len(products) > _MOST_PRODUCTS:
        st.caption(_n("and {count} more product", "and {count} more products", len(products) - _MOST_PRODUCTS))


def _show_outcomes(found: ImportView) -> None:
    import pandas as pd

    at, who, said = services(), person(), language()
    title, button = st.columns([3, 1], vertical_alignment="bottom")
    title.subheader(_("What became of each file"))
    button.download_button(
        _("Download as CSV"),
        data=noted(
            lambda: b"".join(stream_outcomes_csv(at, who, found.job.id, language=said)),
            "import_report",
            subject_type="job",
            subject_id=found.job.id,
        ),
        file_name=f"import-{found.job.id}.csv",
        mime="text/csv",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
    )
    counts = {**found.outcomes, LEFT_OUT: found.n_other}
    kinds = [outcome for outcome in (REFUSED, LEFT_OUT, DUPLICATE, WAITING, ADDED) if counts.get(outcome)]
    if not kinds:
        return
    chosen = st.segmented_control(
        _("Outcome"),
        kinds,
        key=f"import_rows_{found.job.id}",
        default=kinds[0],
        required=True,
        format_func=lambda outcome: f"{_(OUTCOME_NAMES[outcome])} ({number(counts[outcome])})",
    )
    pages = max(1, -(-counts[chosen or kinds[0]] // _PAGE))
    page = 1
    if pages > 1:
        page = int(st.number_input(_("Page"), 1, pages, key=f"import_page_{found.job.id}_{chosen}", width=140))
    rows = list_rows(
        services(), person(), found.job.id, outcome=chosen or kinds[0], limit=_PAGE, offset=(page - 1) * _PAGE
    )
    _link_to_trash(rows)
    st.dataframe(
        pd.DataFrame(
            [
                {
                    _("File"): row.path,
                    _("Product"): row.product,
                    _("Shows"): row.becomes or ("" if row.kind == "other" else _("Good part")),
                    _("Stored as"): row.stored_name,
                    _("Why"): row.error.sentence(language()) if row.error is not None else _say_notes(row.notes),
                }
                for row in rows
            ]
        ),
        hide_index=True,
        width="stretch",
        column_config={_("Why"): st.column_config.TextColumn(width="large")},
    )


def _link_to_trash(rows: Sequence[ImportRow]) -> None:
    """Show the way to the trash of each product that some of these files lie in."""
    there = [row for row in rows if row.error is not None and row.error.code == "image_in_trash"]
    by_product = {int(row.error.params["product_id"]): row.product for row in there if row.error is not None}
    for product_id, name in by_product.items():
        query = {"product": str(product_id), "show": "trash"}
        link_to(
            NORMAL_IMAGES, _("Open the trash of {product}", product=escape(name)), icon=":material/delete:", query=query
        )


def _say_notes(notes: tuple[str, ...]) -> str:
    return " ".join(describe_note(note, language()) for note in notes_to_check(notes))
