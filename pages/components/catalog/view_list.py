"""The views of a product in a drawer: listed in their order, added, edited, taken out of use, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.catalog.view_edits import MOST_VIEWS, add_view, guess_found_as, order_views, set_view_active, update_view
from core.catalog.views import FOUND_AS_NAMES, RGB, list_views
from core.errors import AppError, Conflict
from core.models.options import DETECTION, list_options
from pages.components.shared.dialogs import OpenDialog, draw_dialog, open_dialog, opened
from pages.components.shared.labels import name_model
from pages.components.shared.language import _, escape, product_name, view_name
from pages.components.shared.screens import MEMORY_BANKS, NORMAL_IMAGES, PREPROCESSING, link_to
from pages.components.shared.session import person, say_after_rerun, services, show_error
from pages.components.shared.view_choice import name_modalities

if TYPE_CHECKING:
    from core.catalog.views import View
    from storage.tables import Product

_VIEWS = "product_views"


def start_views(product: Product) -> None:
    """Open the views of a product."""
    open_dialog(_VIEWS, id=product.id, name=product_name(product), editing=None, added=False)


def show_open_views() -> None:
    """Draw the views of the product that was asked for."""
    if dialog := opened(_VIEWS):
        draw_dialog(_("Views of “{name}”", name=escape(dialog.values["name"])), _show_views, dialog, drawer=True)


def _show_views(dialog: OpenDialog) -> None:
    """Show every view, and the form of a new one. What was typed stays until it is saved."""
    product_id: int = dialog.values["id"]
    views = list_views(services(), product_id, include_inactive=True)
    in_use = [view for view in views if view.is_active]
    st.markdown(
        _(
            "A product with several views (from above and below, CT and photograph …) has images, preprocessing, "
            "models and thresholds for each. One picture of each makes up the verdict on a part."
        )
    )
    if not in_use:
        st.info(
            _("This product is pictured in one way. Add its first view to tell several apart."),
            icon=":material/view_in_ar:",
        )
    elif dialog.values["added"]:
        _show_next_step(product_id, in_use)
    for view in views:
        if view.id == dialog.values["editing"]:
            _show_edit(dialog, view)
        else:
            _show_view(dialog, view, in_use)
    if dialog.values["editing"] is None and len(views) < MOST_VIEWS:
        _show_add(dialog, is_first=not views)


def _show_next_step(product_id: int, in_use: Sequence[View]) -> None:
    """Say what comes after adding a view."""
    with st.container(border=True, key="views_next"):
        if len(in_use) == 1:
            st.markdown(_("The first view is there. Add the others below; one alone tells nothing apart."))
        st.markdown(
            ":green[:material/check_circle:] "
            + _("Next: say which images show which view, then deploy. Until then the present models go on inspecting.")
        )
        query = {"product": str(product_id)}
        with st.container(horizontal=True):
            link_to(NORMAL_IMAGES, _("1. Images of each view"), icon=":material/add_photo_alternate:", query=query)
            link_to(PREPROCESSING, _("2. Preprocessing"), icon=":material/tune:", query=query)
            link_to(MEMORY_BANKS, _("3. Deploy"), icon=":material/rocket_launch:", query=query)


def _show_view(dialog: OpenDialog, view: View, in_use: Sequence[View]) -> None:
    modalities, found_as = name_modalities(), {code: _(name) for code, name in FOUND_AS_NAMES.items()}
    place = next((place for place, one in enumerate(in_use) if one.id == view.id), None)
    with st.container(border=True, key=f"view_{view.id}"):
        about, tools = st.columns([3, 1.4], vertical_alignment="center")
        with about, st.container(gap=None):
            off = "" if view.is_active else f" :gray-badge[:material/block: {_('Out of use')}]"
            st.markdown(f"**{escape(view_name(view))}** `{view.code}`{off}")
            need = _("required") if view.is_required else _("optional")
            facts = [modalities.get(view.modality, view.modality), need, found_as.get(view.found_as, view.found_as)]
            if view.detector:
                facts.append(escape(name_model(view.detector)))
            st.caption(" · ".join(facts))
        with tools, st.container(horizontal=True, horizontal_alignment="right", wrap=False, gap="small"):
            if place is not None and len(in_use) > 1:
                st.button(
                    "",
                    key=f"view_up_{view.id}",
                    icon=":material/arrow_upward:",
                    help=_("Move up"),
                    type="tertiary",
                    disabled=place == 0,
                    on_click=_move_up,
                    args=(view.product_id, [one.code for one in in_use], place),
                )
            st.button(
                "",
                key=f"view_edit_{view.id}",
                icon=":material/edit:",
                help=_("Edit"),
                type="tertiary",
                on_click=_start_edit,
                args=(dialog, view),
            )
            st.button(
                "",
                key=f"view_active_{view.id}",
                icon=":material/block:" if view.is_active else ":material/undo:",
                help=_("Take out of use; images, models and inspections stay") if view.is_active else _("Bring back"),
                type="tertiary",
                on_click=_set_active,
                args=(view, not view.is_active),
            )


def _start_edit(dialog: OpenDialog, view: View) -> None:
    dialog.values["editing"], dialog.values["row_version"] = view.id, view.row_version
    for name in ("name", "name_en", "modality", "found_as", "is_required", "detector"):
        st.session_state[f"view_edit_{name}"] = getattr(view, name)


def _show_edit(dialog: OpenDialog, view: View) -> None:
    """Show the form of one view. A save that comes too late says what changed and keeps what was typed."""
    with st.container(border=True, key=f"view_{view.id}"), st.form("view_edit", border=False):
        st.caption(f"{_('Code')} `{view.code}`")
        values = _ask("view_edit")
        save, cancel = st.columns(2)
        saving = save.form_submit_button(_("Save"), type="primary", icon=":material/check:", width="stretch")
        if cancel.form_submit_button(_("Cancel"), width="stretch"):
            dialog.values["editing"] = None
            st.rerun()
    if not saving:
        return
    options = dict(view.detector_options) if values["detector"] == view.detector else {}
    try:
        saved = update_view(
            services(), person(), view.id, row_version=dialog.values["row_version"], detector_options=options, **values
        )
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next save is made on that state.
        dialog.values["row_version"] = view.row_version
        return
    except AppError as error:
        show_error(error)
        return
    dialog.values["editing"] = None
    say_after_rerun(_("“{name}” is saved.", name=escape(view_name(saved))))
    st.rerun()


def _show_add(dialog: OpenDialog, *, is_first: bool) -> None:
    turn = int(st.session_state.get("view_add_turn", 0))
    key = f"view_add_{turn}"
    with st.expander(_("Add a view"), icon=":material/add:", expanded=is_first), st.form(key, border=False):
        code = st.text_input(
            _("Code"),
            key=f"{key}_code",
            max_chars=32,
            placeholder="ct",
            help=_(
                "Small letters a–z, digits, “-” and “_”: ct, rgb, top … Folders and file names are recognized by it, "
                "so it cannot be changed later."
            ),
        )
        values = _ask(key)
        if not st.form_submit_button(_("Add the view"), type="primary", icon=":material/add:"):
            return
    # A CT sees what is inside: said for the person only where nothing else was chosen.
    if values["found_as"] == _usual_found_as():
        values["found_as"] = guess_found_as(values["modality"])
    try:
        add_view(services(), person(), dialog.values["id"], code=code, **values)
    except AppError as error:
        show_error(error)
        return
    dialog.values["added"] = True
    st.session_state["view_add_turn"] = turn + 1
    st.rerun()


def _usual_found_as() -> str:
    return guess_found_as(RGB)


def _ask(key: str) -> dict[str, Any]:
    """Ask for all of a view but its code; return the values by their names."""
    modalities, found_as = name_modalities(), {code: _(name) for code, name in FOUND_AS_NAMES.items()}
    models = {"": _("The one chosen for all"), **{one.name: name_model(one.name) for one in list_options(DETECTION)}}
    starts = {"modality": RGB, "found_as": _usual_found_as(), "is_required": True, "detector": ""}
    for name, value in starts.items():
        st.session_state.setdefault(f"{key}_{name}", value)
    name = st.text_input(_("Name"), key=f"{key}_name", max_chars=190)
    name_en = st.text_input(_("English name (optional)"), key=f"{key}_name_en", max_chars=190)
    modality = st.selectbox(
        _("Kind of picture"), list(modalities), key=f"{key}_modality", format_func=lambda code: modalities[code]
    )
    found = st.selectbox(
        _("A defect that only this view shows is called"),
        list(found_as),
        key=f"{key}_found_as",
        format_func=lambda code: found_as[code],
    )
    required = st.toggle(_("Required: without its picture a part goes to Review"), key=f"{key}_is_required")
    detector = st.selectbox(
        _("Detection model"),
        list(models),
        key=f"{key}_detector",
        format_func=lambda option: models[option],
        help=_("Used from the next deployment of the memory bank on."),
    )
    return {
        "name": name,
        "name_en": name_en,
        "modality": modality,
        "found_as": found,
        "is_required": required,
        "detector": detector,
    }


def _move_up(product_id: int, codes: list[str], place: int) -> None:
    codes[place - 1], codes[place] = codes[place], codes[place - 1]
    try:
        order_views(services(), person(), product_id, codes)
    except AppError as error:
        show_error(error)


def _set_active(view: View, active: bool) -> None:
    try:
        set_view_active(services(), person(), view.id, active, row_version=view.row_version)
    except AppError as error:
        show_error(error)
