"""Defect types: the kinds of defect and of good part of each product, registered, edited and taken out of use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.access import ENGINEER
from core.catalog.defect_types import (
    MAX_EXAMPLES,
    count_type_images,
    get_defect_type,
    list_defect_types,
    set_defect_type_active,
    update_defect_type,
)
from core.catalog.outcomes import DEFECT, GOOD
from core.catalog.products import list_products
from core.errors import AppError, Conflict
from core.i18n import N_
from pages.components.catalog.defect_type_form import DefectTypeText, ask_fields, fill_fields, register_defect_type
from pages.components.catalog.defect_type_row import show_row
from pages.components.catalog.example_images import add_uploads, ask_uploads, find_examples, pick_examples
from pages.components.catalog.next_step import mark_new_type, new_type_id, show_type_next_step
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, day, defect_name, escape, product_name
from pages.components.shared.pickers import remembered_product_id, take_asked_product
from pages.components.shared.screens import PRODUCTS, link_to
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import DefectType, Product

require(ENGINEER)

_PAGE_SIZE = 30
_CREATE, _EDIT, _DEACTIVATE = "defect_type_create", "defect_type_edit", "defect_type_deactivate"
_OUTCOMES: dict[str, str] = {"all": N_("All"), DEFECT: N_("Defects"), GOOD: N_("Good kinds")}
_ORDERS: dict[str, tuple[str, Callable[[DefectType, int], Any], bool]] = {
    "product": (N_("Product, code"), lambda row, _count: 0, False),
    "name": (N_("By name"), lambda row, _count: defect_name(row).casefold(), False),
    "newest": (N_("Newest first"), lambda row, _count: row.id, True),
    "changed": (N_("Changed last"), lambda row, _count: row.updated_at, True),
    "images": (N_("Most images"), lambda _row, count: count, True),
}


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
    names: dict[int | None, str] = {
        None: _("All products"),
        **{found: product_name(product) for found, product in products.items()},
    }
    if take_asked_product("defect_type"):
        st.session_state["defect_type_product"] = remembered_product_id()
    if st.session_state.get("defect_type_product") not in names:
        st.session_state["defect_type_product"] = None
    outcomes = {found: _(title) for found, title in _OUTCOMES.items()}
    orders = {found: _(title) for found, (title, _key, _descending) in _ORDERS.items()}
    with st.container(horizontal=True, vertical_alignment="center"):
        product_id = st.selectbox(
            _("Product"),
            list(names),
            key="defect_type_product",
            format_func=lambda found: names[found],
            label_visibility="collapsed",
            width=180,
        )
        query = st.text_input(
            _("Search"),
            key="defect_type_search",
            placeholder=_("Search by name or code"),
            label_visibility="collapsed",
            icon=":material/search:",
            width=200,
        )
        outcome = st.segmented_control(
            _("Defect or good kind"),
            list(outcomes),
            key="defect_type_outcome",
            default="all",
            required=True,
            format_func=lambda found: outcomes[found],
            label_visibility="collapsed",
        )
        order = st.selectbox(
            _("Order"),
            list(orders),
            key="defect_type_order",
            format_func=lambda found: orders[found],
            label_visibility="collapsed",
            width=150,
        )
        with_inactive = st.toggle(_("Show deactivated types"), key="defect_type_inactive")
    wanted = query.strip().casefold()
    rows = list_defect_types(services(), None, include_inactive=True)
    new_id = new_type_id()
    found = [
        row
        for row in rows
        if row.product_id in products
        and (
            row.id == new_id
            or (
                product_id in (None, row.product_id)
                and (with_inactive or row.is_active)
                and outcome in ("all", row.outcome)
                and wanted in f"{row.name_ko}\n{row.name_en}\n{row.code}".casefold()
            )
        )
    ]
    counts = count_type_images(services(), product_id if new_id is None else None)
    if (order or "product") != "product":
        _title, key, is_descending = _ORDERS[order]
        found.sort(key=lambda row: key(row, sum(counts.get(row.id, {}).values())), reverse=is_descending)
    # The one that was just registered stands first, whatever is searched for.
    found.sort(key=lambda row: row.id != new_id)
    if found and found[0].id == new_id:
        show_type_next_step(found[0])
    st.caption(_n("{count} type", "{count} types", len(found)))
    if not found and (wanted or with_inactive or outcome != "all"):
        st.info(_("No defect type fits. Change the search."), icon=":material/search_off:")
    elif not found:
        st.info(
            _("There is no defect type yet. Register one for each kind of defect that the line should tell apart."),
            icon=":material/label:",
        )
    n_pages = max(1, -(-len(found) // _PAGE_SIZE))
    page = min(int(st.session_state.get("defect_type_page", 1)), n_pages)
    shown = found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
    examples = find_examples(shown)
    for row in shown:
        show_row(
            row,
            products[row.product_id],
            counts.get(row.id, {}),
            examples[row.id],
            edit=start_editing,
            change_use=change_use,
        )
    if n_pages > 1:
        st.pagination(n_pages, key="defect_type_page")


def show_open_dialog(products: dict[int, Product]) -> None:
    """Draw the dialog that was asked for."""
    if dialog := opened(_CREATE):
        dialog.values["names"] = {product_id: product_name(product) for product_id, product in products.items()}
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
        text = ask_fields("defect_type_create", with_code=True, outcome=None)
        files = ask_uploads("defect_type_create")
        if not st.form_submit_button(_("Register"), type="primary", icon=":material/check:"):
            return
    row = register_defect_type(product_id, text)
    if row is None:
        return
    say_refused(add_uploads(row, files, key="defect_type_create"))
    mark_new_type(row.id)
    close_dialog()
    st.rerun()


def start_editing(row: DefectType) -> None:
    """Open the form on the state that the person sees now."""
    fill_fields(
        "defect_type_edit",
        DefectTypeText(row.code, row.name_ko, row.name_en, row.description, row.severity, row.outcome, row.phrase),
    )
    for key in [found for found in st.session_state if str(found).startswith("defect_type_example_")]:
        del st.session_state[key]
    open_dialog(
        _EDIT,
        id=row.id,
        product_id=row.product_id,
        code=row.code,
        row_version=row.row_version,
        examples=list(row.example_image_ids),
        registered=day(row.created_at),
    )


def show_edit(dialog: OpenDialog) -> None:
    """Show the form of an existing type. A save that comes too late says what changed and keeps what was typed."""
    values = dialog.values
    with st.form("defect_type_edit", border=False):
        st.caption(
            _("No. {number}", number=values["id"])
            + f" · {_('Code')} `{values['code']}` · "
            + _("Added {day}", day=values["registered"])
        )
        text = ask_fields("defect_type_edit", with_code=False, outcome=None)
        st.markdown(_("Examples (at most {highest})", highest=MAX_EXAMPLES))
        chosen = pick_examples(values["id"], values["product_id"], values["examples"], key="defect_type_example")
        files = ask_uploads("defect_type_edit")
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
            outcome=text.outcome,
            example_image_ids=chosen,
            phrase=text.phrase,
        )
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next save is made on that state.
        values["row_version"] = get_defect_type(services(), values["id"]).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is saved.", name=escape(defect_name(row))))
    say_refused(add_uploads(row, files, key="defect_type_edit"))
    close_dialog()
    st.rerun()


def say_refused(sentences: list[str]) -> None:
    """Say with the next run which of the uploaded examples were refused, and why."""
    for sentence in sentences:
        say_after_rerun(escape(sentence), ":material/error:")


def change_use(row: DefectType) -> None:
    """Ask before a type is taken out of use; bring one back at once, because nothing can be lost by it."""
    if row.is_active:
        open_dialog(_DEACTIVATE, id=row.id, name=defect_name(row), row_version=row.row_version)
        return
    try:
        set_defect_type_active(services(), person(), row.id, True, row_version=row.row_version)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is in use again.", name=escape(defect_name(row))))
    st.rerun()


def deactivate(dialog: OpenDialog) -> None:
    """Deactivate the type, now that the person has confirmed it."""
    try:
        values = dialog.values
        set_defect_type_active(services(), person(), values["id"], False, row_version=values["row_version"])
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next yes is said to that state.
        values["row_version"] = get_defect_type(services(), values["id"]).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deactivated.", name=escape(dialog.values["name"])), ":material/block:")
    close_dialog()
    st.rerun()


show_screen()
