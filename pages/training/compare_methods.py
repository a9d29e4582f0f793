"""Compare methods: the same images judged by several methods, with figures, intervals and every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.comparisons.orders import order_to_yaml
from core.comparisons.overview import read_result, view_comparison
from core.errors import NotFound
from pages.components.comparing.address import (
    CONFIGURATION,
    IMAGES,
    LOOKS,
    SUMMARY,
    asked_comparison,
    change_look,
    open_comparison,
    read_look,
)
from pages.components.comparing.comparison_list import show_comparison_list
from pages.components.comparing.gallery import show_images
from pages.components.comparing.head import show_head, show_live_head
from pages.components.comparing.start_form import show_start_form
from pages.components.comparing.summary import show_summary
from pages.components.comparing.wording import read_words
from pages.components.shared import screens
from pages.components.shared.language import _
from pages.components.shared.link_table import follow_chosen
from pages.components.shared.pickers import pick_product, take_asked_product
from pages.components.shared.session import require, services, showing_errors

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView

require(ENGINEER)
follow_chosen()


def show_start() -> None:
    """Draw the form for a new comparison, or what comes first, and the comparisons so far."""
    take_asked_product("compare")
    products = [summary.product for summary in list_products(services())]
    title, choose = st.columns([1.7, 2.0], vertical_alignment="bottom")
    title.title(_("Compare methods"))
    if not products:
        st.info(_("There is no product yet. Register one and add its images first."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    with choose:
        product = pick_product(products, key="compare")
    assert product is not None
    with st.container(border=True):
        started = show_start_form(product)
    opened = started or show_comparison_list(product.id, read_words(product.id))
    if opened is not None:
        open_comparison(opened)
        st.rerun()


def show_one(asked: int) -> None:
    """Draw the comparison that the address names."""
    title, back = st.columns([4, 1.2], vertical_alignment="bottom")
    back.button(
        _("All comparisons"), key="compare_back", icon=":material/arrow_back:", width="stretch",
        on_click=open_comparison, args=(None,),
    )  # fmt: skip
    try:
        comparison = view_comparison(services(), asked)
    except NotFound:
        title.title(_("Compare methods"))
        st.warning(_("The comparison of this link is not there."), icon=":material/link_off:")
        return
    title.title(comparison.name or _("Comparison {number}", number=comparison.id))
    if comparison.is_over:
        show_head(comparison)
    else:
        show_live_head(comparison.id)
    if comparison.result is None:
        show_configuration(comparison)
        return
    show_result(comparison)


def show_result(comparison: ComparisonView) -> None:
    """Draw the side of the result that the address names."""
    look = read_look()
    names = {SUMMARY: _("Summary"), IMAGES: _("Image by image"), CONFIGURATION: _("Configuration")}

    def change() -> None:
        chosen = st.session_state.get("compare_look")
        if chosen in LOOKS:
            change_look(look=chosen, subject="")

    st.session_state["compare_look"] = look.look
    st.segmented_control(
        _("View"), list(LOOKS), key="compare_look", format_func=names.__getitem__, required=True,
        label_visibility="collapsed", on_change=change,
    )  # fmt: skip
    words = read_words(comparison.product.id)
    with showing_errors():
        result = read_result(services(), comparison)
        if look.look == CONFIGURATION:
            show_configuration(comparison)
        elif look.look == IMAGES:
            show_images(comparison, result, words, look)
        else:
            show_summary(comparison, result, words)


def show_configuration(comparison: ComparisonView) -> None:
    """Draw what was compared, as YAML that starts the same again."""
    st.markdown(f"**{_('Configuration')}**")
    st.code(order_to_yaml(comparison.order), language="yaml")


asked = asked_comparison()
if asked is None:
    show_start()
else:
    show_one(asked)
