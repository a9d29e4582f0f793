"""The frame of the two image screens: choose the product, see what there is, add images, work on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import list_defect_types
from core.catalog.outcomes import GOOD, is_offered
from core.catalog.products import ProductSummary, list_products
from core.images.gallery.search import has_images
from core.images.trash.listing import count_trash
from pages.components.catalog.defect_type_form import ask_fields, fill_fields, register_defect_type
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.gallery.address import take_address, write_product
from pages.components.images.domains import ask_domain
from pages.components.images.export import show_export
from pages.components.images.gallery import show_gallery
from pages.components.images.labels import DEFECT_IMAGE, NORMAL_IMAGE
from pages.components.images.parts import show_part_search, show_split_leaks
from pages.components.images.set_apart import show_set_apart
from pages.components.images.uploads import last_upload, show_upload_form
from pages.components.images.views import ask_view, show_without_view
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, defect_name, escape
from pages.components.shared.pickers import pick_defect_type, pick_product
from pages.components.shared.screens import PRODUCTS, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    from storage.tables import DefectType

_NEW_TYPE = "image_new_type"
_TYPE_KEY = "upload_defect_type"


def show_image_screen(
    image_type: str, *, title: str, count: Callable[[ProductSummary], tuple[int, int, int]], nothing_yet: str
) -> None:
    """Show the normal or the defect images; `count` returns how many there are to train, to validate and to test."""
    st.title(title)
    summaries = list_products(services())
    if not summaries:
        with st.container(border=True):
            st.subheader(_("There is no product yet"))
            st.markdown(_("Images belong to a product: register the product first."))
            link_to(PRODUCTS, _("Register a product"))
        return
    picker = f"images_{image_type}"
    take_address(picker)
    left, figures, tools = st.columns([2.2, 2, 0.7], vertical_alignment="bottom")
    with left:
        product = pick_product([summary.product for summary in summaries], key=picker)
    assert product is not None
    write_product(picker, product.id)
    n_train, n_val, n_test = count(next(summary for summary in summaries if summary.product.id == product.id))
    n_all = n_train + n_val + n_test
    with figures, st.container(horizontal=True):
        st.metric(_("Training images"), f"{n_train:,}")
        if n_val:
            st.metric(_("Validation images"), f"{n_val:,}")
        st.metric(_("Test images"), f"{n_test:,}")
    if n_all:
        with tools:
            show_export(product, key=f"images_{image_type}")
    if product.notice:
        st.caption(f":material/copyright: {escape(product.notice)}")
    show_deploy_notice([product.id], key=f"images_{image_type}")
    types = list_defect_types(services(), product.id, include_inactive=True)
    if image_type == NORMAL_IMAGE:
        show_set_apart(product.id, types)
    show_split_leaks(product.id, key=f"images_{image_type}")
    show_without_view(product.id, image_type)
    has_outcome = last_upload(image_type, product.id) is not None
    with st.expander(_("Add images"), icon=":material/add_photo_alternate:", expanded=n_all == 0 or has_outcome):
        wants_type = image_type == DEFECT_IMAGE
        chosen = ask_defect_type(product.id, types) if wants_type else ask_good_kind(product.id, types)
        view = ask_view(product.id, key=f"upload_{image_type}")
        domain = ask_domain(key=f"upload_{image_type}")
        show_upload_form(product, image_type, chosen, wants_type=wants_type, view=view, domain=domain)
    has_any = n_all > 0 or has_images(services(), product.id, image_type)
    if not has_any:
        st.info(nothing_yet, icon=":material/lightbulb:")
    else:
        show_part_search(product.id, key=f"parts_{image_type}")
    if has_any or count_trash(services(), product.id):
        show_gallery(product.id, image_type, types, is_empty=not has_any)
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
        chosen = pick_defect_type([found for found in types if is_offered(found)], key=key)
    right.button(
        _("New defect type"),
        key="image_new_type_open",
        icon=":material/add:",
        width="stretch",
        on_click=start_new_type,
        args=(product_id,),
    )
    return chosen


def ask_good_kind(product_id: int, types: list[DefectType]) -> DefectType | None:
    """Return the kind of good part of the normal images to come; nothing is asked of a product that has no kinds."""
    kinds = {found.id: found for found in types if found.is_active and found.outcome == GOOD}
    if not kinds:
        return None
    key = f"upload_good_kind_{product_id}"
    if st.session_state.get(key) not in {None, *kinds}:
        st.session_state[key] = None
    chosen = st.selectbox(
        _("Kind of good part"),
        [None, *kinds],
        key=key,
        format_func=lambda found: _("not said") if found is None else defect_name(kinds[found]),
    )
    return None if chosen is None else kinds[chosen]


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
