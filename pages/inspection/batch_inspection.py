"""Batch inspection: many images as one job; results while it runs, and afterwards for as long as they are kept."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER, WORKER
from core.batches.overview import view_batch
from core.catalog.products import list_products
from core.errors import NotFound
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from pages.components.batches.batch_head import show_head, show_live_head
from pages.components.batches.batch_list import show_batch_list
from pages.components.batches.results import show_results
from pages.components.batches.start_form import show_start_form
from pages.components.shared import screens
from pages.components.shared.language import _, escape, product_name
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import may, require, services

_ADDRESS = "batch"
_MOST_DIGITS = 18  # as many as every database's largest number has


def open_batch(job_id: int | None) -> None:
    """Name the batch in the address, and draw the page with it; None for the list."""
    if job_id is None:
        st.query_params.pop(_ADDRESS, None)
    else:
        st.query_params[_ADDRESS] = str(job_id)


def show_one(asked: str) -> None:
    """Draw the batch that the address names."""
    title, back = st.columns([4, 1], vertical_alignment="bottom")
    back.button(_("All batches"), icon=":material/arrow_back:", width="stretch", on_click=open_batch, args=(None,))
    try:
        batch = view_batch(services(), int(asked) if asked.isdecimal() and len(asked) <= _MOST_DIGITS else 0)
    except NotFound:
        title.title(_("Batch inspection"))
        st.warning(_("The batch of this link is not there."), icon=":material/link_off:")
        return
    title.title(_("Batch {number}", number=batch.job.id))
    if batch.is_over:
        show_head(batch)
    else:
        show_live_head(batch.job.id)
    show_results(batch)


def show_start() -> None:
    """Draw the form for a new batch, or what comes first, and the batches so far."""
    products = [summary.product for summary in list_products(services())]
    title, choose = st.columns([1.7, 2.0], vertical_alignment="bottom")
    title.title(_("Batch inspection"))
    if not products:
        show_no_products()
        return
    with choose:
        product = pick_product(products, key="batch")
    if product is None:
        return
    if any(version.active_key for version in list_versions(services(), MEMORY_BANK, product.id)):
        with st.container(border=True):
            started = show_start_form(product)
        if started is not None:
            open_batch(started)
            st.rerun()
    else:
        show_no_model(product_name(product))
    opened = show_batch_list()
    if opened is not None:
        open_batch(opened)
        st.rerun()


def show_no_products() -> None:
    """Say what comes first in a new installation."""
    st.info(_("There is no product yet."), icon=":material/category:")
    if may(ENGINEER):
        st.markdown(_("Register a product, add images of good parts, and build its memory bank. Then inspect here."))
        screens.link_to(screens.PRODUCTS, _("Register a product"))
    else:
        st.markdown(_("Ask a quality engineer to register the product that you inspect."))


def show_no_model(name: str) -> None:
    """Say that the product has no memory bank in use."""
    st.info(_("“{product}” cannot be inspected yet: it has no memory bank in use.", product=escape(name)))
    if may(ENGINEER):
        screens.link_to(screens.MEMORY_BANKS, _("Build the memory bank"))
    else:
        st.markdown(_("Ask a quality engineer to build it, or choose another product."))


require(WORKER)
if _ADDRESS in st.query_params:
    show_one(st.query_params[_ADDRESS])
else:
    show_start()
