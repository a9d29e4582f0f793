"""Rows of thumbnails with what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.components.shared.language import _, day, defect_name, escape, percent

if TYPE_CHECKING:
    from core.similarity.matches import Similar


def show_thumbnail(data: bytes | None, *, alt: str) -> None:
    """Show a thumbnail over the full width of its column, or a text where there is none."""
    if data is None:
        st.caption(_("(no preview)"))
    else:
        st.image(data, width="stretch", alt=alt)


def show_similar(found: Sequence[Similar], *, key: str, columns: int = 3, with_product: bool = False) -> None:
    """Show similar images, the most similar first: how similar, which defect type, when, and what was done then.

    `with_product` names the product of each, where they are of several.
    """
    with st.container(key=f"gallery_{key}"):
        for start in range(0, len(found), columns):
            for column, similar in zip(st.columns(columns), found[start : start + columns], strict=False):
                with column:
                    show_thumbnail(similar.thumbnail, alt=similar.stored_name)
                    kind = defect_name(similar.defect_type) if similar.defect_type else _("Normal")
                    about = f"{escape(similar.stored_name)}  \n{day(similar.created_at)}"
                    if with_product and similar.product is not None:
                        about = f"{escape(similar.product.name)}  \n{about}"
                    if similar.inspection_id is not None:
                        about += "  \n" + _("Inspection no. {number}, confirmed", number=similar.inspection_id)
                    if similar.last_action:
                        about += "  \n" + _("Done then: {note}", note=escape(similar.last_action))
                    st.markdown(f"**{percent(similar.similarity)}** · {escape(kind)}")
                    st.caption(about)
