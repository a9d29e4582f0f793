"""Defect types: the kinds of defect of each product, and how one is registered, edited and taken out of use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.access import ENGINEER
from core.catalog.defect_types import list_defect_types, set_defect_type_active, update_defect_type
from core.catalog.products import list_products
from core.errors import AppError, Conflict, NotFound
from pages.components.catalog.defect_type_form import (
    SEVERITY_NAMES,
    DefectTypeText,
    ask_fields,
    fill_fields,
    register_defect_type,
)
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, defect_name, escape
from pages.components.shared.pickers import remembered_product_id
from pages.components.shared.screens import PRODUCTS, link_to
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import DefectType, Product

require(ENGINEER)

_PAGE_SIZE = 30
_COLUMNS = (2.3, 1.8, 1.0, 3.3, 1.5)
_CREATE, _EDIT, _DEACTIVATE = "defect_type_create", "defect_type_edit", "defect_type_deactivate"
_COLORS: dict[str, Literal["gray", "orange", "red"]] = {"minor": "gray", "major": "orange", "critical": "red"}


def show_screen() -> None:
    """Show the list with its filters, and the dialog that is open."""
    products = {summary.product.id: summary.product for summary in list_products(services())}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(_("Defect types"), width="stretch")
        st.button(
            _("New defect type"),
            key="defect_type_new",
            type="primary",
            icon=":material/add:",
            on_click=start_creating,
            disabled=not products,
        )
    if not products:
        with st.container(border=True):
            st.subheader(_("There is no product yet"))
            st.markdown(_("A defect type belongs to a product: register the product first."))
            link_to(PRODUCTS, _("Register a product"))
        return
    show_list(products)
    show_open_dialog(products)


def show_list(products: dict[int, Product]) -> None:
    """Show the defect types that the filters leave, a page of them."""
    filters = st.columns([1.4, 1.4, 1], vertical_alignment="center")
    names: dict[int | None, str] = {
        None: _("All products"),
        **{found: product.name for found, product in products.items()},
    }
    product_id = filters[0].selectbox(
        _("Product"),
        list(names),
        key="defect_type_product",
        format_func=lambda found: names[found],
        label_visibility="collapsed",
    )
    query = filters[1].text_input(
        _("Search"),
        key="defect_type_search",
        placeholder=_("Search by name or code"),
        label_visibility="collapsed",
        icon=":material/search:",
    )
    with_inactive = filters[2].toggle(_("Show deactivated types"), key="defect_type_inactive")
    wanted = query.strip().casefold()
    found = [
        row
        for row in list_defect_types(services(), product_id, include_inactive=with_inactive)
        if row.product_id in products and wanted in f"{row.name_ko}\n{row.name_en}\n{row.code}".casefold()
    ]
    st.caption(_n("{count} defect type", "{count} defect types", len(found)))
    if not found and (wanted or with_inactive):
        st.info(_("No defect type fits. Change the search."), icon=":material/search_off:")
    elif not found:
        st.info(
            _("There is no defect type yet. Register one for each kind of defect that the line should tell apart."),
            icon=":material/label:",
        )
    n_pages = max(1, -(-len(found) // _PAGE_SIZE))
    page = min(int(st.session_state.get("defect_type_page", 1)), n_pages)
    for row in found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]:
        show_row(row, products[row.product_id])
    if n_pages > 1:
        st.pagination(n_pages, key="defect_type_page")


def show_row(row: DefectType, product: Product) -> None:
    """Show one defect type with what can be done with it."""
    with st.container(border=True, key=f"defect_type_row_{row.id}"):
        name, where, severity, description, actions = st.columns(_COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            st.markdown(f"**{escape(defect_name(row))}**")
            other = row.name_en if defect_name(row) == row.name_ko else row.name_ko
            st.caption(f"`{row.code}`" + (f" · {escape(other)}" if other and other != defect_name(row) else ""))
        where.markdown(escape(product.name))
        with severity:
            st.badge(_(SEVERITY_NAMES[row.severity]), color=_COLORS[row.severity])
            if not row.is_active:
                st.badge(_("Deactivated"), icon=":material/block:", color="gray")
        first_line = (row.description.splitlines() or [""])[0]
        shown = first_line if len(first_line) <= 64 else f"{first_line[:63]}…"
        description.caption(escape(shown), help=escape(row.description) if shown != row.description else None)
        with (
            actions,
            st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", wrap=False),
        ):
            st.button(
                "",
                key=f"defect_type_edit_{row.id}",
                icon=":material/edit:",
                help=_("Edit"),
                on_click=start_editing,
                args=(row,),
            )
            if st.button(
                "",
                key=f"defect_type_active_{row.id}",
                icon=":material/block:" if row.is_active else ":material/undo:",
                help=_("Deactivate") if row.is_active else _("Reactivate"),
            ):
                change_use(row)


def show_open_dialog(products: dict[int, Product]) -> None:
    """Draw the dialog that was asked for."""
    if dialog := opened(_CREATE):
        dialog.values["names"] = {product_id: product.name for product_id, product in products.items()}
        draw_dialog(_("New defect type"), show_create, dialog, drawer=True)
    elif dialog := opened(_EDIT):
        draw_dialog(_("Edit defect type"), show_edit, dialog, drawer=True)
    elif dialog := opened(_DEACTIVATE):
        confirm(
            _("Deactivate “{name}”?", name=escape(dialog.values["name"])),
            _(
                "It will no longer be offered for new images and inspections. Images and inspections of this type stay "
                "as they are, and it can be reactivated at any time."
            ),
            action=_("Deactivate"),
            icon=":material/block:",
            dialog=dialog,
            carry_out=deactivate,
        )


def start_creating() -> None:
    """Open the empty form, on the product that the list is filtered by."""
    fill_fields("defect_type_create")
    chosen = st.session_state.get("defect_type_product") or remembered_product_id()
    st.session_state["defect_type_create_product"] = chosen
    open_dialog(_CREATE)


def show_create(dialog: OpenDialog) -> None:
    """Show the form of a new defect type. What was typed stays until it is saved."""
    names = dialog.values["names"]
    if st.session_state.get("defect_type_create_product") not in names:
        st.session_state["defect_type_create_product"] = next(iter(names))
    with st.form("defect_type_create", border=False):
        product_id = st.selectbox(
            _("Product"), list(names), key="defect_type_create_product", format_func=lambda found: names[found]
        )
        text = ask_fields("defect_type_create", with_code=True)
        if not st.form_submit_button(_("Register"), type="primary", icon=":material/check:"):
            return
    if register_defect_type(product_id, text) is None:
        return
    close_dialog()
    st.rerun()


def start_editing(row: DefectType) -> None:
    """Open the form on the state that the person sees now."""
    fill_fields("defect_type_edit", DefectTypeText(row.code, row.name_ko, row.name_en, row.description, row.severity))
    open_dialog(_EDIT, id=row.id, product_id=row.product_id, code=row.code, row_version=row.row_version)


def show_edit(dialog: OpenDialog) -> None:
    """Show the form of an existing type. A save that comes too late says what changed and keeps what was typed."""
    values = dialog.values
    with st.form("defect_type_edit", border=False):
        st.caption(f"{_('Code')} `{values['code']}`")
        text = ask_fields("defect_type_edit", with_code=False)
        if not st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
            return
    try:
        row = update_defect_type(
            services(),
            person(),
            values["id"],
            row_version=values["row_version"],
            name_ko=text.name_ko,
            name_en=text.name_en,
            description=text.description,
            severity=text.severity,
        )
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next save is made on that state.
        values["row_version"] = find_row_version(values["id"], values["product_id"])
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is saved.", name=escape(defect_name(row))))
    close_dialog()
    st.rerun()


def find_row_version(defect_type_id: int, product_id: int) -> int:
    """Return the version of the row as it is now. Raises NotFound."""
    for row in list_defect_types(services(), product_id, include_inactive=True):
        if row.id == defect_type_id:
            return row.row_version
    raise NotFound("not_found")


def change_use(row: DefectType) -> None:
    """Ask before a type is taken out of use; bring one back at once, because nothing can be lost by it."""
    if row.is_active:
        open_dialog(_DEACTIVATE, id=row.id, name=defect_name(row))
        return
    try:
        set_defect_type_active(services(), person(), row.id, True)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is in use again.", name=escape(defect_name(row))))
    st.rerun()


def deactivate(dialog: OpenDialog) -> None:
    """Deactivate the type, now that the person has confirmed it."""
    try:
        set_defect_type_active(services(), person(), dialog.values["id"], False)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deactivated.", name=escape(dialog.values["name"])), ":material/block:")
    close_dialog()
    st.rerun()


show_screen()
