"""Products: what there is of each, and how one is registered, edited and taken out of use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import ProductSummary, list_products
from core.catalog.views import list_views_of
from core.i18n import N_
from core.registry.model_status import model_states
from pages.components.catalog.next_step import new_product_id, show_next_step
from pages.components.catalog.product_form import show_open_form, start_creating
from pages.components.catalog.product_removal import show_open_removal
from pages.components.catalog.product_row import show_open_counts, show_row
from pages.components.catalog.view_list import show_open_views
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.shared.language import _, _n, number, product_name
from pages.components.shared.screens import FIRST_INSPECTION, link_to
from pages.components.shared.session import require, services

require(ENGINEER)

_PAGE_SIZE = 20
_ORDERS: dict[str, tuple[str, Callable[[ProductSummary], Any], bool]] = {
    "code": (N_("By code"), lambda found: found.product.code.lower(), False),
    "name": (N_("By name"), lambda found: product_name(found.product).casefold(), False),
    "newest": (N_("Newest first"), lambda found: found.product.id, True),
    "changed": (N_("Changed last"), lambda found: found.product.updated_at, True),
    "images": (N_("Most images"), lambda found: found.n_normal + found.n_defect, True),
}


def show_screen() -> None:
    """Show the list with what can be done on it, and the dialog that is open."""
    summaries = list_products(services(), include_inactive=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(_("Products"), width="stretch")
        if summaries:
            link_to(FIRST_INSPECTION, _("Guided start"), icon=":material/rocket_launch:")
        st.button(
            _("New product"),
            key="product_new",
            type="primary",
            icon=":material/add:",
            on_click=start_creating,
        )
    if summaries:
        show_list(summaries)
    else:
        show_nothing_yet()
    show_open_form()
    show_open_removal()
    show_open_counts()
    show_open_views()


def show_nothing_yet() -> None:
    """Say what to do on a new system."""
    with st.container(border=True):
        st.subheader(_("There is no product yet"))
        st.markdown(
            _(
                "A product is what the camera looks at: a part, a panel, a cell. Register one here, add images of good "
                "parts to it, and build its memory bank. From then on it can be inspected."
            )
        )
        link_to(
            FIRST_INSPECTION,
            _("Guided start: from a name and images to the inspection"),
            icon=":material/rocket_launch:",
        )
        st.caption(_("To look around first, load the demo data on the server: `python -m core demo`"))


def show_list(summaries: list[ProductSummary]) -> None:
    """Show the products that the filters leave, a page of them."""
    orders = {found: _(title) for found, (title, _key, _descending) in _ORDERS.items()}
    with st.container(horizontal=True, vertical_alignment="center"):
        query = st.text_input(
            _("Search"),
            key="product_search",
            placeholder=_("Search by name or code"),
            label_visibility="collapsed",
            icon=":material/search:",
            width=300,
        )
        order = st.selectbox(
            _("Order"),
            list(orders),
            key="product_order",
            format_func=lambda found: orders[found],
            label_visibility="collapsed",
            width=170,
        )
        with_inactive = st.toggle(_("Show deactivated products"), key="product_inactive")
    wanted = query.strip().casefold()
    new_id = new_product_id()
    found = [
        summary
        for summary in summaries
        if (
            (with_inactive or summary.product.is_active)
            and wanted in f"{summary.product.name}\n{summary.product.name_en}\n{summary.product.code}".casefold()
        )
        or summary.product.id == new_id
    ]
    _title, key, is_descending = _ORDERS[order or "code"]
    found.sort(key=key, reverse=is_descending)
    # The one that was just registered stands first, whatever is searched for.
    found.sort(key=lambda summary: summary.product.id != new_id)
    if found and found[0].product.id == new_id:
        show_next_step(found[0].product)
    n_normal, n_defect = sum(one.n_normal for one in found), sum(one.n_defect for one in found)
    st.caption(
        _n("{count} product", "{count} products", len(found))
        + " · "
        + _("{n_normal} normal images, {n_defect} defect images", n_normal=number(n_normal), n_defect=number(n_defect))
    )
    if not found:
        st.info(
            _("No product fits. Change the search, or show the deactivated ones too."), icon=":material/search_off:"
        )
        return
    show_deploy_notice([summary.product.id for summary in found if summary.product.is_active], key="products")
    n_pages = -(-len(found) // _PAGE_SIZE)
    page = min(int(st.session_state.get("product_page", 1)), n_pages)
    states = model_states(services())
    views = list_views_of(services())
    for summary in found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]:
        state = states.get(("memory_bank", summary.product.id))
        show_row(summary, state.state if state else None, views.get(summary.product.id, ()))
    if n_pages > 1:
        st.pagination(n_pages, key="product_page")


show_screen()
