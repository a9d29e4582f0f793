"""Products: what there is of each, and how one is registered, edited and taken out of use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import (
    ProductSummary,
    create_product,
    get_product,
    list_products,
    set_product_active,
    update_product,
)
from core.errors import AppError, Conflict
from core.registry.model_status import model_states
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.deployment.model_state import show_state
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, escape, number
from pages.components.shared.pickers import remember_product
from pages.components.shared.screens import DEFECT_IMAGES, MEMORY_BANKS, NORMAL_IMAGES
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import Product

require(ENGINEER)

_PAGE_SIZE = 20
_COLUMNS = (2.6, 1.75, 1.75, 1.35, 1.3, 1.55)
_CREATE, _EDIT, _DEACTIVATE = "product_create", "product_edit", "product_deactivate"


def show_screen() -> None:
    """Show the list with what can be done on it, and the dialog that is open."""
    summaries = list_products(services(), include_inactive=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(_("Products"), width="stretch")
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
    show_open_dialog()


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
        st.caption(_("To look around first, load the demo data on the server: `python -m core demo`"))


def show_list(summaries: list[ProductSummary]) -> None:
    """Show the products that the filters leave, a page of them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        query = st.text_input(
            _("Search"),
            key="product_search",
            placeholder=_("Search by name or code"),
            label_visibility="collapsed",
            icon=":material/search:",
            width=360,
        )
        with_inactive = st.toggle(_("Show deactivated products"), key="product_inactive")
    wanted = query.strip().casefold()
    found = [
        summary
        for summary in summaries
        if (with_inactive or summary.product.is_active)
        and wanted in f"{summary.product.name}\n{summary.product.code}".casefold()
    ]
    st.caption(_n("{count} product", "{count} products", len(found)))
    if not found:
        st.info(
            _("No product fits. Change the search, or show the deactivated ones too."), icon=":material/search_off:"
        )
        return
    show_deploy_notice([summary.product.id for summary in found if summary.product.is_active], key="products")
    n_pages = -(-len(found) // _PAGE_SIZE)
    page = min(int(st.session_state.get("product_page", 1)), n_pages)
    states = model_states(services())
    for summary in found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]:
        state = states.get(("memory_bank", summary.product.id))
        show_row(summary, state.state if state else None)
    if n_pages > 1:
        st.pagination(n_pages, key="product_page")


def show_row(summary: ProductSummary, state: str | None) -> None:
    """Show one product: what it is, what there is of it, what can be done with it."""
    product = summary.product
    with st.container(border=True, key=f"product_row_{product.id}"):
        name, normal, defect, types, model, actions = st.columns(_COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            st.markdown(f"**{escape(product.name)}**", help=escape(product.description) or None)
            st.caption(f"`{product.code}`")
        with normal:
            show_counts(_("normal"), summary.n_normal_train, summary.n_normal_test)
        with defect:
            show_counts(_("defect"), summary.n_defect_train, summary.n_defect_test)
        types.markdown(_n("**{count}** defect type", "**{count}** defect types", summary.n_defect_types))
        with model:
            if not product.is_active:
                st.badge(_("Deactivated"), icon=":material/block:", color="gray")
            elif summary.n_normal_train == 0:
                st.badge(_("No images"), icon=":material/hide_image:", color="gray")
            else:
                show_state(state or "none")
        with actions:
            show_actions(product)


def show_counts(label: str, n_train: int, n_test: int) -> None:
    """Show how many images there are, and how they are split."""
    with st.container(gap=None):
        st.markdown(f"**{number(n_train + n_test)}** {label}")
        st.caption(_("train {n_train} · test {n_test}", n_train=number(n_train), n_test=number(n_test)))


def show_actions(product: Product) -> None:
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
            "normal": _("Normal images"),
            "defect": _("Defect images"),
            "deploy": _("Memory banks"),
            "active": _("Deactivate") if product.is_active else _("Reactivate"),
        }
        chosen = st.menu_button(
            "",
            list(labels) if product.is_active else ["active"],
            key=f"product_menu_{product.id}",
            icon=":material/more_vert:",
            format_func=lambda action: labels[action],
            help=_("More"),
        )
    if chosen == "active" and product.is_active:
        open_dialog(_DEACTIVATE, id=product.id)
    elif chosen == "active":
        reactivate(product)
    elif chosen is not None:
        remember_product(product.id)
        st.switch_page({"normal": NORMAL_IMAGES, "defect": DEFECT_IMAGES, "deploy": MEMORY_BANKS}[chosen])


