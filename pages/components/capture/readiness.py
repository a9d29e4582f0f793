"""Whether there is something to inspect with, and what to do where there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.inspections import records
from core.models.kinds import MEMORY_BANK
from core.registry.versions import has_active_version, list_versions
from pages.components.deployment.judgment_view import show_reasons
from pages.components.shared import screens
from pages.components.shared.language import _, escape, product_name
from pages.components.shared.pickers import remember_product, remembered_product_id
from pages.components.shared.session import may, person, services

if TYPE_CHECKING:
    from storage.tables import Product


def show_no_products() -> None:
    """Say what comes first in a new installation."""
    st.info(_("There is no product yet."), icon=":material/category:")
    if may(ENGINEER):
        st.markdown(
            _("Register a product by its name and images of good parts; one button deploys it. Then inspect here.")
        )
        screens.link_to(screens.FIRST_INSPECTION, _("First inspection"), icon=":material/rocket_launch:")
    else:
        st.markdown(_("Ask a quality engineer to register the product that you inspect."))


def show_no_model(product: Product) -> None:
    """Say that the product is there and its model is not, or waits for a person to put it into use."""
    newest = next(iter(list_versions(services(), MEMORY_BANK, product.id)), None)
    if newest is not None and newest.state == "candidate":
        st.info(
            _(
                "“{product}” cannot be inspected yet: its memory bank is built, but not in use.",
                product=escape(product_name(product)),
            ),
            icon=":material/pause_circle:",
        )
        if may(ENGINEER):
            show_reasons(newest)
            screens.link_to(screens.MEMORY_BANKS, _("See the versions"))
        else:
            st.markdown(_("Ask a quality engineer to put it into use, or choose another product."))
        return
    st.info(_("“{product}” cannot be inspected yet: it has no memory bank.", product=escape(product_name(product))))
    if may(ENGINEER):
        st.markdown(_("Build it from the product's normal images; it is used as soon as it is ready."))
        screens.link_to(
            screens.FIRST_INSPECTION,
            _("Add images and deploy"),
            icon=":material/rocket_launch:",
            query={"product": str(product.id)},
        )
    else:
        st.markdown(_("Ask a quality engineer to build it, or choose another product."))


def recall_product(products: list[Product]) -> None:
    """Start a new session with the product that this person inspected last, else with one that can be inspected."""
    if remembered_product_id() is not None:
        return
    mine = (row.product_id for row in records.recent(services(), limit=50) if row.created_by == person().id)
    ready = (found.id for found in products if is_ready(found))
    remember_product(next(mine, None) or next(ready, None) or products[0].id)


def is_ready(product: Product) -> bool:
    """Return whether the product has a memory bank in use."""
    return has_active_version(services(), MEMORY_BANK, product.id)
