"""What comes after registering a product: said on the list until the person has done or closed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.components.shared.language import _, escape, product_name
from pages.components.shared.screens import FIRST_INSPECTION, MANUALS, MEMORY_BANKS, NORMAL_IMAGES, link_to

if TYPE_CHECKING:
    from storage.tables import Product

_REGISTERED = "product_registered"


def mark_new(product_id: int) -> None:
    """Make this product the one that was registered last."""
    st.session_state[_REGISTERED] = product_id


def new_product_id() -> int | None:
    """Return the product that was registered last in this session, until its notice is closed."""
    found = st.session_state.get(_REGISTERED)
    return found if isinstance(found, int) else None


def show_next_step(product: Product) -> None:
    """Show the notice for the product that was just registered, and the way on: images, manual, deployment."""
    with st.container(border=True, key="product_next"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                ":green[:material/check_circle:] "
                + _(
                    "“{name}” is registered with the code {code}.",
                    name=escape(product_name(product)),
                    code=f"`{product.code}`",
                ),
                width="stretch",
            )
            if st.button(_("Close"), key="product_next_close", icon=":material/close:", type="tertiary"):
                st.session_state.pop(_REGISTERED, None)
                st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_('Next')}**")
            query = {"product": str(product.id)}
            steps = (
                (NORMAL_IMAGES, _("1. Add images of good parts"), ":material/add_photo_alternate:"),
                (MANUALS, _("2. Add the manual"), ":material/menu_book:"),
                (MEMORY_BANKS, _("3. Deploy"), ":material/rocket_launch:"),
            )
            for path, label, icon in steps:
                link_to(path, label, icon=icon, query=query)
            link_to(
                FIRST_INSPECTION,
                _("All on one page: add images and deploy"),
                icon=":material/arrow_forward:",
                query=query,
            )