def show_open_dialog() -> None:
    """Draw the dialog that was asked for."""
    if dialog := opened(_CREATE):
        draw_dialog(_("New product"), show_create, dialog, drawer=True)
    elif dialog := opened(_EDIT):
        draw_dialog(_("Edit product"), show_edit, dialog, drawer=True)
    elif dialog := opened(_DEACTIVATE):
        product = get_product(services(), dialog.values["id"])
        confirm(
            _("Deactivate “{name}”?", name=escape(product.name)),
            _(
                "It will no longer be offered for inspection and deployment. Its images, models and inspections stay, "
                "and it can be reactivated at any time."
            ),
            action=_("Deactivate"),
            icon=":material/block:",
            dialog=dialog,
            carry_out=deactivate,
        )


def start_creating() -> None:
    """Open the empty form."""
    for name in ("name", "code", "description", "notice"):
        st.session_state[f"product_create_{name}"] = ""
    open_dialog(_CREATE)


def show_create(_dialog: OpenDialog) -> None:
    """Show the form of a new product. What was typed stays until it is saved."""
    with st.form("product_create", border=False):
        name = st.text_input(_("Name"), key="product_create_name", max_chars=190)
        code = st.text_input(
            _("Code (optional)"),
            key="product_create_code",
            max_chars=64,
            placeholder=_("made from the name"),
            help=_("Letters A–Z, digits, “-” and “_”. File names are made of it, so it cannot be changed later."),
        )
        description = st.text_area(_("Description (optional)"), key="product_create_description", height=140)
        notice = st.text_area(
            _("Licence or source of the images (optional)"),
            key="product_create_notice",
            height=80,
            help=_("Named wherever these images are shown."),
        )
        if not st.form_submit_button(_("Register"), type="primary", icon=":material/check:"):
            return
    try:
        product = create_product(
            services(), person(), name=name, code=code or None, description=description, notice=notice
        )
    except AppError as error:
        show_error(error)
        return
    remember_product(product.id)
    say_after_rerun(_("“{name}” is registered with the code {code}.", name=escape(product.name), code=product.code))
    close_dialog()
    st.rerun()


def start_editing(product: Product) -> None:
    """Open the form on the state that the person sees now."""
    st.session_state["product_edit_name"] = product.name
    st.session_state["product_edit_description"] = product.description
    open_dialog(_EDIT, id=product.id, code=product.code, row_version=product.row_version)


def show_edit(dialog: OpenDialog) -> None:
    """Show the form of an existing product. A save that comes too late says what changed and keeps what was typed."""
    with st.form("product_edit", border=False):
        st.caption(f"{_('Code')} `{dialog.values['code']}`")
        name = st.text_input(_("Name"), key="product_edit_name", max_chars=190)
        description = st.text_area(_("Description (optional)"), key="product_edit_description", height=200)
        if not st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
            return
    product_id, row_version = dialog.values["id"], dialog.values["row_version"]
    try:
        product = update_product(
            services(), person(), product_id, row_version=row_version, name=name, description=description
        )
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next save is made on that state.
        dialog.values["row_version"] = get_product(services(), product_id).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is saved.", name=escape(product.name)))
    close_dialog()
    st.rerun()


def deactivate(dialog: OpenDialog) -> None:
    """Deactivate the product, now that the person has confirmed it."""
    try:
        product = set_product_active(services(), person(), dialog.values["id"], False)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deactivated.", name=escape(product.name)), ":material/block:")
    close_dialog()
    st.rerun()


def reactivate(product: Product) -> None:
    """Reactivate the product. Nothing can be lost by this, so nobody is asked."""
    try:
        set_product_active(services(), person(), product.id, True)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is in use again.", name=escape(product.name)))
    st.rerun()


show_screen()
