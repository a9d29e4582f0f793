"""The forms of a product: a new one, and an edit that is refused where somebody else saved in the meantime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.code_rules import AUTOMATIC, LONGEST_RULE
from core.catalog.products import AT_ONCE, TRIGGER_NAMES, create_product, get_product, update_product
from core.comparisons.opinion_choice import choose_second_opinion
from core.errors import AppError, BadInput, Conflict
from pages.components.catalog.next_step import mark_new
from pages.components.catalog.second_opinion_choice import pick_second_opinion
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, day, escape, product_name
from pages.components.shared.pickers import remember_product
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import Product

_PATTERN = "pattern"
_CREATE, _EDIT = "product_create", "product_edit"


def show_open_form() -> None:
    """Draw the form that was asked for."""
    if dialog := opened(_CREATE):
        draw_dialog(_("New product"), _show_create, dialog, drawer=True)
    elif dialog := opened(_EDIT):
        draw_dialog(_("Edit product"), _show_edit, dialog, drawer=True)


def start_creating() -> None:
    """Open the empty form."""
    for name in ("name", "name_en", "code", "description", "notice"):
        st.session_state[f"product_create_{name}"] = ""
    open_dialog(_CREATE)


def start_editing(product: Product) -> None:
    """Open the form on the state that the person sees now."""
    for name in ("name", "name_en", "description", "notice", "second_opinion"):
        st.session_state[f"product_edit_{name}"] = getattr(product, name)
    st.session_state["product_edit_trigger"] = product.inspection_trigger
    st.session_state["product_edit_codes"] = product.code_rule if product.code_rule in {"", AUTOMATIC} else _PATTERN
    st.session_state["product_edit_pattern"] = product.code_rule if product.code_rule not in {"", AUTOMATIC} else ""
    open_dialog(
        _EDIT, id=product.id, code=product.code, row_version=product.row_version, registered=day(product.created_at)
    )


def _ask_names(key: str) -> tuple[str, str]:
    name = st.text_input(_("Name"), key=f"{key}_name", max_chars=190)
    name_en = st.text_input(
        _("English name (optional)"),
        key=f"{key}_name_en",
        max_chars=190,
        help=_("Shown to people who work in English. Without it, the name above is shown in both languages."),
    )
    return name, name_en


def _ask_notice(key: str) -> str:
    return st.text_area(
        _("Licence or source of the images (optional)"),
        key=f"{key}_notice",
        height=80,
        help=_("Named wherever these images are shown."),
    )


def _show_create(_dialog: OpenDialog) -> None:
    """Show the form of a new product. What was typed stays until it is saved."""
    with st.form("product_create", border=False):
        name, name_en = _ask_names("product_create")
        code = st.text_input(
            _("Code (optional)"),
            key="product_create_code",
            max_chars=64,
            placeholder=_("made from the name"),
            help=_("Letters A–Z, digits, “-” and “_”. File names are made of it, so it cannot be changed later."),
        )
        description = st.text_area(_("Description (optional)"), key="product_create_description", height=140)
        notice = _ask_notice("product_create")
        if not st.form_submit_button(_("Register"), type="primary", icon=":material/check:"):
            return
    try:
        product = create_product(
            services(),
            person(),
            name=name,
            name_en=name_en,
            code=code or None,
            description=description,
            notice=notice,
        )
    except AppError as error:
        show_error(error)
        return
    remember_product(product.id)
    mark_new(product.id)
    close_dialog()
    st.rerun()


def _show_edit(dialog: OpenDialog) -> None:
    """Show the form of an existing product. A save that comes too late says what changed and keeps what was typed."""
    values = dialog.values
    with st.form("product_edit", border=False):
        st.caption(
            _("No. {number}", number=values["id"])
            + f" · {_('Code')} `{values['code']}` · "
            + _("Added {day}", day=values["registered"])
        )
        name, name_en = _ask_names("product_edit")
        description = st.text_area(_("Description (optional)"), key="product_edit_description", height=140)
        notice = _ask_notice("product_edit")
        trigger = _show_trigger()
        code_rule = _show_code_rule()
        opinion = pick_second_opinion(values["id"], key="product_edit_second_opinion")
        if not st.form_submit_button(_("Save"), type="primary", icon=":material/check:"):
            return
    if code_rule is None:
        # Not to be taken for “not read”.
        show_error(BadInput("code_rule_missing"))
        return
    try:
        product = update_product(
            services(),
            person(),
            values["id"],
            row_version=values["row_version"],
            name=name,
            name_en=name_en,
            description=description,
            notice=notice,
            inspection_trigger=trigger,
            code_rule=code_rule,
        )
        if opinion != product.second_opinion:
            choose_second_opinion(services(), person(), product.id, opinion, row_version=product.row_version)
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next save is made on that state.
        values["row_version"] = get_product(services(), values["id"]).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is saved.", name=escape(product_name(product))))
    close_dialog()
    st.rerun()


def _show_trigger() -> str:
    """Show when an image that was given is inspected."""
    chosen = st.radio(
        _("Inspection starts"),
        list(TRIGGER_NAMES),
        key="product_edit_trigger",
        format_func=lambda trigger: _(TRIGGER_NAMES[trigger]),
        captions=[
            _("as soon as an image is chosen or taken"),
            _("when the worker has looked at the image and presses “Inspect” or the key I"),
        ],
    )
    return chosen or AT_ONCE


def _show_code_rule() -> str | None:
    """Show how a code in the picture names lot and serial number; return the rule, None for a pattern not typed."""
    names = {"": _("Not read"), AUTOMATIC: _("Read"), _PATTERN: _("Read by a pattern")}
    chosen = st.radio(
        _("Barcode or QR code in the picture"),
        list(names),
        key="product_edit_codes",
        format_func=lambda rule: names[rule],
        captions=[
            _("lot and serial number are typed, or read by a hand scanner"),
            _("GS1 codes, “LOT…;SN…” and the like fill in both; any other text is the serial number"),
            _("the pattern below says where lot and serial number stand, for hand scanners too"),
        ],
    )
    pattern = st.text_input(
        _("Pattern"),
        key="product_edit_pattern",
        max_chars=LONGEST_RULE,
        placeholder="{lot}-{serial}",
        help=_(
            "`{lot}` and `{serial}` are what is read, `{*}` is anything, `{serial:8}` is 8 characters. Everything else "
            "stands for itself."
        ),
    )
    if chosen == _PATTERN:
        return pattern.strip() or None
    return chosen or ""
