"""Searching a product's images by text, where its index was made with a CLIP."""

from __future__ import annotations

import streamlit as st

from core.catalog.products import list_products
from core.i18n import N_
from core.similarity.text_search import MAX_TEXT_CHARS, search_text, searchable_version
from pages.components.shared import screens
from pages.components.shared.language import _, escape
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import person, services, showing_errors
from pages.components.shared.thumbnails import show_similar
from pages.components.shared.view_choice import pick_view

_KINDS: dict[str, str] = {"defect": N_("Defect images"), "normal": N_("Normal images")}
MODELS = "pages/settings/models.py"
_TOP_K = 12


def show_text_search() -> None:
    """Show the query, the kind of images, and what was found; without a CLIP, how to come by it."""
    products = [summary.product for summary in list_products(services())]
    if not products:
        return
    st.divider()
    st.subheader(_("Search by words"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        product = pick_product(products, key="text_search")
        product_id = product.id if product is not None else 0
        view = pick_view(product_id, key="text_search") or ""
    kinds = [kind for kind in _KINDS if searchable_version(services(), product_id, kind, view) is not None]
    if not kinds:
        st.caption(_("Possible with a CLIP model: choose one under Models, then build this product's index."))
        screens.link_to(MODELS, _("To the models"))
        return
    with st.form("text_search", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            _("What it looks like"),
            key="text_search_query",
            max_chars=MAX_TEXT_CHARS,
            placeholder=_("scratch near the edge"),
        )
        kind = st.segmented_control(
            _("In"),
            kinds,
            key="text_search_kind",
            default=kinds[0],
            required=True,
            format_func=lambda name: _(_KINDS[name]),
        )
        asked = st.form_submit_button(_("Search"), type="primary", icon=":material/search:")
    if not asked:
        return
    with showing_errors():
        with st.spinner(_("Searching … the first search after a start takes longer.")):
            english, found = search_text(
                services(), person(), product_id=product_id, text=text, image_type=kind, top_k=_TOP_K, view=view
            )
        if english != " ".join(text.split()):
            st.caption(_("Searched as: {words}", words=escape(english)))
        if found:
            show_similar(found, key="text_search", columns=6)
        else:
            st.caption(_("None was found."))
