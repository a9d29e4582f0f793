"""The images of a dataset version, a page at a time, by split and label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.datasets.browsing import ShownImage, list_images
from pages.components.comparing.wording import ProductWords
from pages.components.datasets.address import ask_images, asked_images
from pages.components.datasets.naming import name_splits
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, _n, escape
from pages.components.shared.session import services
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from core.datasets.records import DatasetHead

PAGE_SIZE = 24
_COLUMNS = 8
_ALL = ""


def show_browser(head: DatasetHead, words: ProductWords) -> None:
    """Draw the filter, and the page of the images that the address asks for."""
    split, label, page = asked_images()
    label = label if label in head.report.labels else _ALL
    splits: dict[str, str] = {_ALL: _("All")}
    splits.update(name_splits().items())
    labels = [_ALL, *head.report.labels]
    left, right = st.columns([1.4, 1], vertical_alignment="bottom")
    st.session_state["dataset_split"], st.session_state["dataset_label"] = split, label

    def change() -> None:
        ask_images(st.session_state["dataset_split"] or _ALL, st.session_state["dataset_label"] or _ALL)

    left.segmented_control(
        _("Split"), list(splits), key="dataset_split", format_func=lambda one: splits[one], required=True,
        on_change=change,
    )  # fmt: skip
    right.selectbox(
        _("Type"), labels, key="dataset_label", on_change=change,
        format_func=lambda one: words.label(one) if one else _("All"),
    )  # fmt: skip
    found, total = list_images(
        services(), head.id, split=split, label=label, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE
    )
    st.caption(_n("{count} image", "{count} images", total))
    if not found:
        st.info(_("No image is left by this filter."), icon=":material/filter_alt_off:")
        return
    _show_page(found, words)
    n_pages = -(-total // PAGE_SIZE)
    if n_pages > 1:
        before, middle, after = st.columns([1, 2, 1], vertical_alignment="center")
        before.button(
            _("Previous page"), key="dataset_page_before", icon=":material/chevron_left:", disabled=page <= 1,
            on_click=ask_images, args=(split, label, page - 1), width="stretch",
        )  # fmt: skip
        middle.markdown(_("Page {page} of {pages}", page=page, pages=n_pages), text_alignment="center")
        after.button(
            _("Next page"), key="dataset_page_after", icon=":material/chevron_right:", disabled=page >= n_pages,
            on_click=ask_images, args=(split, label, page + 1), width="stretch",
        )  # fmt: skip


def _show_page(found: list[ShownImage], words: ProductWords) -> None:
    thumbnails = read_thumbnails([one.thumbnail_key for one in found if one.thumbnail_key])
    splits = name_splits()
    with st.container(key="gallery_dataset"):
        for start in range(0, len(found), _COLUMNS):
            for column, one in zip(st.columns(_COLUMNS), found[start : start + _COLUMNS], strict=False):
                with column:
                    name = words.label(one.frozen.label)
                    show_thumbnail(thumbnails.get(one.thumbnail_key), alt=one.stored_name or name)
                    told = [splits[one.frozen.split], name_domain(one.frozen.domain) if one.frozen.domain else ""]
                    if not one.stored_name:
                        told.append(_("deleted"))
                    st.caption(f"{escape(name)}  \n" + escape(" · ".join(text for text in told if text)))
