"""Manuals: PDF files of a product, how each stands in the index, and the way to add, download and delete them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.errors import AppError
from core.i18n import LANGUAGES, N_
from core.manuals.library import ManualView, delete_manual, get_manual, list_manuals, read_manual
from core.models.kinds import MANUAL_INDEX
from pages.components.catalog.manual_uploads import describe_pages, show_upload_form
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, _n, byte_size, escape, language, moment, number
from pages.components.shared.pickers import pick_product
from pages.components.shared.screens import PRODUCTS, link_to
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

require(ENGINEER)

_PAGE_SIZE = 25
_COLUMNS = (4.4, 0.9, 1.6, 1.6, 1.2)
_DELETE = "manual_delete"
_STATES: dict[str, tuple[str, str, str]] = {
    "indexed": (N_("Indexed"), "green", ":material/check_circle:"),
    "not_indexed": (N_("Not indexed yet"), "gray", ":material/schedule:"),
    "out_of_date": (N_("Out of date"), "orange", ":material/update:"),
    "failed": (N_("Not readable"), "red", ":material/error:"),
}


def show_screen() -> None:
    """Show the product, the form that adds manuals to it, and the manuals it has."""
    st.title(_("Manuals"))
    products = [summary.product for summary in list_products(services())]
    if not products:
        with st.container(border=True):
            st.subheader(_("There is no product yet"))
            st.markdown(_("A manual belongs to a product: register the product first."))
            link_to(PRODUCTS, _("Register a product"))
        return
    st.markdown(
        _(
            "The corrective steps after an inspection are taken from the manuals of the product, with the page they "
            "stand on."
        )
    )
    product = pick_product(products, key="manuals")
    assert product is not None
    with st.container(border=True):
        show_upload_form(product)
    show_deploy_notice([product.id], key="manuals", kinds=(MANUAL_INDEX,))
    show_manuals(list_manuals(services(), product.id))
    if dialog := opened(_DELETE):
        ask_to_delete(dialog)


def show_manuals(views: Sequence[ManualView]) -> None:
    """Show the product's manuals, the newest first."""
    st.subheader(_n("{count} manual", "{count} manuals", len(views)))
    if not views:
        st.info(
            _("This product has no manual yet. Add its PDF files above, then build the index."),
            icon=":material/menu_book:",
        )
        return
    n_pages = -(-len(views) // _PAGE_SIZE)
    page = min(int(st.session_state.get("manuals_page", 1)), n_pages)
    for view in views[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]:
        show_row(view)
    if n_pages > 1:
        st.pagination(n_pages, key="manuals_page")


def show_row(view: ManualView) -> None:
    """Show one manual: what it is, how it stands in the index, what can be done with it."""
    manual = view.manual
    with st.container(border=True, key=f"manual_row_{manual.id}"):
        name, pages, size, state, actions = st.columns(_COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            st.markdown(f"**{escape(manual.title)}**")
            spoken = LANGUAGES.get(manual.language or "")
            st.caption(" · ".join(part for part in (escape(manual.original_name), spoken) if part))
        pages.markdown(_n("**{count}** page", "**{count}** pages", manual.page_count))
        with size, st.container(gap=None):
            st.markdown(byte_size(manual.byte_size))
            st.caption(moment(manual.created_at))
        with state:
            label, color, icon = _STATES[view.state]
            st.markdown(f":{color}-badge[{icon} {_(label)}]", help=describe_version(view))
        with actions:
            show_actions(view)
        if view.failure is not None:
            st.error(escape(view.failure.sentence(language())), icon=":material/error:")
        if manual.pages_without_text:
            st.caption(f":material/document_scanner: {describe_pages(manual.pages_without_text)}")


def describe_version(view: ManualView) -> str | None:
    """Return which version of the index holds the manual."""
    if view.version_number is None:
        return None
    return _("In version {number} of the index.", number=number(view.version_number))


def show_actions(view: ManualView) -> None:
    """Show the buttons to download and delete. The file is fetched when it is asked for, not for every row."""
    manual = view.manual
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", wrap=False):
        st.download_button(
            "",
            data=lambda: read_manual(services(), get_manual(services(), manual.id)),
            file_name=download_name(manual.original_name),
            mime="application/pdf",
            key=f"manual_download_{manual.id}",
            icon=":material/download:",
            help=_("Download"),
            on_click="ignore",
        )
        st.button(
            "",
            key=f"manual_delete_{manual.id}",
            icon=":material/delete:",
            help=_("Delete"),
            on_click=open_dialog,
            args=(_DELETE,),
            kwargs={"id": manual.id, "title": manual.title},
        )


def download_name(original_name: str) -> str:
    """Return the name under which the file is downloaded: always one of a PDF, whatever it came as."""
    plain = original_name.replace("/", "_").replace("\\", "_")
    return plain if plain.lower().endswith(".pdf") else f"{plain}.pdf"


def ask_to_delete(dialog: OpenDialog) -> None:
    """Say what is lost, and what stays, before anything is."""
    confirm(
        _("Delete “{name}”?", name=escape(dialog.values["title"])),
        _(
            "The file is gone for good, and guidance no longer quotes it. What was written from it before stays in the "
            "history."
        ),
        action=_("Delete"),
        icon=":material/delete_forever:",
        dialog=dialog,
        carry_out=delete,
    )


def delete(dialog: OpenDialog) -> None:
    """Delete the manual, now that the person has confirmed it."""
    try:
        delete_manual(services(), person(), dialog.values["id"])
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deleted.", name=escape(dialog.values["title"])), ":material/delete:")
    close_dialog()
    st.rerun()


show_screen()
