"""Choosing what a line worker is bound to, and saying it in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.accounts.bindings import LONGEST_LINE, UNBOUND, Bindings
from core.history.choices import load_choices
from pages.components.shared.language import _, escape, product_name
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.catalog.names import ProductName


def pick_bindings(key: str, current: Bindings = UNBOUND) -> tuple[list[int], list[str]]:
    """Draw the fields; return the products and lines that are chosen: none of a kind binds to nothing in it."""
    choices = load_choices(services(), product_id=None, defect_type_id=None)
    products = {found.id: _say(found) for found in choices.products}
    chosen = st.multiselect(
        _("Only these products"),
        list(products),
        default=[one for one in sorted(current.products or ()) if one in products],
        key=f"{key}_products",
        format_func=products.__getitem__,
        placeholder=_("All products"),
    )
    known = sorted({*choices.lines, *current.sorted_lines})
    lines = st.multiselect(
        _("Only these lines"),
        known,
        default=list(current.sorted_lines),
        key=f"{key}_lines",
        accept_new_options=True,
        placeholder=_("All lines (type a name to add one)"),
        help=_("The name is the one that stands in the inspections: at most {count} characters.", count=LONGEST_LINE),
    )
    return list(chosen), list(lines)


def say_bindings(bindings: Bindings, products: dict[int, ProductName]) -> str:
    """Return in one line, escaped for Markdown, what an account is bound to; "" for who is not bound."""
    parts: list[str] = []
    if bindings.products is not None:
        names = sorted(product_name(products[one]) for one in bindings.products if one in products)
        parts.append(_say_some(names) if names else _("no product that is left"))
    if bindings.lines is not None:
        parts.append(_("lines {names}", names=_say_some(bindings.sorted_lines)))
    return _("Only {what}", what=", ".join(parts)) if parts else ""


def product_names() -> dict[int, ProductName]:
    """Return the names of all products by id."""
    choices = load_choices(services(), product_id=None, defect_type_id=None)
    return {found.id: found for found in choices.products}


def _say(found: ProductName) -> str:
    return f"{product_name(found)} · {found.code}"


def _say_some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(escape(name) for name in names[:most])
    return f"{shown} …" if len(names) > most else shown
