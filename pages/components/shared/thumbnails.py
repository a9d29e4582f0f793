"""Rows of thumbnails with what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.similarity.matches import fetch_thumbnails
from pages.components.shared.language import _, day, defect_name, escape, percent, product_name
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.similarity.matches import Similar

_SECONDS_CACHED = 600  # after so long, one that could not be read is tried again


@st.cache_data(show_spinner=False, max_entries=64, ttl=_SECONDS_CACHED)
def _thumbnails(store: int, keys: tuple[str, ...]) -> dict[str, bytes]:
    return fetch_thumbnails(services().objects, keys)


def read_thumbnails(keys: Sequence[str]) -> dict[str, bytes]:
    """Return the thumbnails by key, kept for a while; one that cannot be read now is missing."""
    return _thumbnails(hash(services().settings), tuple(keys))


def show_thumbnail(data: bytes | None, *, alt: str) -> None:
    """Draw a thumbnail over the full width of its column, or words where there is none."""
    if data is None:
        st.caption(_("(no preview)"))
    else:
        st.image(data, width="stretch", alt=alt)


def show_similar(found: Sequence[Similar], *, key: str, columns: int = 3, with_product: bool = False) -> None:
    """Draw similar images, the most similar first: how similar, which defect type, when, and what was done then.

    `with_product` names the product of each, where they are of several.
    """
    thumbnails = read_thumbnails([similar.thumbnail_key for similar in found])
    with st.container(key=f"gallery_{key}"):
        for start in range(0, len(found), columns):
            for column, similar in zip(st.columns(columns), found[start : start + columns], strict=False):
                with column:
                    show_thumbnail(thumbnails.get(similar.thumbnail_key), alt=similar.stored_name)
                    kind = defect_name(similar.defect_type) if similar.defect_type else _("Normal")
                    about = f"{escape(similar.stored_name)}  \n{day(similar.created_at)}"
                    if with_product and similar.product is not None:
                        about = f"{escape(product_name(similar.product))}  \n{about}"
                    if similar.inspection_id is not None:
                        about += "  \n" + _("Inspection no. {number}, confirmed", number=similar.inspection_id)
                    if similar.last_action:
                        about += "  \n" + _("Done then: {note}", note=escape(similar.last_action))
                    st.markdown(f"**{percent(similar.similarity)}** · {escape(kind)}")
                    st.caption(about)
