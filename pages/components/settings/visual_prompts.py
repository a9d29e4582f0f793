"""What a vision-language model is told to look for: edited by kind of picture and product, with history and undo."""

from __future__ import annotations

import streamlit as st

from core.catalog.products import list_products_in_use
from core.catalog.views import MODALITY_NAMES
from core.errors import AppError, Conflict
from core.i18n import N_
from core.methods.visual.prompts import (
    MAX_PROMPT_CHARS,
    PromptInForce,
    find_prompt,
    list_prompts,
    save_prompt,
    undo_prompt,
)
from pages.components.shared.language import _, escape, moment, product_name
from pages.components.shared.session import person, say_after_rerun, services, show_error

_SOURCES: dict[str, str] = {
    "own": N_("In force: the program's own text."),
    "all": N_("In force: the text for all products, version {number}."),
    "product": N_("In force: this product's own text, version {number}."),
}


def show_prompts() -> None:
    """Draw the choice of product and kind of picture, the text in force to be edited, and its history."""
    st.subheader(_("What the model is told to look for"))
    products: dict[int | None, str] = {None: _("All products")}
    products |= {product.id: product_name(product) for product in list_products_in_use(services())}
    kinds = {code: _(title) for code, title in MODALITY_NAMES.items()}
    with st.container(horizontal=True):
        product_id = st.selectbox(
            _("Product"), list(products), key="visual_prompt_product", format_func=lambda found: products[found]
        )
        modality = st.selectbox(
            _("Kind of picture"), list(kinds), key="visual_prompt_kind", format_func=lambda found: kinds[found]
        )
    found = find_prompt(services(), product_id, modality)
    st.caption(_(_SOURCES[found.source], number=found.number))
    key = _key(product_id, modality, found.newest)
    text = st.text_area(
        _("Text for the model (English works best)"),
        value=found.text if key not in st.session_state else None,
        key=key,
        max_chars=MAX_PROMPT_CHARS,
        height=150,
        help=_(
            "Names of the product and its types, the form of the answer and the rules against instructions in pictures "
            "are added by the program."
        ),
    )
    with st.container(horizontal=True):
        if st.button(
            _("Save this text"), key="visual_prompt_save", icon=":material/save:", disabled=(text or "") == found.text
        ):
            _save(product_id, modality, text or "", found)
        if st.button(_("Undo"), key="visual_prompt_undo", icon=":material/undo:", disabled=found.newest == 0):
            _restore(product_id, modality, found, found.newest - 1)
    _show_history(product_id, modality, found)


def _key(product_id: int | None, modality: str, newest: int) -> str:
    return f"visual_prompt_text_{product_id or 0}_{modality}_{newest}"


def _save(product_id: int | None, modality: str, text: str, found: PromptInForce) -> None:
    try:
        made = save_prompt(services(), person(), product_id, modality, text, newest=found.newest)
    except Conflict as error:
        show_error(error)
        # The next save is made on the state that the person has now been told of; what was typed stays.
        newest = find_prompt(services(), product_id, modality).newest
        st.session_state[_key(product_id, modality, newest)] = text
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("Version {number} is in force.", number=made.newest))
    st.rerun()


def _restore(product_id: int | None, modality: str, found: PromptInForce, number: int) -> None:
    try:
        undo_prompt(services(), person(), product_id, modality, newest=found.newest, number=number)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The earlier text is in force again."), ":material/undo:")
    st.rerun()


def _show_history(product_id: int | None, modality: str, found: PromptInForce) -> None:
    versions = list_prompts(services(), product_id, modality)
    if not versions:
        return
    with st.expander(_("History ({count})", count=len(versions))):
        for version in versions:
            with st.container(horizontal=True, vertical_alignment="center"):
                who = escape(_(version.person_name)) if version.person_name else "–"
                st.markdown(
                    _(
                        "**Version {number}** · {when} · {who}",
                        number=version.number,
                        when=moment(version.created_at),
                        who=who,
                    )
                )
                if version.number != found.newest and st.button(
                    _("Bring back"), key=f"visual_prompt_back_{version.number}", icon=":material/history:"
                ):
                    _restore(product_id, modality, found, version.number)
            st.caption(escape(version.text) if version.text else _("No text of its own."))
