"""Inspect a part: choose the product, give one image, see the verdict and why, decide what happens to the part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import WORKER
from core.catalog.products import AT_ONCE, list_products_in_use
from core.errors import AppError, NotFound
from core.inspections import records
from core.inspections.by_view.examining import views_to_inspect
from core.operations.warm_up import warm_up
from pages.components.analysis.gauge.rating import show_rating_notice
from pages.components.capture.inspecting import inspect_picked, inspect_picked_part
from pages.components.capture.readiness import is_ready, recall_product, show_no_model, show_no_products
from pages.components.capture.scanner import forget_scan, listen_for_scans, show_code_notes, show_scan
from pages.components.deployment.judgment_view import show_weak_notice
from pages.components.inspection.by_view.slots import pick_part
from pages.components.inspection.decisions.open_actions import show_open_actions, show_open_actions_button
from pages.components.inspection.result_view import keep_result, show_result
from pages.components.inspection.shown_result import ADDRESS, clear_result, shown_result, take_result_back
from pages.components.inspection.sources import (
    become_narrow,
    clear_upload,
    is_narrow,
    pick_image,
    show_details,
    take_over,
)
from pages.components.shared.language import _, escape, product_name
from pages.components.shared.pickers import pick_product, remember_product
from pages.components.shared.session import person, require, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.inspections.inspection import InspectionResult
    from core.inspections.part_details import PartDetails
    from core.inspections.records import InspectionRecord
    from storage.tables import Product

_MOST_DIGITS = 18  # as many as every database's largest number has


def recall_result(products: list[Product]) -> None:
    """Come back to the result that the address names, after a reload or by a link: its action may still be open."""
    asked = st.query_params.get(ADDRESS)
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
                # The box may still hold another product: the result was opened from a list.
                st.session_state["inspect_product"] = found.product.id
                if found.created_by == person().id:
                    take_over(found.part)
            return
        name = escape(product_name(found.product))
        st.warning(_("“{product}” is not inspected any more.", product=name), icon=":material/link_off:")
    del st.query_params[ADDRESS]


def keep_in_address(inspection_id: int | None) -> None:
    """Name the result on screen in the address; None where there is none."""
    if inspection_id is not None and st.query_params.get(ADDRESS) != str(inspection_id):
        st.query_params[ADDRESS] = str(inspection_id)
    elif inspection_id is None and ADDRESS in st.query_params:
        del st.query_params[ADDRESS]


def next_part() -> None:
    """Clear the screen for the next part."""
    clear_result()
    clear_upload()
    forget_scan()
    keep_in_address(None)


def take_next_scan() -> None:
    """Make room for the part whose code was scanned."""
    if shown_result() is not None:
        next_part()
        st.session_state.pop("clear_serial", None)


def keep(done: InspectionResult) -> None:
    """Show the result."""
    keep_result(done.record, done.images)


def take_image(product: Product, details: PartDetails) -> InspectionRecord | None:
    """Draw how an image is given; return its result where one was given in this run, else None.

    The result takes the place of what is drawn here in the same run: running the page once more would cost as much as
    the inspection.
    """
    show_weak_notice(product.id)
    show_scan()
    views = views_to_inspect(services(), product.id)
    if views:
        part = pick_part(product, views)
        failed = None if part is None else inspect_picked_part(product, part, details, keep=keep)
        if failed is not None:
            show_error(failed)
        return shown_result()
    picked = pick_image(product, at_once=product.inspection_trigger == AT_ONCE)
    if picked is None:
        return None
    if not inspect_picked(product, picked, details, keep=keep):
        st.rerun()
    return shown_result()


require(WORKER)
everything = list_products_in_use(services())
if not everything:
    st.title(_("Inspect a part"))
    show_no_products()
    st.stop()

take_result_back()
recall_result(everything)
recall_product(everything)
shown = shown_result()
title, choose, more, following = st.columns([1.8, 1.9, 1.35, 1.45], vertical_alignment="bottom")
title.title(_("Inspect a part"))
with choose:
    product = pick_product(everything, key="inspect")
with more:
    details = show_details(product)
if product is None:
    st.stop()
with following:
    show_open_actions_button(product.id)
show_open_actions()
if shown is not None and shown.product.id != product.id:
    next_part()
    shown = None
with st.container(key="quiet"):
    listen_for_scans(product, on_scan=take_next_scan, on_narrow=become_narrow, is_narrow=is_narrow())
asking, result = st.empty(), st.container()
if shown is None:
    with asking.container():
        show_rating_notice()
        if is_ready(product):
            # While somebody looks for the image, the models are opened.
            warm_up(services(), product.id)
            shown = take_image(product, details)
        else:
            show_no_model(product)
    if shown is not None:
        asking.empty()
if shown is not None:
    keep_in_address(shown.id)
    with result:
        show_weak_notice(product.id)
        show_code_notes(shown)
        show_result(shown, on_next=next_part)
