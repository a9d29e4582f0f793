"""Dataset versions: a product's images frozen with their labels and splits, what is in them, and what they are for."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import get_product, list_products
from core.datasets.freezing import has_preprocessing_changed
from core.datasets.reading import list_datasets, read_head
from core.errors import NotFound, describe
from pages.components.comparing.wording import read_words
from pages.components.datasets.actions import show_actions
from pages.components.datasets.address import asked_version, open_version
from pages.components.datasets.browser import show_browser
from pages.components.datasets.creation import show_creation
from pages.components.datasets.report import show_broken, show_charts, show_counts, show_facts, show_warnings
from pages.components.datasets.version_list import show_version_list
from pages.components.shared import screens
from pages.components.shared.language import _, _n, day, escape, language, product_name
from pages.components.shared.pickers import pick_product, take_asked_product
from pages.components.shared.session import require, services, showing_errors

require(ENGINEER)


def show_start() -> None:
    """Draw the versions of a product, and the form that makes one."""
    take_asked_product("datasets")
    products = [summary.product for summary in list_products(services())]
    title, choose = st.columns([1.7, 2.0], vertical_alignment="bottom")
    title.title(_("Dataset versions"))
    if not products:
        st.info(_("There is no product yet. Register one and add its images first."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    with choose:
        product = pick_product(products, key="datasets")
    assert product is not None
    versions = list_datasets(services(), product.id)
    about, button = st.columns([3, 1], vertical_alignment="center")
    about.caption(
        _(
            "A version is the product's images at one moment, frozen by a hash and split by part: what is trained and "
            "compared on it can be repeated."
        )
    )
    with button:
        made = show_creation(product.id, first=not versions, key="datasets")
    if made is not None:
        open_version(made.id)
        st.rerun()
    if not versions:
        st.info(
            _("There is no dataset version yet. Make one of the images that there are now."),
            icon=":material/inventory_2:",
        )
        return
    chosen = show_version_list(versions)
    if chosen is not None:
        open_version(chosen)
        st.rerun()


def show_one(asked: int) -> None:
    """Draw the version that the address names."""
    title, back = st.columns([4, 1.2], vertical_alignment="bottom")
    back.button(
        _("All versions"), key="datasets_back", icon=":material/arrow_back:", width="stretch",
        on_click=open_version, args=(None,),
    )  # fmt: skip
    try:
        head = read_head(services(), asked)
        product = get_product(services(), head.product_id)
    except NotFound:
        title.title(_("Dataset versions"))
        st.warning(_("The dataset version of this link is not there."), icon=":material/link_off:")
        return
    title.title(_("Dataset version {number}", number=head.number) + (f" · {head.name}" if head.name else ""))
    with showing_errors():
        words = read_words(product.id)
        st.caption(
            " · ".join(
                [
                    escape(product_name(product)),
                    _n("{count} image", "{count} images", head.report.n_images),
                    day(head.created_at),
                ]
            )
        )
        show_broken(head)
        show_actions(head, product)
        show_warnings(head)
        if has_preprocessing_changed(services(), head):
            st.caption(f":material/info: {describe('dataset_warns_preprocessing', {}, language())}")
        left, right = st.columns([1.25, 1])
        with left:
            show_charts(head.report, words)
        with right:
            show_facts(head)
            with st.expander(_("Table of the types"), icon=":material/table:"):
                show_counts(head.report, words)
        st.subheader(_("Its images"))
        show_browser(head, words)


asked = asked_version()
if asked is None:
    show_start()
else:
    show_one(asked)
