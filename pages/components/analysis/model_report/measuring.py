"""Measuring a version on its test images: the start, the job while it runs, and what to do where nothing can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.jobs.terms import MEASUREMENT
from core.jobs.views import list_jobs, list_unfinished
from core.model_report.measurement import start_measurement
from core.registry.retention import is_kept
from pages.components.deployment.job_panel import show_finished, show_live
from pages.components.shared.language import _, escape, number, product_name
from pages.components.shared.screens import DEFECT_IMAGES, MEMORY_BANKS, NORMAL_IMAGES, link_to
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.model_report.records import ModelReport
    from storage.tables import ModelVersion, Product


def show_without_version(product: Product) -> None:
    """Say that the product has no memory bank yet, and where one is built."""
    st.info(
        _(
            "{product} has no memory bank yet: build one, then its report is here.",
            product=escape(product_name(product)),
        ),
        icon=":material/memory:",
    )
    link_to(MEMORY_BANKS, _("Build the memory bank"))


def show_without_images(product: Product) -> None:
    """Say that the product has no test images, and where they are added."""
    st.info(
        _(
            "{product} has no test images. A report needs images that no build has seen: give good and defect "
            "images the split “test”.",
            product=escape(product_name(product)),
        ),
        icon=":material/image_search:",
    )
    link_to(NORMAL_IMAGES, _("Add normal images"))
    link_to(DEFECT_IMAGES, _("Add defect images"))


def show_not_measured(version: ModelVersion, product: Product) -> None:
    """Say that the version was not measured yet, and offer to do it; show the measurement while it runs."""
    if show_running(product):
        return
    st.info(
        _("This version was not measured on the test images yet: the model has to look at each of them once."),
        icon=":material/query_stats:",
    )
    if is_kept(version):
        offer_measurement(version.id, label=_("Measure now"), primary=True)
    else:
        st.caption(_("Its model is no longer kept: this version cannot be measured any more."))


def show_freshness(report: ModelReport, product: Product) -> None:
    """Say that the test images have changed since they were measured, and offer to measure again."""
    if show_running(product) or report.freshness.is_current:
        return
    words, button = st.columns([3, 1], vertical_alignment="center")
    words.warning(
        _(
            "The test images, their labels or masks have changed since this version was measured: "
            "{before} then, {now} now.",
            before=number(len(report.images)),
            now=number(report.freshness.images_now),
        ),
        icon=":material/history:",
    )
    with button:
        offer_measurement(report.head.version_id, label=_("Measure again"), primary=False)


def show_running(product: Product) -> bool:
    """Show the measurement that waits or runs, live, or why the last one failed; return whether one is under way."""
    names = {product.id: product_name(product)}
    ours = [job for job in list_unfinished(services()) if job.kind == MEASUREMENT and product.id in job.product_ids]
    if ours:
        show_live(ours[0].id, names)
        return True
    last = next((job for job in list_jobs(services(), kind=MEASUREMENT) if product.id in job.product_ids), None)
    if last is not None and last.state == "failed":
        with st.expander(_("The last measurement failed"), icon=":material/error:", expanded=True):
            show_finished(last, names)
    return False


def offer_measurement(version_id: int, *, label: str, primary: bool) -> None:
    """Show the button that starts a measurement."""
    if not st.button(
        label,
        key=f"measure_{version_id}",
        type="primary" if primary else "secondary",
        icon=":material/play_arrow:",
    ):
        return
    try:
        start_measurement(services(), person(), version_id)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The measurement is in the queue."), icon=":material/schedule:")
    st.rerun()
