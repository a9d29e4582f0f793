"""What comes after registering a product or a defect type: said on its list until the person has closed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.outcomes import GOOD
from pages.components.shared.language import _, defect_name, escape, product_name
from pages.components.shared.screens import (
    DEFECT_IMAGES,
    FIRST_INSPECTION,
    MANUALS,
    MEMORY_BANKS,
    NORMAL_IMAGES,
    link_to,
)

if TYPE_CHECKING:
    from storage.tables import DefectType, Product

_REGISTERED, _TYPE_REGISTERED = "product_registered", "defect_type_registered"


def mark_new(product_id: int) -> None:
    """Make this product the one that was registered last."""
    st.session_state[_REGISTERED] = product_id


def new_product_id() -> int | None:
    """Return the product that was registered last in this session, until its notice is closed."""
    found = st.session_state.get(_REGISTERED)
    return found if isinstance(found, int) else None


def mark_new_type(type_id: int) -> None:
    """Make this defect type the one that was registered last."""
    st.session_state[_TYPE_REGISTERED] = type_id


def new_type_id() -> int | None:
    """Return the defect type that was registered last in this session, until its notice is closed."""
    found = st.session_state.get(_TYPE_REGISTERED)
    return found if isinstance(found, int) else None


def show_next_step(product: Product) -> None:
    """Show the notice for the product that was just registered, and the way on: images, manual, deployment."""
    with st.container(border=True, key="product_next"):
        _show_registered(product_name(product), product.code, _REGISTERED, key="product_next_close")
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


def show_type_next_step(row: DefectType) -> None:
    """Show the notice for the type that was just registered, and the way on: its images, what to do, deployment."""
    with st.container(border=True, key="defect_type_next"):
        _show_registered(defect_name(row), row.code, _TYPE_REGISTERED, key="defect_type_next_close")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_('Next')}**")
            query = {"product": str(row.product_id)}
            steps = (
                (
                    NORMAL_IMAGES if row.outcome == GOOD else DEFECT_IMAGES,
                    _("1. Add images of this type"),
                    ":material/add_photo_alternate:",
                ),
                (MANUALS, _("2. Add the manual"), ":material/menu_book:"),
                (MEMORY_BANKS, _("3. Deploy"), ":material/rocket_launch:"),
            )
            for path, label, icon in steps:
                link_to(path, label, icon=icon, query=query)


def _show_registered(name: str, code: str, kept: str, *, key: str) -> None:
    """Say that it is registered, with the button that closes the notice kept as `kept`."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            ":green[:material/check_circle:] "
            + _("“{name}” is registered with the code {code}.", name=escape(name), code=f"`{code}`"),
            width="stretch",
        )
        if st.button(_("Close"), key=key, icon=":material/close:", type="tertiary"):
            st.session_state.pop(kept, None)
            st.rerun()
