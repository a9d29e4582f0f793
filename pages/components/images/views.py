"""The view that images to come show, and the images that have none yet."""

from __future__ import annotations

import streamlit as st

from core.catalog.views import list_views
from core.images.gallery.filters import NONE_NAMED, GalleryFilter
from core.images.views.missing import count_without_view
from pages.components.gallery.address import ask_for
from pages.components.shared.language import _, _n
from pages.components.shared.session import services
from pages.components.shared.view_choice import name_views


def ask_view(product_id: int, *, key: str) -> str:
    """Return the code of the view that images to come show; empty where the names of files are to say it."""
    names = name_views(list_views(services(), product_id))
    if not names:
        return ""
    labels = {"": _("as folders and file names say"), **names}
    widget = f"{key}_view_{product_id}"
    if st.session_state.get(widget) not in labels:
        st.session_state[widget] = ""
    chosen = st.selectbox(_("View of the product"), list(labels), key=widget, format_func=lambda code: labels[code])
    return chosen or ""


def show_without_view(product_id: int, image_type: str) -> None:
    """Say how many images of the type have no view yet, and show them at a click, to be given one."""
    count = count_without_view(services(), product_id).get(image_type, 0)
    if not count:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"without_view_{image_type}"):
        st.markdown(
            ":orange[:material/view_in_ar:] "
            + _n(
                "{count} image has no view yet: no model learns from it. Choose it, then *Re-label*.",
                "{count} images have no view yet: no model learns from them. Choose them all, then *Re-label*.",
                count,
            ),
            width="stretch",
        )
        st.button(_("Show them"), key=f"show_without_view_{image_type}", on_click=_show_them)


def _show_them() -> None:
    ask_for(GalleryFilter(view=NONE_NAMED))
