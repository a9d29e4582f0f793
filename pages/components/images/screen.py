"""The frame of the two image screens: choose the product, see what there is, add images, work on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import list_defect_types
from core.catalog.products import ProductSummary, list_products
from pages.components.catalog.defect_type_form import ask_fields, fill_fields, register_defect_type
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.images.gallery import show_gallery
from pages.components.images.labels import DEFECT_IMAGE, NORMAL_IMAGE
from pages.components.images.parts import show_part_search, show_split_leaks
from pages.components.images.set_apart import show_set_apart
from pages.components.images.uploads import last_upload, show_upload_form
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, escape
from pages.components.shared.pickers import pick_defect_type, pick_product
from pages.components.shared.screens import PRODUCTS, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    from storage.tables import DefectType

_NEW_TYPE = "image_new_type"
_TYPE_KEY = "upload_defect_type"


def show_image_screen(
    image_type: str, *, title: str, count: Callable[[ProductSummary], tuple[int, int]], nothing_yet: str
) -> None:
    """Show the normal or the defect images; `count` returns how many train and test images a product has."""
    st.title(title)
    summaries = list_products(services())
    if not summaries:
        with st.container(border=True):
            st.subheader(_("There is no product yet"))
            st.markdown(_("Images belong to a product: register the product first."))
            link_to(PRODUCTS, _("Register a product"))
        return
    left, middle, right = st.columns([2.4, 1, 1], vertical_alignment="bottom")
    with left:
        product = pick_product([summary.product for summary in summaries], key=f"images_{image_type}")
    assert product is not None
    n_train, n_test = count(next(summary for summary in summaries if summary.product.id == product.id))
    middle.metric(_("Training images"), f"{n_train:,}")
    right.metric(_("Test images"), f"{n_test:,}")
    if product.notice:
        st.caption(f":material/copyright: {escape(product.notice)}")
    show_deploy_notice([product.id], key=f"images_{image_type}")
    types = list_defect_types(services(), product.id, include_inactive=True)
    if image_type == NORMAL_IMAGE:
        show_set_apart(product.id, types)
    show_split_leaks(product.id, key=f"images_{image_type}")
    has_outcome = last_upload(image_type, product.id) is not None
    with st.expander(
        _("Add images"), icon=":material/add_photo_alternate:", expanded=n_train + n_test == 0 or has_outcome
    ):
        wants_type = image_type == DEFECT_IMAGE
        chosen = ask_defect_type(product.id, types) if wants_type else None
        show_upload_form(product, image_type, chosen, wants_type=wants_type)
    if n_train + n_test == 0:
        st.info(nothing_yet, icon=":material/lightbulb:")
    else:
        show_part_search(product.id, key=f"parts_{image_type}")
        show_gallery(product.id, image_type, types)
    if dialog := opened(_NEW_TYPE):
        draw_dialog(_("New defect type"), show_new_type, dialog, drawer=True)


def ask_defect_type(product_id: int, types: list[DefectType]) -> DefectType | None:
    """Return the defect type of the images to come, or a new one on the spot."""
    left, right = st.columns([2.4, 1], vertical_alignment="bottom")
    key = f"{_TYPE_KEY}_{product_id}"
    just_made = st.session_state.pop(f"{key}_made", None)
    if just_made is not None:
        st.session_state[key] = just_made
    with left:
        chosen = pick_defect_type([found for found in types if found.is_active], key=key)
    right.button(
        _("New defect type"),
        key="image_new_type_open",
        icon=":material/add:",
        width="stretch",
        on_click=start_new_type,
        args=(product_id,),
    )
    return chosen


def start_new_type(product_id: int) -> None:
    """Open the empty form."""
    fill_fields("image_new_type")
    open_dialog(_NEW_TYPE, product_id=product_id)


def show_new_type(dialog: OpenDialog) -> None:
    """Register a defect type without leaving the images. What was typed stays until it is saved."""
    with st.form("image_new_type", border=False):
        text = ask_fields("image_new_type", with_code=True)
        if not st.form_submit_button(_("Register"), type="primary", icon=":material/check:"):
            return
    product_id = dialog.values["product_id"]
    row = register_defect_type(product_id, text)
    if row is None:
        return
    st.session_state[f"{_TYPE_KEY}_{product_id}_made"] = row.id
    close_dialog()
    st.rerun()
