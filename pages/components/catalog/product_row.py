"""One product of the list: what it is, since when, how many images of what, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ADMIN
from core.catalog.defect_types import count_type_images, list_defect_types
from core.catalog.outcomes import GOOD
from pages.components.catalog.next_step import new_product_id
from pages.components.catalog.product_form import start_editing
from pages.components.catalog.product_removal import reactivate, start_deactivating, start_purging
from pages.components.catalog.view_list import start_views
from pages.components.deployment.model_state import show_state
from pages.components.shared.dialogs import OpenDialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, day, defect_name, escape, number, product_name, view_name
from pages.components.shared.pickers import remember_product
from pages.components.shared.screens import (
    COMBINE_VIEWS,
    DEFECT_IMAGES,
    FIRST_INSPECTION,
    MANUALS,
    MEMORY_BANKS,
    NORMAL_IMAGES,
    link_to,
)
from pages.components.shared.session import may, services

if TYPE_CHECKING:
    from core.catalog.products import ProductSummary
    from core.catalog.views import View
    from storage.tables import Product

_COLUMNS = (2.6, 1.6, 1.6, 1.7, 1.45, 1.75)
_COUNTS = "product_counts"
_SCREENS = {"normal": NORMAL_IMAGES, "defect": DEFECT_IMAGES, "manuals": MANUALS, "deploy": MEMORY_BANKS}


def show_row(summary: ProductSummary, state: str | None, views: Sequence[View] = ()) -> None:
    """Show one product."""
    product = summary.product
    with st.container(border=True, key=f"product_row_{product.id}"):
        name, normal, defect, types, model, actions = st.columns(_COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            _show_name(product)
            if views:
                _show_views(product, views)
                _show_combining(product)
        with normal:
            _show_counts(
                _n("**{count}** normal", "**{count}** normal", summary.n_normal),
                summary.n_normal_train,
                summary.n_normal_val,
                summary.n_normal_test,
            )
        with defect:
            _show_counts(
                _n("**{count}** defect", "**{count}** defects", summary.n_defect),
                summary.n_defect_train,
                summary.n_defect_val,
                summary.n_defect_test,
            )
        with types, st.container(gap=None):
            _show_types(summary)
            st.caption(_("Added {day}", day=day(product.created_at)))
            if day(product.updated_at) != day(product.created_at):
                st.caption(_("Changed {day}", day=day(product.updated_at)))
        with model:
            if not product.is_active:
                st.badge(_("Deactivated"), icon=":material/block:", color="gray")
            elif summary.n_normal_train == 0:
                st.badge(_("No images"), icon=":material/hide_image:", color="gray")
            else:
                show_state(state or "none")
        with actions:
            _show_actions(product)


def show_open_counts() -> None:
    """Draw the images by type of the product that was asked for."""
    if dialog := opened(_COUNTS):
        draw_dialog(
            _("Images of “{name}”", name=escape(dialog.values["name"])), _show_type_images, dialog, width="medium"
        )


def _show_name(product: Product) -> None:
    st.markdown(f"**{escape(product_name(product))}**", help=escape(product.description) or None)
    is_new = product.id == new_product_id()
    mark = f" :green-badge[:material/fiber_new: {_('New')}]" if is_new else ""
    other = product.name if product_name(product) != product.name else product.name_en
    about = [f"`{product.code}`", _("No. {number}", number=product.id)]
    if other and other != product_name(product):
        about.append(escape(other))
    st.caption(" · ".join(about) + mark)


def _show_combining(product: Product) -> None:
    """Lead to how the views are combined into one verdict."""
    link_to(COMBINE_VIEWS, _("Combine views"), icon=":material/join_inner:", query={"product": str(product.id)})


def _show_views(product: Product, views: Sequence[View]) -> None:
    st.button(
        _("Views: {names}", names=", ".join(view_name(view) for view in views)),
        key=f"product_views_{product.id}",
        type="tertiary",
        icon=":material/view_in_ar:",
        on_click=start_views,
        args=(product,),
    )


def _show_counts(label: str, n_train: int, n_val: int, n_test: int) -> None:
    """Show how many images there are, and how they are split."""
    split = _("train {n_train} · test {n_test}", n_train=number(n_train), n_test=number(n_test))
    if n_val:
        split = _(
            "train {n_train} · val. {n_val} · test {n_test}",
            n_train=number(n_train),
            n_val=number(n_val),
            n_test=number(n_test),
        )
    with st.container(gap=None):
        st.markdown(label)
        st.caption(split)


def _show_types(summary: ProductSummary) -> None:
    label = _n("{count} defect type", "{count} defect types", summary.n_defect_types)
    if summary.n_good_kinds:
        label += " · " + _n("{count} good kind", "{count} good kinds", summary.n_good_kinds)
    st.button(
        label,
        key=f"product_counts_{summary.product.id}",
        type="tertiary",
        help=_("How many images there are of each type"),
        on_click=open_dialog,
        args=(_COUNTS,),
        kwargs={"id": summary.product.id, "name": product_name(summary.product), "n_normal": summary.n_normal},
    )


def _show_type_images(dialog: OpenDialog) -> None:
    """Show a line for each type: how many images, in which split; those out of use while they have images."""
    product_id = dialog.values["id"]
    counts = count_type_images(services(), product_id)
    rows = []
    kinds, n_named = 0, 0
    for row in list_defect_types(services(), product_id, include_inactive=True):
        own = counts.get(row.id, {})
        if not row.is_active and not own:
            continue
        if row.outcome == GOOD:
            kinds, n_named = kinds + 1, n_named + sum(own.values())
        # The counts before the rest: a phone shows the first columns.
        rows.append(
            {
                _("Type"): defect_name(row),
                _("All"): sum(own.values()),
                _("Training"): own.get("train", 0),
                _("Validation"): own.get("val", 0),
                _("Test"): own.get("test", 0),
                _("Defect or good kind"): _("Good kind") if row.outcome == GOOD else _("Defect"),
                _("Code"): row.code,
            }
        )
    unnamed = dialog.values["n_normal"] - n_named
    if kinds and unnamed:
        st.caption(
            _n(
                "{count} normal image names no kind of good part.",
                "{count} normal images name no kind of good part.",
                unnamed,
            )
        )
    elif not kinds:
        st.caption(_n("**{count}** normal", "**{count}** normal", unnamed))
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        st.info(_("No type is registered yet."), icon=":material/label:")
    query = {"product": str(product_id)}
    with st.container(horizontal=True):
        link_to("pages/catalog/defect_types.py", _("Defect types"), query=query)
        link_to(NORMAL_IMAGES, _("Normal images"), query=query)
        link_to(DEFECT_IMAGES, _("Defect images"), query=query)


def _show_actions(product: Product) -> None:
    """Show the button that is used most, and the menu of the others."""
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", wrap=False):
        st.button(
            "",
            key=f"product_edit_{product.id}",
            icon=":material/edit:",
            help=_("Edit"),
            on_click=start_editing,
            args=(product,),
        )
        labels = {
            "guide": _("Add images and deploy"),
            "normal": _("Normal images"),
            "defect": _("Defect images"),
            "manuals": _("Manuals"),
            "deploy": _("Memory banks"),
            "views": _("Views …"),
            "active": _("Deactivate") if product.is_active else _("Reactivate"),
            "purge": _("Delete for good …"),
        }
        offered = list(labels) if product.is_active else ["active", "purge"]
        if not may(ADMIN):
            offered.remove("purge")
        chosen = st.menu_button(
            "",
            offered,
            key=f"product_menu_{product.id}",
            icon=":material/more_vert:",
            format_func=lambda action: labels[action],
            help=_("More"),
        )
    if chosen == "active" and product.is_active:
        start_deactivating(product)
    elif chosen == "active":
        reactivate(product)
    elif chosen == "purge":
        start_purging(product)
    elif chosen == "views":
        start_views(product)
        st.rerun()
    elif chosen == "guide":
        remember_product(product.id)
        st.switch_page(FIRST_INSPECTION, query_params={"product": str(product.id)})
    elif chosen is not None:
        remember_product(product.id)
        st.switch_page(_SCREENS[chosen])
