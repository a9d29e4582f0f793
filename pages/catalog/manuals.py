"""Manuals: PDF files of a product, how each stands in the index, and the way to add, download and delete them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.errors import AppError, Conflict
from core.i18n import LANGUAGES, N_
from core.manuals.library import ManualView, delete_manual, get_manual, list_manuals, read_manual, update_manual
from core.manuals.titles import LONGEST_TITLE
from core.models.kinds import MANUAL_INDEX
from pages.components.catalog.manual_uploads import describe_scans, show_upload_form
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, byte_size, escape, language, moment, number
from pages.components.shared.noted_downloads import noted
from pages.components.shared.pickers import pick_product, take_asked_product
from pages.components.shared.screens import PRODUCTS, link_to
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.services import Services
    from storage.tables import Manual

require(ENGINEER)

_PAGE_SIZE = 25
_COLUMNS = (3.9, 0.8, 1.5, 1.6, 2.1)
_DELETE, _EDIT = "manual_delete", "manual_edit"
_UNKNOWN = "unknown"
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
    take_asked_product("manuals")
    product = pick_product(products, key="manuals")
    assert product is not None
    with st.container(border=True):
        show_upload_form(product)
    show_deploy_notice([product.id], key="manuals", kinds=(MANUAL_INDEX,))
    show_manuals(list_manuals(services(), product.id))
    if dialog := opened(_DELETE):
        ask_to_delete(dialog)
    elif dialog := opened(_EDIT):
        draw_dialog(_("Edit manual"), show_edit, dialog, drawer=True)


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
            about = (_("No. {number}", number=manual.id), escape(manual.original_name), spoken)
            st.caption(" · ".join(part for part in about if part))
        pages.markdown(_n("**{count}** page", "**{count}** pages", manual.page_count))
        with size, st.container(gap=None):
            st.markdown(byte_size(manual.byte_size))
            st.caption(moment(manual.created_at))
        with state:
            label, color, icon = _STATES[view.state]
            st.markdown(f":{color}-badge[{icon} {_(label)}]")
            if reason := describe_state(view):
                st.caption(reason)
        with actions:
            show_actions(view)
        if view.failure is not None:
            st.error(escape(view.failure.sentence(language())), icon=":material/error:")
        for sentence in describe_scans(manual):
            st.caption(f":material/document_scanner: {sentence}")


def describe_state(view: ManualView) -> str | None:
    """Return why the manual stands as it does in the index; a failure is said in a sentence of its own."""
    if view.state == "failed":
        return None
    if view.state == "not_indexed":
        return _("added since the last build")
    version = "" if view.version_number is None else _("version {number}", number=number(view.version_number))
    if view.state == "out_of_date":
        return " · ".join(part for part in (version, _("another sentence encoder since")) if part)
    return version or None


def _read(at: Services, manual_id: int) -> bytes:
    return read_manual(at, get_manual(at, manual_id))


def show_actions(view: ManualView) -> None:
    """Show the buttons to edit, download and delete. The file is fetched when it is asked for, not for every row."""
    manual = view.manual
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", wrap=False, gap="xsmall"
    ):
        st.button(
            "",
            key=f"manual_edit_{manual.id}",
            icon=":material/edit:",
            help=_("Edit"),
            on_click=start_editing,
            args=(manual,),
        )
        st.download_button(
            "",
            data=noted(partial(_read, services(), manual.id), "manual", subject_type="manual", subject_id=manual.id),
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
            kwargs={"id": manual.id, "title": manual.title, "row_version": manual.row_version},
        )


def start_editing(manual: Manual) -> None:
    """Open the form on the state that the person sees now."""
    st.session_state["manual_edit_title"] = manual.title
    st.session_state["manual_edit_language"] = manual.language or _UNKNOWN
    open_dialog(_EDIT, id=manual.id, file=manual.original_name, row_version=manual.row_version)


def show_edit(dialog: OpenDialog) -> None:
    """Show the title and the language. A save that comes too late says what changed and keeps what was typed."""
    values = dialog.values
    names = {_UNKNOWN: _("not known"), **LANGUAGES}
    with st.form("manual_edit", border=False):
        st.caption(_("No. {number}", number=values["id"]) + f" · {escape(values['file'])}")
        title = st.text_input(_("Title"), key="manual_edit_title", max_chars=LONGEST_TITLE)
        chosen = st.segmented_control(
            _("Language"),
            list(names),
            key="manual_edit_language",
            required=True,
            format_func=lambda found: names[found],
        )
        st.caption(_("Guidance names the manual by its title from now on; nothing has to be built again."))
        if not st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
            return
    spoken = chosen if chosen in LANGUAGES else None
    try:
        manual = update_manual(
            services(), person(), values["id"], row_version=values["row_version"], title=title, language=spoken
        )
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next save is made on that state.
        values["row_version"] = get_manual(services(), values["id"]).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is saved.", name=escape(manual.title)))
    close_dialog()
    st.rerun()


def download_name(original_name: str) -> str:
    """Return the name under which the file is downloaded: always one of a PDF, whatever it came as."""
    plain = original_name.replace("/", "_").replace("\\", "_")
    return plain if plain.lower().endswith(".pdf") else f"{plain}.pdf"


def ask_to_delete(dialog: OpenDialog) -> None:
    """Say what is lost, and what stays, before anything is."""
    confirm(
        _("Delete “{name}”?", name=escape(dialog.values["title"])),
        _(
            "Guidance no longer quotes it. What was written from it before stays in the history. The file lies in the "
            "trash of the object store for a while; after that, only a backup has it."
        ),
        action=_("Delete"),
        icon=":material/delete_forever:",
        dialog=dialog,
        carry_out=delete,
        danger=True,
    )


def delete(dialog: OpenDialog) -> None:
    """Delete the manual, now that the person has confirmed it."""
    try:
        delete_manual(services(), person(), dialog.values["id"], row_version=dialog.values["row_version"])
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next yes is said to that state.
        dialog.values["row_version"] = get_manual(services(), dialog.values["id"]).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deleted.", name=escape(dialog.values["title"])), ":material/delete:")
    close_dialog()
    st.rerun()


show_screen()
