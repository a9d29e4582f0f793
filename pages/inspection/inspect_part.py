"""Inspect a part: choose the product, give one image, see the verdict and why, decide what happens to the part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER, WORKER
from core.catalog.products import list_products
from core.errors import AppError, NotFound
from core.inspections import inspection, records
from core.models.kinds import MEMORY_BANK
from core.operations.warm_up import warm_up
from core.registry.versions import list_versions
from pages.components.deployment.judgment_view import show_reasons, show_weak_notice
from pages.components.inspection.result_view import clear_result, keep_result, show_result, shown_result
from pages.components.inspection.sources import clear_upload, pick_image, show_details
from pages.components.shared import screens
from pages.components.shared.language import _, escape
from pages.components.shared.pickers import pick_product, remember_product, remembered_product_id
from pages.components.shared.session import may, person, require, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.inspections.part_details import PartDetails
    from pages.components.inspection.sources import PickedImage
    from storage.tables import Product

_FAILURE = "inspect_failure"
_ADDRESS = "inspection"
_MOST_DIGITS = 18  # as many as every database's largest number has


def show_no_products() -> None:
    """Say what comes first in a new installation."""
    st.info(_("There is no product yet."), icon=":material/category:")
    if may(ENGINEER):
        st.markdown(_("Register a product, add images of good parts, and build its memory bank. Then inspect here."))
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        screens.link_to(screens.NORMAL_IMAGES, _("Add normal images"))
    else:
        st.markdown(_("Ask a quality engineer to register the product that you inspect."))


def show_no_model(product: Product) -> None:
    """Say that the product is there and its model is not, or waits for a person to put it into use."""
    newest = next(iter(list_versions(services(), MEMORY_BANK, product.id)), None)
    if newest is not None and newest.state == "candidate":
        st.info(
            _(
                "“{product}” cannot be inspected yet: its memory bank is built, but not in use.",
                product=escape(product.name),
            ),
            icon=":material/pause_circle:",
        )
        if may(ENGINEER):
            show_reasons(newest)
            screens.link_to(screens.MEMORY_BANKS, _("See the versions"))
        else:
            st.markdown(_("Ask a quality engineer to put it into use, or choose another product."))
        return
    st.info(_("“{product}” cannot be inspected yet: it has no memory bank.", product=escape(product.name)))
    if may(ENGINEER):
        st.markdown(_("Build it from the product's normal images; it is used as soon as it is ready."))
        screens.link_to(screens.MEMORY_BANKS, _("Build the memory bank"))
        screens.link_to(screens.NORMAL_IMAGES, _("Add normal images"))
    else:
        st.markdown(_("Ask a quality engineer to build it, or choose another product."))


def recall_product(products: list[Product]) -> None:
    """Start a new session with the product that this person inspected last, else with one that can be inspected."""
    if remembered_product_id() is not None:
        return
    mine = (row.product_id for row in records.recent(services(), limit=50) if row.created_by == person().id)
    ready = (found.id for found in products if is_ready(found))
    remember_product(next(mine, None) or next(ready, None) or products[0].id)


def recall_result(products: list[Product]) -> None:
    """Come back to the result that the address names, after a reload or by a link: its action may still be open."""
    asked = st.query_params.get(_ADDRESS)
    if asked is None or shown_result() is not None:
        return
    try:
        found = records.load_record(services(), int(asked) if asked.isdecimal() and len(asked) <= _MOST_DIGITS else 0)
    except NotFound:
        st.warning(_("The inspection of this link is not there."), icon=":material/link_off:")
    except AppError as error:
        show_error(error)
        return
    else:
        if found.product.id in {product.id for product in products}:
            with showing_errors():
                keep_result(found)
                remember_product(found.product.id)
            return
        name = escape(found.product.name)
        st.warning(_("“{product}” is not inspected any more.", product=name), icon=":material/link_off:")
    del st.query_params[_ADDRESS]


def keep_in_address(inspection_id: int | None) -> None:
    """Name the result on screen in the address; None where there is none."""
    if inspection_id is not None and st.query_params.get(_ADDRESS) != str(inspection_id):
        st.query_params[_ADDRESS] = str(inspection_id)
    elif inspection_id is None and _ADDRESS in st.query_params:
        del st.query_params[_ADDRESS]


def is_ready(product: Product) -> bool:
    """Return whether the product has a memory bank in use."""
    return any(version.active_key for version in list_versions(services(), MEMORY_BANK, product.id))


def inspect_image(product: Product, picked: PickedImage, details: PartDetails) -> None:
    """Inspect, and keep the result for the next run, or the reason why there is none."""
    top_k = int(st.session_state.get("inspect_top_k", 6))
    try:
        with st.spinner(_("Inspecting … the first part after a start takes a few seconds longer."), show_time=True):
            done = inspection.inspect(
                services(),
                person(),
                product_id=product.id,
                data=picked.read(),
                file_name=picked.file_name,
                part=replace(details, source=picked.source),
                top_k=top_k,
            )
            keep_result(done.record, done.images)
    except AppError as error:
        st.session_state[_FAILURE] = error
        return
    st.session_state.pop(_FAILURE, None)
    # The serial number belongs to one part; line, lot and shift stay.
    st.session_state["clear_serial"] = True
    clear_upload()
    st.rerun()


def next_part() -> None:
    """Clear the screen for the next part."""
    clear_result()
    st.session_state.pop(_FAILURE, None)
    keep_in_address(None)


require(WORKER)
everything = [summary.product for summary in list_products(services())]
if not everything:
    st.title(_("Inspect a part"))
    show_no_products()
    st.stop()

recall_result(everything)
recall_product(everything)
shown = shown_result()
title, choose, more, following = st.columns([1.7, 2.0, 1.5, 1.2], vertical_alignment="bottom")
title.title(_("Inspect a part"))
with choose:
    product = pick_product(everything, key="inspect")
with more:
    details = show_details()
if product is None:
    st.stop()
if shown is not None and shown.product.id != product.id:
    next_part()
    shown = None
if shown is not None:
    keep_in_address(shown.id)
    following.button(
        _("Next part"),
        type="primary",
        icon=":material/skip_next:",
        width="stretch",
        shortcut="N",
        on_click=next_part,
    )
    show_weak_notice(product.id)
    show_result(shown)
elif not is_ready(product):
    show_no_model(product)
else:
    # While somebody looks for the image, the models are opened.
    warm_up(services(), product.id)
    show_weak_notice(product.id)
    if _FAILURE in st.session_state:
        show_error(st.session_state[_FAILURE])
    picked = pick_image(product)
    if picked is not None:
        inspect_image(product, picked, details)
        st.rerun()
