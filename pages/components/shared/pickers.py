"""Choosing a product, a defect type or a period; the chosen product is remembered from screen to screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.components.shared.language import _, defect_name, product_name

if TYPE_CHECKING:
    from storage.tables import DefectType, Product

_CHOSEN_PRODUCT = "chosen_product_id"
_MOST_DIGITS = 18  # as many as every database's largest number has
_PERIODS_DAYS, _USUAL_PERIOD_DAYS = (7, 30, 90), 30


def remembered_product_id() -> int | None:
    """Return the product that was chosen last in this browser session."""
    found = st.session_state.get(_CHOSEN_PRODUCT)
    return found if isinstance(found, int) else None


def remember_product(product_id: int | None) -> None:
    """Make this product the chosen one on every screen."""
    st.session_state[_CHOSEN_PRODUCT] = product_id


def take_asked_product(key: str) -> bool:
    """Make the product that the address names the chosen one, once; return whether it names one.

    `key` is that of the `pick_product` to come. One that is not there is left to it.
    """
    text = str(st.query_params.pop("product", "")).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        return False
    st.session_state.pop(f"{key}_product", None)
    remember_product(int(text))
    return True


def pick_product(
    products: Sequence[Product], *, key: str, label: str | None = None, label_visible: bool = True
) -> Product | None:
    """Show a select box of `products` that starts with the remembered one; None where there are no products."""
    if not products:
        return None
    ids = [product.id for product in products]
    names = {product.id: f"{product_name(product)}  ·  {product.code}" for product in products}
    widget_key = f"{key}_product"
    remembered = remembered_product_id()
    if st.session_state.get(widget_key) not in ids:
        # Set before the widget exists: the choice may come from another screen.
        st.session_state[widget_key] = remembered if remembered in ids else ids[0]
    chosen = st.selectbox(
        label or _("Product"),
        ids,
        key=widget_key,
        format_func=lambda product_id: names[product_id],
        label_visibility="visible" if label_visible else "collapsed",
    )
    remember_product(chosen)
    return products[ids.index(chosen)]


def pick_period(*, key: str, label_visible: bool = True) -> int:
    """Return the last days that are looked at: how many."""
    labels = {days: _("{days} days", days=days) for days in _PERIODS_DAYS}
    chosen = st.segmented_control(
        _("Period"),
        list(labels),
        key=key,
        default=_USUAL_PERIOD_DAYS,
        required=True,
        format_func=lambda days: labels[days],
        label_visibility="visible" if label_visible else "collapsed",
        width="stretch",
    )
    return chosen or _USUAL_PERIOD_DAYS


def pick_defect_type(
    defect_types: Sequence[DefectType], *, key: str, label: str | None = None, selected: int | None = None
) -> DefectType | None:
    """Show a select box of defect types in the run's language; None where nothing is chosen."""
    ids = [defect_type.id for defect_type in defect_types]
    names = {defect_type.id: defect_name(defect_type) for defect_type in defect_types}
    chosen = st.selectbox(
        label or _("Defect type"),
        ids,
        key=key,
        index=ids.index(selected) if selected in ids else None,
        format_func=lambda defect_type_id: names[defect_type_id],
        placeholder=_("Choose a defect type"),
    )
    return defect_types[ids.index(chosen)] if chosen is not None else None
